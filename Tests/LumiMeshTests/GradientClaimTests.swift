import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Central differences of the whole pipeline, from named parameters to images, in float64.
struct GradientClaimTests {
  enum Method: String, CaseIterable, Sendable {
    case soft, softByTensorOperations, softBarycentric, pytorch3D, hard, hardByTensorOperations

    func renderer(_ shader: Shader) -> any Renderer<Mesh> {
      switch self {
      case .soft, .softByTensorOperations, .softBarycentric:
        var renderer = SoftRasterizer()
        renderer.sigma = 3e-3
        renderer.gamma = 0.05
        renderer.depthRange = 0.5...10
        renderer.shader = shader
        if self == .softByTensorOperations { renderer.path = .tensorOperations }
        if self == .softBarycentric {
          renderer.distance = .barycentric
          renderer.sigma = 0.02
          renderer.distanceEpsilon = 1e-3
        }
        return renderer
      case .pytorch3D:
        var renderer = PyTorch3DSoftRasterizer()
        renderer.sigma = 3e-3
        renderer.gamma = 0.05
        renderer.depthRange = 0.5...10
        renderer.shader = shader
        return renderer
      case .hard, .hardByTensorOperations:
        return HardRasterizer(
          shader: shader, channels: [.color, .alpha, .depth, .normal],
          path: self == .hard ? .automatic : .tensorOperations)
      }
    }

    /// What the method calls exact must be; discontinuities at the cut-off of faces are below it.
    var tolerance: Double { self == .hard || self == .hardByTensorOperations ? 1e-6 : 1e-5 }
  }

  static let shaders: [(name: String, shader: Shader)] = [
    ("flat", .flat), ("gouraud", .gouraud), ("phong", .phong), ("blinnPhong", .blinnPhong),
  ]

  static let materials = ["ambient", "diffuse", "specular", "emission", "shininess"]
    .map { "mesh.material." + $0 }

  @Test(arguments: Method.allCases, shaders)
  func shapeColourAndBackground(
    _ method: Method, _ shader: (name: String, shader: Shader)
  ) throws {
    try method.renderer(shader.shader).check(
      Scenes.view(), ["mesh.vertices", "mesh.vertexColors", "background"],
      tolerance: method.tolerance)
  }

  @Test(arguments: Method.allCases, shaders)
  func materialAndAllLights(
    _ method: Method, _ shader: (name: String, shader: Shader)
  ) throws {
    let view = Scenes.view(.uniform, lights: Scenes.lights.map(\.light))
    let lights = view.parameters.map(\.path).filter { $0.hasPrefix("light.") }
    #expect(lights.count == 8)
    var names = Self.materials + lights + ["mesh.color"]
    // Lambert's surfaces have no highlights.
    if shader.shader.reflection == .lambert {
      names.removeAll { $0.hasSuffix("specular") || $0.hasSuffix("shininess") }
    }
    let renderer = method.renderer(shader.shader)
    try renderer.check(view, names, tolerance: method.tolerance)
    let gradients = try renderer.evaluate(view).gradients
    for name in names { #expect(gradients[name]!.largest > 1e-4, "\(name)") }
  }

  /// Light that depends on the place moves with the vertices too.
  @Test(arguments: Method.allCases, [Shader.gouraud, .blinnPhong])
  func shapeUnderAllLights(_ method: Method, _ shader: Shader) throws {
    try method.renderer(shader).check(
      Scenes.view(.uniform, lights: Scenes.lights.map(\.light)), ["mesh.vertices"],
      tolerance: method.tolerance)
  }

  @Test(arguments: Method.allCases, [Scenes.Look.faceColors, .faceTexels, .texture])
  func otherAppearances(_ method: Method, _ look: Scenes.Look) throws {
    let view = Scenes.view(look)
    let names = view.scene.shape.appearance.parameters.map { "mesh." + $0.path }
    try method.renderer(look == .texture ? .phong : .flat).check(
      view, ["mesh.vertices"] + names, tolerance: method.tolerance)
  }

  @Test(arguments: Method.allCases, Array(Scenes.cameras.indices))
  func everyCameraModel(_ method: Method, _ index: Int) throws {
    let (name, camera) = Scenes.cameras[index]
    let view = Scenes.view(camera: camera)
    let names = camera.parameters.map { "camera." + $0.path }
    let renderer = method.renderer(.blinnPhong)
    try renderer.check(view, ["mesh.vertices"] + names, tolerance: method.tolerance)
    let gradients = try renderer.evaluate(view).gradients
    // A pinhole's picture does not depend on the lens.
    for path in names where !path.hasSuffix("aperture") && !path.hasSuffix("focusDistance") {
      #expect(gradients[path]!.largest > 1e-4, "\(name): \(path)")
    }
  }

  /// The plane z = near passes through the body; perspective and orthographic.
  @Test(arguments: Method.allCases, [0, 2])
  func throughTheNearPlane(_ method: Method, _ index: Int) throws {
    var view = Scenes.view(camera: Scenes.cameras[index].camera)
    view.camera.near = 2.6
    try method.renderer(.gouraud).check(
      view, ["mesh.vertices", "mesh.vertexColors", "camera.translation", "camera.rotation"],
      steps: [1e-6, 1e-7], tolerance: method.tolerance)
    view.scene.shape = Scenes.body(.texture)
    try method.renderer(.phong).check(
      view, ["mesh.vertices", "mesh.texture", "mesh.textureCoordinates"],
      tolerance: method.tolerance)
  }

  @Test(arguments: Method.allCases)
  func givenVertexNormals(_ method: Method) throws {
    var view = Scenes.view(.uniform)
    view.scene.shape.vertexNormals = view.scene.shape.computedVertexNormals() * 1.3
    try method.renderer(.blinnPhong).check(
      view, ["mesh.vertexNormals", "mesh.vertices"], tolerance: method.tolerance)
  }

  /// Every option of the Soft Rasterizer's complete gradient.
  @Test(arguments: SoftTwinTests.Options.all)
  func everySoftOption(_ options: SoftTwinTests.Options) throws {
    var renderer = SoftTwinTests.renderer(options)
    renderer.depthRange = 1...10
    let colored = options.color == .none ? [] : ["mesh.vertexColors", "background"]
    try renderer.check(Scenes.view(), ["mesh.vertices"] + colored, tolerance: 1e-5)
  }
}
