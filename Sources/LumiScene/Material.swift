import LumiTensor

/// How a surface answers light: factors on the base colour's ambient and diffuse parts, a specular
/// colour with its exponent, and light of its own.
public struct Material: Parameterized, Sendable {
  /// [3], default 1.
  public var ambient: Tensor
  /// [3], default 1.
  public var diffuse: Tensor
  /// [3], default 0.
  public var specular: Tensor
  /// [3], default 0; added whatever the light.
  public var emission: Tensor
  /// []: the exponent of the specular lobe, default 64.
  public var shininess: Tensor

  public init(
    ambient: Tensor, diffuse: Tensor, specular: Tensor, emission: Tensor, shininess: Tensor
  ) {
    self.ambient = ambient
    self.diffuse = diffuse
    self.specular = specular
    self.emission = emission
    self.shininess = shininess
  }

  /// A matt white material, or grey levels for each part.
  public init(
    ambient: Double = 1, diffuse: Double = 1, specular: Double = 0, emission: Double = 0,
    shininess: Double = 64, dtype: DType = .float32
  ) {
    func grey(_ level: Double) -> Tensor { .full([3], level, dtype: dtype) }
    self.init(
      ambient: grey(ambient), diffuse: grey(diffuse), specular: grey(specular),
      emission: grey(emission), shininess: Tensor(shininess, dtype: dtype))
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    Material(
      ambient: try transform("ambient", ambient), diffuse: try transform("diffuse", diffuse),
      specular: try transform("specular", specular), emission: try transform("emission", emission),
      shininess: try transform("shininess", shininess))
  }
}
