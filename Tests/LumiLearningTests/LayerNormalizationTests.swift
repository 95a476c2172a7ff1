import LumiLearning
import LumiTensor
import Testing

@Suite struct LayerNormalizationTests {
  static func operands(
    _ shape: [Int], affine: Bool = true, dtype: DType = .float64
  ) -> LayerNormOperands {
    var random = RandomGenerator(seed: 31)
    return LayerNormOperands(
      x: random.normal(shape, mean: 2, deviation: 3, dtype: dtype),
      gain: affine ? random.normal([shape.last!], dtype: dtype) : nil,
      bias: affine ? random.normal([shape.last!], dtype: dtype) : nil, epsilon: 1e-5)
  }

  @Test func valuesByHand() {
    let value = layerNormalization(
      Tensor([1.0, 2, 6], shape: [1, 3]), gain: Tensor([1.0, 2, 3]), bias: Tensor([0.0, 0, 1]),
      epsilon: 1e-9)
    // Mean 3, variance 14/3.
    let unit = 1 / (14.0 / 3 + 1e-9).squareRoot()
    let expected = Tensor([-2 * unit, -2 * unit, 9 * unit + 1], shape: [1, 3])
    #expect(value.relativeDistance(to: expected) < 1e-14)
  }

  @Test func meanIsZeroAndVarianceOneBeforeTheGain() {
    let x = Self.operands([7, 33]).x
    let value = LayerNormalization(features: 33, affine: false, epsilon: 1e-12, dtype: .float64)(x)
    #expect(value.mean(axis: 1).abs().max().value < 1e-14)
    #expect((value.variance(axis: 1) - 1).abs().max().value < 1e-10)
  }

  static let shapes = [[1, 1], [3, 5], [2, 4, 16], [40, 67], [2500, 120], [0, 4]]

  @Test(arguments: shapes)
  func kernelAgreesWithTensorOperations(_ shape: [Int]) {
    for affine in [true, false] {
      for activation in [Activation.none, .relu] {
        let layer = Self.operands(shape, affine: affine)
        let inputs = [layer.x, layer.gain, layer.bias].compactMap { $0 }
        func evaluate(_ f: (LayerNormOperands) -> Tensor) -> [Tensor] {
          var output: Tensor?
          let gradients = gradient(at: inputs) { x in
            let value = f(
              LayerNormOperands(
                x: x[0], gain: affine ? x[1] : nil, bias: affine ? x[2] : nil, epsilon: 1e-5))
            output = value.stoppingGradient()
            var random = RandomGenerator(seed: 32)
            return (value * random.normal(value.shape, dtype: .float64)).sum()
          }
          return [output!] + gradients
        }
        let fast = evaluate { fusedLayerNormalization($0, rectifies: activation == .relu) }
        let readable = evaluate { composedLayerNormalization($0, activation) }
        for (a, b) in zip(fast, readable) {
          // The derivative of a vector of one is 0 but for rounding.
          #expect(a.relativeDistance(to: b) < 1e-11 || (a - b).abs().max().value < 1e-14)
        }
      }
    }
  }

  @Test(arguments: LumiRuntime.KernelLevel.available)
  func kernelLevelsAgree(_ level: LumiRuntime.KernelLevel) {
    let layer = Self.operands([30, 50], dtype: .float32)
    let here = LumiRuntime.withKernelLevel(level) { fusedLayerNormalization(layer) }
    let exact = composedLayerNormalization(Self.operands([30, 50]), .none)
    #expect(here.relativeDistance(to: exact.cast(to: .float32)) < 2e-6)
  }

  @Test func bitsDoNotDependOnThreads() {
    let layer = Self.operands([3000, 130], dtype: .float32)
    func gradients(_ threads: Int) -> [[UInt32]] {
      LumiRuntime.withThreads(threads) {
        gradient(at: [layer.x, layer.gain!, layer.bias!]) {
          layerNormalization($0[0], gain: $0[1], bias: $0[2]).square().sum()
        }.map(\.bits)
      }
    }
    let alone = gradients(1)
    #expect(gradients(4) == alone)
  }

  @Test func gradientsMatchDifferences() throws {
    let layer = Self.operands([3, 5])
    try checkGradients(at: [layer.x, layer.gain!, layer.bias!]) {
      layerNormalization($0[0], gain: $0[1], bias: $0[2], activation: .tanh)
    }
    try checkGradients(at: [layer.x, layer.gain!, layer.bias!]) {
      layerNormalization($0[0], gain: $0[1], bias: $0[2], activation: .relu)
    }
  }

  @Test func secondDerivativesMatchDifferences() throws {
    let layer = Self.operands([3, 5])
    try checkGradients(at: [layer.x, layer.gain!]) { x in
      gradient(at: x[0]) { layerNormalization($0, gain: x[1], activation: .tanh).square().sum() }
    }
  }

  /// The variance is 0: the value is the bias, the derivative 1/√ε times the centring.
  @Test func constantVectorHasFiniteDerivative() {
    let x = Tensor.full([2, 4], 7, dtype: .float64)
    let slope = gradient(at: x) {
      let value = layerNormalization($0, bias: Tensor.full([4], 0.5, dtype: .float64))
      #expect(
        value.stoppingGradient().relativeDistance(to: .full([2, 4], 0.5, dtype: .float64)) < 1e-15)
      return value[0, 0]
    }
    let scale = 1 / 1e-5.squareRoot()
    let expected = Tensor([0.75, -0.25, -0.25, -0.25, 0, 0, 0, 0], shape: [2, 4]) * scale
    #expect(slope.relativeDistance(to: expected) < 1e-12)
    #expect(layerNormalization(Tensor([3.0], shape: [1, 1])).value == 0)
  }

  @Test func notANumberStaysInItsRow() {
    let value = layerNormalization(
      Tensor([Float.nan, 1, 2, 3, 4, 5], shape: [2, 3]), activation: .relu)
    #expect(value[0].isNaN().all().item(as: Bool.self))
    #expect(value[1].isAllFinite)
  }
}

@Suite struct LayerNormalizedPerceptronTests {
  @Test func isTheChainOfItsParts() throws {
    let network = LayerNormalizedPerceptron(
      widths: [3, 8, 8], outputs: 2, skips: [1], seed: 1, dtype: .float64)
    #expect(
      network.parameters.map(\.path) == [
        "layers.0.weight", "layers.0.bias", "norms.0.gain", "norms.0.bias", "layers.1.weight",
        "layers.1.bias", "norms.1.gain", "norms.1.bias", "head.weight", "head.bias",
      ])
    var random = RandomGenerator(seed: 2)
    let x = random.normal([5, 3], dtype: .float64)
    let first = layerNormalization(network.layers[0](x)).relu()
    let second = layerNormalization(
      network.layers[1](Tensor.concatenate([first, x], axis: 1))
    ).relu()
    #expect(network(x).relativeDistance(to: network.head!(second)) < 1e-13)
    try checkGradients(at: network.parameters.map(\.value)) { values in
      let names = network.parameters.map(\.path)
      return try network.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))(x)
    }
  }

  @Test func withoutAffineOnlyLinearLayersHaveParameters() {
    let network = LayerNormalizedPerceptron(widths: [3, 4, 4], affine: false, seed: 1)
    #expect(network.parameters.count == 4)
    #expect(network(Tensor.zeros([2, 3])).shape == [2, 4])
  }
}
