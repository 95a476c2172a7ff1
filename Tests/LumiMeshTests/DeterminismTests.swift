import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Same input, same bits, whatever the number of threads.
struct DeterminismTests {
  /// Enough faces and pixels for many blocks and tiles.
  static func view(_ dtype: DType) -> View {
    var random = RandomGenerator(seed: 4)
    var mesh = Mesh.torus(dtype: .float64)
    mesh.vertices =
      mesh.vertices
      + random.uniform([mesh.vertexCount, 3], low: -0.02, high: 0.02, dtype: .float64)
    mesh.appearance = Scenes.appearance(.vertexColors, mesh, &random)
    let camera = Camera.perspective(
      from: [0.4, 1.9, 2.2], verticalFieldOfView: radians(degrees: 50), width: 150, height: 110,
      dtype: .float64)
    return View(
      scene: Scene(
        mesh, lights: Scenes.lights[0...1].map(\.light), background: Scenes.background),
      camera: camera
    ).cast(to: dtype)
  }

  enum Method: String, CaseIterable, Sendable {
    case soft, silhouettes, barycentric, hard, phong, antialiased
    case openDR, localGradients, neuralMesh, genova, dibR, rhodin

    var renderer: any Renderer<Mesh> {
      var soft = SoftRasterizer()
      soft.sigma = 1e-4
      switch self {
      case .soft: return soft
      case .silhouettes: return SoftRasterizer.silhouettes
      case .barycentric:
        soft.distance = .barycentric
        soft.sigma = 1e-2
        return soft
      case .hard: return HardRasterizer()
      case .antialiased: return AntialiasedRasterizer()
      case .openDR: return OpenDRRenderer()
      case .localGradients: return LocalGradientRenderer()
      case .neuralMesh: return NeuralMeshRenderer()
      case .genova: return GenovaRenderer()
      case .rhodin: return GaussianVisibilityRenderer()
      case .dibR: return DIBRenderer()
      case .phong: return HardRasterizer(shader: .phong, channels: HardRasterizer.allChannels)
      }
    }
  }

  /// Every bit of every image and gradient, by name.
  static func bits(_ method: Method, _ view: View) throws -> [String: [UInt64]] {
    let (output, gradients) = try method.renderer.evaluate(view)
    var result = gradients.mapValues(\.bits)
    for (name, image) in output.smoothChannels { result["image " + name] = image.bits }
    return result
  }

  @Test(arguments: Method.allCases, [DType.float32, .float64])
  func bitsDoNotDependOnThreads(_ method: Method, _ dtype: DType) throws {
    let view = Self.view(dtype)
    let first = try LumiRuntime.withThreads(1) { try Self.bits(method, view) }
    for threads in [1, 2, 4, 7] {
      for run in 0..<(threads == 1 ? 1 : 2) {
        let again = try LumiRuntime.withThreads(threads) { try Self.bits(method, view) }
        for (name, bits) in first {
          #expect(again[name] == bits, "\(name), \(threads) threads, run \(run)")
        }
      }
    }
  }

  /// Levels differ by fused multiply-adds and by the exponential's rounding only: 1e-4 of the
  /// largest value in float32, 1e-9 in float64, where a pixel does not sit on a decision.
  @Test(arguments: Method.allCases, [DType.float32, .float64])
  func kernelLevelsAgree(_ method: Method, _ dtype: DType) throws {
    let view = Self.view(dtype)
    func run(_ level: LumiRuntime.KernelLevel) throws -> (
      output: RenderOutput, gradients: [String: Tensor]
    ) {
      try LumiRuntime.withKernelLevel(level) { try method.renderer.evaluate(view) }
    }
    let base = try run(.base)
    for level in LumiRuntime.KernelLevel.available where level != .base {
      let worst = worstDistance(try run(level), base)
      #expect(worst.distance < (dtype == .float32 ? 1e-3 : 1e-9), "\(level): \(worst.name)")
    }
  }
}
