import LumiRendering
import LumiScene
import LumiTensor

/// The points where rays meet a field's surface, differentiable with respect to the rays and to
/// everything that the field is made of.
///
/// Lemma 1 of L. Yariv et al., NeurIPS 2020: with the ray c + t·v, the distance t₀ that a search found,
/// x₀ = c₀ + t₀v₀ and g = ∇f(x₀; θ₀)·v₀, all with index 0 constant,
///
///     x̂ = c + t₀v - v·(f(c + t₀v; θ) - f(x₀; θ₀))/g
///
/// has the value c + t₀v to the bit, even where the search did not end exactly on the surface, and the
/// first derivatives of the surface point. Applied again with the same g it has those of one order
/// more each time.
///
/// Cannot: move an outline. Where a ray only touches the surface, g is 0 and the point moves
/// infinitely fast: there the slope is kept off 0, and it is counted how often.
public struct RaySurfacePoints: Sendable {
  /// [N, 3].
  public let positions: Tensor
  /// [N]: how far along the rays, in units of their directions.
  public let distances: Tensor
  /// How many rays touch the surface at so small an angle that their derivative was limited.
  public let limitedCount: Int

  /// - Parameters:
  ///   - field: what is traced.
  ///   - rays: those that hit, origins and directions [N, 3].
  ///   - distances: [N], in units of the directions; constant.
  ///   - order: up to which derivatives are exact, at least 1; each costs an evaluation.
  ///   - leastCosine: between surface and ray, in magnitude: what is smaller counts as this. A field
  ///     without a slope at a point has no surface to move there, and gets no derivative.
  public init(
    of field: any ImplicitField, along rays: CameraRays, at distances: Tensor, order: Int = 1,
    leastCosine: Double = 1e-3
  ) {
    require(
      order >= 1 && leastCosine > 0,
      "RaySurfacePoints: order \(order), least cosine \(leastCosine); expected at least 1, above 0")
    let distance = distances.stoppingGradient().expandingDims(at: 1)
    let start = rays.origins + distance * rays.directions
    let slopes = Self.inverseSlopes(
      field, start.stoppingGradient(), rays.directions.stoppingGradient(), leastCosine)
    limitedCount = slopes.limited
    var first: Tensor?
    var (positions, reached) = (start, distances.stoppingGradient())
    for _ in 0..<order {
      let values = field.values(at: positions)
      let constant = first ?? values.stoppingGradient()
      first = constant
      let back = (values - constant) * slopes.inverse
      positions = positions - rays.directions * back.expandingDims(at: 1)
      reached = reached - back
    }
    (self.positions, self.distances) = (positions, reached)
  }

  /// [N]: 1/g, and how many were limited.
  private static func inverseSlopes(
    _ field: any ImplicitField, _ points: Tensor, _ directions: Tensor, _ leastCosine: Double
  ) -> (inverse: Tensor, limited: Int) {
    let constant = field.frozen()
    let gradients = constant.samples(at: points, withGradients: true).gradients!
      .stoppingGradient()
    let slope = gradients.dot(directions)
    let scale = gradients.norm(axis: 1) * directions.norm(axis: 1)
    let least = scale * leastCosine
    let isFlat = (scale .> 1e-12).not()
    let isLimited = (slope.abs() .< least) .|| isFlat
    // A ray that comes from outside sees the value fall.
    let limited = Tensor.where(slope .> 0, least, -least)
    let divisor = Tensor.where(isFlat, 1, Tensor.where(isLimited, limited, slope))
    let count = isLimited.cast(to: .int32).scalars(as: Int32.self).reduce(0) { $0 + Int($1) }
    return (Tensor.where(isFlat, 0, 1 / divisor), count)
  }

  /// Unit normals [N, 3] at the points, differentiable as they are: ∇f/|∇f|. 0 where the gradient
  /// vanishes.
  ///
  /// - Parameter samples: of the field at ``positions``, with gradients.
  public static func normals(_ samples: FieldSamples) -> Tensor {
    require(samples.gradients != nil, "RaySurfacePoints.normals: samples without gradients")
    return samples.gradients!.unitVectors()
  }
}
