import LumiTensor
import Testing

@Suite struct RandomTests {
  /// The known answers of the Random123 library for Philox 4x32-10.
  @Test func philoxKnownAnswers() {
    let ones = UInt32.max
    let cases: [(SIMD4<UInt32>, SIMD2<UInt32>, SIMD4<UInt32>)] = [
      (.zero, .zero, SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
      (
        SIMD4(repeating: ones), SIMD2(repeating: ones),
        SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
      ),
      (
        SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), SIMD2(0xa409_3822, 0x299f_31d0),
        SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
      ),
    ]
    for (counter, key, expected) in cases {
      #expect(RandomGenerator.philox(counter, key: key) == expected)
    }
  }

  @Test func sameSeedSameNumbers() {
    func draw(_ seed: UInt64, _ stream: UInt64 = 0) -> [Float] {
      var random = RandomGenerator(seed: seed, stream: stream)
      return random.normal([100]).scalars(as: Float.self)
    }
    #expect(draw(5) == draw(5))
    #expect(draw(5) != draw(6))
    #expect(draw(5) != draw(5, 1))
  }

  @Test func aSequenceContinuesFromItsPosition() {
    var whole = RandomGenerator(seed: 9)
    let all = whole.uniform([20], dtype: .float64).scalars(as: Double.self)
    var first = RandomGenerator(seed: 9)
    let head = first.uniform([10], dtype: .float64).scalars(as: Double.self)
    var rest = RandomGenerator(seed: 9, position: first.position)
    #expect(all == head + rest.uniform([10], dtype: .float64).scalars(as: Double.self))
    // Words are the two halves of one block after the other.
    var words = RandomGenerator(seed: 9)
    let pair = (words.next(), words.next())
    #expect(all[0] == Double(pair.0 >> 11) * 0x1p-53 && all[1] == Double(pair.1 >> 11) * 0x1p-53)
  }

  @Test func momentsAreRight() {
    var random = RandomGenerator(seed: 3)
    let count = 200_001
    let uniform = random.uniform([count], low: -1, high: 3, dtype: .float64)
    // Five standard errors.
    #expect((uniform.mean().value - 1).magnitude < 5 * (16.0 / 12 / Double(count)).squareRoot())
    #expect((uniform.variance().value - 16.0 / 12).magnitude < 0.02)
    #expect(uniform.min().value >= -1 && uniform.max().value < 3)
    let normal = random.normal([count], mean: 2, deviation: 3, dtype: .float64)
    #expect((normal.mean().value - 2).magnitude < 5 * 3 / Double(count).squareRoot())
    #expect((normal.variance().value - 9).magnitude < 0.2)
    let standard = (normal - 2) / 3
    #expect((standard.pow(4.0).mean().value - 3).magnitude < 0.15)
    #expect((standard * standard[.stride(0, count, 1)]).mean().value > 0.9)
    #expect((standard[0..<count - 1] * standard[1..<count]).mean().value.magnitude < 0.012)
  }

  @Test func integersAndPermutations() {
    var random = RandomGenerator(seed: 4)
    let dice = random.integers([60_000], below: 6)
    #expect(dice.dtype == .int32)
    for face in 0..<6 {
      let share = (dice .== Double(face)).mean().value
      #expect((share - 1.0 / 6).magnitude < 0.008)
    }
    let order = random.permutation(1000).scalars(as: Int64.self)
    #expect(order.sorted() == Array(0..<1000) && order != Array(0..<1000))
    #expect(random.permutation(0).shape == [0])
  }
}

@Suite struct RandomStateTests {
  /// Odd and even numbers of 64-bit words, blocks, and huge counters.
  @Test(arguments: [0, 1, 2, 5])
  func continuesToTheBit(_ words: Int) throws {
    var original = RandomGenerator(seed: .max - 3, stream: 1 << 63, position: (1 << 63) + 9)
    _ = original.normal([3])
    for _ in 0..<words { _ = original.next() }
    // A half that is left stays while other numbers are drawn.
    _ = original.uniform([6])
    var copy = RandomGenerator(seed: 1)
    try copy.restore(original.state)
    for _ in 0..<3 { #expect(copy.next() == original.next()) }
    let (a, b) = (copy.uniform([7], dtype: .float64), original.uniform([7], dtype: .float64))
    #expect(a.scalars(as: Double.self) == b.scalars(as: Double.self))
    #expect(copy.state["counter"]!.scalars(as: Int64.self) == original.state["counter"]!.scalars())
    #expect(copy.seed == original.seed && copy.stream == original.stream)
  }

  @Test func otherStatesAreRefused() {
    let bad: [[String: Tensor]] = [
      [:], ["counter": Tensor([1, 2, 3] as [Int64])], ["counter": Tensor([1.0, 2, 3, 0, 0])],
      ["counter": Tensor([1, 2, 3, 2, 0] as [Int64])],
      ["counter": Tensor([1, 2, 3, -1, 0] as [Int64])],
      ["counter": Tensor([1, 2, 3, 0, 0] as [Int64]), "more": Tensor([1.0])],
    ]
    for state in bad {
      var random = RandomGenerator(seed: 5)
      #expect(throws: RestoreError.self) { try random.restore(state) }
      #expect(random.seed == 5)
    }
  }
}
