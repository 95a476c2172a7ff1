import LumiTensor

/// A source of light. Intensities are linear RGB.
public enum Light: Parameterized, Sendable {
  /// How a point light weakens with the distance d.
  public enum Falloff: Sendable, Equatable {
    /// Not at all.
    case none
    /// By 1/d².
    case inverseSquare
  }

  /// The same light from everywhere; `intensity` [3].
  case ambient(intensity: Tensor)
  /// Parallel light; `direction` [3] points towards the light and is normalised on use.
  case directional(direction: Tensor, intensity: Tensor)
  /// Light from a point of the world; `position` [3].
  case point(position: Tensor, intensity: Tensor, falloff: Falloff)
  /// Distant light in nine real spherical harmonics; `coefficients` [9, 3] in the order
  /// 1; y, z, x; xy, yz, 3z²-1, xz, x²-y² of the unit normal.
  case sphericalHarmonics(coefficients: Tensor)

  public var dtype: DType {
    switch self {
    case .ambient(let intensity), .directional(_, let intensity), .point(_, let intensity, _):
      intensity.dtype
    case .sphericalHarmonics(let coefficients): coefficients.dtype
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
    case .sphericalHarmonics(let coefficients):
      .sphericalHarmonics(coefficients: try transform("coefficients", coefficients))
    }
  }
}
