import LumiTensor

/// Anisotropic Gaussians in the world that shine by themselves: the shape of Gaussian splatting.
///
/// Parameters are those that are optimised: scales by their logarithm, opacities by their logit. A
/// cloud with two scales each holds flat Gaussians (surfels) in the planes of their first two axes;
/// every method for Gaussians draws both kinds. Colour is max(0, ½ + Σ coefficient · harmonic of the
/// direction from the camera to the Gaussian), with the harmonics of Docs/Conventions.md.
///
/// Initialisers store what they are given; call ``validated()`` on data from outside.
public struct GaussianCloud: SceneShape {
  /// [N, 3], world coordinates of the middles.
  public var positions: Tensor
  /// [N, 3], or [N, 2] for surfels: natural logarithms of the standard deviations in world units.
  public var logScales: Tensor
  /// [N, 4], (w, x, y, z) of any length but 0: from the Gaussian's own axes to the world's.
  public var rotations: Tensor
  /// [N]: the opacity in the middle is the logistic function of it.
  public var opacityLogits: Tensor
  /// [N, (d + 1)², C], d from 0 to 3, C usually 3.
  public var harmonics: Tensor
  /// How lights of a scene are reflected. Without lights it does not count.
  public var material: Material

  /// - Parameters:
  ///   - positions: [N, 3].
  ///   - logScales: [N, 3] or [N, 2].
  ///   - rotations: [N, 4].
  ///   - opacityLogits: [N].
  ///   - harmonics: [N, (d + 1)², C].
  ///   - material: matt if nil.
  public init(
    positions: Tensor, logScales: Tensor, rotations: Tensor, opacityLogits: Tensor,
    harmonics: Tensor, material: Material? = nil
  ) {
    self.positions = positions
    self.logScales = logScales
    self.rotations = rotations
    self.opacityLogits = opacityLogits
    self.harmonics = harmonics
    self.material = material ?? Material(dtype: positions.dtype)
  }

  public static var parameterPrefix: String { "gaussians." }
  public var dtype: DType { positions.dtype }
  public var count: Int { positions.shape[0] }
  /// Whether the Gaussians are flat.
  public var areFlat: Bool { logScales.shape[1] == 2 }
  /// d, the degree of the harmonics.
  public var degree: Int { Int(Double(harmonics.shape[1]).squareRoot().rounded()) - 1 }
  /// C.
  public var channels: Int { harmonics.shape[2] }

  /// Paths: "positions", "logScales", "rotations", "opacityLogits", "harmonics", and
  /// "material.diffuse" and so on.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.positions = try transform("positions", positions)
    result.logScales = try transform("logScales", logScales)
    result.rotations = try transform("rotations", rotations)
    result.opacityLogits = try transform("opacityLogits", opacityLogits)
    result.harmonics = try transform("harmonics", harmonics)
    result.material = try material.mapParameters { try transform("material.\($0)", $1) }
    return result
  }

  /// The value of the harmonic of degree 0.
  private static let constantHarmonic = 0.28209479177387814

  /// Coefficients [N, (d + 1)², C] that show colours [N, C], linear, in every direction.
  ///
  /// - Parameters:
  ///   - colors: [N, C].
  ///   - degree: d; higher coefficients are 0.
  public static func harmonics(ofColors colors: Tensor, degree: Int = 0) -> Tensor {
    let constant = ((colors - 0.5) / constantHarmonic).expandingDims(at: 1)
    let others = (degree + 1) * (degree + 1) - 1
    guard others > 0 else { return constant }
    let zeros = Tensor.zeros([colors.shape[0], others, colors.shape[1]], dtype: colors.dtype)
    return Tensor.concatenate([constant, zeros], axis: 1)
  }

  /// What turns coefficients of the published program's files into ours and back, [(d + 1)²]: its
  /// harmonics have the Condon–Shortley sign, which is -1 for odd orders m.
  public static func publishedHarmonicSigns(degree: Int) -> [Double] {
    (0...degree).flatMap { l in (-l...l).map { $0.isMultiple(of: 2) ? 1 : -1 } }
  }

  /// The rows at some positions, each as often as it is named.
  ///
  /// - Parameter rows: int32 or int64 [M].
  public func gathering(_ rows: Tensor) -> GaussianCloud {
    mapParameters { path, value in path.hasPrefix("material.") ? value : value.gather(rows) }
  }

  /// This cloud and another of the same kind behind it; the material stays.
  public func appending(_ other: GaussianCloud) -> GaussianCloud {
    let added = Dictionary(uniqueKeysWithValues: other.parameters.map { ($0.path, $0.value) })
    return mapParameters { path, value in
      path.hasPrefix("material.") ? value : .concatenate([value, added[path]!])
    }
  }
}
