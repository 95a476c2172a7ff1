import LumiTensor

#if canImport(Glibc)
  import Glibc
#endif

private let anywhere = [-2.5, -1.0, -0.3, -1e-3, 0.0, 1e-3, 0.4, 1.0, 3.0]
private let positive = [0.05, 0.3, 1.0, 1.7, 40.0]
private let notZero = [-3.0, -0.6, -0.1, 0.2, 1.0, 5.0]
private let insideOne = [-0.9, -0.5, -1e-3, 0.0, 0.2, 0.85]

/// Elementwise operations of one tensor.
let elementwiseTable: [OperatorCase] = [
  .unary("negate", anywhere, { -$0 }) { -$0 },
  .unary("abs", notZero, { $0.abs() }) { $0.magnitude },
  .unary("sign", notZero, { $0.sign() }) { $0 > 0 ? 1 : -1 },
  .unary("square", anywhere, { $0.square() }) { $0 * $0 },
  .unary("sqrt", positive, { $0.sqrt() }) { $0.squareRoot() },
  .unary("rsqrt", positive, { $0.rsqrt() }) { 1 / $0.squareRoot() },
  .unary("reciprocal", notZero, { $0.reciprocal() }) { 1 / $0 },
  .unary("exp", anywhere + [-30, 5], { $0.exp() }) { exp($0) },
  .unary("expm1", anywhere + [-30, 1e-9], { $0.expm1() }) { expm1($0) },
  .unary("log", positive, { $0.log() }) { log($0) },
  .unary("log1p", insideOne + [1e-9, 6], { $0.log1p() }) { log1p($0) },
  .unary("sin", anywhere + [40], { $0.sin() }) { sin($0) },
  .unary("cos", anywhere + [40], { $0.cos() }) { cos($0) },
  .unary("tan", insideOne + [2, -4], { $0.tan() }) { tan($0) },
  .unary("asin", insideOne, { $0.asin() }) { asin($0) },
  .unary("acos", insideOne, { $0.acos() }) { acos($0) },
  .unary("atan", anywhere + [50], { $0.atan() }) { atan($0) },
  .unary("sinh", anywhere, { $0.sinh() }) { sinh($0) },
  .unary("cosh", anywhere, { $0.cosh() }) { cosh($0) },
  .unary("tanh", anywhere, { $0.tanh() }) { tanh($0) },
  .unary("sigmoid", anywhere + [-40, 30], { $0.sigmoid() }) { 1 / (1 + exp(-$0)) },
  .unary("softplus", anywhere + [-40, 40], { $0.softplus() }) { softplus($0, 1) },
  .unary("softplus beta 100", anywhere + [-8, 8], { $0.softplus(beta: 100) }) {
    softplus($0, 100)
  },
  .unary("relu", notZero, { $0.relu() }) { max($0, 0) },
  .unary("erf", anywhere, { $0.erf() }) { erf($0) },
  .unary("floor", [-1.5, -0.2, 0.3, 2.5], { $0.floor() }) { $0.rounded(.down) },
  .unary("ceil", [-1.5, -0.2, 0.3, 2.5], { $0.ceil() }) { $0.rounded(.up) },
  .unary("round", [-1.6, -0.2, 0.3, 2.7], { $0.round() }) { $0.rounded() },
  .unary("clamped", [-2, -0.5, 0, 0.4, 3], { $0.clamped(min: -1, max: 1) }) {
    min(max($0, -1), 1)
  },
  .unary("clamped below", notZero, { $0.clamped(min: 0.1) }) { max($0, 0.1) },
  .unary("clamped above", [-2, 0, 3], { $0.clamped(max: 0.5) }) { min($0, 0.5) },
  .unary("pow 2.5", positive, { $0.pow(2.5) }) { pow($0, 2.5) },
  .unary("pow -1.5", positive, { $0.pow(-1.5) }) { pow($0, -1.5) },
  .unary("pow 0", anywhere, { $0.pow(0.0) }) { _ in 1 },
  .unary("pow 1", anywhere, { $0.pow(1.0) }) { $0 },
  .unary("pow 2", anywhere, { $0.pow(2.0) }) { $0 * $0 },
  .unary("pow 3", anywhere, { $0.pow(3.0) }) { $0 * $0 * $0 },
  .unary("pow -2", notZero, { $0.pow(-2.0) }) { 1 / ($0 * $0) },
  .unary("number on the left", notZero, { 2 - (3 * $0 + 1) / (4 / $0) }) {
    2 - (3 * $0 + 1) * $0 / 4
  },
  .unary("number on the right", anywhere, { ($0 * 3 + 2 - 0.5) / 4 }) { ($0 * 3 + 1.5) / 4 },
  .unary("minimum of a number", notZero, { Tensor.minimum($0, 0.5) }) { min($0, 0.5) },
  .unary("maximum of a number", notZero, { Tensor.maximum($0, 0.5) }) { max($0, 0.5) },
  .unary("same tensor twice", anywhere, { $0 * $0 + $0 }) { $0 * $0 + $0 },
  .unary("cast there and back", [0.5, -1.25, 3], { $0.cast(to: .float64) * 2 }) { $0 * 2 },
]

/// Elementwise operations of two tensors with broadcasting.
let broadcastTable: [OperatorCase] = everyShape + singular

private let everyShape: [OperatorCase] = [
  OperatorCase.binary("add", -2, 2, { $0 + $1 }) { $0 + $1 },
  OperatorCase.binary("subtract", -2, 2, { $0 - $1 }) { $0 - $1 },
  OperatorCase.binary("multiply", -2, 2, { $0 * $1 }) { $0 * $1 },
  OperatorCase.binary("divide", 0.4, 3, { $0 / $1 }) { $0 / $1 },
  OperatorCase.binary("minimum", -2, 2, { Tensor.minimum($0, $1) }) { min($0, $1) },
  OperatorCase.binary("maximum", -2, 2, { Tensor.maximum($0, $1) }) { max($0, $1) },
  OperatorCase.binary("atan2", -3, -0.5, { Tensor.atan2($0, $1) }) { atan2($0, $1) },
  OperatorCase.binary("pow", 0.3, 2.5, { $0.pow($1) }) { pow($0, $1) },
  OperatorCase.binary("where", -2, 2, { Tensor.where($0 .< 0.3, $0 * 2, $1) }) {
    $0 < 0.3 ? $0 * 2 : $1
  },
].flatMap { $0 }

private let singular: [OperatorCase] = [
  OperatorCase(
    name: "pow, zero and negative bases",
    inputs: [Tensor([0.0, 0.0, -1.5, -2.0])],
    // The exponents are constants: a power of a negative number has no slope in the exponent.
    function: { $0[0].pow(Tensor([2.0, 1.0, 2.0, 3.0])) },
    expected: Elements([0, 0, 2.25, -8], shape: [4])),
  OperatorCase(
    name: "where with a number",
    inputs: [Tensor([-1.0, 0.5, 2.0])],
    function: { Tensor.where($0[0] .> 0, $0[0].square(), 7) + Tensor.where($0[0] .> 0, 1, $0[0]) },
    expected: Elements([6, 1.25, 5], shape: [3])),
  OperatorCase(
    name: "atan2 in every quadrant",
    inputs: [Tensor([1.0, 1.0, -1.0, -1.0, 2.0]), Tensor([2.0, -2.0, 2.0, -2.0, 0.0])],
    function: { Tensor.atan2($0[0], $0[1]) },
    expected: Elements(
      [
        atan(0.5), .pi - atan(0.5), -atan(0.5), atan(0.5) - .pi, .pi / 2,
      ], shape: [5])),
]

private func softplus(_ x: Double, _ beta: Double) -> Double {
  (max(beta * x, 0) + log1p(exp(-(beta * x).magnitude))) / beta
}
