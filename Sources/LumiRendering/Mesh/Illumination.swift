import LumiScene
import LumiTensor

/// How surfaces reflect light.
public enum Reflection: String, Sendable, CaseIterable {
  /// Ambient and diffuse light (Lambert 1760).
  case lambert
  /// With highlights around the mirrored light direction (Phong 1975).
  case phong
  /// With highlights around the half vector between light and eye (Blinn 1977).
  case blinnPhong
}

/// Light that leaves surface points, apart from their own colour: a point of albedo ρ shows
/// ρ·diffuse + specular.
public struct Illumination: Sendable {
  /// [N, 3]: ambient and diffuse light, material factors included.
  public let diffuse: Tensor
  /// [N, 3]: highlights and emission.
  public let specular: Tensor

  /// Without a light in the scene, surfaces show their albedo.
  ///
  /// - Parameters:
  ///   - positions: [N, 3] in the world.
  ///   - normals: [N, 3], unit length.
  ///   - eye: directions from the points to the eye [N, 3], unit length.
  ///   - lights: the scene's lights.
  ///   - material: factors on the kinds of light.
  ///   - reflection: how light is reflected.
  public init(
    positions: Tensor, normals: Tensor, toEye eye: Tensor, lights: [Light], material: Material,
    reflection: Reflection
  ) {
    let zero = Tensor.zeros(like: positions.stoppingGradient())
    var diffuse = lights.isEmpty ? Tensor.ones(like: zero) : zero
    var specular = zero + material.emission
    func add(_ toLight: Tensor, _ intensity: Tensor) {
      let cosine = (normals * toLight).sum(axis: 1, keepDims: true)
      diffuse = diffuse + cosine.relu() * intensity * material.diffuse
      guard reflection != .lambert else { return }
      let shine = Self.highlight(normals, toLight, eye, cosine, material, reflection)
      specular = specular + shine * intensity * material.specular
    }
    for light in lights {
      switch light {
      case .ambient(let intensity):
        diffuse = diffuse + intensity * material.ambient
      case .sphericalHarmonics(let coefficients):
        let irradiance = sphericalHarmonics(normals).matmul(coefficients).relu()
        diffuse = diffuse + irradiance * material.diffuse
      case .directional(let direction, let intensity):
        add(direction.normalized().broadcast(to: positions.shape), intensity)
      case .point(let position, let intensity, let falloff):
        let toLight = position - positions
        let squared = (toLight * toLight).sum(axis: 1, keepDims: true).clamped(min: 1e-12)
        add(toLight.normalized(), falloff == .none ? intensity : intensity / squared)
      }
    }
    self.diffuse = diffuse
    self.specular = specular
  }

  /// [N, 1]: the highlight's strength, 0 on the side away from the light.
  private static func highlight(
    _ normals: Tensor, _ toLight: Tensor, _ eye: Tensor, _ cosine: Tensor, _ material: Material,
    _ reflection: Reflection
  ) -> Tensor {
    let closeness: Tensor
    if reflection == .phong {
      closeness = ((cosine * 2 * normals - toLight) * eye).sum(axis: 1, keepDims: true)
    } else {
      closeness = (normals * (toLight + eye).normalized()).sum(axis: 1, keepDims: true)
    }
    // 0 to a power below 1 has an infinite slope: take it out before and after.
    let lit = (closeness.stoppingGradient() .> 0) .&& (cosine.stoppingGradient() .> 0)
    let safe = Tensor.where(lit, closeness, Tensor.ones(like: closeness.stoppingGradient()))
    return Tensor.where(
      lit, safe.pow(material.shininess), Tensor.zeros(like: closeness.stoppingGradient()))
  }
}

/// Real spherical harmonics up to order 2 of unit vectors [N, 3]: [N, 9] in the order 1; y, z, x;
/// xy, yz, 3z² - 1, xz, x² - y² (Ramamoorthi and Hanrahan 2001).
public func sphericalHarmonics(_ directions: Tensor) -> Tensor {
  let x = directions.slice(axis: 1, from: 0, to: 1)
  let y = directions.slice(axis: 1, from: 1, to: 2)
  let z = directions.slice(axis: 1, from: 2, to: 3)
  let one = Tensor.ones(like: x.stoppingGradient())
  return Tensor.concatenate(
    [
      one * 0.28209479177387814,
      y * 0.4886025119029199, z * 0.4886025119029199, x * 0.4886025119029199,
      x * y * 1.0925484305920792, y * z * 1.0925484305920792,
      (z * z * 3 - 1) * 0.31539156525252005, x * z * 1.0925484305920792,
      (x * x - y * y) * 0.5462742152960396,
    ], axis: 1)
}
