import LumiLearning
import LumiScene
import LumiTensor

/// A signed distance that a decoder computes from a latent code and a point: one shape of a family
/// (DeepSDF).
///
/// Parameter paths: "latent", "decoder.layers.0.weight" and so on. It cannot: promise a distance.
/// Values are one as far as the decoder has learned, and codes far from the family's mean nothing.
///
/// J. J. Park, P. Florence, J. Straub, R. Newcombe, S. Lovegrove, "DeepSDF: Learning Continuous
/// Signed Distance Functions for Shape Representation", CVPR 2019.
public struct LatentField: ImplicitField {
  /// [L].
  public var latent: Tensor
  /// From [N, L + 3], code and point, to [N, 1].
  public var decoder: MultilayerPerceptron
  /// Whether the decoder sees the code at unit length, as in autolabeling (Zakharov et al., CVPR
  /// 2020).
  public var hasUnitLatent: Bool

  /// - Parameters:
  ///   - latent: [L].
  ///   - decoder: of L + 3 inputs and one output; another stops the program.
  ///   - hasUnitLatent: whether only the code's direction counts.
  public init(latent: Tensor, decoder: MultilayerPerceptron, hasUnitLatent: Bool = false) {
    require(
      latent.rank == 1 && decoder.inputs == latent.shape[0] + 3 && decoder.outputs == 1,
      """
      LatentField: a latent of shape \(latent.shape) for a decoder from \(decoder.inputs) to \
      \(decoder.outputs), expected [L] for one from L + 3 to 1
      """)
    self.latent = latent
    self.decoder = decoder
    self.hasUnitLatent = hasUnitLatent
  }

  public var quantity: FieldQuantity { .signedDistance }
  public var dtype: DType { latent.dtype }

  public func values(at points: Tensor) -> Tensor {
    decoder.values(at: inputs(points), encoding: PositionalEncoding(frequencies: 0))
      .squeezed(axis: 1)
  }

  public func samples(at points: Tensor, withGradients: Bool) -> FieldSamples {
    guard withGradients else { return FieldSamples(values: values(at: points)) }
    let (outputs, slopes) = decoder.outputsAndGradient(at: inputs(points))
    let length = latent.shape[0]
    return FieldSamples(
      values: outputs.squeezed(axis: 1),
      gradients: slopes.slice(axis: 1, from: length, to: length + 3))
  }

  /// Code and point, [N, L + 3].
  private func inputs(_ points: Tensor) -> Tensor {
    let code = (hasUnitLatent ? latent.unitVectors() : latent).expandingDims(at: 0)
    let codes = code.broadcast(to: [points.shape[0], latent.shape[0]])
    return .concatenate([codes, points], axis: 1)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> LatentField {
    var result = self
    result.latent = try transform("latent", latent)
    result.decoder = try decoder.mapParameters { try transform("decoder.\($0)", $1) }
    return result
  }
}

extension MultilayerPerceptron {
  /// DeepSDF's decoder: code and point go through `depth` hidden layers, are seen again in the
  /// middle, and come out through tanh.
  ///
  /// The published network has a code of 256 and 8 layers of 512 with normalised weights and
  /// dropout; there the layer before the middle gives up as many outputs as the input has, here all
  /// layers are as wide. Without dropout.
  ///
  /// - Parameters:
  ///   - latent: L, the length of the code.
  ///   - width: outputs of a hidden layer.
  ///   - depth: hidden layers, at least 1; with fewer than 3 the input is not seen again.
  ///   - activation: ReLU is published; a smooth one gives smooth normals.
  ///   - isWeightNormalized: published.
  ///   - seed: of the weights.
  ///   - dtype: of the weights.
  public static func deepSDF(
    latent: Int, width: Int = 512, depth: Int = 8, activation: Activation = .relu,
    isWeightNormalized: Bool = true, seed: UInt64, dtype: DType = .float32
  ) -> MultilayerPerceptron {
    require(
      latent >= 0 && depth >= 1,
      "deepSDF: latent \(latent), depth \(depth), expected 0 and 1 or more")
    let network = MultilayerPerceptron(
      widths: [latent + 3] + [Int](repeating: width, count: depth) + [1], activation: activation,
      outputActivation: .tanh, skips: depth > 2 ? [depth / 2] : [], seed: seed, dtype: dtype)
    return isWeightNormalized ? network.weightNormalized() : network
  }

  var inputs: Int { layers.first?.weight.shape.last ?? 0 }
  var outputs: Int { layers.last?.weight.shape.first ?? 0 }
}
