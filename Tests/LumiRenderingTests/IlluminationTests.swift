import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// One point at the origin with the normal +z, against formulas by hand.
struct IlluminationTests {
  static let white = Tensor([1.0, 1, 1])
  static let material = Material(
    ambient: Tensor([0.5, 0.6, 0.7]), diffuse: Tensor([0.8, 0.4, 0.2]),
    specular: Tensor([0.1, 0.2, 0.3]), emission: Tensor([0.01, 0.02, 0.03]),
    shininess: Tensor(5, dtype: .float64))

  static func light(
    _ lights: [Light], _ reflection: Reflection = .lambert, toEye: [Double] = [0, 0, 1]
  ) -> (diffuse: [Double], specular: [Double]) {
    let light = Illumination(
      positions: Tensor([[0.0, 0, 0]]), normals: Tensor([[0.0, 0, 1]]), toEye: Tensor([toEye]),
      lights: lights, material: material, reflection: reflection)
    return (light.diffuse.scalars(as: Double.self), light.specular.scalars(as: Double.self))
  }

  static func expect(_ found: [Double], _ expected: [Double]) {
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-12) }
  }

  @Test func noLightShowsTheAlbedo() {
    let (diffuse, specular) = Self.light([])
    Self.expect(diffuse, [1, 1, 1])
    Self.expect(specular, [0.01, 0.02, 0.03])
  }

  @Test func ambient() {
    Self.expect(Self.light([.ambient(intensity: Tensor([2.0, 1, 3]))]).diffuse, [1, 0.6, 2.1])
  }

  /// cos 60° = ½; directions are normalised on use.
  @Test func lambert() {
    let tilted = Tensor([Double(3).squareRoot() * 4, 0, 4])
    let sun = Light.directional(direction: tilted, intensity: Tensor([1.0, 2, 1]))
    Self.expect(Self.light([sun]).diffuse, [0.4, 0.4, 0.1])
    let behind = Light.directional(direction: Tensor([0.0, 0, -1]), intensity: Self.white)
    Self.expect(Self.light([behind], .phong).diffuse, [0, 0, 0])
    Self.expect(Self.light([behind], .phong).specular, [0.01, 0.02, 0.03])
  }

  @Test func pointLightsFallOff() {
    let place = Tensor([0.0, 0, 2])
    Self.expect(
      Self.light([.point(position: place, intensity: Self.white, falloff: .none)]).diffuse,
      [0.8, 0.4, 0.2])
    Self.expect(
      Self.light([.point(position: place, intensity: Self.white, falloff: .inverseSquare)])
        .diffuse, [0.2, 0.1, 0.05])
  }

  /// Light from 60° to the left, eye straight above: the mirrored ray is 60° to the right, its
  /// cosine with the eye ½; the half vector is 30° from the normal.
  @Test func highlights() {
    let sun = Light.directional(
      direction: Tensor([-Double(3).squareRoot() / 2, 0, 0.5]), intensity: Self.white)
    let phong = Self.light([sun], .phong).specular
    let fifth = 1.0 / 32
    Self.expect(phong, [0.01 + 0.1 * fifth, 0.02 + 0.2 * fifth, 0.03 + 0.3 * fifth])
    let blinn = Self.light([sun], .blinnPhong).specular
    let power = 0.75 * 0.75 * Double(3).squareRoot() / 2  // (√3/2)^5
    Self.expect(blinn, [0.01 + 0.1 * power, 0.02 + 0.2 * power, 0.03 + 0.3 * power])
    Self.expect(Self.light([sun], .lambert).specular, [0.01, 0.02, 0.03])
  }

  /// What lights pass through dims what comes straight from them, highlights too, and nothing else.
  @Test func visibilityDimsDirectLight() {
    let sun = Light.directional(direction: Tensor([0.0, 0, 1]), intensity: Self.white)
    func light(_ visibility: [Tensor?]) -> Illumination {
      let up = Tensor([[0.0, 0, 1]])
      return Illumination(
        positions: Tensor([[0.0, 0, 0]]), normals: up, toEye: up,
        lights: [.ambient(intensity: Self.white), sun], material: Self.material,
        reflection: .phong, visibility: visibility)
    }
    let quarter = light([Tensor([[0.5]]), Tensor([[0.25]])])
    Self.expect(quarter.diffuse.scalars(as: Double.self), [0.7, 0.7, 0.75])
    Self.expect(quarter.specular.scalars(as: Double.self), [0.035, 0.07, 0.105])
    let all = light([nil, nil]).diffuse.scalars(as: Double.self)
    Self.expect(all, light([]).diffuse.scalars(as: Double.self))
  }

  @Test func emptyInputGivesEmptyOutput() {
    let none = Tensor.zeros([0, 3], dtype: .float64)
    let light = Illumination(
      positions: none, normals: none, toEye: none,
      lights: [
        .ambient(intensity: Self.white),
        .directional(direction: Tensor([0.0, 1, 0]), intensity: Self.white),
        .point(position: Tensor([0.0, 1, 0]), intensity: Self.white, falloff: .inverseSquare),
        .spot(
          position: Tensor([0.0, 1, 0]), axis: Tensor([0.0, -1, 0]), intensity: Self.white,
          cone: .exponent(Tensor(2, dtype: .float64)), falloff: .none),
        .sphericalHarmonics(coefficients: .ones([9, 3], dtype: .float64)),
        .environment(map: .ones([2, 4, 3], dtype: .float64)),
      ], material: Self.material, reflection: .blinnPhong)
    #expect(light.diffuse.shape == [0, 3] && light.specular.shape == [0, 3])
  }

  /// Light at the point itself, no direction, no normal, shininess below 1.
  @Test func degenerateInputStaysFinite() {
    let points = Tensor([[0.0, 0, 0], [0, 0, 0], [1, 1, 1]])
    let normals = Tensor([[0.0, 0, 1], [0, 0, 0], [0, 0, -1]])
    let gradients = gradient(
      at: [points, normals, Tensor([0.0, 0, 0]), Tensor(0.5, dtype: .float64)],
      unreachable: .zeros
    ) { x in
      var material = Self.material
      material.shininess = x[3]
      let light = Illumination(
        positions: x[0], normals: x[1], toEye: Tensor([[0.0, 0, 1], [0, 0, 1], [0, 0, 1]]),
        lights: [
          .point(position: x[2], intensity: Self.white, falloff: .inverseSquare),
          .directional(direction: x[2], intensity: Self.white),
        ], material: material, reflection: .phong)
      return (light.diffuse + light.specular).sum()
    }
    for gradient in gradients {
      #expect(gradient.isAllFinite)
    }
  }

  // MARK: Spherical harmonics

  /// Orthonormal over the sphere: ∫ Yi Yj = δij, by a product quadrature that is exact for them.
  @Test func harmonicsAreOrthonormal() {
    // Gauss–Legendre nodes of order 5 in z, 12 equal steps around.
    let nodes: [(Double, Double)] = [
      (0, 128.0 / 225), (0.5384693101056831, 0.47862867049936647),
      (-0.5384693101056831, 0.47862867049936647), (0.906179845938664, 0.23692688505618908),
      (-0.906179845938664, 0.23692688505618908),
    ]
    var directions: [[Double]] = []
    var weights: [Double] = []
    let steps = 12
    for (z, weight) in nodes {
      for step in 0..<steps {
        let turn = Tensor(2 * Double.pi * (Double(step) + 0.3) / Double(steps), dtype: .float64)
        let out = (1 - z * z).squareRoot()
        directions.append([out * turn.cos().value, out * turn.sin().value, z])
        weights.append(weight * 2 * .pi / Double(steps))
      }
    }
    let y = sphericalHarmonics(Tensor(directions))
    let gram = (y * Tensor(weights).expandingDims(at: 1)).swappedAxes(0, 1).matmul(y)
    #expect((gram - .eye(9, dtype: .float64)).abs().max().value < 1e-12)
  }

  /// The documented order: 1; y, z, x; xy, yz, 3z² - 1, xz, x² - y².
  @Test func harmonicsAreInTheirOrder() {
    let (x, y, z) = (0.48, 0.6, 0.64)
    let found = sphericalHarmonics(Tensor([[x, y, z]])).scalars(as: Double.self)
    let shapes = [1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    let constants = [
      0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274,
    ]
    for i in 0..<9 { #expect(abs(found[i] - shapes[i] * constants[i]) < 1e-6) }
  }

  @Test func harmonicsLightIsClampedAtZero() {
    var coefficients = Tensor.zeros([9, 3], dtype: .float64)
    #expect(
      Self.light([.sphericalHarmonics(coefficients: coefficients)]).diffuse == [0, 0, 0])
    coefficients = .concatenate([
      .full([1, 3], -1, dtype: .float64), .zeros([8, 3], dtype: .float64),
    ])
    #expect(
      Self.light([.sphericalHarmonics(coefficients: coefficients)]).diffuse == [0, 0, 0])
    coefficients = .concatenate([
      .full([1, 3], 1, dtype: .float64), .zeros([8, 3], dtype: .float64),
    ])
    let level = 0.28209479177387814
    Self.expect(
      Self.light([.sphericalHarmonics(coefficients: coefficients)]).diffuse,
      [0.8 * level, 0.4 * level, 0.2 * level])
  }
}
