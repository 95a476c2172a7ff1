import CLumiKernels
import LumiTensor

/// [x, sin x, cos x, sin 2x, cos 2x, sin 4x, …]: coordinates with their sines and cosines at
/// `frequencies` octaves, from [..., n] to [..., n (1 + 2 frequencies)].
///
/// B. Mildenhall et al., ECCV 2020, equation 4, without the factor π and with the coordinates
/// themselves in front, as the authors' code does.
public func positionalEncoding(_ x: Tensor, frequencies: Int) -> Tensor {
  guard x.dtype == .float32 && x.rank > 0 && frequencies > 0 && lumi_tape_depth() <= 1 else {
    return composedPositionalEncoding(x, frequencies: frequencies)
  }
  let leading = Array(x.shape.dropLast())
  let rows = x.reshaped([leading.reduce(1, *), x.shape.last!])
  return fusedPositionalEncoding(rows, frequencies: frequencies)
    .reshaped(leading + [x.shape.last! * (1 + 2 * frequencies)])
}

/// The encoding made of tensor operations: the readable twin of the fused kernel.
package func composedPositionalEncoding(_ x: Tensor, frequencies: Int) -> Tensor {
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

  /// The derivative by coordinates from that by their encoding. The slopes of sines and cosines are
  /// cosines and sines, so that the encoding itself is all it needs of the coordinates; it is
  /// differentiable by both.
  ///
  /// - Parameters:
  ///   - cotangent: [N, n (1 + 2 frequencies)].
  ///   - encoded: what the encoding made of the coordinates, of the same shape.
  /// - Returns: [N, n].
  public func pullback(_ cotangent: Tensor, encoded: Tensor) -> Tensor {
    require(
      encoded.rank == 2 && cotangent.shape == encoded.shape
        && encoded.shape[1] % (1 + 2 * frequencies) == 0,
      """
      PositionalEncoding.pullback: cotangent \(cotangent.shape), encoded \(encoded.shape); \
      expected the same [N, n (1 + 2·\(frequencies))]
      """)
    if frequencies == 0 { return cotangent }
    return encoded.dtype == .float32 && lumi_tape_depth() <= 1
      ? fusedEncodingPullback(cotangent, encoded: encoded, frequencies: frequencies)
      : composedPullback(cotangent, encoded: encoded)
  }

  /// Made of tensor operations: the readable twin.
  package func composedPullback(_ cotangent: Tensor, encoded: Tensor) -> Tensor {
    let n = encoded.shape[1] / (1 + 2 * frequencies)
    func part(_ tensor: Tensor, _ index: Int) -> Tensor {
      tensor.slice(axis: 1, from: index * n, to: (index + 1) * n)
    }
    return (0..<frequencies).reduce(part(cotangent, 0)) { sum, octave in
      let (sine, cosine) = (1 + 2 * octave, 2 + 2 * octave)
      let slope =
        part(encoded, cosine) * part(cotangent, sine) - part(encoded, sine)
        * part(cotangent, cosine)
      return sum + slope * Double(sign: .plus, exponent: octave, significand: 1)
    }
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> PositionalEncoding { self }
}
