import LumiScene
import LumiTensor

/// Points along rays, in the order of the distance.
public struct RaySamples: Sendable {
  /// [R, S, 3], world coordinates.
  public let positions: Tensor
  /// [R, S], distances from the rays' origins.
  public let distances: Tensor
  /// [R, S]: how long a piece of the ray each stands for; 0 for samples that do not count.
  public let lengths: Tensor

  public init(positions: Tensor, distances: Tensor, lengths: Tensor) {
    self.positions = positions
    self.distances = distances
    self.lengths = lengths
  }

  /// - Parameters:
  ///   - rays: [R, 3] each, unit directions.
  ///   - distances: [R, S].
  ///   - lengths: [R, S].
  public init(along rays: CameraRays, distances: Tensor, lengths: Tensor) {
    positions =
      rays.origins.expandingDims(at: 1)
      + rays.directions.expandingDims(at: 1) * distances.expandingDims(at: 2)
    self.distances = distances
    self.lengths = lengths
  }

  /// Sampled marching: equally many samples on every ray, one in each of equal pieces of its
  /// interval. Intervals begin at the ray's origin at the earliest; rays without one get samples of
  /// length 0.
  ///
  /// - Parameters:
  ///   - rays: [R, 3] each, unit directions.
  ///   - interval: where to sample.
  ///   - count: S, at least 1.
  ///   - offsets: [R, S] in [0, 1], where in its piece a sample is, such as random numbers
  ///     (stratified sampling); in the middle if nil, which makes the error of an integral fall
  ///     with 1/S².
  public init(along rays: CameraRays, in interval: RayInterval, count: Int, offsets: Tensor? = nil)
  {
    require(count >= 1, "RaySamples: \(count) samples a ray")
    let dtype = rays.directions.dtype
    let isHit = interval.isHit
    let near = Tensor.where(isHit, interval.near, 0).clamped(min: 0)
    let far = Tensor.where(isHit, interval.far, 0)
    let step = ((far - near) / Double(count)).expandingDims(at: 1)
    let place = Tensor.arange(count, dtype: dtype).expandingDims(at: 0)
    self.init(
      along: rays,
      distances: near.expandingDims(at: 1) + step * (offsets.map { place + $0 } ?? place + 0.5),
      lengths: step.broadcast(to: [near.count, count]))
  }

  /// Samples a ray.
  public var count: Int { distances.shape[1] }
}
