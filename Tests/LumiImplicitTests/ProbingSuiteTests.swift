import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

@testable import LumiBenchmark

/// The benchmark judges field probing, on small problems.
struct ProbingSuiteTests {
  private static let renderer = try! RendererRegistry.standard.renderer(
    "implicit/occupancy-field-probing")

  /// A coloured cube that moves, or a camera before it, or its colours.
  private static func problem(
    _ group: ParameterGroup, channel: RenderChannel = .color
  ) -> GradientProblem {
    GradientProblem(
      name: "test/\(group)", group: group, summary: "a cube", parameters: ["x", "y", "z"],
      channel: channel, point: [0.03, 0.05, -0.04], detail: 1
    ) { theta in
      var camera = Camera.perspective(
        from: [1.1, 0.9, 3.4], up: [0.1, 1, 0.2], verticalFieldOfView: 0.6, width: 8, height: 6,
        dtype: .float64)
      var body = Body(
        .cube, scale: Tensor(1.2, dtype: .float64),
        rotation: Rotation.exponential(Tensor([0.4, 0.2, 0.3])))
      switch group {
      case .shape: body.translation = theta
      case .camera: camera.translation = camera.translation + theta
      case .material: body.colors = .uniform(theta + 0.5)
      case .light: break
      }
      return ProblemScene(
        bodies: [body],
        lights: group == .light ? [.ambient(intensity: theta + 0.5)] : [],
        background: ProblemTools.background, cameras: [camera])
    }
  }

  @Test(arguments: [ParameterGroup.shape, .material, .camera])
  func claimsHoldOfSmallProblems(_ group: ParameterGroup) throws {
    for channel in group == .material ? [RenderChannel.color] : [.color, .alpha] {
      let problem = Self.problem(group, channel: channel)
      let result = DerivativeScoring(
        problem: problem, renderer: Self.renderer, truths: TruthStore([problem])
      ).result()
      #expect(result.status == .pass, "\(group) \(channel): \(result.messages)")
      #expect(result.nonFinite == 0 && result.bitEqual == true)
      let truth = try #require(result.truth)
      #expect(try #require(truth.imageError) < 0.6)
      // At 8×6 pixels the derivative of a shape is mostly that of a few pixels' outlines.
      if group != .shape { #expect(try #require(truth.cosine) > 0.3, "\(group) \(channel)") }
      let consistency = try #require(result.consistency)
      #expect(consistency.largestDerivative > 1e-2)
    }
  }

  @Test func lightsAreSkipped() {
    let problem = Self.problem(.light)
    let result = DerivativeScoring(
      problem: problem, renderer: Self.renderer, truths: TruthStore([problem])
    ).result()
    #expect(result.status == .skipped)
    #expect(result.messages == ["claims no gradient of light"])
  }

  /// Scene Representation Networks have no bodies: registered for their vectors, not judged.
  @Test func networksAreNotJudged() throws {
    #expect(try !RendererRegistry.standard.renderer("implicit/srn").drawsProblems)
    #expect(Self.renderer.drawsProblems)
  }
}
