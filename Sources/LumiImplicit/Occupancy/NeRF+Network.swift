import LumiLearning
import LumiScene
import LumiTensor

extension NeuralField {
  /// NeRF's network (the paper's figure 7): points with `frequencies` octaves; `layers` ReLU layers of
  /// `width`, the fifth's activation with the encoded points again (with fewer than six layers, the
  /// middle one's); a linear layer to the density and `width` features; from features and the
  /// direction with `directionFrequencies` octaves half as many, through a ReLU, and the colour
  /// through a sigmoid.
  ///
  /// The density comes as it is, for the method to take those below 0 as 0.
  ///
  /// - Parameters:
  ///   - layers: 8 by default; at least 2.
  ///   - width: 256 by default; at least 2.
  ///   - frequencies: octaves of points, in units of the world; 10 by default.
  ///   - directionFrequencies: octaves of directions, 4 by default; nil for a colour that does not
  ///     depend on the direction: then the trunk ends with its logits beside the density.
  ///   - densityActivation: none by default (the method's ReLU); a softplus never dies.
  ///   - densityBias: where the density begins at the mean; 0 by default.
  ///   - seed: of the weights (uniform, Glorot and Bengio, as published); biases are 0.
  ///   - dtype: of the network.
  public static func radiance(
    layers: Int = 8, width: Int = 256, frequencies: Int = 10, directionFrequencies: Int? = 4,
    densityActivation: Activation = .none, densityBias: Double = 0, seed: UInt64,
    dtype: DType = .float32
  ) -> NeuralField {
    require(layers >= 2 && width >= 2, "NeuralField.radiance: \(layers) layers of \(width)")
    let encoding = PositionalEncoding(frequencies: frequencies)
    let features = directionFrequencies == nil ? 4 : 1 + width
    var trunk = MultilayerPerceptron(
      widths: [encoding.outputs(inputs: 3)] + [Int](repeating: width, count: layers)
        + [features],
      skips: [layers > 5 ? 5 : (layers + 1) / 2], initializer: .xavierUniform(), seed: seed,
      dtype: dtype)
    let first = Tensor.arange(features, dtype: .int32) .== Tensor(0, dtype: .int32)
    trunk.layers[layers].bias = Tensor.where(
      first, Tensor(densityBias, dtype: dtype), Tensor(0, dtype: dtype))
    var head: any Module = ColorOfLogits()
    var seen = PositionalEncoding(frequencies: 0)
    if let directionFrequencies {
      seen = PositionalEncoding(frequencies: directionFrequencies)
      head = MultilayerPerceptron(
        widths: [seen.outputs(inputs: 3) + width, width / 2, 3], outputActivation: .sigmoid,
        initializer: .xavierUniform(), seed: seed &+ 1, dtype: dtype)
    }
    return NeuralField(
      .density, densityActivation: densityActivation, encoding: encoding, trunk: trunk, head: head,
      headInputs: directionFrequencies == nil ? [.features] : [.direction, .features],
      directionEncoding: seen, dtype: dtype)
  }
}

/// A sigmoid without parameters.
private struct ColorOfLogits: Module {
  func callAsFunction(_ x: Tensor) -> Tensor { x.sigmoid() }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ColorOfLogits { self }
}
