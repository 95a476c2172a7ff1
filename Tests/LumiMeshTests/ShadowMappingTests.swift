import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// A tilted square, and a dented body, above a ground plane.
enum ShadowScenes {
  static let lamp = Light.point(
    position: Tensor([0.55, 2.6, 0.35]), intensity: Tensor([0.7, 0.8, 0.9]), falloff: .none)
  static let sun = Light.directional(
    direction: Tensor([0.4, 1.3, 0.2]), intensity: Tensor([0.7, 0.8, 0.9]))
  static let spot = Light.spot(
    position: Tensor([0.55, 2.6, 0.35]), axis: Tensor([-0.1, -1, -0.05]),
    intensity: Tensor([0.7, 0.8, 0.9]), cone: .exponent(Tensor(2, dtype: .float64)), falloff: .none)
  static let ambient = Light.ambient(intensity: Tensor([0.2, 0.2, 0.25]))

  /// About the plane y = 0, 4 by 4; no two corners are equally far along an axis, so that the
  /// bounds have a derivative.
  static let ground = [
    [-2.03, 0, 1.97], [2, 0.02, 2.05], [2.1, -0.01, -2], [-1.95, 0.005, -2.1],
  ]

  static let square = [
    [-0.4, 1.0, 0.45], [0.45, 1.1, 0.4], [0.4, 1.2, -0.4], [-0.45, 1.05, -0.35],
  ]

  static func mesh(_ points: [[Double]], _ faces: [[Int32]]) -> Mesh {
    var random = RandomGenerator(seed: 2)
    return Mesh(
      vertices: Tensor(points), faces: Tensor(faces),
      appearance: .vertexColors(
        random.uniform([points.count, 3], low: 0.4, high: 1, dtype: .float64)),
      material: Material(dtype: .float64))
  }

  static let overGround = mesh(
    ground + square, [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])

  static func camera(_ size: Int = 24) -> Camera {
    .perspective(
      lookingAt: [0, 0.3, 0], from: [1, 3.5, 4], verticalFieldOfView: 0.7, width: size + 3,
      height: size, dtype: .float64)
  }

  static func view(
    _ mesh: Mesh = overGround, _ lights: [Light] = [ambient, lamp], size: Int = 24
  ) -> View {
    View(
      scene: Scene(mesh, lights: lights, background: Scenes.background), camera: camera(size))
  }

  static func shader(
    _ shadows: ShadowMapping, _ reflection: Reflection = .lambert
  ) -> Shader {
    Shader(evaluation: .fragment, reflection: reflection, shadows: shadows)
  }
}

struct ShadowMappingTests {
  static let map = try! ShadowMapping(resolution: 64, filterRadius: 2)

  /// Visibility of ground points below the lamp's shadow of the square.
  static func visibility(
    _ light: Light, _ points: [[Double]], _ map: ShadowMapping = map,
    mesh: Mesh = ShadowScenes.overGround
  ) -> [Double]? {
    map.visibility(of: light, past: mesh, at: Tensor(points))?.scalars(as: Double.self)
  }

  // MARK: Values

  /// The square's middle is at (0, 1.09, 0.02): its shadow is carried away from the light.
  @Test(arguments: [
    (ShadowScenes.lamp, [-0.4, 0.01, -0.21]), (ShadowScenes.sun, [-0.33, 0.01, -0.15]),
    (ShadowScenes.spot, [-0.4, 0.01, -0.21]),
  ])
  func shadowLiesBehindTheCaster(_ light: Light, _ middle: [Double]) throws {
    let mirrored = [-middle[0], 0.01, -middle[2]]
    let shares = try #require(
      Self.visibility(light, [middle, [1.5, 0.01, 1], [-1.5, 0, 1.2], [-1.4, 0, -1.5]]))
    #expect(shares[0] < 0.02)
    for share in shares.dropFirst() { #expect(share > 0.98) }
    // The square is lit itself.
    let own = try #require(Self.visibility(light, [[0.15, 1.1, 0.15], [-0.15, 1.08333, -0.1]]))
    for share in own { #expect(share > 0.9) }
    // Half a metre to the other side is still partly covered by neither.
    #expect(try #require(Self.visibility(light, [mirrored]))[0] > 0.5)
  }

  /// One flat caster over a flat receiver: the border of the shadow is the caster's, half dark.
  @Test func borderIsHalfDark() throws {
    let lamp = Tensor([0.55, 2.6, 0.35])
    func below(_ point: Tensor) -> [Double] {
      let p = point.scalars(as: Double.self), l = lamp.scalars(as: Double.self)
      let t = (l[1] - 0.005) / (l[1] - p[1])
      return (0..<3).map { l[$0] + (p[$0] - l[$0]) * t }
    }
    let corners = Tensor(ShadowScenes.square)
    for edge in 0..<4 {
      let (a, b) = (corners[edge], corners[(edge + 1) % 4])
      let points = [0.3, 0.4, 0.5, 0.6, 0.7].map { below(a * (1 - $0) + b * $0) }
      let shares = try #require(
        Self.visibility(ShadowScenes.lamp, points, try ShadowMapping(resolution: 256)))
      #expect(abs(shares.reduce(0, +) / 5 - 0.5) < 0.1, "edge \(edge): \(shares)")
    }
  }

  @Test func onlyDirectLightIsShadowed() throws {
    #expect(Self.visibility(ShadowScenes.ambient, [[0, 0, 0]]) == nil)
    let sky = Light.sphericalHarmonics(coefficients: .ones([9, 3], dtype: .float64))
    #expect(Self.visibility(sky, [[0, 0, 0]]) == nil)
    let dark = try HardRasterizer(shader: ShadowScenes.shader(Self.map))
      .render(ShadowScenes.view(ShadowScenes.overGround, [ShadowScenes.ambient]))[.color]
    let plain = try HardRasterizer(shader: Shader(evaluation: .fragment, reflection: .lambert))
      .render(ShadowScenes.view(ShadowScenes.overGround, [ShadowScenes.ambient]))[.color]
    #expect(dark.bits == plain.bits)
  }

  /// What an ordinary map says, sharply, the other says softly.
  @Test func softAgreesWithHard() throws {
    func image(_ comparison: ShadowMapping.Comparison) throws -> Tensor {
      let map = try ShadowMapping(resolution: 512, filterRadius: 1, comparison: comparison)
      return try HardRasterizer(shader: ShadowScenes.shader(map))
        .render(ShadowScenes.view(size: 64))[.color]
    }
    let (soft, hard) = (try image(.variance), try image(.depth(bias: 0.02)))
    let none = try HardRasterizer(shader: Shader(evaluation: .fragment, reflection: .lambert))
      .render(ShadowScenes.view(size: 64))[.color]
    #expect((soft - hard).abs().mean().value < 0.003)
    #expect((soft - none).abs().mean().value > 0.02)
  }

  /// Behind two casters light leaks; the reduction takes it away.
  @Test func bleedingIsReduced() throws {
    let high = ShadowScenes.square.map { [$0[0] + 0.6, $0[1] + 0.9, $0[2]] }
    let mesh = ShadowScenes.mesh(
      ShadowScenes.ground + ShadowScenes.square + high,
      [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7], [8, 9, 10], [8, 10, 11]])
    let points = (0..<16).map { [Double($0) * 0.02 - 0.6, 0.01, -0.1] }
    func leak(_ reduction: Double) throws -> Double {
      let map = try ShadowMapping(resolution: 64, bleedingReduction: reduction)
      let shares = try #require(Self.visibility(ShadowScenes.sun, points, map, mesh: mesh))
      return shares.reduce(0, +)
    }
    #expect(try leak(0) > 0.2)
    #expect(try leak(0.3) < 0.5 * leak(0))
  }

  // MARK: Gradients

  static let gradientCases: [(String, Light, [String])] = [
    ("lamp", ShadowScenes.lamp, ["mesh.vertices", "light.1.position", "light.1.intensity"]),
    ("sun", ShadowScenes.sun, ["mesh.vertices", "light.1.direction", "light.1.intensity"]),
    ("spot", ShadowScenes.spot, ["mesh.vertices", "light.1.position", "light.1.axis"]),
  ]

  /// The derivative of its own forward pass: light, casters and receivers, map's fit included.
  @Test(arguments: gradientCases)
  func gradientIsThePicturesDerivative(_ name: String, _ light: Light, _ paths: [String]) throws {
    let view = ShadowScenes.view(ShadowScenes.overGround, [ShadowScenes.ambient, light])
    let renderer = HardRasterizer(
      shader: ShadowScenes.shader(Self.map, .blinnPhong), channels: [.color])
    try renderer.check(view, paths + ["mesh.vertexColors"], steps: [1e-6, 1e-7], tolerance: 1e-5)
    let gradients = try renderer.evaluate(view).gradients
    let plain = HardRasterizer(
      shader: Shader(evaluation: .fragment, reflection: .blinnPhong), channels: [.color])
    let without = try plain.evaluate(view).gradients
    for path in paths.prefix(2) {
      #expect(gradients[path]!.distance(to: without[path]!) > 0.1, "\(path)")
    }
  }

  @Test func gradientOfAClosedBodysShadow() throws {
    var body = Scenes.body()
    body.vertices = body.vertices * 0.5 + Tensor([0.05, 1, 0.1])
    let ground = Tensor(ShadowScenes.ground)
    let mesh = Mesh(
      vertices: .concatenate([ground, body.vertices]),
      faces: .concatenate([
        Tensor([[0, 1, 2], [0, 2, 3]] as [[Int32]]), body.faces + Tensor(4, dtype: .int32),
      ]), appearance: .uniform(Tensor([0.8, 0.7, 0.6])), material: Material(dtype: .float64))
    let map = try ShadowMapping(
      resolution: 48, filterRadius: 1, minimumVariance: 1e-4, bleedingReduction: 0.1)
    try AntialiasedRasterizer(shader: ShadowScenes.shader(map)).check(
      ShadowScenes.view(mesh), ["mesh.vertices", "light.1.position"], steps: [1e-6, 1e-7],
      tolerance: 1e-5)
  }

  /// What ordinary maps cannot do, and what outlines without antialiasing cannot.
  @Test func controlsHaveNoGradientOfTheCaster() throws {
    func caster(_ map: ShadowMapping) throws -> Double {
      // Seen from below the ground's edge the square itself is out of the picture.
      var view = ShadowScenes.view(size: 32)
      view.camera = .perspective(
        lookingAt: [-0.4, 0, -0.2], from: [-0.5, 0.6, 1.1], verticalFieldOfView: 0.7, width: 32,
        height: 32, dtype: .float64)
      let renderer = HardRasterizer(shader: ShadowScenes.shader(map), channels: [.color])
      return try renderer.evaluate(view).gradients["mesh.vertices"]!
        .slice(axis: 0, from: 4, to: 8).slice(axis: 1, from: 0, to: 1)
        .largest
    }
    let full = try caster(Self.map)
    #expect(full > 0.05)
    #expect(try caster(ShadowMapping(comparison: .depth(bias: 0.02))) == 0)
    let jagged = try caster(
      ShadowMapping(resolution: 64, filterRadius: 2, isAntialiased: false))
    #expect(jagged < 0.2 * full)
  }

  // MARK: Bits

  @Test func sameBitsOnAnyNumberOfThreads() throws {
    let renderer = AntialiasedRasterizer(shader: ShadowScenes.shader(Self.map))
    let view = ShadowScenes.view(size: 60)
    let results = try [1, 3].map { count in
      try LumiRuntime.withThreads(count) { try renderer.evaluate(view) }
    }
    #expect(try results[0].output[.color].bits == results[1].output[.color].bits)
    for (path, gradient) in results[0].gradients {
      #expect(gradient.bits == results[1].gradients[path]!.bits, "\(path)")
    }
  }

  @Test func singlePrecisionAgrees() throws {
    let renderer = HardRasterizer(shader: ShadowScenes.shader(Self.map), channels: [.color])
    let exact = try renderer.render(ShadowScenes.view())[.color]
    let single = try renderer.render(ShadowScenes.view().cast(to: .float32))[.color]
    #expect((single.cast(to: .float64) - exact).abs().mean().value < 1e-3)
  }

  @Test func shadersAreEqualWithEqualShadows() throws {
    let plain = Shader.phong
    var (a, b) = (plain, plain)
    a.shadows = Self.map
    #expect(a != plain && plain != a)
    b.shadows = try ShadowMapping(resolution: 64, filterRadius: 2)
    #expect(a == b)
    b.shadows = try ShadowMapping(resolution: 65, filterRadius: 2)
    #expect(a != b)
  }
}
