import CLumiKernels
import Foundation
import Testing

/// The levels this machine can run.
let availableLevels = Array(0...lumi_level_available())

func withLevel<Result>(_ level: Int32, _ body: () throws -> Result) rethrows -> Result {
  lumi_set_level(level)
  defer { lumi_set_level(-1) }
  return try body()
}

/// Error of `actual` in units in the last place of `expected`; a result that must be special and
/// is not counts as infinite. Below the smallest normal number, an error of that size is allowed.
func ulpError(_ actual: Float, _ expected: Double) -> Double {
  if expected.isNaN || actual.isNaN { return expected.isNaN && actual.isNaN ? 0 : .infinity }
  let rounded = Float(expected)
  if rounded == actual { return 0 }
  if rounded.isInfinite || actual.isInfinite {
    let atEdge = abs(rounded.nextDown) >= .greatestFiniteMagnitude.nextDown
    return atEdge && rounded.sign == actual.sign && abs(actual) > 3.4028e38 ? 1 : .infinity
  }
  let error = abs(Double(actual) - expected)
  if abs(expected) < Double(Float.leastNormalMagnitude) {
    return error <= Double(Float.leastNormalMagnitude) ? 0 : .infinity
  }
  return error / Double(rounded.ulp)
}

/// Floats of every sign and exponent, the special ones, and those near the kernels' own limits.
let sweep: [Float] = {
  var values = stride(from: UInt32(0), through: .max - 90_001, by: 90_001).map(
    Float.init(bitPattern:))
  let edges: [Float] = [
    0, .infinity, 1, 0.5, 2, 5e-8, 1e-7, 0.25, .pi / 4, .pi / 2, .pi, 10, 20, 87.33654, 87.33655,
    88.72283, 88.72284, 89, 103.9, 104, 8192, 8192.001, 1e5, .greatestFiniteMagnitude,
    .leastNormalMagnitude, .leastNonzeroMagnitude, .leastNormalMagnitude / 64, 0.99999994,
    1.0000001, 0.70710677,
    0.7071068, 1.4142135, 1.4142137, 16_777_216,
  ]
  for edge in edges { values += [edge, -edge, edge.nextUp, -edge.nextUp] }
  values += (0..<20_000).map { Float($0 - 10_000) * 0.001_37 }
  values.append(.nan)
  return values
}()

struct UnaryCase: Sendable, CustomTestStringConvertible {
  let name: String
  let op: Int
  let bound: Double
  var parameters: (Float, Float) = (0, 0)
  let exact: @Sendable (Double) -> Double
  var testDescription: String { "\(name) \(parameters)" }

  func run(_ input: [Float]) -> [Float] {
    var output = [Float](repeating: -7, count: input.count)
    lumi_unary_f32(Int32(op), input.count, input, &output, parameters.0, parameters.1)
    return output
  }
}

private func softplusCase(_ beta: Float) -> UnaryCase {
  UnaryCase(name: "softplus", op: LUMI_UNARY_SOFTPLUS, bound: 4, parameters: (beta, 0)) { x in
    let b = Double(beta)
    return x.isNaN ? x : max(x, 0) + log1p(exp(-abs(b * x))) / b
  }
}

let unaryCases: [UnaryCase] = [
  UnaryCase(name: "neg", op: LUMI_UNARY_NEG, bound: 0) { -$0 },
  UnaryCase(name: "abs", op: LUMI_UNARY_ABS, bound: 0) { abs($0) },
  UnaryCase(name: "sign", op: LUMI_UNARY_SIGN, bound: 0) { $0 > 0 ? 1 : ($0 < 0 ? -1 : $0) },
  UnaryCase(name: "square", op: LUMI_UNARY_SQUARE, bound: 0.5) { $0 * $0 },
  UnaryCase(name: "sqrt", op: LUMI_UNARY_SQRT, bound: 0.5) { $0.squareRoot() },
  UnaryCase(name: "rsqrt", op: LUMI_UNARY_RSQRT, bound: 2) { 1 / $0.squareRoot() },
  UnaryCase(name: "reciprocal", op: LUMI_UNARY_RECIPROCAL, bound: 0.5) { 1 / $0 },
  UnaryCase(name: "exp", op: LUMI_UNARY_EXP, bound: 2) { exp($0) },
  UnaryCase(name: "expm1", op: LUMI_UNARY_EXPM1, bound: 3) { expm1($0) },
  UnaryCase(name: "log", op: LUMI_UNARY_LOG, bound: 2) { log($0) },
  UnaryCase(name: "log1p", op: LUMI_UNARY_LOG1P, bound: 3) { log1p($0) },
  UnaryCase(name: "sin", op: LUMI_UNARY_SIN, bound: 2) { sin($0) },
  UnaryCase(name: "cos", op: LUMI_UNARY_COS, bound: 2) { cos($0) },
  UnaryCase(name: "tanh", op: LUMI_UNARY_TANH, bound: 4) { tanh($0) },
  UnaryCase(name: "sigmoid", op: LUMI_UNARY_SIGMOID, bound: 3) { 1 / (1 + exp(-$0)) },
  softplusCase(1), softplusCase(100), softplusCase(0.3),
  UnaryCase(name: "relu", op: LUMI_UNARY_RELU, bound: 0) { $0 < 0 ? 0 : $0 },
  UnaryCase(name: "clamp", op: LUMI_UNARY_CLAMP, bound: 0, parameters: (-1.5, 2.25)) {
    $0 < -1.5 ? -1.5 : ($0 > 2.25 ? 2.25 : $0)
  },
]

@Suite struct ElementwiseKernelTests {
  @Test(arguments: unaryCases, availableLevels)
  func unaryStaysWithinItsBound(_ testCase: UnaryCase, _ level: Int32) {
    let output = withLevel(level) { testCase.run(sweep) }
    var worst = (error: 0.0, input: Float(0))
    for (x, y) in zip(sweep, output) {
      let error = ulpError(y, testCase.exact(Double(x)))
      if error > worst.error { worst = (error, x) }
    }
    #expect(worst.error <= testCase.bound, "at \(worst.input)")
  }

  @Test func scaleShiftRoundsAtMostTwice() {
    for level in availableLevels {
      let op = Int32(LUMI_UNARY_SCALE_SHIFT)
      var output = [Float](repeating: 0, count: sweep.count)
      withLevel(level) { lumi_unary_f32(op, sweep.count, sweep, &output, 1.7, -0.3) }
      for (x, y) in zip(sweep, output) {
        let fused = Float(-0.3).addingProduct(1.7, x)
        let rounded = 1.7 * x + -0.3
        #expect(y == fused || y == rounded || (y.isNaN && x.isNaN))
      }
    }
  }

  @Test func signedZerosSurvive() {
    for level in availableLevels {
      for op in [LUMI_UNARY_SQRT, LUMI_UNARY_EXPM1, LUMI_UNARY_LOG1P, LUMI_UNARY_TANH] {
        var value: Float = -0.0
        withLevel(level) { lumi_unary_f32(Int32(op), 1, [value], &value, 0, 0) }
        #expect(value == 0 && value.sign == .minus)
      }
    }
  }

  /// Vector bodies, remainders, chunks and in-place use must all give the same bits.
  @Test(arguments: unaryCases, availableLevels)
  func valuesDoNotDependOnPosition(_ testCase: UnaryCase, _ level: Int32) {
    withLevel(level) {
      let input = Array(sweep.shuffled(seed: 5).prefix(1027))
      let whole = testCase.run(input)
      for length in [1, 2, 3, 7, 15, 16, 17, 31, 63, 255, 257, 1000] {
        for start in [0, 1, 5, 27] {
          var part = Array(input[start..<(start + length)])
          part.withUnsafeMutableBufferPointer { buffer in
            lumi_unary_f32(
              Int32(testCase.op), length, buffer.baseAddress!, buffer.baseAddress!,
              testCase.parameters.0, testCase.parameters.1)
          }
          #expect(sameBits(part, Array(whole[start..<(start + length)])))
        }
      }
      // Pointers that are not even aligned to a vector of the smallest level.
      var shifted = [Float](repeating: 9, count: input.count + 1)
      input.withUnsafeBufferPointer { from in
        shifted.withUnsafeMutableBufferPointer { to in
          lumi_unary_f32(
            Int32(testCase.op), input.count - 3, from.baseAddress! + 3, to.baseAddress! + 1,
            testCase.parameters.0, testCase.parameters.1)
        }
      }
      #expect(sameBits(Array(shifted[1..<(input.count - 2)]), Array(whole[3...])))
      #expect(shifted[0] == 9 && shifted.suffix(3) == [9, 9, 9])
    }
  }

  @Test(arguments: availableLevels)
  func binaryMatchesSwiftToTheBit(_ level: Int32) {
    let a = sweep.shuffled(seed: 1)
    let b = sweep.shuffled(seed: 2)
    let operations: [(op: Int, exact: (Float, Float) -> Float)] = [
      (LUMI_BINARY_ADD, { $0 + $1 }), (LUMI_BINARY_SUB, { $0 - $1 }),
      (LUMI_BINARY_MUL, { $0 * $1 }), (LUMI_BINARY_DIV, { $0 / $1 }),
      (LUMI_BINARY_MIN, { $0.isNaN || $1.isNaN ? .nan : Swift.min($0, $1) }),
      (LUMI_BINARY_MAX, { $0.isNaN || $1.isNaN ? .nan : Swift.max($0, $1) }),
    ]
    for (op, exact) in operations {
      for (stepA, stepB) in [(1, 1), (0, 1), (1, 0), (0, 0)] {
        var y = [Float](repeating: 3, count: a.count)
        withLevel(level) { lumi_binary_f32(Int32(op), a.count, a, stepA, b, stepB, &y) }
        let agrees = y.indices.allSatisfy { i in
          let expected = exact(a[i * stepA], b[i * stepB])
          return y[i] == expected || (y[i].isNaN && expected.isNaN)
        }
        #expect(agrees, "operation \(op), steps \(stepA) and \(stepB)")
      }
    }
  }

  @Test func unknownOperationsGiveNaN() {
    var y: [Float] = [1, 2, 3]
    lumi_unary_f32(99, 3, [1, 2, 3], &y, 0, 0)
    #expect(y.allSatisfy { $0.isNaN })
    y = [1, 2, 3]
    lumi_activation_gradient_f32(Int32(LUMI_ACTIVATION_SINE), 3, y, y, 1, &y)
    #expect(y.allSatisfy { $0.isNaN })
  }
}

@Suite struct ReductionKernelTests {
  @Test(arguments: [0, 1, 2, 31, 32, 33, 1023, 1024, 1025, 5000, 1_000_003])
  func sumsAreAccurateAndAgreeOverLevels(_ count: Int) {
    var generator = SplitMix(seed: 11)
    let a = (0..<count).map { _ in generator.nextFloat() * 2 - 0.7 }
    let b = (0..<count).map { _ in generator.nextFloat() - 0.2 }
    let sums = availableLevels.map { level in withLevel(level) { lumi_sum_f32(count, a) } }
    let dots = availableLevels.map { level in withLevel(level) { lumi_dot_f32(count, a, b) } }
    #expect(Set(sums.map(\.bitPattern)).count == 1)
    #expect(Set(dots.map(\.bitPattern)).count == 1)

    let unit = 0x1p-24 * (37 + max(0, log2(Double(max(count, 1)) / 1024)))
    let sum = a.reduce(0.0) { $0 + Double($1) }
    let size = a.reduce(0.0) { $0 + Double(abs($1)) }
    #expect(abs(Double(sums[0]) - sum) <= unit * size)
    let dot = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let dotSize = zip(a, b).reduce(0.0) { $0 + abs(Double($1.0) * Double($1.1)) }
    #expect(abs(Double(dots[0]) - dot) <= (unit + 0x1p-24) * dotSize)
  }

  @Test(arguments: [(0, 3), (1, 1), (3, 5), (4, 16), (9, 67)])
  func rowsAreAddedInOrder(_ rows: Int, _ columns: Int) {
    let stride = columns + 3
    var generator = SplitMix(seed: 3)
    let x = (0..<(rows * stride)).map { _ in generator.nextFloat() - 0.5 }
    var expected = (0..<columns).map { Float($0) }
    for r in 0..<rows {
      for c in 0..<columns { expected[c] += x[r * stride + c] }
    }
    for level in availableLevels {
      var y = (0..<columns).map { Float($0) }
      withLevel(level) { lumi_add_rows_f32(rows, columns, x, stride, &y) }
      #expect(y == expected)
    }
  }

  @Test func axpyAddsAMultiple() {
    let x = (0..<37).map { Float($0) * 0.31 - 4 }
    for level in availableLevels {
      var y = [Float](repeating: 0.6, count: 37)
      withLevel(level) { lumi_axpy_f32(37, 1.3, x, &y) }
      for i in 0..<37 {
        #expect(abs(Double(y[i]) - (Double(Float(0.6)) + Double(Float(1.3)) * Double(x[i]))) < 1e-6)
      }
    }
  }
}

/// A small generator with fixed seeds (Steele, Lea & Flood 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func nextFloat() -> Float { Float(next() >> 40) * 0x1p-24 }
}

extension Array where Element == Float {
  func shuffled(seed: UInt64) -> [Float] {
    var generator = SplitMix(seed: seed)
    return shuffled(using: &generator)
  }
}

/// Equal bits, but for the sign and payload of NaN.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count
    && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}
