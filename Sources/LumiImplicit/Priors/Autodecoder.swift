import LumiLearning
import LumiScene
import LumiTensor

/// A family of shapes as one decoder and one latent code a shape, learned together without an
/// encoder (DeepSDF). Codes of new shapes are found by optimisation (``LatentFit``).
///
/// Parameter paths: "codes", "decoder.layers.0.weight" and so on.
///
/// J. J. Park et al., "DeepSDF: Learning Continuous Signed Distance Functions for Shape
/// Representation", CVPR 2019, section 4.2.
public struct Autodecoder: Parameterized, Sendable {
  /// [S, L].
  public var codes: Tensor
  public var decoder: MultilayerPerceptron
  /// Whether the decoder sees codes at unit length.
  public var hasUnitCodes: Bool

  /// - Parameters:
  ///   - shapes: S.
  ///   - decoder: of L + 3 inputs and one output, such as `MultilayerPerceptron`'s
  ///     `deepSDF`.
  ///   - deviation: of the codes at the beginning; published 0.01.
  ///   - hasUnitCodes: whether only directions of codes count.
  ///   - seed: of the codes.
  public init(
    shapes: Int, decoder: MultilayerPerceptron, deviation: Double = 0.01,
    hasUnitCodes: Bool = false, seed: UInt64
  ) {
    var random = RandomGenerator(seed: seed)
    codes = random.normal(
      [shapes, decoder.inputs - 3], deviation: deviation, dtype: decoder.layers[0].weight.dtype)
    self.decoder = decoder
    self.hasUnitCodes = hasUnitCodes
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Autodecoder {
    var result = self
    result.codes = try transform("codes", codes)
    result.decoder = try decoder.mapParameters { try transform("decoder.\($0)", $1) }
    return result
  }

  /// The field of any code [L].
  public func field(_ latent: Tensor) -> LatentField {
    LatentField(latent: latent, decoder: decoder, hasUnitLatent: hasUnitCodes)
  }

  /// The field of a learned shape.
  public func field(ofShape shape: Int) -> LatentField { field(codes[shape]) }

  /// The mean of all codes, [L].
  public var meanCode: Tensor { codes.mean(axis: 0) }

  /// The field between two learned shapes: the first at 0, the second at 1.
  public func field(from first: Int, to second: Int, at share: Double) -> LatentField {
    field(codes[first] * (1 - share) + codes[second] * share)
  }

  /// The training loss of some shapes' samples.
  ///
  ///     mean |clamp(f(zᵢ, x), δ) - clamp(s, δ)|  +  codeWeight · mean |zᵢ|²
  ///
  /// - Parameters:
  ///   - samples: of shapes in the order of `rows`.
  ///   - rows: int64 [S'], which codes they belong to.
  ///   - clamp: δ; beyond it distances count as δ.
  ///   - codeWeight: 1/σ² of the paper over the number of samples a shape.
  public func loss(
    _ samples: DistanceSamples, of rows: Tensor, clamp: Double, codeWeight: Double
  ) -> Tensor {
    let chosen = codes.gather(rows)
    let (shapes, count) = (samples.shapeCount, samples.countPerShape)
    let seen = (hasUnitCodes ? chosen.unitVectors() : chosen).expandingDims(at: 1)
      .broadcast(to: [shapes, count, codes.shape[1]])
    let values = decoder(.concatenate([seen, samples.points], axis: 2)).squeezed(axis: 2)
    return Self.clampedDifference(values, samples.distances, clamp)
      + codeWeight * chosen.square().sum(axis: 1).mean()
  }

  static func clampedDifference(_ values: Tensor, _ targets: Tensor, _ clamp: Double) -> Tensor {
    (values.clamped(min: -clamp, max: clamp) - targets.clamped(min: -clamp, max: clamp))
      .abs().mean()
  }
}

/// Learns an ``Autodecoder`` by Adam on random points of random shapes.
///
/// Which points a step sees follows from the seed and the step's number, so that training which goes
/// on from saved parameters and a saved optimiser state is the same to the bit.
public struct AutodecoderTraining: Sendable {
  public var model: Autodecoder
  public var optimizer: Adam
  public let samples: DistanceSamples
  public var shapesPerStep: Int
  public var pointsPerShape: Int
  /// δ, published 0.1.
  public var clamp: Double
  /// Published 1e-4 at the beginning; see ``Autodecoder/loss(_:of:clamp:codeWeight:)``.
  public var codeWeight: Double
  public let seed: UInt64

  /// - Parameters:
  ///   - model: with one code for each shape of the samples.
  ///   - samples: of the family.
  ///   - optimizer: decoder 5e-4 and codes 1e-3 as published.
  ///   - shapesPerStep: at most as many as there are.
  ///   - pointsPerShape: drawn with replacement.
  ///   - clamp: δ.
  ///   - codeWeight: of the codes' lengths.
  ///   - seed: of the choice of points.
  /// - Throws: `SceneError` if the samples do not fit the model.
  public init(
    _ model: Autodecoder, samples: DistanceSamples,
    optimizer: Adam = Adam(learningRate: 5e-4, learningRates: ["codes": 1e-3]),
    shapesPerStep: Int = 16, pointsPerShape: Int = 256, clamp: Double = 0.1,
    codeWeight: Double = 1e-4, seed: UInt64
  ) throws {
    guard samples.shapeCount == model.codes.shape[0], samples.points.dtype == model.codes.dtype
    else {
      throw SceneError(
        field: "samples", expected: "\(model.codes.dtype), \(model.codes.shape[0]) shapes",
        actual: "\(samples.points.dtype), \(samples.shapeCount) shapes")
    }
    guard shapesPerStep > 0, pointsPerShape > 0, clamp > 0 else {
      throw SceneError(
        field: "training", expected: "shapes, points and a clamp above 0",
        actual: "\(shapesPerStep), \(pointsPerShape), \(clamp)")
    }
    self.model = model
    self.samples = samples
    self.optimizer = optimizer
    self.shapesPerStep = min(shapesPerStep, samples.shapeCount)
    self.pointsPerShape = pointsPerShape
    self.clamp = clamp
    self.codeWeight = codeWeight
    self.seed = seed
  }

  /// One step; returns the loss before it. Throws `OptimizerError` for a gradient that is not finite.
  @discardableResult
  public mutating func step() throws -> Double {
    let (batch, rows) = batch()
    let (clamp, codeWeight) = (clamp, codeWeight)
    let (loss, gradients) = try valueAndGradient(of: model) {
      $0.loss(batch, of: rows, clamp: clamp, codeWeight: codeWeight)
    }
    try optimizer.update(&model, gradients: gradients)
    return loss.value
  }

  /// Different shapes, and points of each.
  private func batch() -> (samples: DistanceSamples, rows: Tensor) {
    var random = RandomGenerator(seed: seed, stream: UInt64(optimizer.step))
    let all = samples.countPerShape
    let shapes = (0..<samples.shapeCount).shuffled(using: &random).prefix(shapesPerStep)
    var places: [Int64] = []
    places.reserveCapacity(shapesPerStep * pointsPerShape)
    for shape in shapes {
      for _ in 0..<pointsPerShape {
        places.append(Int64(shape * all + Int.random(in: 0..<all, using: &random)))
      }
    }
    let order = Tensor(places, shape: [shapes.count, pointsPerShape])
    return (
      DistanceSamples(
        points: samples.points.reshaped([-1, 3]).gather(order),
        distances: samples.distances.flattened().gather(order)),
      Tensor(shapes.map(Int64.init))
    )
  }
}

/// Finds the code of a shape from samples of its distance, by Adam with the decoder held.
public struct LatentFit: Sendable {
  public var steps: Int
  public var learningRate: LearningRateSchedule
  public var clamp: Double
  public var codeWeight: Double

  /// The published values: 800 steps at 5e-3, a tenth of that in the second half.
  public init(
    steps: Int = 800, learningRate: LearningRateSchedule? = nil, clamp: Double = 0.1,
    codeWeight: Double = 1e-4
  ) {
    self.steps = steps
    self.learningRate =
      learningRate ?? .step(initial: 5e-3, factor: 0.1, every: max(1, (steps + 1) / 2))
    self.clamp = clamp
    self.codeWeight = codeWeight
  }

  /// - Parameters:
  ///   - samples: of one shape.
  ///   - autodecoder: whose decoder.
  ///   - start: [L]; the mean of the learned codes if nil.
  /// - Returns: the code [L], and the loss of every step.
  /// - Throws: `SceneError` for samples that do not fit, `OptimizerError` for a gradient that is not
  ///   finite.
  public func callAsFunction(
    to samples: DistanceSamples, of autodecoder: Autodecoder, start: Tensor? = nil
  ) throws -> (latent: Tensor, losses: [Double]) {
    guard samples.shapeCount == 1, samples.countPerShape > 0,
      samples.points.dtype == autodecoder.codes.dtype
    else {
      throw SceneError(
        field: "samples", expected: "\(autodecoder.codes.dtype) points of one shape",
        actual: "\(samples.points.dtype) \(samples.points.shape)")
    }
    var adam = Adam(learningRate: learningRate)
    var values = ["latent": start ?? autodecoder.meanCode]
    var losses: [Double] = []
    let (points, targets) = (samples.points[0], samples.distances[0])
    for _ in 0..<steps {
      let (loss, slope) = valueAndGradient(at: values["latent"]!) { latent in
        Autodecoder.clampedDifference(
          autodecoder.field(latent).values(at: points), targets, clamp)
          + codeWeight * latent.square().sum()
      }
      losses.append(loss.value)
      try adam.update(&values, gradients: ["latent": slope])
    }
    return (values["latent"]!, losses)
  }
}
