import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

@testable import LumiBenchmark

/// The benchmark judges voxel methods, on small problems.
struct SuiteTests {
  static let renderers = RendererRegistry.standard.entries.map(\.renderer).filter {
    $0.method.representation == .voxel
  }

  /// A coloured cube that moves, or a camera before it, or its colours.
  static func problem(
    _ group: ParameterGroup, channel: RenderChannel = .color, lights: [Light] = []
  ) -> GradientProblem {
    GradientProblem(
      name: "test/\(group)", group: group, summary: "a cube", parameters: ["x", "y", "z"],
      channel: channel, point: [0.03, 0.05, -0.04], detail: 1
    ) { theta in
      var camera = Camera.perspective(
        from: [1.1, 0.9, 3.4], up: [0.1, 1, 0.2], verticalFieldOfView: 0.6, width: 8, height: 6,
        dtype: .float64)
      var body = Body(
        .cube, colors: .corners(ProblemTools.cornerColors), scale: Tensor(1.2, dtype: .float64),
        rotation: Rotation.exponential(Tensor([0.4, 0.2, 0.3])))
      switch group {
      case .shape: body.translation = theta
      case .camera: camera.translation = camera.translation + theta
      case .material: body.colors = .uniform(theta + 0.5)
      case .light: break
      }
      return ProblemScene(
        bodies: [body],
        lights: lights + (group == .light ? [.ambient(intensity: theta + 0.5)] : []),
        background: ProblemTools.background, cameras: [camera])
    }
  }

  static func result(_ problem: GradientProblem, _ renderer: AnyRenderer) -> DerivativeResult {
    DerivativeScoring(problem: problem, renderer: renderer, truths: TruthStore([problem])).result()
  }

  @Test func allMethodsAreJudged() {
    #expect(
      Self.renderers.map(\.method.id) == [
        "voxel/ptn", "voxel/drc", "voxel/platonic-gan", "voxel/neural-volumes",
        "voxel/radiance-grid", "voxel/sdfdiff",
      ])
    #expect(Self.renderers.allSatisfy { $0.drawsProblems })
  }

  @Test(arguments: renderers.indices, [ParameterGroup.shape, .material, .camera, .light])
  func claimsHoldOfSmallProblems(_ index: Int, _ group: ParameterGroup) throws {
    let renderer = Self.renderers[index]
    let result = Self.result(Self.problem(group), renderer)
    let expected: CaseStatus
    switch renderer.method.claim(group) {
    case .none: expected = .skipped
    case .surrogate: expected = .reported
    case .exact, .estimator: expected = .pass
    }
    #expect(result.status == expected, "\(result.method) \(group): \(result.messages)")
    guard expected != .skipped else { return }
    #expect(result.nonFinite == 0 && result.bitEqual == true)
    let truth = try #require(result.truth)
    #expect(try #require(truth.imageError) < 0.6, "\(result.method)")
    // At 8×6 pixels the derivative of a shape is mostly that of a few pixels' outlines.
    if group != .shape {
      #expect(try #require(truth.cosine) > 0.3, "\(result.method) \(group)")
    }
    if let consistency = result.consistency { #expect(consistency.largestDerivative > 1e-2) }
  }

  /// Only one of them shows lights, and says so by its claims.
  @Test func methodsWithoutLightsSkipLitScenes() {
    let problem = Self.problem(
      .material, lights: [.ambient(intensity: Tensor([0.5, 0.6, 0.7]))])
    for renderer in Self.renderers {
      let result = Self.result(problem, renderer)
      if renderer.method.id == "voxel/sdfdiff" {
        #expect(result.status == .pass, "\(result.messages)")
      } else {
        #expect(result.messages == ["the method shows no lights"])
      }
    }
  }

  @Test func shadowsAndHighlightsAreSkipped() {
    for name in ["light/shadow", "geometry/shadow", "material/shininess"] {
      let problem = GradientProblem.standard.first { $0.name == name }!
      for renderer in Self.renderers {
        let result = Self.result(problem, renderer)
        #expect(result.status == .skipped && result.messages.count == 1, "\(result)")
      }
    }
  }

  /// The surrogate moves what is seen, not the outline: silhouettes get no gradient.
  @Test func surfacesDoNotMoveOutlines() throws {
    let sdfDiff = Self.renderers.last!
    let silhouette = Self.result(Self.problem(.shape, channel: .alpha), sdfDiff)
    #expect(silhouette.truth?.zeroShare == 1)
  }

  @Test func costsAreMeasured() throws {
    var plan = CostScoring.Plan(.quick)
    plan.sides = [8, 12, 16]
    plan.details = [0, 1, 2]
    plan.detail = 1
    plan.side = 8
    plan.seconds = 0
    let known = Calibration(singleMs: 100, parallelMs: 50)
    for renderer in Self.renderers {
      let cost = CostScoring(renderer: renderer, plan: plan, calibration: known).result()
      #expect(cost.status == .reported, "\(cost.messages)")
      #expect(cost.primitives.map(\.primitives) == [1331, 4096, 15625])
    }
  }
}
