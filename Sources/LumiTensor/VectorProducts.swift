// Products of vectors along the last axis.

extension Tensor {
  /// The inner product along the last axis.
  public func dot(_ other: Tensor) -> Tensor { (self * other).sum(axis: -1) }

  /// The cross product along the last axis, whose extent is 3.
  public static func cross(_ a: Tensor, _ b: Tensor) -> Tensor {
    require(
      a.shape.last == 3 && b.shape.last == 3 && a.dtype == b.dtype && a.dtype.isFloatingPoint,
      "cross: \(a.dtype) \(a.shape) and \(b.dtype) \(b.shape)")
    let shape = ShapeRules.broadcast(a.shape, b.shape, "cross")
    let (left, right) = (a.broadcast(to: shape), b.broadcast(to: shape))
    let value =
      a.dtype == .float32 ? crossed(left, right, Float.self) : crossed(left, right, Double.self)
    return value.recorded("cross", from: [left, right]) { cotangent, needs in
      [needs[0] ? cross(right, cotangent) : nil, needs[1] ? cross(cotangent, left) : nil]
    }
  }

  private static func crossed<T: TensorScalar & BinaryFloatingPoint>(
    _ a: Tensor, _ b: Tensor, _ type: T.Type
  ) -> Tensor {
    let (x, y) = (a.pointer(T.self), b.pointer(T.self))
    return .build(a.shape, T.self) { out in
      inBlocks(a.count / 3, of: Elementwise.block / 4) { range in
        for at in stride(from: 3 * range.lowerBound, to: 3 * range.upperBound, by: 3) {
          out[at] = x[at + 1] * y[at + 2] - x[at + 2] * y[at + 1]
          out[at + 1] = x[at + 2] * y[at] - x[at] * y[at + 2]
          out[at + 2] = x[at] * y[at + 1] - x[at + 1] * y[at]
        }
      }
    }
  }

  /// x/|x| along the last axis; vectors shorter than 1e-12 give zero with a zero derivative, because
  /// their direction is noise and its derivative has no bound.
  public func unitVectors() -> Tensor {
    let squared = square().sum(axis: -1, keepDims: true)
    let short = (squared.stoppingGradient() .> 1e-24).not()
    let length = Tensor.where(short, Tensor(1, dtype: dtype), squared).sqrt()
    return Tensor.where(short, Tensor(0, dtype: dtype), self / length)
  }
}
