import LumiScene
import LumiTensor

extension RayInterval {
  /// Where rays are in a ball, differentiable with respect to the rays: the two ends of the chord.
  /// A ray that misses has far below near.
  ///
  /// - Parameters:
  ///   - rays: [R, 3] each, unit directions.
  ///   - centre: of the ball.
  ///   - radius: above 0.
  public init(of rays: CameraRays, inBallAround centre: SIMD3<Double>, radius: Double) {
    let from = rays.origins - Tensor(centre, dtype: rays.origins.dtype)
    let along = (from * rays.directions).sum(axis: 1)
    let apart = from - along.expandingDims(at: 1) * rays.directions
    let inside = radius * radius - apart.square().sum(axis: 1)
    let hits = inside.stoppingGradient() .> 0
    // A chord of length 0 has no derivative, and a missing ray none that is wanted.
    let half = Tensor.where(hits, inside, 1).sqrt()
    near = -along - Tensor.where(hits, half, -1)
    far = -along + Tensor.where(hits, half, -1)
  }

  /// Where rays are in a field's bounds.
  ///
  /// - Parameters:
  ///   - rays: [R, 3] each, unit directions.
  ///   - bounds: a ball or a box.
  public init(of rays: CameraRays, in bounds: FieldBounds) {
    switch bounds {
    case .ball(let centre, let radius): self.init(of: rays, inBallAround: centre, radius: radius)
    case .box(let lower, let upper):
      let dtype = rays.origins.dtype
      self.init(
        of: rays, inBoxFrom: Tensor(lower, dtype: dtype), to: Tensor(upper, dtype: dtype))
    }
  }
}
