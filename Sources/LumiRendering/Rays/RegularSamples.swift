import LumiScene
import LumiTensor

/// Points along rays at equal steps, by a few numbers a ray: what ``VolumeIntegration`` marches on
/// without storing them.
public struct RegularSamples: Sendable {
  /// Origins and unit directions, [R, 3].
  public let rays: CameraRays
  /// [R]: how far from the origin the first sample is.
  public let starts: Tensor
  /// [R]: from one sample to the next, and how long a piece of the ray each stands for.
  public let steps: Tensor
  /// int32 [R]: samples of each ray, 0 for rays that meet nothing.
  public let counts: Tensor
  /// The largest of ``counts``, at least 1.
  public let count: Int

  /// - Parameters:
  ///   - rays: [R, 3] each, unit directions.
  ///   - starts: [R].
  ///   - steps: [R].
  ///   - counts: int32 [R], at least 0.
  public init(along rays: CameraRays, starts: Tensor, steps: Tensor, counts: Tensor) {
    let shape = [rays.origins.shape[0]]
    require(
      starts.shape == shape && steps.shape == shape && counts.shape == shape
        && counts.dtype == .int32,
      "RegularSamples: \(shape[0]) rays, starts \(starts.shape), steps \(steps.shape), counts "
        + "\(counts.dtype) \(counts.shape)")
    self.rays = rays
    self.starts = starts
    self.steps = steps
    self.counts = counts
    count = counts.withUnsafeScalars(as: Int32.self) { Swift.max(1, Int($0.max() ?? 0)) }
  }

  /// Equally many samples on every ray, in the middle of equal pieces of its interval, as
  /// ``RaySamples`` places them. Intervals begin at the ray's origin at the earliest; rays without
  /// one get no sample.
  ///
  /// - Parameters:
  ///   - rays: [R, 3] each, unit directions.
  ///   - interval: where to sample.
  ///   - count: samples a ray, at least 1.
  public init(along rays: CameraRays, in interval: RayInterval, count: Int) {
    require(count >= 1, "RegularSamples: \(count) samples a ray")
    let isHit = interval.isHit
    let near = Tensor.where(isHit, interval.near, 0).clamped(min: 0)
    let far = Tensor.where(isHit, interval.far, 0)
    let steps = (far - near) / Double(count)
    self.init(
      along: rays, starts: near + steps * 0.5, steps: steps,
      counts: .where(isHit, Tensor(Double(count), dtype: .int32), Tensor(0, dtype: .int32)))
  }

  /// Samples one step apart, the first half a step behind the beginning of its interval, as many as
  /// are inside. The derivative takes their number as constant.
  ///
  /// - Parameters:
  ///   - rays: [R, 3] each, unit directions.
  ///   - interval: where to sample.
  ///   - step: above 0, and such that no ray gets more than 2²⁴ samples.
  public init(along rays: CameraRays, in interval: RayInterval, step: Double) {
    let isHit = interval.isHit
    let near = Tensor.where(isHit, interval.near, 0).clamped(min: 0)
    let far = Tensor.where(isHit, interval.far, 0).stoppingGradient()
    let fitting = ((far - near.stoppingGradient()) / step + 0.5).floor()
    let most = fitting.count == 0 ? 0 : fitting.max().value
    require(
      step > 0 && most < Double(1 << 24), "RegularSamples: steps of \(step), \(most) on a ray")
    self.init(
      along: rays, starts: near + step / 2, steps: Tensor.full(near.shape, step, dtype: near.dtype),
      counts: fitting.clamped(min: 0).cast(to: .int32))
  }

  /// The same points one by one; those beyond a ray's own count have length 0.
  public var listed: RaySamples {
    let index = Tensor.arange(count, dtype: .int32).expandingDims(at: 0)
    let step = steps.expandingDims(at: 1)
    return RaySamples(
      along: rays,
      distances: starts.expandingDims(at: 1) + step * index.cast(to: steps.dtype),
      lengths: .where(index .< counts.expandingDims(at: 1), step, 0))
  }
}
