import LumiTensor

// Functions of an angle θ that are smooth in p = θ², so that rotations have derivatives of every
// order at θ = 0, where √p has none. Below a threshold a power series, above it the closed form;
// each side gets a harmless argument where the other one counts, because a derivative of 0 · ∞
// would be NaN.
enum EvenFunctions {
  /// cos θ.
  static func cosine(_ p: Tensor) -> Tensor {
    branch(p, below: 1, series: factorialSeries(0)) { $0.cos() }
  }

  /// sin θ / θ.
  static func sine(_ p: Tensor) -> Tensor {
    branch(p, below: 1, series: factorialSeries(1)) { $0.sin() / $0 }
  }

  /// (1 - cos θ)/θ².
  static func versine(_ p: Tensor) -> Tensor {
    branch(p, below: 1, series: factorialSeries(2)) { (1 - $0.cos()) / $0.square() }
  }

  /// (θ - sin θ)/θ³.
  static func sineRemainder(_ p: Tensor) -> Tensor {
    branch(p, below: 1, series: factorialSeries(3)) { ($0 - $0.sin()) / ($0.square() * $0) }
  }

  /// (1 - ½θ cot ½θ)/θ², bounded up to θ < 2π.
  static func cotangentRemainder(_ p: Tensor) -> Tensor {
    // Laurent coefficients of the cotangent: 2^2k |B_2k| / (2k)!, here in θ²/4.
    let terms: [(Double, Double)] = [
      (1, 3), (1, 45), (2, 945), (1, 4725), (2, 93555), (1382, 638_512_875), (4, 18_243_225),
      (3617, 162_820_783_125),
    ]
    var scale = 0.25
    let series = terms.map { numerator, denominator -> Double in
      defer { scale /= 4 }
      return numerator / denominator * scale
    }
    return branch(p, below: 0.25, series: series) { angle in
      let half = angle * 0.5
      return (1 - half * half.cos() / half.sin()) / angle.square()
    }
  }

  /// atan(t)/t as a function of t².
  static func arctangent(_ square: Tensor) -> Tensor {
    let series = (0..<9).map { k -> Double in
      let sign: Double = k % 2 == 0 ? 1 : -1
      return sign / Double(2 * k + 1)
    }
    return branch(square, below: 0.01, series: series) { $0.atan() / $0 }
  }

  /// Σ (-p)^k / (2k + first)!, to less than 1e-20 for p < 1.
  private static func factorialSeries(_ first: Int) -> [Double] {
    var term = 1.0
    for factor in 1...Swift.max(first, 1) { term /= Double(factor) }
    return (0..<11).map { k -> Double in
      let next = (2 * k + first + 1) * (2 * k + first + 2)
      defer { term /= -Double(next) }
      return term
    }
  }

  private static func branch(
    _ p: Tensor, below threshold: Double, series: [Double], _ closed: (Tensor) -> Tensor
  ) -> Tensor {
    let small = p.stoppingGradient() .< threshold
    let near = Tensor.where(small, p, Tensor(0, dtype: p.dtype))
    let far = Tensor.where(small, Tensor(threshold, dtype: p.dtype), p)
    var sum = Tensor.full(p.shape, series.last!, dtype: p.dtype)
    for coefficient in series.dropLast().reversed() { sum = sum * near + coefficient }
    return Tensor.where(small, sum, closed(far.sqrt()))
  }
}
