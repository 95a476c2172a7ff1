import LumiBenchmark
import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// A renderer whose gradient is spoiled and whose pictures are not.
struct SpoiledRenderer: Renderer {
  enum Fault: CaseIterable, Sendable { case none, doubled, flipped, zero, noisy, notANumber }

  static let method = MethodDescription(
    id: "mesh/spoiled", name: "Spoiled", representation: .mesh, type: "test", strengths: "none",
    limits: "wrong on purpose", citation: "none",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  var fault: Fault

  func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let output = try Self.base.render(scene, from: camera)
    var images: [RenderChannel: Tensor] = [:]
    for channel in output.channels { images[channel] = spoil(try output[channel]) }
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width, images: images)
  }

  static let base = SoftRasterizer()

  private func spoil(_ image: Tensor) -> Tensor {
    let copy = Tensor(image.scalars(as: Double.self), shape: image.shape)
    return customOperation("spoil", inputs: [image], outputs: [copy]) { [fault] cotangents, _ in
      let cotangent = cotangents[0]!
      switch fault {
      case .none: return [cotangent]
      case .doubled: return [cotangent * 2]
      case .flipped: return [-cotangent]
      case .zero: return [cotangent * 0]
      case .notANumber: return [cotangent * Double.nan]
      case .noisy:
        var random = RandomGenerator(seed: 1)
        return [
          cotangent * random.normal(image.shape, mean: 1, deviation: 0.01, dtype: .float64)
        ]
      }
    }[0]
  }
}

/// Draws meshes and claims surrogates only.
struct SurrogateRenderer: Renderer {
  static let method = MethodDescription(
    id: "mesh/surrogate", name: "Surrogate", representation: .mesh, type: "test",
    strengths: "none", limits: "no exact gradient", citation: "none", claims: [.shape: .surrogate])
  func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    try HardRasterizer().render(scene, from: camera)
  }
}

/// Fails to draw.
struct BrokenRenderer: Renderer {
  static let method = MethodDescription(
    id: "mesh/broken", name: "Broken", representation: .mesh, type: "test", strengths: "none",
    limits: "throws", citation: "none", claims: [.shape: .exact])
  func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    throw RenderError.outOfMemory(method: "mesh/broken", detail: "everything")
  }
}

struct ConsistencyTests {
  static let problems = GradientProblem.standard

  static func check(_ problem: Int, _ renderer: some Renderer<Mesh>) -> ConsistencyResult {
    problems[problem].checkConsistency(of: AnyRenderer(renderer))
  }

  @Test func everyGroupHasProblems() {
    #expect(Set(Self.problems.map(\.group)) == Set(ParameterGroup.allCases))
    #expect(Set(Self.problems.map(\.name)).count == Self.problems.count)
  }

  @Test(arguments: problems.indices)
  func ownMethodsPass(_ problem: Int) throws {
    for renderer in [SoftRasterizer(), HardRasterizer(), SpoiledRenderer(fault: .none)]
      as [any Renderer<Mesh>]
    {
      let result = Self.problems[problem].checkConsistency(of: AnyRenderer(renderer))
      #expect(result.status == .pass, "\(result.method): \(result.message ?? "")")
      #expect(result.message == nil)
      #expect(try #require(result.relativeError) <= GradientProblem.tolerance)
      #expect(try #require(result.largestDerivative) > 1e-3)
      #expect(result.claim == .exact)
      #expect(result.problem == Self.problems[problem].name)
    }
  }

  @Test(arguments: problems.indices, SpoiledRenderer.Fault.allCases)
  func spoiledGradientsFail(_ problem: Int, _ fault: SpoiledRenderer.Fault) throws {
    guard fault != .none else { return }
    let result = Self.check(problem, SpoiledRenderer(fault: fault))
    #expect(result.status == .fail)
    #expect(result.message?.contains(Self.problems[problem].parameter) == true)
    #expect(!(try #require(result.relativeError) <= GradientProblem.tolerance))
  }

  @Test func otherClaimsAndShapesAreSkipped() {
    let result = Self.check(0, SurrogateRenderer())
    #expect(result.status == .skipped && result.claim == .surrogate)
    #expect(result.relativeError == nil)
  }

  @Test func errorsAreReported() {
    let result = Self.check(0, BrokenRenderer())
    #expect(result.status == .fail)
    #expect(result.message?.contains("everything") == true)
  }
}
