import LumiLearning
import LumiTensor
import Testing

@Suite struct LinearTests {
  /// Random operands of a layer whose input comes in parts.
  static func operands(
    rows: Int, widths: [Int], outputs: Int, hasBias: Bool = true, activation: Activation,
    dtype: DType = .float32
  ) -> LinearOperands {
    var random = RandomGenerator(seed: 11)
    return LinearOperands(
      parts: widths.map { random.normal([rows, $0], dtype: dtype) },
      weight: random.normal([outputs, widths.reduce(0, +)], deviation: 0.2, dtype: dtype),
      bias: hasBias ? random.normal([outputs], dtype: dtype) : nil, activation: activation)
  }

  /// A layer's output and the gradients of a weighted sum of it.
  static func evaluate(
    _ operands: LinearOperands, _ layer: (LinearOperands) -> Tensor
  ) -> (output: Tensor, gradients: [Tensor]) {
    let parts = operands.parts.count
    let inputs = operands.parts + [operands.weight] + (operands.bias.map { [$0] } ?? [])
    var output: Tensor?
    let gradients = gradient(at: inputs) { x in
      let value = layer(
        LinearOperands(
          parts: Array(x[..<parts]), weight: x[parts],
          bias: operands.bias == nil ? nil : x[parts + 1], activation: operands.activation))
      output = value.stoppingGradient()
      var random = RandomGenerator(seed: 12)
      return (value * random.normal(value.shape, dtype: value.dtype)).sum()
    }
    return (output!, gradients)
  }

  static func expectAgreement(_ operands: LinearOperands, tolerance: Double) {
    let fast = evaluate(operands, fusedLinear)
    let readable = evaluate(operands, composedLinear)
    #expect(fast.output.relativeDistance(to: readable.output) < tolerance)
    #expect(fast.gradients.count == readable.gradients.count)
    for (a, b) in zip(fast.gradients, readable.gradients) {
      #expect(a.relativeDistance(to: b) < tolerance)
    }
  }

  @Test(arguments: allActivations)
  func fusedKernelsAgreeWithTensorOperations(_ activation: Activation) {
    Self.expectAgreement(
      Self.operands(rows: 37, widths: [19], outputs: 23, activation: activation), tolerance: 2e-5)
  }

  static let shapes: [(rows: Int, widths: [Int], outputs: Int)] = [
    (1, [1], 1), (1, [64], 3), (4500, [8], 1), (2600, [33, 16], 20), (3, [5, 0, 2], 4),
    (40, [600], 700),
  ]

  @Test(arguments: shapes)
  func fusedKernelsAgreeForEveryShape(_ rows: Int, _ widths: [Int], _ outputs: Int) {
    for hasBias in [true, false] {
      Self.expectAgreement(
        Self.operands(
          rows: rows, widths: widths, outputs: outputs, hasBias: hasBias, activation: .tanh),
        tolerance: 2e-5)
    }
  }

  @Test(arguments: LumiRuntime.KernelLevel.available)
  func kernelLevelsAgree(_ level: LumiRuntime.KernelLevel) {
    for activation in allActivations {
      let operands = Self.operands(rows: 70, widths: [20], outputs: 21, activation: activation)
      let here = LumiRuntime.withKernelLevel(level) { Self.evaluate(operands, fusedLinear) }
      let base = LumiRuntime.withKernelLevel(.base) { Self.evaluate(operands, fusedLinear) }
      #expect(here.output.relativeDistance(to: base.output) < 1e-6)
      for (a, b) in zip(here.gradients, base.gradients) {
        #expect(a.relativeDistance(to: b) < 2e-6)
      }
    }
  }

  @Test func emptyBatchHasZeroGradients() {
    let result = Self.evaluate(
      Self.operands(rows: 0, widths: [3], outputs: 2, activation: .relu), fusedLinear)
    #expect(result.output.shape == [0, 2])
    #expect(result.gradients.map(\.shape) == [[0, 3], [2, 3], [2]])
    #expect(result.gradients[1].scalars(as: Float.self) == [Float](repeating: 0, count: 6))
    #expect(result.gradients[2].scalars(as: Float.self) == [0, 0])
  }

  @Test func leadingAxesAreKept() {
    var random = RandomGenerator(seed: 5)
    let layer = Linear(inputs: 3, outputs: 2, using: &random)
    let x = random.normal([4, 5, 3])
    let result = layer(x)
    #expect(result.shape == [4, 5, 2])
    #expect(layer(x.reshaped([20, 3])).bits == result.bits)
    #expect(layer(x[0, 0]).shape == [2])
  }

  @Test(arguments: smoothActivations + [.relu])
  func float64GradientsMatchDifferences(_ activation: Activation) throws {
    let layer = Self.operands(
      rows: 5, widths: [3, 2], outputs: 4, activation: activation, dtype: .float64)
    try checkGradients(
      at: layer.parts + [layer.weight, layer.bias!], names: ["x0", "x1", "weight", "bias"],
      tolerance: 1e-6
    ) { x in
      linear(
        concatenating: [x[0], x[1]], weight: x[2], bias: x[3], activation: activation)
    }
  }

  /// Only what is asked for is computed, and it does not depend on what else is.
  @Test func gradientsForSomeOperandsOnly() {
    let layer = Self.operands(rows: 600, widths: [4, 3], outputs: 5, activation: .sigmoid)
    let all = Self.evaluate(layer, fusedLinear).gradients
    let weights = gradient(at: layer.weight) { weight in
      let value = linear(
        concatenating: layer.parts, weight: weight, bias: layer.bias, activation: .sigmoid)
      var random = RandomGenerator(seed: 12)
      return (value * random.normal(value.shape)).sum()
    }
    #expect(weights.bits == all[2].bits)
  }
}

/// (|∂f/∂x| - 1)², the eikonal term: its gradient with respect to weights is a second derivative.
func eikonalPenalty(_ network: MultilayerPerceptron, _ points: Tensor) -> Tensor {
  let slope = gradient(at: points) { network($0).sum() }
  return (slope.norm(axis: -1) - 1).square().mean()
}

@Suite struct SecondDerivativeTests {
  static func network(_ activation: Activation, dtype: DType) -> MultilayerPerceptron {
    MultilayerPerceptron(
      widths: [3, 6, 5, 1], activation: activation, skips: [1], initializer: .xavierUniform(),
      seed: 4, dtype: dtype)
  }

  @Test(arguments: smoothActivations)
  func eikonalGradientMatchesDifferences(_ activation: Activation) throws {
    var random = RandomGenerator(seed: 21)
    let points = random.normal([4, 3], dtype: .float64)
    let network = Self.network(activation, dtype: .float64)
    let weights = network.parameters.filter { $0.path.hasSuffix("weight") }
    try checkGradients(
      at: weights.map(\.value), names: weights.map(\.path), tolerance: 1e-6
    ) { values in
      let replaced = Dictionary(uniqueKeysWithValues: zip(weights.map(\.path), values))
      return eikonalPenalty(try network.replacing(replaced), points)
    }
  }

  @Test(arguments: smoothActivations)
  func float32EikonalGradientFollowsFloat64(_ activation: Activation) throws {
    var random = RandomGenerator(seed: 22)
    let points = random.normal([50, 3], dtype: .float64)
    func gradients(_ dtype: DType) throws -> [String: Tensor] {
      let network = Self.network(activation, dtype: .float64)
        .mapParameters { $1.cast(to: dtype) }
      return try valueAndGradient(of: network, unreachable: .zeros) {
        eikonalPenalty($0, points.cast(to: dtype)) + $0(points.cast(to: dtype)).square().mean()
      }.gradients
    }
    let exact = try gradients(.float64)
    let single = try gradients(.float32)
    for (name, value) in exact {
      #expect(single[name]!.cast(to: .float64).relativeDistance(to: value) < 1e-4, "\(name)")
    }
  }
}
