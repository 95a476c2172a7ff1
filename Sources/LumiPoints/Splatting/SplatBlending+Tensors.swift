import LumiTensor

extension SplatBlending {
  /// The same as the kernel, readably: every listed splat against every pixel, [M, P].
  func blendedByTensors() -> Tensor {
    let (listed, pixels) = (order.count, height * width)
    guard listed > 0 else { return .zeros([height, width, planeCount], dtype: places.dtype) }
    let covers = coverage()
    let raw = opacities.gather(order).expandingDims(at: 1) * covers.exponent.exp()
    let limited = raw.clamped(max: limits.largestAlpha)
    let counts = (limited.stoppingGradient() .>= limits.leastAlpha) .&& covers.counts
    let alpha = Tensor.where(counts, limited, 0)
    let after = (1 - alpha).cumprod(axis: 0)
    let before = Tensor.concatenate(
      [.ones([1, pixels], dtype: alpha.dtype), after.slice(axis: 0, from: 0, to: listed - 1)])
    let passes = after.stoppingGradient() .>= limits.leastTransmittance
    let weights = Tensor.where(passes, alpha * before, 0)
    var planes = [weights.transposed().matmul(values.gather(order))]
    if let depths = covers.depths {
      planes.append((weights * Tensor.where(counts, depths, 0)).sum(axis: 0).expandingDims(at: 1))
    }
    planes.append(weights.sum(axis: 0).expandingDims(at: 1))
    return Tensor.concatenate(planes, axis: 1).reshaped([height, width, planeCount])
  }

  private var planeCount: Int {
    if case .projected = kind { return values.shape[1] + 1 }
    return values.shape[1] + 2
  }

  /// The Gaussians' exponents at all pixels [M, P], where they count at all, and for surfels how
  /// deep rays meet them.
  private func coverage() -> (exponent: Tensor, counts: Tensor, depths: Tensor?) {
    let dtype = places.dtype
    let pixel = Tensor.arange(height * width, dtype: .float64)
    let row = (pixel / Double(width)).floor()
    let px = (pixel - row * Double(width) + 0.5).cast(to: dtype).expandingDims(at: 0)
    let py = (row + 0.5).cast(to: dtype).expandingDims(at: 0)
    let place = places.gather(order)
    let form = forms.gather(order)
    func entry(_ k: Int) -> Tensor { form.columnVector(k) }
    let (dx, dy) = (px - place.columnVector(0), py - place.columnVector(1))
    switch kind {
    case .projected:
      let (a, b, c) = (entry(0), entry(1), entry(2))
      let exponent = (dx * dx * a + dy * dy * c) * -0.5 - dx * dy * b
      let isDrawn = (a * c - b * b).stoppingGradient() .> 0
      return (exponent, isDrawn.broadcast(to: exponent.shape), nil)
    case .surfel(let screenFactor, let nearestDepth):
      let k = (0..<3).map { px * entry(6 + $0) - entry($0) }
      let l = (0..<3).map { py * entry(6 + $0) - entry(3 + $0) }
      let third = k[0] * l[1] - k[1] * l[0]
      let isEdgeOn = third.stoppingGradient() .== 0
      let divisor = Tensor.where(isEdgeOn, 1, third)
      let u = (k[1] * l[2] - k[2] * l[1]) / divisor
      let v = (k[2] * l[0] - k[0] * l[2]) / divisor
      let (inPlane, onScreen) = (u * u + v * v, (dx * dx + dy * dy) * screenFactor)
      let isFlat =
        isEdgeOn.not() .&& (inPlane.stoppingGradient() .<= onScreen.stoppingGradient())
      let met = u * entry(6) + v * entry(7) + entry(8)
      let depths = Tensor.where(isFlat, met, entry(8).broadcast(to: met.shape))
      let exponent = Tensor.where(isFlat, inPlane, onScreen) * -0.5
      return (exponent, depths.stoppingGradient() .> nearestDepth, depths)
    }
  }
}
