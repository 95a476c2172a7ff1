import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

@testable import LumiBenchmark

/// Shadow maps against shadows that are drawn as what they are: polygons on the ground.
struct ShadowProblemTests {
  static let names = ["light/shadow", "geometry/shadow"]
  static let problems = GradientProblem.standard.filter { names.contains($0.name) }
  static let truths = TruthStore(problems)

  static func problem(_ name: String) -> GradientProblem { problems.first { $0.name == name }! }

  /// A method without any derivative at outlines of its own.
  static func renderer(_ map: ShadowMapping) -> AnyRenderer {
    let shader = Shader(
      evaluation: .fragment, reflection: GradientProblem.shader.reflection, shadows: map)
    return AnyRenderer(
      HardRasterizer(shader: GradientProblem.shader), shadowed: HardRasterizer(shader: shader))
  }

  /// A method's picture and gradient with every pixel cut into n by n.
  static func score(
    _ name: String, _ map: ShadowMapping, subdivisions n: Int
  ) throws -> TruthScore {
    let problem = problem(name)
    let truth = try truths.truth(of: problem, at: problem.point!)
    let drawing = ProblemDrawing(problem: problem, renderer: renderer(map))
    let product = try vectorJacobianProduct(at: [Tensor(problem.point!)]) {
      [try drawing.image($0[0], subdivisions: n)]
    }
    return TruthComparison.score(
      image: product.values[0],
      probes: truth.weights.map { product.pullback([$0])[0].scalars(as: Double.self) }, truth)
  }

  // MARK: Truth

  /// The polygon lies where an ordinary, fine shadow map says that it is dark.
  @Test(arguments: names)
  func polygonIsTheShadow(_ name: String) throws {
    let map = try ShadowMapping(resolution: 1024, comparison: .depth(bias: 0.01))
    let score = try Self.score(name, map, subdivisions: 8)
    #expect(score.imageError! < 0.02)
    // Without the polygon the picture is far from it.
    let problem = Self.problem(name)
    let truth = try Self.truths.truth(of: problem, at: problem.point!)
    let lit = try ProblemDrawing(
      problem: problem,
      renderer: AnyRenderer(
        HardRasterizer(shader: GradientProblem.shader),
        shadowed: HardRasterizer(shader: GradientProblem.shader))
    ).image(Tensor(problem.point!))
    #expect((lit - truth.truth.image).norm().value > 0.2 * truth.truth.image.norm().value)
  }

  /// Finer maps and pictures have a truer derivative.
  @Test(arguments: names)
  func derivativeConvergesToTheTruth(_ name: String) throws {
    let scores = try [64, 128, 256].map {
      try Self.score(name, ShadowMapping(resolution: $0), subdivisions: 8)
    }
    #expect(scores[2].relativeL2! < 0.5 * scores[0].relativeL2!)
    #expect(scores[2].relativeL2! < 0.05 && scores[2].cosine! > 0.998)
    #expect(scores[2].imageError! < scores[0].imageError!)
    let jagged = try Self.score(
      name, ShadowMapping(resolution: 256, isAntialiased: false), subdivisions: 8)
    #expect(jagged.relativeL2! > 0.5)
  }

  /// Nothing but the shadow tells of the board.
  @Test func boardIsOutOfThePicture() throws {
    let problem = Self.problem("geometry/shadow")
    for start in 0..<OptimisationScoring.starts {
      var random = RandomGenerator(seed: 0x7374_6172, stream: UInt64(start))
      var scene = problem.scene(Tensor(problem.task!.start(&random)))
      scene.bodies.removeFirst()
      scene.shadows = []
      let output = try AnyRenderer(HardRasterizer(channels: [.alpha]))
        .draw(scene, detail: problem.detail, cameras: scene.cameras)[0]
      #expect(try output[.alpha].sum().value == 0)
    }
  }

  // MARK: Usefulness

  static func rate(_ name: String, _ renderer: AnyRenderer) -> Double {
    let result = OptimisationScoring(
      problem: problem(name), renderer: renderer, iterations: 60, targets: TargetStore(problems)
    ).result()
    #expect(result.status == .reported, "\(result.messages)")
    return result.successRate ?? -1
  }

  @Test(arguments: names)
  func shadowsLeadToTheTarget(_ name: String) throws {
    let renderer = try RendererRegistry.standard.renderer("mesh/analytical")
    #expect(Self.rate(name, renderer) >= 0.75)
  }

  /// Without a derivative of the shadow's border, or of the caster's outline, nothing is found.
  @Test(arguments: names)
  func controlsFail(_ name: String) throws {
    let hard = try ShadowMapping(resolution: 64, comparison: .depth(bias: 0.02))
    #expect(Self.rate(name, Self.renderer(hard)) <= 0.25)
    let jagged = try ShadowMapping(resolution: 64, isAntialiased: false)
    #expect(Self.rate(name, Self.renderer(jagged)) <= 0.25)
  }

  // MARK: Who takes part

  @Test func methodsWithoutShadowsAreSkipped() throws {
    let plain = AnyRenderer(HardRasterizer(shader: GradientProblem.shader))
    let result = DerivativeScoring(
      problem: Self.problem("light/shadow"), renderer: plain, truths: Self.truths
    ).result()
    #expect(result.status == .skipped && result.messages == ["the method draws no shadows"])
    let count = RendererRegistry.standard.entries.count { $0.renderer.withShadows != nil }
    #expect(count >= 8)
  }

  @Test func spoiledShadowsAreCaught() throws {
    let spoiled = try RendererRegistry.standard.renderer("mesh/analytical").spoiled(.flipped)
    let result = DerivativeScoring(
      problem: Self.problem("geometry/shadow"), renderer: spoiled, truths: Self.truths
    ).result()
    #expect(result.status == .fail)
  }
}
