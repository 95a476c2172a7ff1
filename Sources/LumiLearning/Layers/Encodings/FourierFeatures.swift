// Random Fourier features: sines and cosines of random directions, which let a network learn fine
// detail; the frequencies' spread decides how fine.
//
// M. Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional
// Domains", NeurIPS 2020.
import LumiTensor

/// x ↦ [cos 2πBx, sin 2πBx] with constant frequencies B, which are a buffer, "frequencies".
public struct FourierFeatures: Module, Buffered {
  /// B: [features / 2, inputs].
  public var frequencies: Tensor

  /// Normal frequencies.
  ///
  /// - Parameters:
  ///   - inputs: extent of the coordinates.
  ///   - features: extent of the encoding, even; the paper's is 512.
  ///   - deviation: standard deviation of the frequencies, in periods per unit of x.
  ///   - seed: of the frequencies.
  ///   - dtype: the type of the tensors.
  public init(
    inputs: Int, features: Int, deviation: Double, seed: UInt64, dtype: DType = .float32
  ) {
    require(
      inputs > 0 && features > 0 && features % 2 == 0 && deviation >= 0,
      """
      FourierFeatures: \(inputs) inputs, \(features) features, deviation \(deviation); expected \
      at least 1, an even number, at least 0
      """)
    var random = RandomGenerator(seed: seed)
    frequencies = random.normal([features / 2, inputs], deviation: deviation, dtype: dtype)
  }

  /// - Parameter x: [..., inputs].
  /// - Returns: [..., features].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let phases = linear(x * (2 * .pi), weight: frequencies.stoppingGradient())
    return Tensor.concatenate([phases.cos(), phases.sin()], axis: -1)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> FourierFeatures { self }

  public func mapBuffers(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> FourierFeatures {
    var result = self
    result.frequencies = try transform("frequencies", frequencies)
    return result
  }
}
