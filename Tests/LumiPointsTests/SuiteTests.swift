import LumiRendering
import Lumigrad
import Testing

@testable import LumiBenchmark

/// What the benchmark's table shows of the two splatting methods.
struct SuiteTests {
  private func successes(_ method: String, on name: String) throws -> Int {
    let problem = try #require(GradientProblem.standard.first { $0.name == name })
    let scoring = OptimisationScoring(
      problem: problem, renderer: try RendererRegistry.standard.renderer(method), iterations: 60,
      targets: TargetStore([problem]))
    let result = scoring.result()
    #expect(result.messages == [])
    return result.finalErrors.count { $0 <= result.threshold }
  }

  /// Sixteen starts where the pictures of the body and of its target do not touch. Some discs find
  /// the way: they bulge, and Adam follows the faintest slope.
  @Test func splatsFindATargetThatTheyDoNotTouchMoreOftenThanDiscs() throws {
    let splats = try successes("points/dss", on: "geometry/no-overlap")
    let discs = try successes("points/alpha-splatting", on: "geometry/no-overlap")
    #expect(splats >= 14)
    #expect(discs <= 8)
  }

  @Test func casesThatNeedShadowsAreSkipped() throws {
    let problem = try #require(GradientProblem.standard.first { $0.name == "light/shadow" })
    let result = OptimisationScoring(
      problem: problem, renderer: try RendererRegistry.standard.renderer("points/dss"),
      iterations: 1, targets: TargetStore([problem])
    ).result()
    #expect(result.status == .skipped)
    #expect(result.messages == ["the method draws no shadows"])
  }
}
