import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Geometry that breaks careless rasterisers gives finite images and finite gradients.
struct DegenerateTests {
  enum Method: String, CaseIterable, Sendable {
    case soft, softByTensorOperations, softBarycentric, softHard, silhouettes, pytorch3D
    case hard, hardByTensorOperations, phong, antialiased, antialiasedPhong
    case openDR, openDRPlain, localGradients, neuralMesh, neuralMeshFront, genova, dibR
    case rhodin

    var renderer: any Renderer<Mesh> {
      var soft = SoftRasterizer()
      soft.sigma = 1e-3
      soft.gamma = 1e-2
      switch self {
      case .soft: return soft
      case .softByTensorOperations:
        soft.path = .tensorOperations
        return soft
      case .softBarycentric:
        soft.distance = .barycentric
        soft.shader = .phong
        return soft
      case .softHard:
        soft.distance = .hard
        soft.color = .hard
        soft.alpha = .sum
        return soft
      case .silhouettes: return SoftRasterizer.silhouettes
      case .pytorch3D: return PyTorch3DSoftRasterizer()
      case .hard: return HardRasterizer(channels: HardRasterizer.allChannels)
      case .hardByTensorOperations:
        return HardRasterizer(channels: HardRasterizer.allChannels, path: .tensorOperations)
      case .phong:
        return HardRasterizer(shader: .blinnPhong, channels: HardRasterizer.allChannels)
      case .antialiased: return AntialiasedRasterizer(channels: AntialiasedRasterizer.allChannels)
      case .antialiasedPhong: return AntialiasedRasterizer(shader: .phong)
      case .openDR: return OpenDRRenderer(channels: OpenDRRenderer.allChannels)
      case .openDRPlain:
        var renderer = OpenDRRenderer(shader: .phong)
        renderer.overdraws = false
        return renderer
      case .localGradients:
        return LocalGradientRenderer(channels: LocalGradientRenderer.allChannels)
      case .neuralMesh: return NeuralMeshRenderer(channels: NeuralMeshRenderer.allChannels)
      case .neuralMeshFront:
        var renderer = NeuralMeshRenderer()
        renderer.fillsBack = false
        renderer.antiAliasing = false
        return renderer
      case .genova: return GenovaRenderer(channels: GenovaRenderer.allChannels)
      case .rhodin: return GaussianVisibilityRenderer(reflection: .phong)
      case .dibR: return DIBRenderer(channels: DIBRenderer.allChannels)
      }
    }
  }

  /// Points and faces beside an ordinary triangle that shall be seen nevertheless.
  struct Geometry: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let points: [SIMD3<Double>]
    let faces: [SIMD3<Int32>]
    init(_ name: String, _ points: [SIMD3<Double>], _ faces: [SIMD3<Int32>]) {
      testDescription = name
      self.points = points
      self.faces = faces
    }
  }

  /// The camera is at (0, 0, 3) and looks along -z.
  static let geometries: [Geometry] = [
    Geometry("zero area: three equal corners", [[0.1, 0.2, 0]], [[0, 0, 0]]),
    Geometry("zero area: two equal corners", [[0.1, 0.2, 0], [0.5, 0.4, 0]], [[0, 1, 1]]),
    Geometry(
      "zero area: corners in a line", [[-0.5, -0.5, 0], [0, 0, 0], [0.5, 0.5, 0]], [[0, 1, 2]]),
    Geometry(
      "edge-on", [[0, -0.5, 0], [0, 0.5, 0], [0, 0.1, 1]], [[0, 1, 2]]),
    Geometry(
      "almost edge-on", [[0, -0.5, 0], [1e-13, 0.5, 0], [0, 0.1, 1]], [[0, 1, 2]]),
    Geometry("needle", [[-5, 0.1, 0], [5, 0.1, 0], [0, 0.1 + 1e-9, 0]], [[0, 1, 2]]),
    Geometry("wholly behind", [[-1, 0, 4], [1, 0, 4], [0, 1, 5]], [[0, 1, 2]]),
    Geometry("through the camera's plane", [[-1, 0, 4], [1, 0, 4], [0, 0.5, 0]], [[0, 1, 2]]),
    Geometry("a corner at the camera", [[0, 0, 3], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]),
    Geometry("a corner in the camera's plane", [[1, 1, 3], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]),
    Geometry("around the camera", [[-9, -9, 3.1], [9, -9, 2.9], [0, 9, 3.3]], [[0, 1, 2]]),
    Geometry("outside the view", [[50, 0, 0], [51, 0, 0], [50, 1, 0]], [[0, 1, 2]]),
    Geometry(
      "coincident depth", [[-0.7, -0.5, 0], [0.6, -0.4, 0], [0.1, 0.5, 0], [0.3, 0.8, 0]],
      [[0, 1, 2], [0, 1, 3]]),
    Geometry(
      "duplicate faces", [[-0.7, -0.5, 0.1], [0.6, -0.4, 0.2], [0.1, 0.5, 0]],
      [[0, 1, 2], [0, 1, 2], [2, 1, 0]]),
    Geometry("NaN", [[.nan, 0, 0], [0.5, 0, 0], [0, 0.5, 0.5]], [[0, 1, 2]]),
    Geometry("infinity", [[0, .infinity, 0], [0.5, 0, 0], [0, 0.5, 0.5]], [[0, 1, 2]]),
    Geometry("infinitely far", [[0, 0, -.infinity], [0.5, 0, 0], [0, 0.5, 0.5]], [[0, 1, 2]]),
    Geometry("1e30", [[1e30, 0, 0], [0.5, 1e30, 0], [0, 0.5, -1e30]], [[0, 1, 2]]),
    Geometry("-1e30", [[-1e30, -1e30, -1e30], [0.5, 0, 0], [0, 0.5, 0.5]], [[0, 1, 2]]),
    Geometry("1e18", [[1e18, 0, 0], [0.5, 1e18, 0], [0, 0.5, -1e18]], [[0, 1, 2]]),
    Geometry("1e-30", [[1e-30, 0, 0], [0, 1e-30, 0], [0, 0, 1e-30]], [[0, 1, 2]]),
  ]

  /// An ordinary triangle and the geometry, which also shares a vertex with it.
  static func view(
    _ geometry: Geometry, size: (Int, Int) = (9, 7), orthographic: Bool = false
  ) -> View {
    let ordinary: [SIMD3<Double>] = [[-0.8, -0.7, -0.5], [0.9, -0.5, -0.6], [0.2, 0.8, -0.4]]
    let points = ordinary + geometry.points
    let faces = [SIMD3<Int32>(0, 1, 2)] + geometry.faces.map { $0 &+ 3 } + [[0, 1, 3]]
    var random = RandomGenerator(seed: 1)
    let mesh = Mesh(
      vertices: Tensor(points.flatMap { [$0.x, $0.y, $0.z] }, shape: [points.count, 3]),
      faces: Tensor(faces.flatMap { [$0.x, $0.y, $0.z] }, shape: [faces.count, 3]),
      appearance: .vertexColors(random.uniform([points.count, 3], dtype: .float64)))
    let camera =
      orthographic
      ? Camera.orthographic(
        from: [0, 0, 3], visibleHeight: 2.2, width: size.0, height: size.1, dtype: .float64)
      : Camera.perspective(
        from: [0, 0, 3], verticalFieldOfView: 0.8, width: size.0, height: size.1,
        dtype: .float64)
    return View(
      scene: Scene(mesh, lights: Scenes.lights.map(\.light), background: Scenes.background),
      camera: camera)
  }

  static func expectFinite(_ renderer: any Renderer<Mesh>, _ view: View) throws {
    let (output, gradients) = try renderer.evaluate(view)
    for (name, image) in output.smoothChannels { #expect(image.isAllFinite, "\(name)") }
    for (name, gradient) in gradients { #expect(gradient.isAllFinite, "\(name)") }
  }

  @Test(arguments: Method.allCases, geometries)
  func imagesAndGradientsAreFinite(_ method: Method, _ geometry: Geometry) throws {
    for dtype in [DType.float64, .float32] {
      for orthographic in [false, true] {
        let view = Self.view(geometry, orthographic: orthographic).cast(to: dtype)
        try Self.expectFinite(method.renderer, view)
      }
    }
  }

  /// What cannot be drawn does not take what can be drawn with it.
  @Test(
    arguments: [HardRasterizer.Path.automatic, .tensorOperations],
    geometries.filter {
      !["coincident", "duplicate", "around", "through", "1e18", "1e30", "corner", "-1e30", "infin"]
        .contains(where: $0.testDescription.contains)
    })
  func ordinaryFaceStays(_ path: HardRasterizer.Path, _ geometry: Geometry) throws {
    let view = Self.view(geometry)
    let faces = try HardRasterizer(channels: [.faceIndex], path: path).render(view)[.faceIndex]
    #expect(faces.scalars(as: Int32.self).contains(0))
  }

  @Test(arguments: Method.allCases, [(1, 1), (1, 6), (7, 1), (33, 2)])
  func smallImages(_ method: Method, _ size: (Int, Int)) throws {
    for dtype in [DType.float64, .float32] {
      let plain = Geometry("plain", [[0.1, 0.2, 0.3]], [])
      try Self.expectFinite(method.renderer, Self.view(plain, size: size).cast(to: dtype))
    }
  }

  enum Emptiness: CaseIterable, Sendable { case noFaces, nothing }

  @Test(arguments: Method.allCases, Emptiness.allCases)
  func emptyMeshShowsTheBackground(_ method: Method, _ emptiness: Emptiness) throws {
    for dtype in [DType.float64, .float32] {
      for look in Scenes.Look.allCases {
        var random = RandomGenerator(seed: 2)
        let vertices = Tensor.zeros([emptiness == .nothing ? 0 : 4, 3], dtype: .float64)
        var mesh = Mesh(vertices: vertices, faces: .zeros([0, 3], dtype: .int32))
        mesh.appearance = Scenes.appearance(look, mesh, &random)
        var view = Scenes.view()
        view.scene.shape = mesh
        view = view.cast(to: dtype)
        try Self.expectFinite(method.renderer, view)
        let output = try method.renderer.render(view)
        #expect(try output[.alpha].largest == 0)
        guard output.channels.contains(.color) else { continue }
        let image = try output[.color]
        #expect((image - view.scene.background).largest < 1e-6)
        let gradient = try method.renderer.evaluate(view).gradients["background"]!
        #expect(gradient.largest > 0)
      }
    }
  }

  /// Two equal faces: A becomes 1 - (1 - A)².
  @Test(arguments: HardRasterizer.Path.allCases)
  func duplicateFacesUnite(_ path: HardRasterizer.Path) throws {
    var renderer = SoftRasterizer.silhouettes
    renderer.sigma = 0.01
    renderer.path = path
    let once = Geometry("once", [[-0.7, -0.5, 0.1], [0.6, -0.4, 0.2], [0.1, 0.5, 0]], [])
    var view = Self.view(once)
    view.scene.shape.faces = Tensor([[3, 4, 5]] as [[Int32]])
    let single = try renderer.render(view)[.alpha]
    view.scene.shape.faces = Tensor([[3, 4, 5], [5, 4, 3]] as [[Int32]])
    let double = try renderer.render(view)[.alpha]
    #expect(double.distance(to: 1 - (1 - single).square()) < 1e-14)
    #expect(single.largest > 0.9)
  }
}
