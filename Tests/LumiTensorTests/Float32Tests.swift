import LumiTensor
import Testing

/// The fast float32 loops, at every kernel level, against the readable loops in float64.
@Suite struct Float32Tests {
  /// Units in the last place of the correctly rounded result.
  private func distance(_ actual: Float, _ exact: Double) -> Double {
    let rounded = Float(exact)
    if actual.isNaN || rounded.isNaN { return actual.isNaN == rounded.isNaN ? 0 : .infinity }
    if actual == rounded { return 0 }
    if rounded.isInfinite || actual.isInfinite { return .infinity }
    // Denormal results may be flushed.
    if rounded.magnitude < .leastNormalMagnitude {
      return actual.magnitude <= .leastNormalMagnitude ? 0 : .infinity
    }
    return (Double(actual) - exact).magnitude / Double(rounded.ulp)
  }

  /// Ordinary numbers, numbers of every magnitude, and the special ones; `count` in all.
  private func numbers(_ count: Int, _ seed: UInt64, low: Double = -.infinity) -> Tensor {
    var random = RandomGenerator(seed: seed)
    let ordinary = random.normal([count / 2 + 1], deviation: 3, dtype: .float64)
    let wide =
      random.uniform([count], low: -30, high: 30, dtype: .float64).exp()
      * (random.uniform([count], dtype: .float64) - 0.5).sign()
    let special = Tensor([0, -0.0, 1, -1, 0.5, .infinity, -.infinity, .nan, 88, -88, 8192.5])
    return Tensor.concatenate([special, ordinary, wide])[0..<count].cast(to: .float32)
      .clamped(min: low)
  }

  static let unary: [(Elementwise.Unary, @Sendable (Tensor) -> Tensor)] = [
    (.negate, { -$0 }), (.absolute, { $0.abs() }), (.sign, { $0.sign() }),
    (.square, { $0.square() }), (.squareRoot, { $0.sqrt() }),
    (.reciprocalSquareRoot, { $0.rsqrt() }), (.reciprocal, { $0.reciprocal() }),
    (.exp, { $0.exp() }), (.expm1, { $0.expm1() }), (.log, { $0.log() }), (.log1p, { $0.log1p() }),
    (.sin, { $0.sin() }), (.cos, { $0.cos() }), (.tan, { $0.tan() }), (.asin, { $0.asin() }),
    (.acos, { $0.acos() }), (.atan, { $0.atan() }), (.sinh, { $0.sinh() }),
    (.cosh, { $0.cosh() }), (.tanh, { $0.tanh() }), (.sigmoid, { $0.sigmoid() }),
    (.softplus, { $0.softplus(beta: 3) }), (.relu, { $0.relu() }), (.erf, { $0.erf() }),
    (.floor, { $0.floor() }), (.ceil, { $0.ceil() }), (.round, { $0.round() }),
  ]

  @Test(arguments: unary.indices, LumiRuntime.KernelLevel.available)
  func unaryWithinFourUlp(_ index: Int, _ level: LumiRuntime.KernelLevel) {
    let (operation, function) = Self.unary[index]
    for count in [1, 3, 17, 70_000] {
      let x = numbers(count, UInt64(index))
      let fast = LumiRuntime.withKernelLevel(level) { function(x) }.scalars(as: Float.self)
      let points = x.scalars(as: Double.self)
      var exact = [Double](repeating: 0, count: count)
      Elementwise.unaryLoop(operation, count, points, &exact, 3)
      let worst = fast.indices.max {
        distance(fast[$0], exact[$0]) < distance(fast[$1], exact[$1])
      }!
      #expect(
        distance(fast[worst], exact[worst]) <= 4,
        "\(operation) at \(points[worst]): \(fast[worst]), expected \(exact[worst])")
    }
  }

  static let binary: [(Elementwise.Binary, @Sendable (Tensor, Tensor) -> Tensor, Double)] = [
    // What rounds once is exact: float64 has more than twice the digits.
    (.add, { $0 + $1 }, 0.5), (.subtract, { $0 - $1 }, 0.5), (.multiply, { $0 * $1 }, 0.5),
    (.divide, { $0 / $1 }, 0.5), (.minimum, { Tensor.minimum($0, $1) }, 0),
    (.maximum, { Tensor.maximum($0, $1) }, 0), (.power, { $0.pow($1) }, 4),
    (.atan2, { Tensor.atan2($0, $1) }, 4),
  ]

  @Test(arguments: binary.indices, LumiRuntime.KernelLevel.available)
  func binaryWithinItsBound(_ index: Int, _ level: LumiRuntime.KernelLevel) {
    let (operation, function, bound) = Self.binary[index]
    let low = operation == .power ? 1e-3 : -Double.infinity
    for count in [1, 5, 31, 70_000] {
      let (x, y) = (numbers(count, 7, low: low), numbers(count, 8).flipped(axis: 0))
      let fast = LumiRuntime.withKernelLevel(level) { function(x, y) }.scalars(as: Float.self)
      let (a, b) = (x.scalars(as: Double.self), y.scalars(as: Double.self))
      var exact = [Double](repeating: 0, count: count)
      Elementwise.binaryLoop(operation, .row(count), a, b, &exact)
      let worst = fast.indices.max {
        distance(fast[$0], exact[$0]) < distance(fast[$1], exact[$1])
      }!
      #expect(
        distance(fast[worst], exact[worst]) <= bound,
        "\(operation) of \(a[worst]), \(b[worst]): \(fast[worst]), expected \(exact[worst])")
    }
  }

  /// Along any axis a float32 sum errs by at most 1200 units of rounding of the summed magnitudes,
  /// and all levels agree to the bit.
  @Test func sumsWithinTheirBound() {
    var random = RandomGenerator(seed: 5)
    for (shape, axes) in [
      ([200_003], [0]), ([70_001, 3], [0]), ([70_001, 3], [1]), ([31, 40_000], [0]),
      ([31, 40_000], [1]), ([5, 9_001, 7], [1]), ([5, 9_001, 7], [0, 2]),
      ([3, 70_000, 2], [0, 1]),
      ([2, 3, 4], [1]), ([40, 50, 60], [0, 1, 2]), ([1_000, 33], [0]), ([100_000, 4, 4], [1]),
    ] as [([Int], [Int])] {
      let x = random.normal(shape)
      let exact = x.cast(to: .float64).sum(axes: axes)
      let size = x.cast(to: .float64).abs().sum(axes: axes)
      let sums = LumiRuntime.KernelLevel.available.map { level in
        LumiRuntime.withKernelLevel(level) { x.sum(axes: axes) }
      }
      let error = ((sums[0].cast(to: .float64) - exact).abs() / size).max().value
      #expect(error <= 1200 * 0x1p-24, "\(shape) over \(axes): \(error * 0x1p24) units")
      for other in sums {
        #expect(other.scalars(as: Float.self) == sums[0].scalars(as: Float.self))
      }
    }
  }

  /// |error| ≤ (k + 1)·2⁻²⁴·Σ|a||b| for every entry.
  @Test(arguments: [
    [1, 1, 1], [3, 5, 7], [64, 64, 64], [2100, 40, 33], [30, 20, 9000], [257, 129, 300],
  ]) func matrixProductsWithinTheirBound(_ size: [Int]) {
    var random = RandomGenerator(seed: 6)
    let (m, n, k) = (size[0], size[1], size[2])
    for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
      let a = random.normal(transposeA ? [k, m] : [m, k])
      let b = random.normal(transposeB ? [n, k] : [k, n])
      func product(_ x: Tensor, _ y: Tensor) -> Tensor {
        x.matmul(y, transposingLeft: transposeA, transposingRight: transposeB)
      }
      let (wideA, wideB) = (a.cast(to: .float64), b.cast(to: .float64))
      let error = (product(a, b).cast(to: .float64) - product(wideA, wideB)).abs()
      let bound = product(wideA.abs(), wideB.abs()) * (Double(k + 1) * 0x1p-24)
      #expect((error .<= bound).all().item(as: Bool.self))
    }
  }
}
