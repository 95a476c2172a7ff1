import LumiTensor

/// How the weights of a layer start.
///
/// Weights have shape [outputs, inputs]; the gain is √2 for ReLU, 1 for symmetric activations.
///
/// - X. Glorot, Y. Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural
///   Networks", AISTATS 2010 (Xavier).
/// - K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", ICCV 2015 (Kaiming).
public enum Initializer: Sendable, Hashable {
  /// Uniform in ±gain √(6 / (inputs + outputs)).
  case xavierUniform(gain: Double = 1)
  /// Uniform in ±gain √(3 / inputs).
  case kaimingUniform(gain: Double = 2.0.squareRoot())
  /// Normal with standard deviation gain / √inputs.
  case kaimingNormal(gain: Double = 2.0.squareRoot())

  /// Fresh weights of shape [`outputs`, `inputs`].
  public func weights(
    outputs: Int, inputs: Int, using random: inout RandomGenerator, dtype: DType = .float32
  ) -> Tensor {
    let shape = [outputs, inputs]
    let fanIn = Double(max(inputs, 1))
    switch self {
    case .xavierUniform(let gain):
      let bound = gain * (6 / (fanIn + Double(outputs))).squareRoot()
      return random.uniform(shape, low: -bound, high: bound, dtype: dtype)
    case .kaimingUniform(let gain):
      let bound = gain * (3 / fanIn).squareRoot()
      return random.uniform(shape, low: -bound, high: bound, dtype: dtype)
    case .kaimingNormal(let gain):
      return random.normal(shape, deviation: gain / fanIn.squareRoot(), dtype: dtype)
    }
  }
}
