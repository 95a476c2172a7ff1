import Foundation
import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

@testable import LumiBenchmark

struct ScoringTests {
  static let problems = GradientProblem.standard
  static let derivatives = problems.filter { $0.point != nil }
  static let truths = TruthStore(problems)

  static func problem(_ name: String) -> GradientProblem { problems.first { $0.name == name }! }

  static func score(_ name: String, _ renderer: AnyRenderer) -> DerivativeResult {
    DerivativeScoring(problem: problem(name), renderer: renderer, truths: truths).result()
  }

  @Test func everyGroupHasProblems() {
    #expect(Set(Self.problems.map(\.group)) == Set(ParameterGroup.allCases))
    #expect(Set(Self.problems.map(\.name)).count == Self.problems.count)
    for problem in Self.problems {
      #expect(Set(problem.parameters).count == problem.parameters.count, "\(problem.name)")
    }
  }

  /// Starts are seeded, differ, and do not succeed at once; the target has no error.
  @Test func tasksAreSound() {
    for problem in Self.problems {
      guard let task = problem.task else { continue }
      var (a, b) = (RandomGenerator(seed: 1), RandomGenerator(seed: 1))
      #expect(task.start(&a) == task.start(&b))
      #expect(task.start(&a) != task.start(&a))
      guard case .parameters(_, let error) = task.measure else { continue }
      #expect(error(task.target) < 1e-9, "\(problem.name)")
      var random = RandomGenerator(seed: 9)
      let far = (0..<16).filter { _ in error(task.start(&random)) > task.threshold }
      #expect(far.count >= 10, "\(problem.name)")
    }
  }

  @Test(arguments: derivatives.indices)
  func ownMethodsAreConsistent(_ index: Int) throws {
    let problem = Self.derivatives[index]
    let hasShadows = !problem.scene(Tensor(problem.point!)).shadows.isEmpty
    for entry in RendererRegistry.standard.entries
    where entry.renderer.method.claim(problem.group) == .exact
      && entry.renderer.shapeType is any BenchmarkShape.Type
      && (!hasShadows || entry.renderer.withShadows != nil)
    {
      // Differences of many parameters of a grid take long; VoxelBodiesTests has their derivatives.
      let isGrid = entry.renderer.method.representation == .voxel
      if isGrid && problem.parameters.count > 8 { continue }
      let drawing = ProblemDrawing(problem: problem, renderer: entry.renderer)
      let score: ConsistencyScore
      do {
        score = try Consistency.score(drawing, at: Tensor(problem.point!))
      } catch is UnsupportedScene {
        continue
      }
      #expect(score.relativeError <= 1e-5, "\(entry.renderer.method.id) \(problem.name)")
      if entry.renderer.method.id == "mesh/softras" { #expect(score.largestDerivative > 1e-3) }
    }
  }

  @Test func hardSilhouettesHaveNoGradient() throws {
    let result = Self.score(
      "geometry/sphere-scale", AnyRenderer(HardRasterizer(shader: GradientProblem.shader)))
    let truth = try #require(result.truth)
    #expect(result.status == .pass)
    #expect(truth.zeroShare == 1 && truth.cosine == 0 && truth.relativeL2 == 1)
    #expect(result.bitEqual == true && result.nonFinite == 0)
    #expect(result.pictures.count == 1)
  }

  @Test func everyFaultIsCaught() throws {
    let renderer = try RendererRegistry.standard.renderer("mesh/softras")
    let clean = Self.score(NegativeControls.problem, renderer)
    #expect(NegativeControls.canServe(clean))
    let results = NegativeControls(
      renderer: renderer, problem: Self.problem(NegativeControls.problem), truths: Self.truths
    ).results(clean: clean)
    #expect(Set(results.map(\.fault)) == Set(GradientFault.allCases))
    for result in results { #expect(result.isCaught, "\(result.fault) \(result.column)") }
    // A clean gradient must not look like a fault.
    for control in NegativeControls.all {
      let figure = control.figure(clean)
      #expect(!control.isCaught(figure, figure), "\(control.fault) \(control.column)")
    }
  }

  @Test func brokenClaimOfOneParameterIsNamed() throws {
    let renderer = try RendererRegistry.standard.renderer("mesh/softras")
      .spoiled(.flipped) { $0 == "camera.translation" }
    #expect(Self.score("camera/rotation", renderer).status == .pass)
    let result = Self.score("camera/translation", renderer)
    #expect(result.status == .fail && result.method == "mesh/softras")
    #expect(result.messages.first?.contains("gradient of ") == true)
    #expect(
      Self.problem("camera/translation").parameters.contains { name in
        result.messages[0].contains("gradient of \(name) ")
      })
  }

  @Test func claimsDecide() throws {
    let surrogate = Self.score("geometry/translation", AnyRenderer(SurrogateRenderer()))
    #expect(surrogate.status == .reported && surrogate.consistency == nil)
    #expect(surrogate.truth?.cosine != nil)
    let unclaimed = Self.score("light/direction", AnyRenderer(SurrogateRenderer()))
    #expect(unclaimed.status == .skipped && unclaimed.truth == nil)
    let broken = Self.score("geometry/translation", AnyRenderer(BrokenRenderer()))
    #expect(broken.status == .fail && broken.messages[0].contains("everything"))
    let nothing = Self.score("geometry/translation", AnyRenderer(NothingRenderer()))
    #expect(nothing.status == .skipped && nothing.messages[0].contains("BenchmarkShape"))
    let nan = Self.score("geometry/translation", AnyRenderer(NotANumberRenderer()))
    #expect(nan.status == .fail && nan.nonFinite > 0)
    // Surrogates have no colour here: the problem's channel is missing.
    #expect(Self.score("geometry/cube-rotation", AnyRenderer(SurrogateRenderer())).status == .fail)
  }

  @Test func estimatorsAreJudgedByTheirMean() throws {
    let honest = Self.score("geometry/translation", AnyRenderer(NoisyTruthRenderer()))
    #expect(honest.status == .pass, "\(honest.messages)")
    #expect(honest.estimate?.samples == 64 && honest.consistency == nil)
    let biased = Self.score("geometry/translation", AnyRenderer(NoisyTruthRenderer(mean: 1.5)))
    #expect(biased.status == .fail)
    #expect(biased.messages[0].contains("standard errors"))
    let spoiled = Self.score(
      "geometry/translation", AnyRenderer(NoisyTruthRenderer()).spoiled(.flipped))
    #expect(spoiled.status == .fail && spoiled.messages[0].contains("standard errors"))
  }

  @Test func unconvergedTruthIsNotScored() throws {
    let problem = Self.problem("geometry/sphere-scale")
    var truth = try ProblemTruth(problem, at: problem.point!)
    let drawing = ProblemDrawing(
      problem: problem, renderer: try RendererRegistry.standard.renderer("mesh/softras"))
    let jacobian = try MethodJacobian(
      drawing, at: Tensor(problem.point!), weights: truth.weights)
    #expect(TruthComparison.score(jacobian, truth).cosine != nil)
    truth.truth = Truth(
      image: truth.truth.image, jacobian: truth.truth.jacobian, imageError: 0,
      jacobianError: 2e-3, method: "test")
    let refused = TruthComparison.score(jacobian, truth)
    #expect(refused.cosine == nil && refused.relativeL2 == nil && refused.zeroShare == nil)
    #expect(refused.truthError == 2e-3)
  }

  @Test func biasFallsWithSigma() throws {
    let entry = RendererRegistry.standard.entries.first { $0.softness != nil }!
    let result = SweepScoring(
      method: "mesh/softras", softness: entry.softness!,
      problem: Self.problem(SweepScoring.problem),
      truths: Self.truths
    ).result()
    #expect(result.points.count >= 4)
    for (soft, sharp) in zip(result.points, result.points.dropFirst()) {
      #expect(sharp.value < soft.value)
      #expect(sharp.relativeL2 < soft.relativeL2 && sharp.imageError < soft.imageError)
    }
  }

  @Test func optimisationFindsTheScale() throws {
    let problem = Self.problem("geometry/sphere-scale")
    func run(_ renderer: AnyRenderer) -> OptimisationResult {
      OptimisationScoring(
        problem: problem, renderer: renderer, iterations: 60, targets: TargetStore([problem])
      ).result()
    }
    let soft = run(try RendererRegistry.standard.renderer("mesh/softras"))
    #expect(soft.finalErrors.count == 16 && soft.successRate! > 0.9)
    #expect(soft.curve.iterations.last == 60 && soft.curve.median.count == 61)
    #expect(soft.areaUnderCurve! < 0.5)
    #expect(soft.iterationsToThreshold.compactMap { $0 }.allSatisfy { $0 <= 60 })
    let hard = run(try RendererRegistry.standard.renderer("mesh/analytical"))
    #expect(hard.successRate! < 0.3)
    // Without a gradient nothing moves.
    #expect(hard.finalErrors == hard.initialErrors)
    #expect(soft == run(try RendererRegistry.standard.renderer("mesh/softras")))
    #expect(run(AnyRenderer(BrokenRenderer())).status == .fail)
    #expect(run(AnyRenderer(NothingRenderer())).status == .skipped)
  }

  @Test func exponentsOfKnownGrowth() throws {
    let points = [1, 2, 4, 8].map { n in
      CostPoint(
        pixels: n, primitives: 1, forwardMs: Double(n), backwardMs: Double(n * n), units: 1,
        fastestUnits: 1, peakBytes: 100)
    }
    let growth = try #require(CostScoring.exponents(points) { Double($0.pixels) })
    #expect(abs(growth.forward - 1) < 1e-9 && abs(growth.backward - 2) < 1e-9)
    #expect(abs(growth.bytes) < 1e-9)
    #expect(CostScoring.exponents(Array(points.prefix(2))) { Double($0.pixels) } == nil)
  }

  @Test func quantiles() {
    #expect([3.0, 1, 2].quantile(0.5) == 2)
    #expect([1.0, 2].quantile(0.9).map { abs($0 - 1.9) < 1e-12 } == true)
    #expect([Double]().quantile(0.5) == nil)
    #expect([1, .infinity, .infinity].quantile(0.9) == .infinity)
  }
}
