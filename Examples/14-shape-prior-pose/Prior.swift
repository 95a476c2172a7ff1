import ExampleSupport
import Lumigrad

/// What the family looks like, as far as the search knows: a decoder, and how codes are spread.
struct Prior: Sendable {
  let model: Autodecoder
  /// [L].
  let mean: Tensor
  /// [L].
  let deviation: Tensor

  static let space = FieldBounds.ball(radius: 1)

  init(_ model: Autodecoder) {
    self.model = model
    mean = model.meanCode
    deviation = model.codes.variance(axis: 0).sqrt() + 1e-4
  }

  /// The shape of whitened code [L], 0 being the mean.
  func field(_ code: Tensor) -> LatentField { model.field(mean + code * deviation) }

  /// Learns a family. The curve has the loss over the steps.
  static func learned(
    from cars: [Car], width: Int, steps: Int, seed: UInt64
  ) throws -> (prior: Prior, curve: Curve) {
    let samples = try DistanceSamples(of: cars, in: space, count: 3000, seed: seed)
    let decoder = MultilayerPerceptron.deepSDF(
      latent: 8, width: width, depth: 4, activation: .softplus(beta: 50),
      isWeightNormalized: false, seed: seed + 1)
    let rate = LearningRateSchedule.cosine(initial: 3e-3, final: 1e-4, steps: steps)
    var training = try AutodecoderTraining(
      Autodecoder(shapes: cars.count, decoder: decoder, seed: seed + 2), samples: samples,
      optimizer: Adam(learningRate: rate), shapesPerStep: 12, pointsPerShape: 192, seed: seed + 3)
    var curve = Curve(columns: ["step", "loss"])
    var sum = 0.0
    let stride = max(1, steps / 40)
    for step in 1...steps {
      sum += try training.step()
      guard step % stride == 0 else { continue }
      curve.append([Double(step), sum / Double(stride)])
      sum = 0
    }
    return (Prior(training.model), curve)
  }

  /// The mean error of distances within 0.1 of the surface, over some cars whose codes are known or
  /// fitted.
  func error(of field: any ImplicitField, against car: Car, seed: UInt64) throws -> Double {
    let samples = try DistanceSamples(
      of: [car], in: Self.space, count: 2000,
      spread: DistanceSamples.Spread(uniformShare: 0, deviations: [0.03]), seed: seed)
    return (field.values(at: samples.points[0]) - samples.distances[0]).abs().mean().value
  }
}
