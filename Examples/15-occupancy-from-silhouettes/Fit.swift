import Foundation
import Lumigrad

/// What a run leaves out of the method.
struct Variant {
  var name: String
  /// Rays and anchors near outlines and the surface, or everywhere alike.
  var samplesBoundary = true
  /// Which rays count for anchors beside outlines.
  var assignment = ProbedSilhouettes.Assignment.ownPixel
  /// Of the regulariser of normals, beside the silhouette loss.
  var normalWeight = 0.01

  static let whole = Variant(name: "field probing")
  static let everyRay = Variant(name: "every ray counts", assignment: .everyRay)
  static let all = [
    whole, everyRay, Variant(name: "object first", assignment: .objectFirst),
    Variant(name: "samples everywhere", samplesBoundary: false),
    Variant(name: "no normals", normalWeight: 0),
  ]
}

/// One training run.
struct Fit {
  let shape: KnownShape
  let variant: Variant
  let steps: Int
  let anchors: Int
  /// Of the anchors' balls.
  let radius: Double
  let isQuick: Bool
  let seed: UInt64

  private var rayCount: Int { isQuick ? 512 : 1024 }

  /// The trained field, and the seconds of processor time that it took.
  func run() throws -> (field: NeuralField, seconds: Double) {
    let began = clock()
    let silhouettes = try ProbedSilhouettes(cameras: shape.cameras, masks: shape.masks)
    var random = RandomGenerator(seed: seed)
    var field = Self.start(seed: seed, width: isQuick ? 32 : 64)
    var adam = Adam(learningRate: .cosine(initial: 3e-3, final: 3e-4, steps: steps))
    let sampling = AnchorSampling(
      count: anchors, boundaryShare: variant.samplesBoundary ? 0.5 : 0)
    for _ in 0..<steps {
      let slopes = try slopes(of: field, silhouettes, sampling, &random)
      try adam.update(&field, gradients: slopes)
    }
    return (field, Double(clock() - began) / Double(CLOCKS_PER_SEC))
  }

  private func slopes(
    of field: NeuralField, _ silhouettes: ProbedSilhouettes, _ sampling: AnchorSampling,
    _ random: inout RandomGenerator
  ) throws -> [String: Tensor] {
    let anchors = sampling.anchors(of: field, in: KnownShape.bounds, using: &random)
    let batch = silhouettes.batch(
      rayCount, edgeShare: variant.samplesBoundary ? 0.75 : 0, using: &random)
    let table = silhouettes.table(
      of: batch, anchors: anchors, radius: radius, assignment: variant.assignment)
    // The first anchors are those near the surface.
    let points = anchors[0..<min(isQuick ? 32 : 64, self.anchors)]
    let offsets = random.normal([4, 3], deviation: 0.03)
    return try valueAndGradient(of: field) { field in
      let found = table.maximum(of: field.occupancyLogits(at: anchors))
      let loss = found.silhouetteLoss(batch.silhouette, measure: .crossEntropy)
      guard variant.normalWeight > 0 else { return loss }
      return loss + variant.normalWeight
        * OccupancyFieldProbing.normalConsistency(of: field, at: points, offsets: offsets)
    }.gradients
  }

  /// A network that is undecided everywhere.
  static func start(seed: UInt64, width: Int) -> NeuralField {
    let encoding = PositionalEncoding(frequencies: 4)
    return NeuralField(
      .occupancyLogit, encoding: encoding,
      trunk: MultilayerPerceptron(
        widths: [encoding.outputs(inputs: 3), width, width, width, width, 1], seed: seed))
  }
}
