import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct SecondDerivativeTests {
  /// Moves and scales the body: three numbers to differentiate twice.
  static func loss(_ theta: Tensor, _ renderer: some Renderer<Mesh>) throws -> Tensor {
    var view = Scenes.view()
    let scale = theta.slice(axis: 0, from: 2, to: 3)
    let offset = Tensor.concatenate([theta.slice(axis: 0, from: 0, to: 2), scale * 0], axis: 0)
    view.scene.shape.vertices = view.scene.shape.vertices * scale + offset
    return try renderer.render(view).weightedSum()
  }

  static func soft(_ path: HardRasterizer.Path) -> SoftRasterizer {
    var renderer = SoftRasterizer()
    renderer.sigma = 0.01
    renderer.gamma = 0.05
    renderer.path = path
    return renderer
  }

  static let point = Tensor([0.05, -0.02, 0.9])

  static func checkTwice(_ renderer: some Renderer<Mesh>) throws {
    let report = try checkGradients(at: [point], steps: [1e-5, 1e-6], tolerance: 1e-4) { theta in
      try gradient(at: theta[0]) { try loss($0, renderer) }
    }
    #expect(abs(report.worst?.analytic ?? 0) > 1e-3)
  }

  @Test func tensorPathsHaveSecondDerivatives() throws {
    try Self.checkTwice(Self.soft(.tensorOperations))
    try Self.checkTwice(PyTorch3DSoftRasterizer.test)
    try Self.checkTwice(HardRasterizer(path: .tensorOperations))
  }

  @Test func softKernelRefusesWithItsName() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = try checkGradients(at: [SecondDerivativeTests.point]) { theta in
        try gradient(at: theta[0]) {
          try SecondDerivativeTests.loss($0, SecondDerivativeTests.soft(.automatic))
        }
      }
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("softRasterize"))
  }

  @Test func hardKernelRefusesWithItsName() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = try checkGradients(at: [SecondDerivativeTests.point]) { theta in
        try gradient(at: theta[0]) {
          try SecondDerivativeTests.loss($0, HardRasterizer(channels: [.color]))
        }
      }
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("hardRasterize"))
  }
}

extension PyTorch3DSoftRasterizer {
  static var test: PyTorch3DSoftRasterizer {
    var renderer = PyTorch3DSoftRasterizer()
    renderer.sigma = 0.01
    renderer.gamma = 0.05
    return renderer
  }
}
