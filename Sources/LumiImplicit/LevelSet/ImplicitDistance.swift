import LumiRendering
import LumiScene
import LumiTensor

/// Distances along rays to a level set as functions of the field's parameters and of the rays.
///
/// The values are those of a search, to the bit. The derivative is that of the equation
/// f(o + t w) = 0: dt = -(∂f·dθ + ∇f·do + t ∇f·dw)/(∇f·w), at the place that the search found. It has
/// derivatives of its own: what the pullback is made of is evaluated at distances that depend on all
/// parameters in turn.
struct ImplicitDistance {
  /// f; at least 0 inside.
  let field: LevelSetField
  let floor: SlopeFloor

  /// - Parameters:
  ///   - distances: [H], constant: where f is 0.
  ///   - rays: [H, 3] each, directions of any length.
  /// - Returns: the same distances, [H].
  func callAsFunction(_ distances: Tensor, along rays: CameraRays) -> Tensor {
    guard distances.count > 0 else { return distances }
    let inputs = field.parameters + [rays.origins, rays.directions]
    return customOperation(
      "implicitDistance", inputs: inputs, outputs: [distances], differentiableTwice: true
    ) { cotangents, _ in
      let place = self(distances, along: rays)
      let gradients = field.gradients(at: Self.points(rays, place))
      let (slope, counts) = floor(gradients, rays.directions)
      let values = vectorJacobianProduct(at: inputs) { inputs in
        let rays = CameraRays(
          origins: inputs[inputs.count - 2], directions: inputs[inputs.count - 1])
        return [field.replacingParameters(inputs).values(at: Self.points(rays, place))]
      }
      return values.pullback([Tensor.where(counts, -cotangents[0]! / slope, 0)])
    }[0]
  }

  static func points(_ rays: CameraRays, _ distances: Tensor) -> Tensor {
    rays.origins + rays.directions * distances.expandingDims(at: 1)
  }
}

/// A field as a function that is 0 on the surface and grows inwards.
struct LevelSetField {
  let field: any ImplicitField
  /// 1 where the field's values grow inwards, -1 for distances.
  let sign: Double
  /// The value on the surface, of the field itself.
  let level: Double

  /// - Parameters:
  ///   - field: logits of occupancy or signed distances.
  ///   - level: its value on the surface.
  init(_ field: any ImplicitField, level: Double) {
    self.field = field
    self.level = level
    sign = field.quantity == .signedDistance ? -1 : 1
  }

  /// All that have derivatives.
  var parameters: [Tensor] {
    field.parameters.map(\.value).filter(\.dtype.isFloatingPoint)
  }

  /// The same with other parameters, in their order; those beyond the last one are left alone.
  func replacingParameters(_ values: [Tensor]) -> LevelSetField {
    var next = values.makeIterator()
    return LevelSetField(
      field.mapParameters { $1.dtype.isFloatingPoint ? next.next()! : $1 }, level: level)
  }

  func values(at points: Tensor) -> Tensor { (field.values(at: points) - level) * sign }

  func gradients(at points: Tensor) -> Tensor {
    field.samples(at: points, withGradients: true).gradients! * sign
  }
}

/// What the slope of a field along a ray is at least, where it divides a derivative.
public enum SlopeFloor: Sendable, Hashable {
  /// At least so much of |∇f||w|, with the slope's sign: what bounds the derivative is the angle, not
  /// how steep the field is. Where the field has no gradient the derivative is 0.
  case angle(Double = 1e-3)
  /// As published: a slope smaller than this in magnitude becomes +this, so that the derivative of
  /// grazing rays may have the wrong sign.
  case published(Double = 1e-3)

  /// Slopes to divide by, [H], and whether they count, bool [H].
  func callAsFunction(_ gradients: Tensor, _ directions: Tensor) -> (slope: Tensor, counts: Tensor)
  {
    let slope = (gradients * directions).sum(axis: 1)
    let constant = slope.stoppingGradient()
    switch self {
    case .published(let least):
      let counts = constant.abs() .>= least
      return (Tensor.where(counts, slope, least), constant.isFinite())
    case .angle(let share):
      let size = gradients.stoppingGradient().norm(axis: 1)
      let least = size * directions.stoppingGradient().norm(axis: 1) * share
      let counts = (size .> 0) .&& constant.isFinite()
      let replaced = Tensor.where(constant .< 0, -least, least)
      let floored = Tensor.where(constant.abs() .>= least, slope, replaced)
      return (Tensor.where(counts, floored, 1), counts)
    }
  }
}
