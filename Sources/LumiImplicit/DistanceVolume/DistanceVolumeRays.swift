import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

/// What a method that integrates signed distances finds along rays.
public struct DistanceVolumeRays: Sendable {
  /// [R, C], over the scene's background.
  public let colors: Tensor
  /// [R], how much of the ray is covered.
  public let alpha: Tensor
  /// [R], camera z; the depth of what lies behind counts where the ray goes on.
  public let depths: Tensor
  /// [R, S], where the field was asked.
  public let distances: Tensor
  /// [R, S], the field's values there.
  public let values: Tensor
  /// [R, S, 3], the field's gradients there, if they were asked for or needed.
  public let gradients: Tensor?
  /// How much of every ray's picture comes from its samples, or from between two of them.
  public let weights: RayWeights

  var picture: RayPicture { RayPicture(color: colors, alpha: alpha, depth: depths) }
}

/// A field at samples of rays.
struct SampledField {
  /// [R, S].
  let values: Tensor
  /// [R, S, 3].
  let gradients: Tensor?
  /// [R, S, C].
  let colors: Tensor

  init(_ shape: ImplicitShape, at samples: RaySamples, along rays: CameraRays, withGradients: Bool)
  {
    let counts = Array(samples.distances.shape)
    let points = samples.positions.reshaped([-1, 3])
    let found = shape.field.samples(
      at: points, withGradients: withGradients || shape.field.colorsNeedGradients)
    let directions = rays.directions.expandingDims(at: 1).broadcast(to: counts + [3])
    values = found.values.reshaped(counts)
    gradients = found.gradients?.reshaped(counts + [3])
    colors = shape.colors(at: points, samples: found, directions: directions.reshaped([-1, 3]))
      .reshaped(counts + [-1])
  }
}

/// Where samples of rays go, as constants.
struct SamplePlacement {
  let near: Tensor
  let far: Tensor
  private let rays: CameraRays
  private let field: any ImplicitField

  /// - Parameters:
  ///   - shape: whose field decides; it counts as constant.
  ///   - rays: [R, 3] each.
  ///   - interval: of the rays; those without one have all their samples at their origin.
  init(_ shape: ImplicitShape, _ rays: CameraRays, _ interval: RayInterval) {
    let isHit = interval.isHit
    near = Tensor.where(isHit, interval.near.stoppingGradient().clamped(min: 0), 0)
    far = Tensor.where(isHit, interval.far.stoppingGradient(), 0)
    self.rays = CameraRays(
      origins: rays.origins.stoppingGradient(), directions: rays.directions.stoppingGradient())
    field = shape.field.frozen()
  }

  /// Evenly spaced, both ends included: [R, count].
  ///
  /// - Parameter offsets: [R, count], where in its piece a sample is instead, from 0 to 1.
  func even(_ count: Int, offsets: Tensor? = nil) -> Tensor {
    let length = (far - near).expandingDims(at: 1)
    let start = near.expandingDims(at: 1)
    let place = Tensor.arange(count, dtype: near.dtype).expandingDims(at: 0)
    if let offsets { return start + length * ((place + offsets) / Double(count)) }
    return start + length * (place / Double(max(count - 1, 1)))
  }

  /// The field's values [K, S] at distances [K, S] along the rays of rows int32 [K].
  func values(at distances: Tensor, rows: Tensor) -> Tensor {
    let points =
      rays.origins.gather(rows).expandingDims(at: 1)
      + rays.directions.gather(rows).expandingDims(at: 1) * distances.expandingDims(at: 2)
    return field.values(at: points.reshaped([-1, 3])).reshaped(distances.shape)
  }
}

/// Distances along rays in their order, with the values there.
struct PlacedValues {
  /// [K, S], ascending.
  var distances: Tensor
  /// [K, S].
  var values: Tensor

  /// [K, S - 1], from each sample to the next.
  var lengths: Tensor { later(distances) - earlier(distances) }
  func earlier(_ all: Tensor) -> Tensor { all.slice(axis: 1, from: 0, to: all.shape[1] - 1) }
  func later(_ all: Tensor) -> Tensor { all.slice(axis: 1, from: 1, to: all.shape[1]) }

  /// The samples of both, in their order.
  func merged(_ distances: Tensor, _ values: Tensor) -> PlacedValues {
    let sorted = Tensor.concatenate([self.distances, distances], axis: 1).sorted(axis: 1)
    let all = Tensor.concatenate([self.values, values], axis: 1)
    return PlacedValues(
      distances: sorted.values, values: all.takeAlong(sorted.indices, axis: 1))
  }

  func gather(_ rows: Tensor) -> PlacedValues {
    PlacedValues(distances: distances.gather(rows), values: values.gather(rows))
  }
}

extension Loss {
  /// How far a field is from a distance, []: the mean of (|∇f| - 1)² (A. Gropp et al., "Implicit
  /// Geometric Regularization for Learning Shapes", ICML 2020).
  ///
  /// - Parameter gradients: [..., 3].
  public static func eikonal(_ gradients: Tensor) -> Tensor {
    (gradients.norm(axis: gradients.rank - 1) - 1).square().mean()
  }
}
