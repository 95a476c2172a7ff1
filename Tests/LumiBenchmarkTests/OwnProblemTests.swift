import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

@testable import LumiBenchmark

/// The problem of the tutorial 03-your-own-renderer, and a run of it with keeping and resuming.
struct OwnProblemTests {
  static let wobble = GradientProblem(
    name: "geometry/wobble", group: .shape, summary: "a sphere is squeezed",
    parameters: ["strength"], channel: .alpha, point: [0.2]
  ) { theta in
    ProblemScene(
      bodies: [Body(.sphere, deformation: { $0 * (1 + theta * Tensor([1.0, -1, 0])) })],
      cameras: [
        .perspective(
          from: [0, 0, 4], verticalFieldOfView: 0.7, width: 32, height: 24, dtype: .float64)
      ])
  }

  @Test func ownProblemsAreScored() throws {
    var registry = RendererRegistry()
    try registry.register(try RendererRegistry.standard.renderer("mesh/softras"))
    let report = try BenchmarkRun(
      registry: registry, problems: [Self.wobble], mode: .quick,
      environment: ComparisonTests.environment
    ).report()
    let result = try #require(report.derivatives.first)
    #expect(result.status == .pass, "\(result.messages)")
    #expect(try #require(result.truth?.cosine) > 0.8)
    #expect(result.truth?.source == "closed form")
    #expect(report.optimisations.isEmpty && report.costs.count == 1)
    #expect(report.failures.isEmpty)
    // A cost point a size, and exponents.
    #expect(report.costs[0].resolutions.count == 3 && report.costs[0].withPixels != nil)
    #expect(report.table.contains("geometry/wobble"))
  }

  @Test func aMethodThatFailsFailsTheRun() throws {
    var registry = RendererRegistry()
    try registry.register(BrokenRenderer())
    let report = try BenchmarkRun(
      registry: registry, problems: [Self.wobble], mode: .quick,
      environment: ComparisonTests.environment
    ).report()
    #expect(
      report.failures.contains { $0.contains("mesh/broken") && $0.contains("geometry/wobble") })
  }
}
