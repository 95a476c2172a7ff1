import ExampleSupport
import Foundation
import Lumigrad

/// A small network that names the shape in a picture.
struct Classifier: Sendable {
  private(set) var network: MultilayerPerceptron

  /// Pictures with their labels.
  struct Pictures: Sendable {
    /// [N, 1024].
    let inputs: Tensor
    /// int32 [N].
    let labels: Tensor

    init(_ samples: [Sample], _ studio: Studio) throws {
      let rows = try concurrently(samples) { try studio.picture($0).flattened() }
      inputs = Tensor.stack(rows)
      labels = Tensor(samples.map { Int32($0.label.rawValue) })
    }
  }

  /// Trains on pictures in random order, a batch of 64 at a time.
  init(_ pictures: Pictures, epochs: Int, seed: UInt64) throws {
    network = MultilayerPerceptron(
      widths: [Studio.size * Studio.size, 128, 64, ShapeClass.allCases.count], seed: seed)
    var random = RandomGenerator(seed: seed, stream: 1)
    let count = pictures.labels.count
    let batches = count / 64
    var adam = Adam(
      learningRate: .cosine(initial: 2e-3, final: 2e-5, steps: epochs * batches), weightDecay: 1e-2)
    for _ in 0..<epochs {
      let order = random.permutation(count)
      for batch in 0..<batches {
        let rows = order[batch * 64..<(batch + 1) * 64]
        let (x, labels) = (pictures.inputs.gather(rows), pictures.labels.gather(rows))
        let (_, gradients) = try valueAndGradient(of: network) {
          Loss.crossEntropy($0(Self.normalised(x)), labels: labels)
        }
        try adam.update(&network, gradients: gradients)
      }
    }
  }

  /// Logits [N, 6] of pictures [N, 1024].
  func callAsFunction(_ pictures: Tensor) -> Tensor { network(Self.normalised(pictures)) }

  func prediction(_ picture: Tensor) -> ShapeClass {
    let logits = self(picture.reshaped([1, -1]))
    return ShapeClass(rawValue: Int(logits.argmax(axis: 1).value))!
  }

  func accuracy(_ pictures: Pictures) -> Double {
    classificationAccuracy(self(pictures.inputs), labels: pictures.labels).value
  }

  /// About zero on average and one in spread.
  private static func normalised(_ pictures: Tensor) -> Tensor { (pictures - 0.35) * 5 }
}
