import LumiTensor

/// How the weights of a layer start.
///
/// Weights have shape [outputs, inputs]; the gain is √2 for ReLU, 1 for symmetric activations.
///
/// - X. Glorot, Y. Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural
///   Networks", AISTATS 2010 (Xavier).
/// - K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", ICCV 2015 (Kaiming).
/// - A. Saxe, J. McClelland, S. Ganguli, "Exact Solutions to the Nonlinear Dynamics of Learning in
///   Deep Linear Neural Networks", ICLR 2014 (orthogonal).
/// - V. Sitzmann et al., "Implicit Neural Representations with Periodic Activation Functions",
///   NeurIPS 2020 (sinusoidal).
public enum Initializer: Sendable, Hashable {
  /// Uniform in ±gain √(6 / (inputs + outputs)).
  case xavierUniform(gain: Double = 1)
  /// Uniform in ±gain √(3 / inputs).
  case kaimingUniform(gain: Double = 2.0.squareRoot())
  /// Normal with standard deviation gain / √inputs.
  case kaimingNormal(gain: Double = 2.0.squareRoot())
  /// Normal with standard deviation gain √(2 / (inputs + outputs)).
  case xavierNormal(gain: Double = 1)
  /// Orthonormal columns (rows if there are fewer outputs), times the gain; see
  /// ``orthogonalMatrix(rows:columns:gain:using:dtype:)``.
  case orthogonal(gain: Double = 1)
  /// Uniform in ±√(6 / inputs) / ω: a hidden layer before or between sines sin(ω z).
  case sinusoidal(omega: Double = 30)
  /// Uniform in ±1 / inputs: a SIREN's first layer.
  case sinusoidalFirst

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
    case .xavierNormal(let gain):
      let deviation = gain * (2 / (fanIn + Double(outputs))).squareRoot()
      return random.normal(shape, deviation: deviation, dtype: dtype)
    case .orthogonal(let gain):
      return orthogonalMatrix(
        rows: outputs, columns: inputs, gain: gain, using: &random, dtype: dtype)
    case .sinusoidal(let omega):
      let bound = (6 / fanIn).squareRoot() / omega
      return random.uniform(shape, low: -bound, high: bound, dtype: dtype)
    case .sinusoidalFirst:
      return random.uniform(shape, low: -1 / fanIn, high: 1 / fanIn, dtype: dtype)
    }
  }
}
