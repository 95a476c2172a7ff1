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
  /// The second half of a block that `next()` has used the first of; numbers of other kinds may have
  /// been drawn since.
  var spare: UInt64?

  public init(seed: UInt64, stream: UInt64 = 0, position: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.position = position
  }

  /// Four 32-bit numbers from a 128-bit counter and a 64-bit key.
  @inline(__always)
  package static func philox(
    _ counter: SIMD4<UInt32>, key: SIMD2<UInt32>
  ) -> SIMD4<UInt32> {
    // Scalars: the compiler keeps these in registers, and vectors not.
    var (c0, c1, c2, c3) = (counter.x, counter.y, counter.z, counter.w)
    var (k0, k1) = (key.x, key.y)
    for _ in 0..<10 {
      let first = UInt64(c0) &* 0xD251_1F53
      let second = UInt64(c2) &* 0xCD9E_8D57
      c0 = UInt32(truncatingIfNeeded: second >> 32) ^ c1 ^ k0
      c2 = UInt32(truncatingIfNeeded: first >> 32) ^ c3 ^ k1
      c1 = UInt32(truncatingIfNeeded: second)
      c3 = UInt32(truncatingIfNeeded: first)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return SIMD4(c0, c1, c2, c3)
  }

  @inline(__always)
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
  @inline(__always)
  private static func fractions(_ words: SIMD4<UInt32>) -> (Double, Double) {
    let first = (UInt64(words.x) | UInt64(words.y) << 32) >> 11
    let second = (UInt64(words.z) | UInt64(words.w) << 32) >> 11
    return (Double(first) * 0x1p-53, Double(second) * 0x1p-53)
  }

  @inline(__always)
  private mutating func pairs(
    _ shape: [Int], _ dtype: DType, _ map: (Double, Double) -> (Double, Double)
  ) -> Tensor {
    let count = shape.reduce(1, *)
    let start = position
    position += UInt64((count + 1) / 2)
    switch dtype {
    case .float32: return pairs(shape, start, map) { Float($0) }
    case .float64: return pairs(shape, start, map) { $0 }
    default: return pairs(shape, start, map) { $0 }.cast(to: dtype)
    }
  }

  @inline(__always)
  private func pairs<T: TensorScalar>(
    _ shape: [Int], _ start: UInt64, _ map: (Double, Double) -> (Double, Double),
    _ convert: (Double) -> T
  ) -> Tensor {
    let count = shape.reduce(1, *)
    return .build(shape, T.self) { out in
      inBlocks((count + 1) / 2, of: 1 << 13) { range in
        for pair in range {
          let (u, v) = Self.fractions(block(start + UInt64(pair)))
          let (a, b) = map(u, v)
          out[2 * pair] = convert(a)
          if 2 * pair + 1 < count { out[2 * pair + 1] = convert(b) }
        }
      }
    }
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
    require(bound > 0, "integers: bound \(bound)")
    return uniform(shape, low: 0, high: Double(bound), dtype: .float64).floor().cast(to: dtype)
  }

  /// 0..<`count` in random order, as int32.
  public mutating func permutation(_ count: Int) -> Tensor {
    Tensor((0..<Int32(count)).shuffled(using: &self))
  }
}
