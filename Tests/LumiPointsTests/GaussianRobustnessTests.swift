import Foundation
import Lumigrad
import RenderingTestSupport
import Testing

@testable import LumiPoints

/// What is degenerate, hostile or out of range; and the same bits every time.
struct GaussianRobustnessTests {
  @Test(arguments: SplatMethod.allCases)
  func threadsAndRunsGiveTheSameBits(_ method: SplatMethod) throws {
    let view = method.view(count: 300, width: 100, height: 70, dtype: .float32)
    let runs = try [1, 2, 5, 5].map { threads in
      try LumiRuntime.withThreads(threads) {
        try method.renderer(SplatLimits(), channels: [.color, .depth]).evaluate(view)
      }
    }
    for run in runs.dropFirst() {
      #expect(try run.output[.color].bits == runs[0].output[.color].bits)
      for name in Gaussians.parameters {
        #expect(run.gradients[name]!.bits == runs[0].gradients[name]!.bits, "\(name)")
      }
    }
  }

  /// Behind the camera, at its centre, edge-on, tiny, huge, without opacity, equal in depth.
  @Test(arguments: SplatMethod.allCases, [DType.float32, .float64])
  func degenerateSplatsAreFinite(_ method: SplatMethod, _ dtype: DType) throws {
    var view = method.view(count: 9)
    view.camera = Camera(
      rotation: .eye(3, dtype: .float64), translation: .zeros([3], dtype: .float64),
      focalLength: Tensor([10.0, 10]), width: 12, height: 10)
    view.scene.shape.positions = Tensor(
      [
        [0.0, 0, -1], [0, 0, 0], [0.1, 0, 2], [0, 0.1, 2], [0, 0, 2], [0, 0, 2], [5000, 0, 1],
        [0.2, 0, 0.3], [0, 0, 900],
      ] as [[Double]])
    let half = 0.5.squareRoot()
    view.scene.shape.rotations = Tensor(
      [
        [1.0, 0, 0, 0], [1, 0, 0, 0], [half, half, 0, 0], [0, 0, 0, 0], [1e-9, 0, 0, 0],
        [1, 1, 1, 1], [1, 0, 0, 0], [half, 0, half, 0], [1, 0, 0, 0],
      ] as [[Double]])
    let axes = method == .surfels ? 2 : 3
    let scales: [Double] = [-1, -1, -1, -2, -40, 8, 3, 0, 2]
    view.scene.shape.logScales = Tensor(
      scales.flatMap { scale in (0..<axes).map { scale - Double($0) } }, shape: [9, axes])
    view.scene.shape.opacityLogits = Tensor([0.0, 1, 2, -80, 60, 1, 1, 1, 1])
    let result = try method.renderer(SplatLimits()).evaluate(view.cast(to: dtype))
    for (name, image) in result.output.smoothChannels { #expect(image.isAllFinite, "\(name)") }
    for (name, gradient) in result.gradients { #expect(gradient.isAllFinite, "\(name)") }
    #expect(try result.output[.alpha].largest > 0.5)
  }

  @Test(arguments: SplatMethod.allCases)
  func anEmptyCloudShowsTheBackground(_ method: SplatMethod) throws {
    var view = method.view(count: 0)
    view.scene.background = Tensor([0.2, 0.5, 0.9])
    for evaluation in [SplatEvaluation.kernel, .tensors] {
      let output = try method.renderer(SplatLimits(), evaluation).render(view)
      #expect(try (output[.color] - view.scene.background).largest == 0)
      #expect(try output[.alpha].largest == 0)
    }
  }

  /// A splat farther than its reach changes nothing, wherever tiles end.
  @Test func tilesDoNotShow() throws {
    let view = Gaussians.view(count: 40, width: 100, height: 80, dtype: .float64)
    let whole = try SplatMethod.gaussians.renderer(SplatLimits()).render(view)
    var part = view
    part.camera.width = 61
    part.camera.height = 43
    part.camera.principalPoint = view.camera.principalPoint - Tensor([17.0, 22])
    var renderer = GaussianSplatting(channels: [.color])
    renderer.borderMargin = 10
    let cut = try renderer.render(part)[.color]
    renderer.borderMargin = 10
    let full = try renderer.render(view)[.color]
      .slice(axis: 0, from: 22, to: 65).slice(axis: 1, from: 17, to: 78)
    #expect((cut - full).largest < 1e-13)
    #expect(try whole[.color].largest > 0)
  }

  private func refusal(_ change: (inout SceneView<GaussianCloud>) -> Void) throws -> String {
    var view = Gaussians.view()
    change(&view)
    let changed = view
    let error = try #require(throws: (any Error).self) {
      try GaussianSplatting().render(changed)
    }
    return "\(error)"
  }

  @Test func theReasonNamesTheParameter() throws {
    #expect(
      try refusal { $0.scene.shape.rotations = .zeros([7, 3], dtype: .float64) }
        .contains("gaussians.rotations"))
    #expect(
      try refusal { $0.scene.shape.logScales = .zeros([7, 4], dtype: .float64) }
        .contains("gaussians.logScales"))
    #expect(
      try refusal { $0.scene.shape.harmonics = .zeros([7, 5, 3], dtype: .float64) }
        .contains("gaussians.harmonics"))
    #expect(
      try refusal { $0.scene.background = .zeros([2], dtype: .float64) }
        .contains("background"))
    #expect(try refusal { $0.camera.width = 0 }.contains("camera"))
    #expect(try refusal { $0.camera.model = .fisheye }.contains("camera.model"))
    let view = Gaussians.view()
    func settingIsRefused(_ change: (inout GaussianSplatting) -> Void) -> Bool {
      var renderer = GaussianSplatting()
      change(&renderer)
      do {
        _ = try renderer.render(view)
        return false
      } catch { return error is RenderError }
    }
    #expect(settingIsRefused { $0.limits.leastAlpha = 0 })
    #expect(settingIsRefused { $0.limits.largestAlpha = 1 })
    #expect(settingIsRefused { $0.limits.leastTransmittance = -1 })
    #expect(settingIsRefused { $0.lowPass = .nan })
    #expect(settingIsRefused { $0.channels = [.faceIndex] })
    #expect(!settingIsRefused { $0.lowPass = 0 })
  }

  @Test func validationFindsRows() throws {
    let cloud = Gaussians.view().scene.shape
    _ = try cloud.validated()
    func refusal(_ change: (inout GaussianCloud) -> Void) throws -> SceneError {
      var changed = cloud
      change(&changed)
      let result = changed
      return try #require(throws: SceneError.self) { try result.validated() }
    }
    let turned = try refusal {
      $0.rotations = $0.rotations * Tensor([[1.0], [1], [0], [1], [1], [1], [1]])
    }
    #expect(turned.field == "gaussians.rotations" && turned.index == 2)
    #expect(
      try refusal { $0.opacityLogits = $0.opacityLogits / 0 }.field == "gaussians.opacityLogits")
    #expect(try refusal { $0.logScales = $0.logScales + 400 }.field == "gaussians.logScales")
  }
}
