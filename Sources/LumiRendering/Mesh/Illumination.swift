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
  ///   - visibility: for every light the share [N, 1] of its direct light that arrives, nil for all
  ///     of it; empty, the default, where nothing casts shadows. Ambient light, harmonics and
  ///     environments are not direct.
  public init(
    positions: Tensor, normals: Tensor, toEye eye: Tensor, lights: [Light], material: Material,
    reflection: Reflection, visibility: [Tensor?] = []
  ) {
    require(
      visibility.isEmpty || visibility.count == lights.count,
      "Illumination: \(visibility.count) visibilities of \(lights.count) lights")
    let surface = LitSurface(
      positions: positions, normals: normals, eye: eye, material: material, reflection: reflection)
    let zero = Tensor.zeros(like: positions.stoppingGradient())
    var diffuse = lights.isEmpty ? Tensor.ones(like: zero) : zero
    var specular = zero + material.emission
    for (index, light) in lights.enumerated() {
      let part = surface.contribution(
        of: light, visibility: visibility.isEmpty ? nil : visibility[index])
      diffuse = diffuse + part.diffuse
      if let shine = part.specular { specular = specular + shine }
    }
    self.diffuse = diffuse
    self.specular = specular
  }
}

/// Surface points and how they reflect; what each light adds is a function of its own.
private struct LitSurface {
  let positions, normals, eye: Tensor
  let material: Material
  let reflection: Reflection

  /// What one light adds, of a shape that broadcasts to [N, 3].
  typealias Contribution = (diffuse: Tensor, specular: Tensor?)

  func contribution(of light: Light, visibility: Tensor?) -> Contribution {
    switch light {
    case .ambient(let intensity): return (intensity * material.ambient, nil)
    case .sphericalHarmonics(let coefficients): return (harmonics(coefficients), nil)
    case .environment(let map): return environment(EnvironmentMap(map))
    case .directional(let direction, let intensity):
      return direct(
        direction.normalized().broadcast(to: positions.shape), intensity, visibility)
    case .point(let position, let intensity, let falloff):
      let (toLight, arriving) = lamp(at: position, intensity, falloff)
      return direct(toLight, arriving, visibility)
    case .spot(let position, let axis, let intensity, let cone, let falloff):
      let (toLight, arriving) = lamp(at: position, intensity, falloff)
      let cosine = -(toLight * axis.normalized()).sum(axis: 1, keepDims: true)
      return direct(toLight, arriving * cone.strength(cosine), visibility)
    }
  }

  /// Unit directions to a lamp and its light on surfaces that face it.
  private func lamp(
    at position: Tensor, _ intensity: Tensor, _ falloff: Light.Falloff
  ) -> (toLight: Tensor, arriving: Tensor) {
    let toLight = position - positions
    guard falloff == .inverseSquare else { return (toLight.normalized(), intensity) }
    let squared = (toLight * toLight).sum(axis: 1, keepDims: true).clamped(min: 1e-12)
    return (toLight.normalized(), intensity / squared)
  }

  /// Light from one direction.
  private func direct(
    _ toLight: Tensor, _ unhindered: Tensor, _ visibility: Tensor?
  ) -> Contribution {
    let intensity = visibility.map { unhindered * $0 } ?? unhindered
    let cosine = (normals * toLight).sum(axis: 1, keepDims: true)
    let diffuse = cosine.relu() * intensity * material.diffuse
    guard reflection != .lambert else { return (diffuse, nil) }
    return (diffuse, highlight(toLight, cosine) * intensity * material.specular)
  }

  private func harmonics(_ coefficients: Tensor) -> Tensor {
    guard let order = Light.harmonicOrder(ofCount: coefficients.shape[0]) else {
      fatalError("sphericalHarmonics: \(coefficients.shape[0]) coefficients, expected a square")
    }
    return sphericalHarmonics(normals, order: order).matmul(coefficients).relu()
      * material.diffuse
  }

  /// Irradiance by the normal; glossy reflection by the mirrored eye direction, from the map's means
  /// over Phong's lobe. Blinn's lobe is about as wide as Phong's of a quarter of its exponent. What
  /// the surface's own horizon hides of the lobe is not taken away.
  private func environment(_ map: EnvironmentMap) -> Contribution {
    let one = Tensor(1, dtype: positions.dtype)
    let diffuse = map.convolved(exponent: one).radiance(along: normals) * material.diffuse
    guard reflection != .lambert else { return (diffuse, nil) }
    let cosine = (normals * eye).sum(axis: 1, keepDims: true)
    let exponent = reflection == .phong ? material.shininess : material.shininess * 0.25
    let seen = map.convolved(exponent: exponent).radiance(along: cosine * 2 * normals - eye)
    return (diffuse, seen * material.specular)
  }

  /// [N, 1]: the highlight's strength, 0 on the side away from the light.
  private func highlight(_ toLight: Tensor, _ cosine: Tensor) -> Tensor {
    let closeness: Tensor
    if reflection == .phong {
      closeness = ((cosine * 2 * normals - toLight) * eye).sum(axis: 1, keepDims: true)
    } else {
      closeness = (normals * (toLight + eye).normalized()).sum(axis: 1, keepDims: true)
    }
    return closeness.power(
      material.shininess,
      where: (closeness.stoppingGradient() .> 0) .&& (cosine.stoppingGradient() .> 0))
  }
}

extension Light.Cone {
  /// [N, 1]: what is left of the light at angles of cosines [N, 1] to the axis.
  fileprivate func strength(_ cosine: Tensor) -> Tensor {
    switch self {
    case .angles(let inner, let outer):
      let edge = outer.cos()
      // Equal angles would make the border a step.
      let width = (inner.cos() - edge).clamped(min: 1e-6)
      let t = ((cosine - edge) / width).clamped(min: 0, max: 1)
      return t * t * (3 - t * 2)
    case .exponent(let exponent):
      return cosine.power(exponent, where: cosine.stoppingGradient() .> 0)
    }
  }
}

extension Tensor {
  /// This to a power where a condition holds, else 0.
  fileprivate func power(_ exponent: Tensor, where isPositive: Tensor) -> Tensor {
    // 0 to a power below 1 has an infinite slope: take it out before and after.
    let plain = stoppingGradient()
    let safe = Tensor.where(isPositive, self, Tensor.ones(like: plain))
    return Tensor.where(isPositive, safe.pow(exponent), Tensor.zeros(like: plain))
  }
}
