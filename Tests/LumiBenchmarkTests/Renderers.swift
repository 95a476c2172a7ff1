import LumiBenchmark
import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad

/// The exact picture with the exact derivative, each seed's derivative off by a random factor of
/// mean 1 (or another mean, for a biased one).
struct NoisyTruthRenderer: StochasticRenderer {
  static let method = MethodDescription(
    id: "mesh/noisy-truth", name: "Noisy", representation: .mesh, type: "test", strengths: "none",
    limits: "for tests", citation: "none", claims: [.shape: .estimator])

  var seed: UInt64 = 0
  var mean = 1.0

  func seeded(_ seed: UInt64) -> NoisyTruthRenderer {
    NoisyTruthRenderer(seed: seed, mean: mean)
  }

  func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let vertices = scene.shape.vertices.scalars(as: Double.self)
    // Depends on the vertices through their mean only, which a translation moves.
    let moved = scene.shape.vertices.mean(axis: 0)
    let truth = try exactTruth(
      of: { shift in
        var scene = scene
        scene.shape.vertices = Tensor(vertices, shape: [vertices.count / 3, 3]) + shift
        return (scene, camera)
      }, at: [0, 0, 0], channel: .alpha, shader: GradientProblem.shader, tolerance: 1e-3)
    var random = RandomGenerator(seed: 5, stream: seed)
    let factor = random.normal([], mean: mean, deviation: 0.3, dtype: .float64).value
    let image = truth.image.squeezed(axis: 2)
    let output = customOperation("noisy truth", inputs: [moved], outputs: [image * 1]) {
      cotangents, _ in
      let slopes = truth.jacobian.map { ($0.squeezed(axis: 2) * cotangents[0]!).sum().value }
      return [Tensor(slopes.map { $0 * factor })]
    }[0]
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width, images: [.alpha: output])
  }
}

/// Draws meshes and claims surrogates of the shape only.
struct SurrogateRenderer: Renderer {
  static let method = MethodDescription(
    id: "mesh/surrogate", name: "Surrogate", representation: .mesh, type: "test",
    strengths: "none", limits: "no exact gradient", citation: "none", claims: [.shape: .surrogate])
  func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    try SoftRasterizer.silhouettes.render(scene, from: camera)
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

/// A picture that is not a number.
struct NotANumberRenderer: Renderer {
  static let method = MethodDescription(
    id: "mesh/nan", name: "<b>NaN & \"Co\"</b>", representation: .mesh,
    type: "<script>alert(1)</script>",
    strengths: "none", limits: "not a number", citation: "none", claims: [.shape: .surrogate])
  func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let output = try SoftRasterizer.silhouettes.render(scene, from: camera)
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width,
      images: [.alpha: try output[.alpha] * Double.nan])
  }
}

/// A kind of shape that the benchmark cannot build.
struct Nothing: SceneShape {
  var dtype: DType { .float64 }
  static var parameterPrefix: String { "nothing." }
  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Nothing { self }
}

struct NothingRenderer: Renderer {
  static let method = MethodDescription(
    id: "other/nothing", name: "Nothing", representation: .other, type: "test",
    strengths: "none", limits: "none", citation: "none", claims: [.shape: .exact])
  func render(_ scene: Scene<Nothing>, from camera: Camera) throws -> RenderOutput {
    RenderOutput(method: Self.method.id, height: camera.height, width: camera.width, images: [:])
  }
}
