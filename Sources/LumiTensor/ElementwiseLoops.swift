import CLumiKernels
import RealModule

/// Loops over elements. float32 goes to CLumiKernels where a kernel exists; the generic Swift
/// loops serve float64 and are what the tests hold the kernels against.
package enum Elementwise {
  /// Elements per parallel block: about 100 µs of cheap work.
  static let block = 1 << 16

  package enum Unary: String {
    case negate, absolute, sign, square, squareRoot, reciprocalSquareRoot, reciprocal
    case exp, expm1, log, log1p, sin, cos, tanh, sigmoid, softplus, relu
    case tan, asin, acos, atan, sinh, cosh, erf, floor, ceil, round
  }

  package enum Binary: String {
    case add, subtract, multiply, divide, minimum, maximum, power, atan2
  }

  static func unary(_ operation: Unary, _ x: Tensor, parameter: Double = 0) -> Tensor {
    switch x.dtype {
    case .float32:
      .build(x.shape, Float.self) { out in
        let input = x.pointer(Float.self)
        inBlocks(x.count, of: block) { range in
          unaryFloat(
            operation, range.count, input + range.lowerBound, out + range.lowerBound,
            Float(parameter))
        }
      }
    case .float64:
      .build(x.shape, Double.self) { out in
        let input = x.pointer(Double.self)
        inBlocks(x.count, of: block) { range in
          unaryLoop(
            operation, range.count, input + range.lowerBound, out + range.lowerBound, parameter)
        }
      }
    case .int32: unaryInteger(operation, x, Int32.self)
    case .int64: unaryInteger(operation, x, Int64.self)
    case .bool: fatalError("\(operation): a tensor of dtype bool")
    }
  }

  private static func unaryFloat(
    _ operation: Unary, _ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ parameter: Float
  ) {
    if let kernel = kernel(operation) {
      lumi_unary_f32(kernel, count, x, y, parameter, 0)
    } else {
      unaryLoop(operation, count, x, y, parameter)
    }
  }

  /// The readable twin of `lumi_unary_f32`.
  package static func unaryLoop<T: Real>(
    _ operation: Unary, _ count: Int, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>,
    _ parameter: T
  ) {
    @inline(__always) func each(_ f: (T) -> T) { for i in 0..<count { y[i] = f(x[i]) } }
    switch operation {
    case .negate: each { -$0 }
    case .absolute: each { $0.magnitude }
    case .sign: each { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    case .square: each { $0 * $0 }
    case .squareRoot: each { $0.squareRoot() }
    case .reciprocalSquareRoot: each { 1 / $0.squareRoot() }
    case .reciprocal: each { 1 / $0 }
    case .exp: each { .exp($0) }
    case .expm1: each { .expMinusOne($0) }
    case .log: each { .log($0) }
    case .log1p: each { .log(onePlus: $0) }
    case .sin: each { .sin($0) }
    case .cos: each { .cos($0) }
    case .tanh: each { .tanh($0) }
    case .sigmoid: each { $0 >= 0 ? 1 / (1 + .exp(-$0)) : .exp($0) / (1 + .exp($0)) }
    case .softplus:
      each { x in
        let scaled = parameter * x
        return (max(scaled, 0) + .log(onePlus: .exp(-scaled.magnitude))) / parameter
      }
    case .relu: each { $0 < 0 ? 0 : $0 }
    case .tan: each { .tan($0) }
    case .asin: each { .asin($0) }
    case .acos: each { .acos($0) }
    case .atan: each { .atan($0) }
    case .sinh: each { .sinh($0) }
    case .cosh: each { .cosh($0) }
    case .erf: each { .erf($0) }
    case .floor: each { $0.rounded(.down) }
    case .ceil: each { $0.rounded(.up) }
    case .round: each { $0.rounded(.toNearestOrEven) }
    }
  }

  private static func unaryInteger<T: FixedWidthInteger & SignedInteger & TensorScalar>(
    _ operation: Unary, _ x: Tensor, _ type: T.Type
  ) -> Tensor {
    let input = x.pointer(T.self)
    return .build(x.shape, T.self) { out in
      for i in 0..<x.count {
        out[i] =
          switch operation {
          case .negate: 0 &- input[i]
          case .absolute: input[i] < 0 ? 0 &- input[i] : input[i]
          case .sign: input[i].signum()
          case .square: input[i] &* input[i]
          case .floor, .ceil, .round: input[i]
          default: fatalError("\(operation): a tensor of dtype \(T.dtype)")
          }
      }
    }
  }

  // MARK: Two operands

  static func binary(_ operation: Binary, _ a: Tensor, _ b: Tensor) -> Tensor {
    require(a.dtype == b.dtype, "\(operation): dtypes \(a.dtype) and \(b.dtype) differ")
    switch a.dtype {
    case .float32:
      let kernel = kernel(operation)
      return Strip.forEach(a, b, operation.rawValue, Float.self, Float.self) { strip, x, y, out in
        if let kernel, strip.count >= 16 {
          for row in 0..<strip.rows {
            lumi_binary_f32(
              kernel, strip.count, x + row * strip.rowX, strip.stepX, y + row * strip.rowY,
              strip.stepY, out + row * strip.count)
          }
        } else {
          binaryLoop(operation, strip, x, y, out)
        }
      }
    case .float64:
      return Strip.forEach(a, b, operation.rawValue, Double.self, Double.self) {
        binaryLoop(operation, $0, $1, $2, $3)
      }
    case .int32:
      return Strip.forEach(a, b, operation.rawValue, Int32.self, Int32.self) {
        integerLoop(operation, $0, $1, $2, $3)
      }
    case .int64:
      return Strip.forEach(a, b, operation.rawValue, Int64.self, Int64.self) {
        integerLoop(operation, $0, $1, $2, $3)
      }
    case .bool: fatalError("\(operation): tensors of dtype bool")
    }
  }

  /// The readable twin of `lumi_binary_f32`.
  package static func binaryLoop<T: Real>(
    _ operation: Binary, _ strip: Strip, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>,
    _ y: UnsafeMutablePointer<T>
  ) {
    switch operation {
    case .add: strip.map(a, b, y) { $0 + $1 }
    case .subtract: strip.map(a, b, y) { $0 - $1 }
    case .multiply: strip.map(a, b, y) { $0 * $1 }
    case .divide: strip.map(a, b, y) { $0 / $1 }
    case .minimum: strip.map(a, b, y) { $0 < $1 || $0.isNaN ? $0 : $1 }
    case .maximum: strip.map(a, b, y) { $0 > $1 || $0.isNaN ? $0 : $1 }
    case .power: strip.map(a, b, y) { powerOf($0, $1) }
    case .atan2: strip.map(a, b, y) { .atan2(y: $0, x: $1) }
    }
  }

  /// As C's pow: a negative base with an integral exponent is defined.
  @inline(__always)
  static func powerOf<T: Real>(_ base: T, _ exponent: T) -> T {
    if base >= 0 { return exponent == 0 ? 1 : .pow(base, exponent) }
    guard exponent.rounded(.towardZero) == exponent else { return .nan }
    let magnitude = T.pow(-base, exponent)
    return (exponent / 2).rounded(.towardZero) * 2 == exponent ? magnitude : -magnitude
  }

  private static func integerLoop<T: FixedWidthInteger>(
    _ operation: Binary, _ strip: Strip, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>,
    _ y: UnsafeMutablePointer<T>
  ) {
    switch operation {
    case .add: strip.map(a, b, y) { $0 &+ $1 }
    case .subtract: strip.map(a, b, y) { $0 &- $1 }
    case .multiply: strip.map(a, b, y) { $0 &* $1 }
    case .divide: strip.map(a, b, y) { divided($0, $1) }
    case .minimum: strip.map(a, b, y) { min($0, $1) }
    case .maximum: strip.map(a, b, y) { max($0, $1) }
    case .power, .atan2: fatalError("\(operation): tensors of dtype \(T.self)")
    }
  }

  private static func divided<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
    require(b != 0, "divide: an integer by zero")
    return a.dividedReportingOverflow(by: b).partialValue
  }

  // MARK: Which kernels exist

  private static func kernel(_ operation: Unary) -> Int32? {
    switch operation {
    case .negate: Int32(LUMI_UNARY_NEG)
    case .absolute: Int32(LUMI_UNARY_ABS)
    case .sign: Int32(LUMI_UNARY_SIGN)
    case .square: Int32(LUMI_UNARY_SQUARE)
    case .squareRoot: Int32(LUMI_UNARY_SQRT)
    case .reciprocalSquareRoot: Int32(LUMI_UNARY_RSQRT)
    case .reciprocal: Int32(LUMI_UNARY_RECIPROCAL)
    case .exp: Int32(LUMI_UNARY_EXP)
    case .expm1: Int32(LUMI_UNARY_EXPM1)
    case .log: Int32(LUMI_UNARY_LOG)
    case .log1p: Int32(LUMI_UNARY_LOG1P)
    case .sin: Int32(LUMI_UNARY_SIN)
    case .cos: Int32(LUMI_UNARY_COS)
    case .tanh: Int32(LUMI_UNARY_TANH)
    case .sigmoid: Int32(LUMI_UNARY_SIGMOID)
    case .softplus: Int32(LUMI_UNARY_SOFTPLUS)
    case .relu: Int32(LUMI_UNARY_RELU)
    case .tan, .asin, .acos, .atan, .sinh, .cosh, .erf, .floor, .ceil, .round: nil
    }
  }

  private static func kernel(_ operation: Binary) -> Int32? {
    switch operation {
    case .add: Int32(LUMI_BINARY_ADD)
    case .subtract: Int32(LUMI_BINARY_SUB)
    case .multiply: Int32(LUMI_BINARY_MUL)
    case .divide: Int32(LUMI_BINARY_DIV)
    case .minimum: Int32(LUMI_BINARY_MIN)
    case .maximum: Int32(LUMI_BINARY_MAX)
    case .power, .atan2: nil
    }
  }
}
