import LumiTensor

/// [x, sin x, cos x, sin 2x, cos 2x, sin 4x, …]: coordinates with their sines and cosines at
/// `frequencies` octaves, from [..., n] to [..., n (1 + 2 frequencies)].
///
/// B. Mildenhall et al., ECCV 2020, equation 4, without the factor π and with the coordinates
/// themselves in front, as the authors' code does.
public func positionalEncoding(_ x: Tensor, frequencies: Int) -> Tensor {
  var parts = [x]
  for octave in 0..<frequencies {
    let scaled = x * Double(sign: .plus, exponent: octave, significand: 1)
    parts += [scaled.sin(), scaled.cos()]
  }
  return Tensor.concatenate(parts, axis: -1)
}

/// ``positionalEncoding(_:frequencies:)`` as the first part of a network.
public struct PositionalEncoding: Module, Hashable {
  /// Octaves, 0 for the coordinates alone.
  public let frequencies: Int

  public init(frequencies: Int) {
    require(frequencies >= 0, "PositionalEncoding: \(frequencies) frequencies")
    self.frequencies = frequencies
  }

  /// How many numbers n coordinates become.
  public func outputs(inputs: Int) -> Int { inputs * (1 + 2 * frequencies) }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    positionalEncoding(x, frequencies: frequencies)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> PositionalEncoding { self }
}
