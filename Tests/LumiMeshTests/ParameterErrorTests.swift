import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Options and scenes that do not fit throw with the parameter's name.
struct ParameterErrorTests {
  struct Wrong: Sendable, CustomTestStringConvertible {
    let parameter: String
    let value: Double
    let change: @Sendable (inout SoftRasterizer) -> Void
    var testDescription: String { "\(parameter) \(value)" }
  }

  static let wrong: [Wrong] =
    [0, -1, Double.nan, .infinity].flatMap { value in
      [
        Wrong(parameter: "sigma", value: value) { $0.sigma = value },
        Wrong(parameter: "gamma", value: value) { $0.gamma = value },
      ]
    }
    + [0, -0.1, 0.6, Double.nan].map { value in
      Wrong(parameter: "distanceEpsilon", value: value) { $0.distanceEpsilon = value }
    }
    + [Double.nan, .infinity].map { value in
      Wrong(parameter: "backgroundEpsilon", value: value) { $0.backgroundEpsilon = value }
    } + [
      Wrong(parameter: "depthRange", value: 0) { $0.depthRange = 0...1 },
      Wrong(parameter: "depthRange", value: 1) { $0.depthRange = 1...1 },
      Wrong(parameter: "depthRange", value: .infinity) { $0.depthRange = 1...(.infinity) },
    ]

  @Test(arguments: wrong, HardRasterizer.Path.allCases)
  func softOptionOutOfRange(_ wrong: Wrong, _ path: HardRasterizer.Path) throws {
    var renderer = SoftRasterizer()
    wrong.change(&renderer)
    renderer.path = path
    let error = #expect(throws: RenderError.self) { try renderer.render(Scenes.view()) }
    guard case .invalid(let method, let parameter, _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(method == "mesh/softras" && parameter == wrong.parameter)
  }

  @Test func pytorch3DOptionOutOfRange() {
    let changes: [(String, (inout PyTorch3DSoftRasterizer) -> Void)] = [
      ("sigma", { $0.sigma = 0 }), ("gamma", { $0.gamma = .nan }),
      ("blurRadius", { $0.blurRadius = -1 }), ("facesPerPixel", { $0.facesPerPixel = 0 }),
      ("facesPerPixel", { $0.facesPerPixel = -3 }), ("depthRange", { $0.depthRange = 2...2 }),
    ]
    for (name, change) in changes {
      var renderer = PyTorch3DSoftRasterizer()
      change(&renderer)
      let error = #expect(throws: RenderError.self) { try renderer.render(Scenes.view()) }
      #expect(error?.description.contains(name) == true)
    }
  }

  static let renderers: [any Renderer<Mesh>] = {
    var readable = SoftRasterizer()
    readable.path = .tensorOperations
    return [
      SoftRasterizer(), readable, PyTorch3DSoftRasterizer(), HardRasterizer(),
      HardRasterizer(path: .tensorOperations), HardRasterizer(shader: .phong),
    ]
  }()

  @Test(arguments: renderers.indices)
  func backgroundThatDoesNotFit(_ index: Int) {
    let wrong: [Tensor] = [
      Tensor([0.5]), Tensor([0.1, 0.2, 0.3, 0.4]), Tensor([[0.1, 0.2, 0.3]]),
      Tensor(0.5, dtype: .float64), .zeros([3], dtype: .float32),
    ]
    for background in wrong {
      var view = Scenes.view()
      view.scene.background = background
      let error = #expect(throws: RenderError.self) { try Self.renderers[index].render(view) }
      #expect(error?.description.contains("background") == true)
    }
  }

  @Test(arguments: renderers.indices)
  func imageWithoutPixels(_ index: Int) {
    for (width, height) in [(0, 4), (4, 0), (0, 0)] {
      var view = Scenes.view()
      (view.camera.width, view.camera.height) = (width, height)
      #expect(throws: RenderError.self) { try Self.renderers[index].render(view) }
    }
  }

  @Test func unknownChannelOfTheHardRasterizer() {
    let renderer = HardRasterizer(channels: ["smell"])
    let error = #expect(throws: RenderError.self) { try renderer.render(Scenes.view()) }
    #expect(error?.description.contains("smell") == true)
    #expect(error?.description.contains("depth") == true)
  }

  @Test func silhouettesHaveNoColour() throws {
    let output = try SoftRasterizer.silhouettes.render(Scenes.view())
    #expect(output.channels == [.alpha])
    #expect(throws: RenderError.self) { try output[.color] }
  }

  /// With the authors' finest settings and float32, exp(ε/γ) would overflow; and certain faces
  /// give logits beyond any exponential's range.
  @Test(arguments: [DType.float32, .float64], HardRasterizer.Path.allCases)
  func extremeSoftness(_ dtype: DType, _ path: HardRasterizer.Path) throws {
    for (sigma, gamma) in [(1e-12, 1e-8), (1e-5, 1e-6), (1e4, 1e4), (1e-7, 1e3), (1e3, 1e-7)] {
      var renderer = SoftRasterizer()
      renderer.sigma = sigma
      renderer.gamma = gamma
      renderer.path = path
      try DegenerateTests.expectFinite(renderer, Scenes.view().cast(to: dtype))
    }
  }
}
