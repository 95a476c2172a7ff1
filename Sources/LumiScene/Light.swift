import LumiTensor

/// A source of light. Intensities are linear RGB.
public enum Light: Parameterized, Sendable {
  /// How a point or spot light weakens with the distance d.
  public enum Falloff: Sendable, Equatable {
    /// Not at all.
    case none
    /// By 1/d².
    case inverseSquare
  }

  /// How a spot light weakens with the angle γ to its axis.
  public enum Cone: Sendable {
    /// Full inside `inner`, none outside `outer`, and 3t² - 2t³ between them with
    /// t = (cos γ - cos outer)/(cos inner - cos outer). Both [], radians, 0 ≤ inner < outer ≤ π.
    case angles(inner: Tensor, outer: Tensor)
    /// cosᵉ γ, none behind the lamp; [], at least 0.
    case exponent(Tensor)
  }

  /// The same light from everywhere; `intensity` [3].
  case ambient(intensity: Tensor)
  /// Parallel light; `direction` [3] points towards the light and is normalised on use.
  case directional(direction: Tensor, intensity: Tensor)
  /// Light from a point of the world; `position` [3].
  case point(position: Tensor, intensity: Tensor, falloff: Falloff)
  /// Light from a point of the world, strongest along an axis. `position` [3]; `axis` [3] is the way
  /// that the lamp shines, away from it, and is normalised on use.
  case spot(position: Tensor, axis: Tensor, intensity: Tensor, cone: Cone, falloff: Falloff)
  /// Distant light in real spherical harmonics of the unit normal up to some order L;
  /// `coefficients` [(L + 1)², 3]. The first nine are in the order 1; y, z, x; xy, yz, 3z²-1, xz,
  /// x²-y².
  case sphericalHarmonics(coefficients: Tensor)
  /// Distant light from a picture of all directions: equirectangular linear radiance `map`
  /// [H, W, 3], row 0 at +y, the middle column at -z, a quarter to its right +x. A map of ones
  /// lights a matt white surface to 1.
  case environment(map: Tensor)

  public var dtype: DType {
    switch self {
    case .ambient(let value), .directional(_, let value), .point(_, let value, _),
      .spot(_, _, let value, _, _), .sphericalHarmonics(let value), .environment(let value):
      value.dtype
    }
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    switch self {
    case .ambient(let intensity):
      .ambient(intensity: try transform("intensity", intensity))
    case .directional(let direction, let intensity):
      .directional(
        direction: try transform("direction", direction),
        intensity: try transform("intensity", intensity))
    case .point(let position, let intensity, let falloff):
      .point(
        position: try transform("position", position),
        intensity: try transform("intensity", intensity), falloff: falloff)
    case .spot(let position, let axis, let intensity, let cone, let falloff):
      .spot(
        position: try transform("position", position), axis: try transform("axis", axis),
        intensity: try transform("intensity", intensity), cone: try cone.mapParameters(transform),
        falloff: falloff)
    case .sphericalHarmonics(let coefficients):
      .sphericalHarmonics(coefficients: try transform("coefficients", coefficients))
    case .environment(let map):
      .environment(map: try transform("map", map))
    }
  }
}

extension Light.Cone: Parameterized {
  /// Paths: "innerAngle" and "outerAngle", or "exponent".
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    switch self {
    case .angles(let inner, let outer):
      .angles(
        inner: try transform("innerAngle", inner), outer: try transform("outerAngle", outer))
    case .exponent(let exponent): .exponent(try transform("exponent", exponent))
    }
  }
}
