import LumiTensor

// Lens distortions of image coordinates and their inverses. The inverses run a fixed number of
// Newton steps. All but the last two run outside the tape; each recorded step doubles the order to
// which the derivative is right, so that first and second derivatives of an inverse are those of
// the true one.
private let unrecordedSteps = 10
private let recordedSteps = 2

/// Brown's radial and tangential distortion; with one coefficient the quadratic one.
///
/// The inverse reaches rounding error (about 1e-14 in float64) wherever the distortion is monotone
/// along the ray from the centre; beyond, where several or no points map to a position, its result
/// is finite but means nothing.
struct RadialDistortion {
  let k1: Tensor
  private let others: (k2: Tensor, p1: Tensor, p2: Tensor, k3: Tensor)?

  init(_ coefficients: Tensor) {
    k1 = coefficients.component(0)
    others =
      coefficients.count == 1
      ? nil
      : (
        coefficients.component(1), coefficients.component(2), coefficients.component(3),
        coefficients.component(4)
      )
  }

  /// 1 + k1 r² + k2 r⁴ + k3 r⁶ and its derivative by r².
  private func radial(_ squared: Tensor) -> (factor: Tensor, slope: Tensor) {
    guard let others else { return (1 + k1 * squared, k1) }
    let factor = 1 + squared * (k1 + squared * (others.k2 + squared * others.k3))
    let slope = k1 + squared * (others.k2 * 2 + squared * others.k3 * 3)
    return (factor, slope)
  }

  /// Distorted coordinates [..., 2]. r² counts as at most 10⁶ (an angle of 89.94° to the axis), so
  /// that points at the camera's height stay finite.
  func applied(to points: Tensor) -> Tensor {
    let (x, y) = applied(points.component(0), points.component(1))
    return Tensor.stack([x, y], axis: -1)
  }

  // Newton's steps work on a and b apart, as taking them out of [..., 2] and putting them back
  // would cost more than the arithmetic.
  private func applied(_ a: Tensor, _ b: Tensor) -> (Tensor, Tensor) {
    let squared = (a.square() + b.square()).clamped(max: 1e6)
    let factor = radial(squared).factor
    guard let others else { return (a * factor, b * factor) }
    let (c, d) = (bounded(a), bounded(b))
    let product = c * d * 2
    let x = others.p1 * product + others.p2 * (squared + c.square() * 2)
    let y = others.p1 * (squared + d.square() * 2) + others.p2 * product
    return (a * factor + x, b * factor + y)
  }

  private func bounded(_ values: Tensor) -> Tensor { values.clamped(min: -1e3, max: 1e3) }

  /// Undistorted coordinates [..., 2].
  func inverted(_ target: Tensor) -> Tensor {
    let constant = RadialDistortion(frozen: self)
    let goal = (target.component(0), target.component(1))
    let fixed = (goal.0.stoppingGradient(), goal.1.stoppingGradient())
    var point = fixed
    for _ in 0..<unrecordedSteps { point = constant.newton(point, fixed) }
    for _ in 0..<recordedSteps { point = newton(point, goal) }
    return Tensor.stack([point.0, point.1], axis: -1)
  }

  private init(frozen other: RadialDistortion) {
    k1 = other.k1.stoppingGradient()
    others = other.others.map {
      (
        $0.k2.stoppingGradient(), $0.p1.stoppingGradient(), $0.p2.stoppingGradient(),
        $0.k3.stoppingGradient()
      )
    }
  }

  private func newton(
    _ point: (Tensor, Tensor), _ target: (Tensor, Tensor)
  ) -> (Tensor, Tensor) {
    let (a, b) = (bounded(point.0), bounded(point.1))
    let squared = (a.square() + b.square()).clamped(max: 1e6)
    let (factor, slope) = radial(squared)
    var xx = factor + a.square() * slope * 2
    var yy = factor + b.square() * slope * 2
    var xy = a * b * slope * 2
    if let others {
      xx += others.p1 * b * 2 + others.p2 * a * 6
      yy += others.p1 * b * 6 + others.p2 * a * 2
      xy += others.p1 * a * 2 + others.p2 * b * 2
    }
    let reached = applied(point.0, point.1)
    let (x, y) = (reached.0 - target.0, reached.1 - target.1)
    let determinant = xx * yy - xy * xy
    let singular = determinant.stoppingGradient().abs() .< 1e-12
    let scale = Tensor.where(singular, Tensor(1e-12, dtype: xx.dtype), determinant)
    let stepA = (yy * x - xy * y) / scale
    let stepB = (xx * y - xy * x) / scale
    return (
      (point.0 - stepA).clamped(min: -1e4, max: 1e4),
      (point.1 - stepB).clamped(min: -1e4, max: 1e4)
    )
  }
}

/// The equidistant fisheye polynomial θ(1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸).
///
/// The inverse reaches rounding error wherever the polynomial grows with θ.
struct FisheyeDistortion {
  private let coefficients: [Tensor]

  init(_ coefficients: Tensor) {
    self.coefficients = (0..<4).map { coefficients.component($0) }
  }

  /// Σ weight_i k_i q^i with the leading 1, from q = θ².
  private func polynomial(
    _ square: Tensor, _ k: [Tensor], weights: [Double] = [1, 1, 1, 1]
  ) -> Tensor {
    var sum = k[3] * weights[3]
    for i in [2, 1, 0] { sum = sum * square + k[i] * weights[i] }
    return sum * square + 1
  }

  /// (x, y) [..., 2] and z [..., 1] to image coordinates. On the axis behind the camera the
  /// direction is undefined and the result is 0.
  func imagePoints(_ xy: Tensor, _ z: Tensor) -> Tensor {
    let squared = xy.square().sum(axis: -1, keepDims: true)
    let inFront = z.stoppingGradient() .> 1e-8
    let ahead = Tensor.where(inFront, z, Tensor(1, dtype: z.dtype))
    let slope = squared / ahead.square()
    let narrow = inFront .&& (slope.stoppingGradient() .< 1)
    // θ/r is atan(t)/(t z) with t = r/z near the axis; elsewhere atan2 knows the quadrant.
    let near = Tensor.where(narrow, slope, Tensor(0, dtype: z.dtype))
    let ratioNear = EvenFunctions.arctangent(near) / ahead
    let away = Tensor.where(
      narrow, Tensor(1, dtype: z.dtype), squared.clamped(min: 1e-16))
    let radius = away.sqrt()
    let ratioAway = Tensor.atan2(radius, z) / radius
    let ratio = Tensor.where(narrow, ratioNear, ratioAway)
    let squaredAngle = ratio.square() * squared
    return xy * ratio * polynomial(squaredAngle, coefficients)
  }

  /// Unit directions [..., 3] from image coordinates [..., 2].
  func directions(_ points: Tensor) -> Tensor {
    let squared = points.square().sum(axis: -1, keepDims: true)
    let ratio = angleRatio(squared)
    let squaredAngle = squared * ratio.square()
    let xy = points * ratio * EvenFunctions.sine(squaredAngle)
    return Tensor.concatenate([xy, EvenFunctions.cosine(squaredAngle)], axis: -1)
  }

  /// u = θ/d for the distorted angle d, from d²: the root of u(1 + Σ k_i (d u)^2i) = 1.
  private func angleRatio(_ squared: Tensor) -> Tensor {
    let frozen = coefficients.map { $0.stoppingGradient() }
    var ratio = Tensor.ones(like: squared)
    for _ in 0..<unrecordedSteps {
      ratio = newton(ratio, squared.stoppingGradient(), frozen)
    }
    for _ in 0..<recordedSteps { ratio = newton(ratio, squared, coefficients) }
    return ratio
  }

  private func newton(_ ratio: Tensor, _ squared: Tensor, _ k: [Tensor]) -> Tensor {
    let squaredAngle = squared * ratio.square()
    let residual = ratio * polynomial(squaredAngle, k) - 1
    let slope = polynomial(squaredAngle, k, weights: [3, 5, 7, 9])
    let flat = slope.stoppingGradient().abs() .< 1e-6
    return (ratio - residual / Tensor.where(flat, Tensor(1, dtype: slope.dtype), slope))
      .clamped(min: 0, max: 1e3)
  }
}
