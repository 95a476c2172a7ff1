// Elementwise functions of one tensor, each with its derivative made of tensor operations.

extension Tensor {
  private func unary(
    _ operation: Elementwise.Unary, parameter: Double = 0,
    _ derivative: @escaping (_ x: Tensor, _ cotangent: Tensor) -> Tensor
  ) -> Tensor {
    Elementwise.unary(operation, self, parameter: parameter)
      .recorded(operation.rawValue, from: [self]) { cotangent, _ in [derivative(self, cotangent)] }
  }

  /// For functions whose derivative is cheapest from their own value.
  private func unaryByOutput(
    _ operation: Elementwise.Unary, parameter: Double = 0,
    _ derivative: @escaping (_ y: Tensor, _ cotangent: Tensor) -> Tensor
  ) -> Tensor {
    Elementwise.unary(operation, self, parameter: parameter)
      .recordedKeepingOutput(operation.rawValue, from: [self]) { cotangent, y, _ in
        [derivative(y, cotangent)]
      }
  }

  private func requireFloating(_ name: String) -> Tensor {
    require(dtype.isFloatingPoint, "\(name): a tensor of dtype \(dtype)")
    return self
  }

  public static prefix func - (x: Tensor) -> Tensor { x.unary(.negate) { -$1 } }

  /// |x|; the derivative at 0 is 0.
  public func abs() -> Tensor { unary(.absolute) { $1 * $0.stoppingGradient().sign() } }
  /// -1, 0 or 1; the derivative is 0.
  public func sign() -> Tensor { Elementwise.unary(.sign, self) }
  public func square() -> Tensor { unary(.square) { $0 * $1 * 2 } }
  /// √x; NaN below 0, and an infinite derivative at 0.
  public func sqrt() -> Tensor {
    requireFloating("sqrt").unaryByOutput(.squareRoot) { $1 / ($0 * 2) }
  }
  /// 1/√x.
  public func rsqrt() -> Tensor {
    requireFloating("rsqrt").unaryByOutput(.reciprocalSquareRoot) { $1 * $0 * $0 * $0 * -0.5 }
  }
  /// 1/x.
  public func reciprocal() -> Tensor {
    requireFloating("reciprocal").unaryByOutput(.reciprocal) { -($1 * $0 * $0) }
  }
  public func exp() -> Tensor { requireFloating("exp").unaryByOutput(.exp) { $0 * $1 } }
  /// exp(x) - 1, exact near 0.
  public func expm1() -> Tensor {
    requireFloating("expm1").unaryByOutput(.expm1) { ($0 + 1) * $1 }
  }
  /// The natural logarithm.
  public func log() -> Tensor { requireFloating("log").unary(.log) { $1 / $0 } }
  /// log(1 + x), exact near 0.
  public func log1p() -> Tensor { requireFloating("log1p").unary(.log1p) { $1 / ($0 + 1) } }
  public func sin() -> Tensor { requireFloating("sin").unary(.sin) { $0.cos() * $1 } }
  public func cos() -> Tensor { requireFloating("cos").unary(.cos) { -($0.sin() * $1) } }
  public func tan() -> Tensor {
    requireFloating("tan").unaryByOutput(.tan) { $1 * ($0 * $0 + 1) }
  }
  public func asin() -> Tensor {
    requireFloating("asin").unary(.asin) { $1 * (1 - $0 * $0).rsqrt() }
  }
  public func acos() -> Tensor {
    requireFloating("acos").unary(.acos) { -($1 * (1 - $0 * $0).rsqrt()) }
  }
  public func atan() -> Tensor { requireFloating("atan").unary(.atan) { $1 / ($0 * $0 + 1) } }
  public func sinh() -> Tensor { requireFloating("sinh").unary(.sinh) { $1 * $0.cosh() } }
  public func cosh() -> Tensor { requireFloating("cosh").unary(.cosh) { $1 * $0.sinh() } }
  public func tanh() -> Tensor {
    requireFloating("tanh").unaryByOutput(.tanh) { $1 * (1 - $0 * $0) }
  }
  /// 1/(1 + exp(-x)), without overflow.
  public func sigmoid() -> Tensor {
    requireFloating("sigmoid").unaryByOutput(.sigmoid) { $1 * $0 * (1 - $0) }
  }
  /// log(1 + exp(βx))/β, without overflow.
  public func softplus(beta: Double = 1) -> Tensor {
    require(beta > 0, "softplus: beta \(beta), expected above 0")
    return requireFloating("softplus").unary(.softplus, parameter: beta) {
      $1 * ($0 * beta).sigmoid()
    }
  }
  /// max(x, 0); the derivative at 0 is 0.
  public func relu() -> Tensor {
    requireFloating("relu").unary(.relu) { $1 * ($0.stoppingGradient() .> 0).cast(to: $1.dtype) }
  }
  /// The error function.
  public func erf() -> Tensor {
    requireFloating("erf").unary(.erf) {
      $1 * (-($0 * $0)).exp() * (2 / Double.pi.squareRoot())
    }
  }
  /// The next integer below; the derivative is 0.
  public func floor() -> Tensor { Elementwise.unary(.floor, self) }
  /// The next integer above; the derivative is 0.
  public func ceil() -> Tensor { Elementwise.unary(.ceil, self) }
  /// The nearest integer, ties to even; the derivative is 0.
  public func round() -> Tensor { Elementwise.unary(.round, self) }

  /// x limited to [`min`, `max`]; the derivative is 1 inside and at the limits, 0 outside.
  public func clamped(min: Double? = nil, max: Double? = nil) -> Tensor {
    var value = detached
    if let min { value = Elementwise.binary(.maximum, value, Tensor(min, dtype: dtype)) }
    if let max { value = Elementwise.binary(.minimum, value, Tensor(max, dtype: dtype)) }
    return value.recorded("clamped", from: [self]) { cotangent, _ in
      [Tensor.where(self.detached .== value, cotangent, Tensor(0, dtype: cotangent.dtype))]
    }
  }

  /// x to a constant power.
  public func pow(_ exponent: Double) -> Tensor {
    let value =
      exponent == 2
      ? Elementwise.unary(.square, requireFloating("pow"))
      : Elementwise.binary(.power, requireFloating("pow"), Tensor(exponent, dtype: dtype))
    return value.recorded("pow", from: [self]) { cotangent, _ in
      exponent == 0
        ? [Tensor.zeros(like: self.detached)]
        : [cotangent * self.pow(exponent - 1) * exponent]
    }
  }

  /// x to the power of another tensor. The derivative with respect to the exponent is taken as 0
  /// where x is not above 0.
  public func pow(_ exponent: Tensor) -> Tensor {
    Elementwise.binary(.power, requireFloating("pow"), exponent)
      .recordedKeepingOutput("pow", from: [self, exponent]) { cotangent, y, needs in
        // 0⁰ is the constant 1, but its slope would come out as 0·∞.
        func slope() -> Tensor {
          let flat = (self.detached .== 0) .&& (exponent.detached .== 0)
          let safe = Tensor.where(flat, Tensor(1, dtype: dtype), self)
          return cotangent * exponent * safe.pow(exponent - 1)
        }
        let positive = self.detached .> 0
        let safe = Tensor.where(positive, self, Tensor(1, dtype: dtype))
        return [
          needs[0] ? slope().summed(to: self.shape) : nil,
          needs[1] ? (cotangent * y * safe.log()).summed(to: exponent.shape) : nil,
        ]
      }
  }

  /// Where elements are neither infinite nor NaN.
  public func isFinite() -> Tensor {
    let plain = detached
    return Elementwise.binary(.subtract, plain, plain) .== 0
  }
  /// Where elements are NaN.
  public func isNaN() -> Tensor { (self .== self).not() }
}
