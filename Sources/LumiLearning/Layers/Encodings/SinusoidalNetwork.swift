// SIREN: a perceptron with sines for activations, for functions and their derivatives.
//
// Its initialisation keeps the distribution of phases from layer to layer; other weights train badly.
//
// V. Sitzmann, J. Martel, A. Bergman, D. Lindell, G. Wetzstein, "Implicit Neural Representations
// with Periodic Activation Functions", NeurIPS 2020.
import LumiTensor

extension Linear {
  /// A layer of a SIREN: sin(ω (W x + b)).
  ///
  /// Weights are uniform in ±1/inputs in the first layer and in ±√(6/inputs)/ω in further ones,
  /// biases uniform in ±1/√inputs, as in the authors' program (the paper leaves them open).
  ///
  /// - Parameters:
  ///   - inputs: extent of the inputs.
  ///   - outputs: extent of the outputs.
  ///   - omega: ω.
  ///   - isFirst: whether its inputs are coordinates.
  ///   - isLast: whether it has no sine.
  ///   - dtype: the type of the tensors.
  ///   - random: of the weights.
  public static func sinusoidal(
    inputs: Int, outputs: Int, omega: Double = 30, isFirst: Bool = false, isLast: Bool = false,
    dtype: DType = .float32, using random: inout RandomGenerator
  ) -> Linear {
    require(
      inputs > 0 && outputs > 0 && omega > 0,
      "Linear.sinusoidal: \(inputs) inputs, \(outputs) outputs, omega \(omega)")
    let initializer: Initializer = isFirst ? .sinusoidalFirst : .sinusoidal(omega: omega)
    let shift = 1 / Double(inputs).squareRoot()
    return Linear(
      weight: initializer.weights(
        outputs: outputs, inputs: inputs, using: &random, dtype: dtype),
      bias: random.uniform([outputs], low: -shift, high: shift, dtype: dtype),
      activation: isLast ? .none : .sine(omega: omega))
  }
}

extension MultilayerPerceptron {
  /// A SIREN; the last layer has no sine.
  ///
  /// - Parameters:
  ///   - widths: extents of the input, of every hidden layer, and of the output.
  ///   - firstOmega: frequency of the first layer: the higher, the finer the detail.
  ///   - omega: frequency of the other layers.
  ///   - seed: of the weights.
  ///   - dtype: the type of the tensors.
  public static func sinusoidal(
    widths: [Int], firstOmega: Double = 30, omega: Double = 30, seed: UInt64,
    dtype: DType = .float32
  ) -> MultilayerPerceptron {
    var network = MultilayerPerceptron(widths: widths, seed: 0, dtype: dtype)
    var random = RandomGenerator(seed: seed)
    let last = network.layers.count - 1
    for index in 0...last {
      network.layers[index] = .sinusoidal(
        inputs: widths[index], outputs: widths[index + 1],
        omega: index == 0 ? firstOmega : omega, isFirst: index == 0, isLast: index == last,
        dtype: dtype, using: &random)
    }
    return network
  }
}
