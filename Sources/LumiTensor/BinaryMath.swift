// Elementwise functions of two tensors. Shapes broadcast; dtypes agree.

extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    let (shapeA, shapeB) = (a.shape, b.shape)
    return Elementwise.binary(.add, a, b).recorded("add", from: [a, b]) { cotangent, needs in
      [
        needs[0] ? cotangent.summed(to: shapeA) : nil,
        needs[1] ? cotangent.summed(to: shapeB) : nil,
      ]
    }
  }

  public static func - (a: Tensor, b: Tensor) -> Tensor {
    let (shapeA, shapeB) = (a.shape, b.shape)
    return Elementwise.binary(.subtract, a, b)
      .recorded("subtract", from: [a, b]) { cotangent, needs in
        [
          needs[0] ? cotangent.summed(to: shapeA) : nil,
          needs[1] ? -cotangent.summed(to: shapeB) : nil,
        ]
      }
  }

  public static func * (a: Tensor, b: Tensor) -> Tensor {
    Elementwise.binary(.multiply, a, b).recorded("multiply", from: [a, b]) { cotangent, needs in
      [
        needs[0] ? (cotangent * b).summed(to: a.shape) : nil,
        needs[1] ? (cotangent * a).summed(to: b.shape) : nil,
      ]
    }
  }

  /// Integers divide towards zero; an integer zero divisor stops the program.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    Elementwise.binary(.divide, a, b)
      .recordedKeepingOutput("divide", from: [a, b]) { cotangent, quotient, needs in
        let scaled = cotangent / b
        return [
          needs[0] ? scaled.summed(to: a.shape) : nil,
          needs[1] ? -(scaled * quotient).summed(to: b.shape) : nil,
        ]
      }
  }

  /// The smaller of two; where they are equal each gets half of the derivative.
  public static func minimum(_ a: Tensor, _ b: Tensor) -> Tensor {
    extremum(.minimum, a, b) { $0 .< $1 }
  }

  /// The larger of two; where they are equal each gets half of the derivative.
  public static func maximum(_ a: Tensor, _ b: Tensor) -> Tensor {
    extremum(.maximum, a, b) { $0 .> $1 }
  }

  public static func minimum(_ a: Tensor, _ b: Double) -> Tensor {
    minimum(a, Tensor(b, dtype: a.dtype))
  }
  public static func maximum(_ a: Tensor, _ b: Double) -> Tensor {
    maximum(a, Tensor(b, dtype: a.dtype))
  }

  private static func extremum(
    _ operation: Elementwise.Binary, _ a: Tensor, _ b: Tensor,
    _ wins: @escaping (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    Elementwise.binary(operation, a, b).recorded(operation.rawValue, from: [a, b]) {
      cotangent, needs in
      let share = wins(a.detached, b.detached).cast(to: a.dtype)
      let tie = (a.detached .== b.detached).cast(to: a.dtype) * 0.5
      return [
        needs[0] ? (cotangent * (share + tie)).summed(to: a.shape) : nil,
        needs[1] ? (cotangent * (1 - share - tie)).summed(to: b.shape) : nil,
      ]
    }
  }

  /// The angle of the point (x, y) in (-π, π]; at the origin the derivative is 0.
  public static func atan2(_ y: Tensor, _ x: Tensor) -> Tensor {
    require(y.dtype.isFloatingPoint, "atan2: tensors of dtype \(y.dtype)")
    return Elementwise.binary(.atan2, y, x).recorded("atan2", from: [y, x]) { cotangent, needs in
      let squared = x * x + y * y
      let origin = squared.detached .== 0
      let scaled = cotangent / Tensor.where(origin, Tensor.ones(like: squared.detached), squared)
      return [
        needs[0] ? (scaled * x).summed(to: y.shape) : nil,
        needs[1] ? -(scaled * y).summed(to: x.shape) : nil,
      ]
    }
  }

  // MARK: With a Swift number

  public static func + (a: Tensor, b: Double) -> Tensor { a + Tensor(b, dtype: a.dtype) }
  public static func + (a: Double, b: Tensor) -> Tensor { Tensor(a, dtype: b.dtype) + b }
  public static func - (a: Tensor, b: Double) -> Tensor { a - Tensor(b, dtype: a.dtype) }
  public static func - (a: Double, b: Tensor) -> Tensor { Tensor(a, dtype: b.dtype) - b }
  public static func * (a: Tensor, b: Double) -> Tensor { a * Tensor(b, dtype: a.dtype) }
  public static func * (a: Double, b: Tensor) -> Tensor { Tensor(a, dtype: b.dtype) * b }
  public static func / (a: Tensor, b: Double) -> Tensor { a / Tensor(b, dtype: a.dtype) }
  public static func / (a: Double, b: Tensor) -> Tensor { Tensor(a, dtype: b.dtype) / b }

  public static func += (a: inout Tensor, b: Tensor) { a = a + b }
  public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
  public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
  public static func /= (a: inout Tensor, b: Tensor) { a = a / b }
}
