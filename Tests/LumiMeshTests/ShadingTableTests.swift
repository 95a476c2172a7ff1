import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Every method with every shader under every light on every appearance, at a tiny size: images and
/// gradients are finite, and the gradient of light, material and appearance agrees with a central
/// difference along a random direction of all of them.
struct ShadingTableTests {
  enum Method: String, CaseIterable, Sendable {
    case hard, hardByTensorOperations, soft, softByTensorOperations, pytorch3D, dibR, genova
    case antialiased, openDR, neuralMesh, localGradients, rhodin

    func renderer(_ shader: Shader) -> any Renderer<Mesh> {
      switch self {
      case .hard: return HardRasterizer(shader: shader)
      case .hardByTensorOperations: return HardRasterizer(shader: shader, path: .tensorOperations)
      case .soft: return GradientClaimTests.Method.soft.renderer(shader)
      case .softByTensorOperations:
        return GradientClaimTests.Method.softByTensorOperations.renderer(shader)
      case .pytorch3D: return GradientClaimTests.Method.pytorch3D.renderer(shader)
      case .dibR: return DIBRenderer(shader: shader)
      case .genova: return GenovaRenderer(shader: shader)
      case .antialiased: return AntialiasedRasterizer(shader: shader)
      case .openDR: return OpenDRRenderer(shader: shader)
      case .neuralMesh: return NeuralMeshRenderer(shader: shader)
      case .localGradients: return LocalGradientRenderer(shader: shader)
      case .rhodin: return GaussianVisibilityRenderer(reflection: shader.reflection)
      }
    }
  }

  static let lights: [(name: String, light: Light)] =
    Scenes.lights + [
      (
        "spot, angles",
        .spot(
          position: Tensor([1.0, 1.5, 2.5]), axis: Tensor([-0.5, -0.6, -1]),
          intensity: Tensor([2.0, 1.5, 1]),
          cone: .angles(inner: Tensor(0.1, dtype: .float64), outer: Tensor(0.6, dtype: .float64)),
          falloff: .none)
      ),
      (
        "spot, exponent",
        .spot(
          position: Tensor([0.5, 1.5, 2.5]), axis: Tensor([-0.1, -0.6, -1]),
          intensity: Tensor([5.0, 4, 6]), cone: .exponent(Tensor(3, dtype: .float64)),
          falloff: .inverseSquare)
      ),
      (
        "spherical harmonics of order 4",
        .sphericalHarmonics(
          coefficients: {
            var random = RandomGenerator(seed: 19)
            let waves = random.uniform([24, 3], low: -0.2, high: 0.2, dtype: .float64)
            return .concatenate([.full([1, 3], 3, dtype: .float64), waves])
          }())
      ),
      (
        "environment",
        .environment(
          map: {
            var random = RandomGenerator(seed: 29)
            return random.uniform([3, 5, 3], dtype: .float64)
          }())
      ),
    ]

  static let trilinear = TextureSampler(filter: .trilinear, wrap: .repeat)

  static func views(_ light: Light) -> [(name: String, view: View)] {
    let camera = Scenes.camera(width: 7, height: 6)
    var views = Scenes.Look.allCases.map {
      ($0.rawValue, Scenes.view($0, lights: [light], camera: camera))
    }
    var mipMapped = Scenes.view(.texture, lights: [light], camera: camera)
    mipMapped.scene.shape.textureSampler = trilinear
    views.append(("mip-mapped texture", mipMapped))
    return views
  }

  @Test(arguments: Method.allCases, GradientClaimTests.shaders)
  func everyLightOnEveryAppearance(
    _ method: Method, _ shader: (name: String, shader: Shader)
  ) throws {
    let renderer = method.renderer(shader.shader)
    for (lightName, light) in Self.lights {
      for (look, view) in Self.views(light) {
        let name = "\(method), \(shader.name), \(lightName), \(look)"
        let output = try renderer.render(view)
        for (channel, image) in output.smoothChannels {
          #expect(image.isAllFinite, "\(name): \(channel)")
        }
        let error = try shadingError(renderer, view, name)
        #expect(error < 1e-5, "\(name)")
      }
    }
  }

  /// How far the slope along one random direction of light, material and appearance is off, in terms
  /// of its size.
  ///
  /// - Parameter factor: on the gradient.
  private func shadingError(
    _ renderer: any Renderer<Mesh>, _ view: View, _ name: String, factor: Double = 1
  ) throws -> Double {
    let gradients = try valueAndGradient(of: view, unreachable: .zeros) {
      try renderer.render($0).weightedSum()
    }.gradients
    for (path, slopes) in gradients { #expect(slopes.isAllFinite, "\(name): \(path)") }
    let shape = ["mesh.vertices", "mesh.vertexNormals", "background"]
    let names = view.scene.parameters.map(\.path).filter { !shape.contains($0) }
    let groups = Dictionary(grouping: names) { path in
      ["light.", "mesh.material."].first { path.hasPrefix($0) } ?? "appearance"
    }
    #expect(groups.count == 3)
    for (group, members) in groups {
      let largest = members.map { gradients[$0]!.largest }.max()!
      #expect(largest > 1e-4, "\(name): no gradient for \(group)")
    }
    var random = RandomGenerator(seed: 41)
    var (slope, scale) = (0.0, 0.0)
    var moves: [String: Tensor] = [:]
    for path in names {
      let move = random.uniform(
        try view.parameter(path).shape, low: -1, high: 1, dtype: .float64)
      let terms = gradients[path]! * move
      slope += terms.sum().value * factor
      scale += terms.square().sum().value
      moves[path] = move
    }
    func moved(_ by: Double) throws -> Double {
      let values = try moves.map { ($0.key, try view.parameter($0.key) + $0.value * by) }
      return try renderer.render(view.replacing(Dictionary(uniqueKeysWithValues: values)))
        .weightedSum().value
    }
    let errors = try [1e-5, 1e-6].map { step in
      abs((try moved(step) - moved(-step)) / (2 * step) - slope)
    }
    return errors.min()! / scale.squareRoot()
  }

  /// The check sees a gradient that is off by a hundredth.
  @Test func wrongGradientIsNoticed() throws {
    let view = Scenes.view(.uniform)
    #expect(try shadingError(HardRasterizer(), view, "right") < 1e-5)
    #expect(try shadingError(HardRasterizer(), view, "wrong", factor: 1.01) > 1e-4)
  }

  /// A light of a shape that it cannot have is an error, not a crash.
  @Test(arguments: Method.allCases)
  func unusableLightsThrow(_ method: Method) {
    for (light, name) in [
      (Light.sphericalHarmonics(coefficients: .ones([10, 3], dtype: .float64)), "coefficients"),
      (.environment(map: .ones([0, 4, 3], dtype: .float64)), "map"),
      (.ambient(intensity: .ones([3])), "intensity"),
    ] {
      let view = Scenes.view(.uniform, lights: [light])
      #expect {
        _ = try method.renderer(.phong).render(view)
      } throws: { error in
        guard case .invalid(_, let parameter, _, _)? = error as? RenderError else { return false }
        return parameter == "light.0.\(name)"
      }
    }
  }

  // MARK: Mip-mapped textures

  /// A checkerboard of 64 × 64 fields on the ground, up to the horizon.
  static func ground(_ filter: TextureSampler.Filter) -> Scene<Mesh> {
    var mesh = Mesh(
      vertices: Tensor([[-1.0, 0, 1], [1, 0, 1], [1, 0, -1], [-1, 0, -1]]) * 40,
      faces: Tensor([0, 1, 2, 0, 2, 3] as [Int32], shape: [2, 3]))
    let parities = (0..<64 * 64).map { number -> Double in
      let (row, column) = number.quotientAndRemainder(dividingBy: 64)
      return (row + column) % 2 == 0 ? 0 : 1
    }
    let fields = Tensor(parities, shape: [64, 64, 1])
    mesh.appearance = .texture(
      image: fields, coordinates: Tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]]),
      faces: mesh.faces)
    mesh.textureSampler = TextureSampler(filter: filter)
    return Scene(mesh, background: Tensor([0.5]))
  }

  static func camera(_ factor: Int) -> Camera {
    Camera.perspective(
      from: [0.3, 3, 20], verticalFieldOfView: radians(degrees: 40),
      width: 32 * factor, height: 24 * factor, dtype: .float64)
  }

  /// Against the same picture with 24 × 24 samples a pixel.
  @Test func groundDoesNotAlias() throws {
    let truth = try HardRasterizer(channels: [.color])
      .render(Self.ground(.bilinear), from: Self.camera(24))[.color].averagePooled(by: 24)
    func error(_ filter: TextureSampler.Filter) throws -> Double {
      let image = try HardRasterizer(channels: [.color])
        .render(Self.ground(filter), from: Self.camera(1))[.color]
      return (image - truth).square().mean().sqrt().value
    }
    let (trilinear, bilinear) = try (error(.trilinear), error(.bilinear))
    #expect(trilinear < 0.03 && bilinear > 0.08)
  }

  /// The footprint is the derivative of the coordinates: it moves with vertices and camera.
  @Test func levelOfDetailHasItsGradient() throws {
    var view = Scenes.view(.texture, lights: [])
    view.scene.shape.textureSampler = Self.trilinear
    for renderer in [HardRasterizer(), HardRasterizer(path: .tensorOperations)] {
      try renderer.check(
        view,
        [
          "mesh.vertices", "mesh.texture", "mesh.textureCoordinates", "camera.translation",
          "camera.focalLength",
        ])
    }
  }

  /// Footprints are those of the whole face, whatever the near plane cuts off.
  @Test func clippingDoesNotChangeFootprints() throws {
    let (scene, camera) = (Self.ground(.trilinear), Self.camera(1))
    var clipped = camera
    clipped.near = 12
    let whole = try HardRasterizer(channels: [.color]).render(scene, from: camera)[.color]
    let cut = try HardRasterizer(channels: [.color, .depth]).render(scene, from: clipped)
    let seen = try (cut[.depth] .> 0).expandingDims(at: 2)
    let difference = try Tensor.where(seen, whole - cut[.color], 0).abs().max().value
    #expect(difference < 1e-9)
    #expect(seen.cast(to: .float64).sum().value > 100)
  }

  // MARK: Environment

  /// A mirror ball before its surroundings, over their picture.
  @Test func environmentBehindTheScene() throws {
    let map = Tensor.ones([4, 8, 3], dtype: .float64)
    var mesh = Mesh.icosphere(subdivisions: 1, dtype: .float64)
    mesh.material = Material(diffuse: 0.25, specular: 0.75, shininess: 50, dtype: .float64)
    let camera = Scenes.camera()
    let output = try HardRasterizer(shader: .phong).render(
      Scene(mesh, lights: [.environment(map: map)]), from: camera)
    let image =
      try output[.color]
      + (1 - output[.alpha]).expandingDims(at: 2) * EnvironmentMap(map).background(from: camera)
    #expect((image - 1).abs().max().value < 1e-9)
  }
}
