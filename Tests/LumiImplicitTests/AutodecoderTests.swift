import Foundation
import LumiImplicit
import LumiLearning
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

/// A family of shapes as codes and a decoder.
@Suite struct AutodecoderTests {
  private static let radii = [0.35, 0.6]
  private static let fields = radii.map { SphereField(radius: $0) }

  /// Two spheres, learned once for all tests.
  private static let trained: Result<AutodecoderTraining, any Error> = Result {
    let samples = try DistanceSamples(of: fields, count: 2000, seed: 1)
    let model = Autodecoder(
      shapes: 2,
      decoder: .deepSDF(
        latent: 2, width: 24, depth: 3, activation: .softplus(beta: 20),
        isWeightNormalized: false, seed: 2), seed: 3)
    var training = try AutodecoderTraining(
      model, samples: samples,
      optimizer: Adam(learningRate: .cosine(initial: 5e-3, final: 1e-4, steps: 700)),
      pointsPerShape: 192, seed: 4)
    for _ in 0..<700 { try training.step() }
    return training
  }

  /// How far a field's surface is from the middle along some directions.
  private func radius(of field: LatentField) -> Double {
    let surface = SurfaceProjection(density: 24, band: 0.06, steps: 3).points(
      on: field, in: .ball(radius: 1))
    return surface.points.norm(axis: 1).mean().value
  }

  @Test func learnsTwoShapesAndWhatLiesBetween() throws {
    let model = try Self.trained.get().model
    for (shape, field) in Self.fields.enumerated() {
      let samples = try DistanceSamples(of: [field], count: 500, seed: 9)
      let (points, truth) = (samples.points[0], samples.distances[0].clamped(min: -0.1, max: 0.1))
      let values = model.field(ofShape: shape).values(at: points).clamped(min: -0.1, max: 0.1)
      #expect((values - truth).abs().mean().value < 0.01)
    }
    let between = [0, 0.25, 0.5, 0.75, 1].map { radius(of: model.field(from: 0, to: 1, at: $0)) }
    #expect(zip(between, between.dropFirst()).allSatisfy { $0 < $1 })
    #expect((between[0] - 0.35).magnitude < 0.02 && (between[4] - 0.6).magnitude < 0.02)
  }

  @Test func fitFindsTheCodeOfALearnedShape() throws {
    let model = try Self.trained.get().model
    let surface = SurfaceProjection(density: 12, band: 0.1).points(
      on: Self.fields[1], in: .ball(radius: 1))
    let samples = DistanceSamples(surface: surface.points, normals: surface.normals, offset: 0.05)
    let fit = LatentFit(steps: 150, learningRate: 0.02, codeWeight: 0)
    let (latent, losses) = try fit(to: samples, of: model)
    #expect(losses.last! < losses[0] / 4)
    // What the code says counts; along a direction that the decoder does not use it may differ.
    #expect((radius(of: model.field(latent)) - 0.6).magnitude < 0.02)
    let apart = (latent - model.codes[1]).norm().value
    #expect(apart < 0.25 * (model.codes[0] - model.codes[1]).norm().value)
  }

  @Test func lossHasItsDerivative() throws {
    let decoder = MultilayerPerceptron.deepSDF(
      latent: 2, width: 6, depth: 3, activation: .softplus(beta: 5), seed: 5, dtype: .float64)
    let fields = Self.radii.map { SphereField(radius: $0, dtype: .float64) }
    let samples = try DistanceSamples(of: fields, count: 12, seed: 6)
    for hasUnitCodes in [false, true] {
      let model = Autodecoder(
        shapes: 2, decoder: decoder, deviation: 1, hasUnitCodes: hasUnitCodes, seed: 7)
      let names = model.parameters.map(\.path)
      #expect(names.first == "codes" && names.contains("decoder.layers.1.gain"))
      try checkGradients(at: model.parameters.map(\.value), names: names) { values in
        try model.replacing(Dictionary(uniqueKeysWithValues: zip(names, values))).loss(
          samples, of: Tensor([Int64(1), 0]), clamp: 5, codeWeight: 0.1)
      }
    }
  }

  @Test func unitCodesHaveNoLength() {
    let decoder = MultilayerPerceptron.deepSDF(latent: 3, width: 8, depth: 2, seed: 1)
    let code = Tensor([Float(0.3), -0.1, 0.2])
    let points = Tensor([[Float(0.1), 0.2, 0.3]])
    func value(_ code: Tensor, _ isUnit: Bool) -> Double {
      LatentField(latent: code, decoder: decoder, hasUnitLatent: isUnit).values(at: points)
        .sum().value
    }
    #expect((value(code, true) - value(code * 3, true)).magnitude < 1e-6)
    #expect((value(code, false) - value(code * 3, false)).magnitude > 1e-4)
    #expect(value(code * 0, true).isFinite)
  }

  @Test(arguments: [DType.float32, .float64])
  func spatialGradientsAreThoseByTheTape(_ dtype: DType) {
    var random = RandomGenerator(seed: 8)
    let field = LatentField(
      latent: random.normal([4], dtype: dtype),
      decoder: .deepSDF(
        latent: 4, width: 16, depth: 4, activation: .softplus(beta: 10), seed: 1, dtype: dtype),
      hasUnitLatent: true)
    let points = random.uniform([50, 3], low: -1, high: 1, dtype: dtype)
    let samples = field.samples(at: points, withGradients: true)
    let (values, pullback) = vectorJacobianProduct(at: [points]) { [field.values(at: $0[0])] }
    let slopes = pullback([.ones(like: values[0])])[0]
    let tolerance = dtype == .float32 ? 2e-6 : 1e-14
    #expect((samples.values - values[0]).largest < tolerance)
    #expect((samples.gradients! - slopes).largest < tolerance && slopes.largest > 0.01)
  }

  @Test func trainingGoesOnToTheBit() throws {
    func fresh() throws -> AutodecoderTraining {
      try AutodecoderTraining(
        Autodecoder(shapes: 2, decoder: .deepSDF(latent: 2, width: 8, depth: 3, seed: 1), seed: 2),
        samples: try DistanceSamples(of: Self.fields, count: 100, seed: 3), shapesPerStep: 1,
        pointsPerShape: 32, seed: 4)
    }
    var whole = try fresh()
    for _ in 0..<8 { try whole.step() }
    var first = try fresh()
    for _ in 0..<3 { try first.step() }
    var second = try fresh()
    second.model = first.model
    try second.optimizer.restore(first.optimizer.state)
    for _ in 0..<5 { try second.step() }
    for (a, b) in zip(whole.model.parameters, second.model.parameters) {
      #expect(a.value.bits == b.value.bits, "\(a.path)")
    }
  }

  @Test func meshesAndFieldsGiveTheSameDistances() throws {
    let mesh = Mesh.icosphere(subdivisions: 3)
    let half = mesh.mapParameters { $0 == "vertices" ? $1 * 0.5 : $1 }
    let samples = try DistanceSamples(of: [half], count: 400, seed: 1)
    let truth = samples.points[0].norm(axis: 1) - 0.5
    #expect((samples.distances[0] - truth).abs().max().value < 0.01)
    // Four fifths lie near the surface.
    let near = (truth.abs() .< 0.2).cast(to: .float32).mean().value
    #expect(near > 0.78)
    let ball = samples.points[0].norm(axis: 1).max().value
    #expect(ball <= 1.001)
    #expect(
      try DistanceSamples(of: [half], count: 50, seed: 2).points.bits
        == DistanceSamples(of: [half], count: 50, seed: 2).points.bits)
  }

  @Test func badSamplesThrow() throws {
    #expect(throws: SceneError.self) {
      try DistanceSamples(of: [SphereField(radius: 5)], count: 10, seed: 1)
    }
    #expect(throws: SceneError.self) { try DistanceSamples(of: [Mesh](), count: 10, seed: 1) }
    let samples = try DistanceSamples(of: Self.fields, count: 10, seed: 1)
    let decoder = MultilayerPerceptron.deepSDF(latent: 2, width: 4, depth: 1, seed: 1)
    let model = Autodecoder(shapes: 3, decoder: decoder, seed: 1)
    #expect(throws: SceneError.self) { try AutodecoderTraining(model, samples: samples, seed: 1) }
    #expect(throws: SceneError.self) { try LatentFit()(to: samples, of: model) }
  }
}
