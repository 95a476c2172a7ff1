import RealModule

/// Counter-based random numbers (Philox 4x32 with 10 rounds; Salmon et al., "Parallel Random
/// Numbers: As Easy as 1, 2, 3", SC 2011).
///
/// Number i of a seed and stream is a function of i alone, so a sequence does not depend on threads
/// and can be continued from ``position``.
public struct RandomGenerator: Sendable, RandomNumberGenerator {
  public let seed: UInt64
  /// Independent sequences of one seed.
  public let stream: UInt64
  /// How many 128-bit blocks have been used.
  public private(set) var position: UInt64
  /// The second half of the last block, for `next()`.
  private var spare: UInt64?

  public init(seed: UInt64, stream: UInt64 = 0, position: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.position = position
  }

  /// Four 32-bit numbers from a 128-bit counter and a 64-bit key.
  static func philox(
    _ counter: SIMD4<UInt32>, key: SIMD2<UInt32>
  ) -> SIMD4<UInt32> {
    var c = counter
    var k = key
    for _ in 0..<10 {
      let (high0, low0) = c.x.multipliedFullWidth(by: 0xD251_1F53)
      let (high1, low1) = c.z.multipliedFullWidth(by: 0xCD9E_8D57)
      c = SIMD4(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0)
      k = k &+ SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return c
  }

  private func block(_ index: UInt64) -> SIMD4<UInt32> {
    Self.philox(
      SIMD4(
        UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
        UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32)),
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  public mutating func next() -> UInt64 {
    if let value = spare {
      spare = nil
      return value
    }
    let words = block(position)
    position += 1
    spare = UInt64(words.z) | UInt64(words.w) << 32
    return UInt64(words.x) | UInt64(words.y) << 32
  }

  /// Two 53-bit fractions in [0, 1) per block.
  private static func fractions(_ words: SIMD4<UInt32>) -> (Double, Double) {
    let first = (UInt64(words.x) | UInt64(words.y) << 32) >> 11
    let second = (UInt64(words.z) | UInt64(words.w) << 32) >> 11
    return (Double(first) * 0x1p-53, Double(second) * 0x1p-53)
  }

  private mutating func pairs(
    _ shape: [Int], _ dtype: DType, _ map: (Double, Double) -> (Double, Double)
  ) -> Tensor {
    let count = shape.reduce(1, *)
    let start = position
    position += UInt64((count + 1) / 2)
    let values = Tensor.build(shape, Double.self) { out in
      for i in stride(from: 0, to: count, by: 2) {
        let (u, v) = Self.fractions(block(start + UInt64(i / 2)))
        let (a, b) = map(u, v)
        out[i] = a
        if i + 1 < count { out[i + 1] = b }
      }
    }
    return values.cast(to: dtype)
  }

  /// Uniform in [`low`, `high`). For float32 the largest values may round up to `high`.
  public mutating func uniform(
    _ shape: [Int], low: Double = 0, high: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    let width = high - low
    return pairs(shape, dtype) { (low + $0 * width, low + $1 * width) }
  }

  /// Normal with the given mean and standard deviation (Box–Muller).
  public mutating func normal(
    _ shape: [Int], mean: Double = 0, deviation: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    pairs(shape, dtype) { u, v in
      let radius = deviation * (-2 * .log(1 - u)).squareRoot()
      return (
        mean + radius * .cos(2 * .pi * v), mean + radius * .sin(2 * .pi * v)
      )
    }
  }

  /// Integers in 0..<`bound`, which is at least 1.
  public mutating func integers(
    _ shape: [Int], below bound: Int, dtype: DType = .int32
  ) -> Tensor {
    precondition(bound > 0, "integers: bound \(bound)")
    return uniform(shape, low: 0, high: Double(bound), dtype: .float64).floor().cast(to: dtype)
  }

  /// 0..<`count` in random order, as int32.
  public mutating func permutation(_ count: Int) -> Tensor {
    Tensor((0..<Int32(count)).shuffled(using: &self))
  }
}
