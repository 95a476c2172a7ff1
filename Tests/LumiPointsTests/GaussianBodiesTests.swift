import LumiBenchmark
import Lumigrad
import RenderingTestSupport
import Testing

/// The benchmark's bodies as Gaussians: they cover what the bodies cover, and their gradients are
/// those of differences with the settings that the benchmark judges.
struct GaussianBodiesTests {
  static let methods = [GaussianSplatting.method.id, GaussianSurfels.method.id]
  static let problems = [
    "geometry/sphere-scale", "geometry/interpenetration", "material/shininess", "light/position",
    "camera/pose",
  ]

  private func drawing(_ method: String, _ name: String) throws -> (
    problem: GradientProblem, output: (Tensor) throws -> RenderOutput
  ) {
    let problem = try #require(GradientProblem.standard.first { $0.name == name })
    let renderer = try RendererRegistry.standard.renderer(method).typed(as: GaussianCloud.self)
    return (
      problem,
      { theta in
        let scene = problem.scene(theta)
        return try renderer.render(
          try scene.scene(of: GaussianCloud.self, detail: problem.detail), from: scene.cameras[0])
      }
    )
  }

  @Test(arguments: methods, problems)
  func gradientsReachTheParameters(_ method: String, _ name: String) throws {
    let (problem, output) = try drawing(method, name)
    let point = Tensor(try #require(problem.point))
    try checkGradients(at: [point], tolerance: 1e-5) { try output($0[0]).weightedSum() }
    let slope = try gradient(at: point) { try output($0).weightedSum() }
    #expect(slope.largest > 1e-3)
  }

  /// A sphere is opaque and of the size that it should have, and its area grows as it should.
  @Test(arguments: methods)
  func aSphereCoversWhatItShould(_ method: String) throws {
    let (problem, output) = try drawing(method, "geometry/sphere-scale")
    let exact = AntialiasedRasterizer(channels: [.alpha])
    func area(_ theta: Tensor) throws -> Tensor { try output(theta)[.alpha].sum() }
    func truth(_ theta: Tensor) throws -> Tensor {
      let scene = problem.scene(theta)
      return try exact.render(
        try scene.scene(of: Mesh.self, detail: problem.detail), from: scene.cameras[0])[.alpha]
        .sum()
    }
    let point = Tensor([0.9])
    let (size, growth) = try valueAndGradient(at: point) { try area($0) }
    let trueSize = try truth(point).value
    #expect(abs(size.value / trueSize - 1) < 0.1)
    // Seen from afar, areas go with the square of the scale.
    #expect(abs(growth.value / (2 * trueSize / 0.9) - 1) < 0.15)
    #expect(try output(point)[.alpha].largest > 0.99)
  }

  /// A rod's triangles are long and thin: they are cut, and as thin as the rod.
  @Test func detailAndLengthCutTriangles() throws {
    let rod = Body(.cylinder(radius: 0.03, height: 1.8))
    let material = Material(dtype: .float64)
    let coarse = try GaussianCloud.representing([rod], material: material, detail: 2)
    let fine = try GaussianCloud.representing([rod], material: material, detail: 3)
    #expect(coarse.areFlat && fine.primitiveCount > 3 * coarse.primitiveCount / 2)
    let deviations = coarse.logScales.exp()
    #expect(deviations.max().value < 0.15)
    let away = coarse.positions.slice(axis: 1, from: 0, to: 1).abs().max().value
    #expect(away < 0.031)
  }
}
