import LumiLearning
import LumiTensor
import Testing

@Suite struct MultilayerPerceptronTests {
  @Test func parametersAreNamedInOrder() throws {
    let network = MultilayerPerceptron(widths: [3, 8, 2], seed: 1)
    #expect(
      network.parameters.map(\.path) == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
      ])
    let ones = Tensor.ones([8])
    let changed = try network.replacing(["layers.0.bias": ones])
    #expect(try changed.parameter("layers.0.bias").bits == ones.bits)
    #expect(try network.parameter("layers.0.bias").bits == Tensor.zeros([8]).bits)
    #expect(throws: ParameterError.self) { try network.replacing(["layers.2.bias": ones]) }
  }

  @Test func skipIsAConcatenation() {
    let network = MultilayerPerceptron(
      widths: [4, 7, 6, 3], outputActivation: .sigmoid, skips: [2], seed: 2)
    var random = RandomGenerator(seed: 3)
    let x = random.normal([9, 4])
    var value = network.layers[0](x)
    value = network.layers[1](value)
    value = network.layers[2](Tensor.concatenate([x, value], axis: 1))
    #expect(network(x).relativeDistance(to: value) < 1e-6)
    #expect(network.layers[2].weight.shape == [3, 10])
  }

  @Test func nerfTrunkHasThePublishedSize() {
    let network = MultilayerPerceptron.nerfTrunk(seed: 1)
    #expect(
      network.layers.map(\.weight.shape)
        == [[256, 63]] + [[Int]](repeating: [256, 256], count: 4) + [[256, 319]]
        + [[Int]](repeating: [256, 256], count: 2) + [[1, 256]])
    #expect(network.forwardOperations(points: 10) == 2 * 10 * 491_264)
    #expect(network.layers.map(\.activation) == [Activation](repeating: .relu, count: 8) + [.none])
  }

  @Test func positionalEncodingOrder() {
    let x = Tensor([0.25, -1.5], shape: [1, 2])
    let expected = [
      0.25, -1.5, 0.247_403_959_254_522_9, -0.997_494_986_604_054_4, 0.968_912_421_710_644_8,
      0.070_737_201_667_702_9, 0.479_425_538_604_203, -0.141_120_008_059_867_2,
      0.877_582_561_890_372_8, -0.989_992_496_600_445_4,
    ]
    let encoded = positionalEncoding(x, frequencies: 2)
    #expect(encoded.shape == [1, 10])
    #expect(encoded.relativeDistance(to: Tensor(expected, shape: [1, 10])) < 1e-14)
    #expect(positionalEncoding(Tensor.zeros([5, 3]), frequencies: 10).shape == [5, 63])
  }

  /// Enough rows for several groups of blocks, and a partial block at the end.
  @Test func gradientsDoNotDependOnThreads() throws {
    let network = MultilayerPerceptron(
      widths: [63, 64, 64, 1], activation: .relu, skips: [1], seed: 6)
    var random = RandomGenerator(seed: 7)
    let points = positionalEncoding(random.uniform([9001, 3]), frequencies: 10)
    func gradients(threads: Int) throws -> [[UInt32]] {
      try LumiRuntime.withThreads(threads) {
        let result = try valueAndGradient(of: network) { $0(points).square().sum() }
        return [result.value.bits] + network.parameters.map { result.gradients[$0.path]!.bits }
      }
    }
    let alone = try gradients(threads: 1)
    for threads in [1, 2, 4, 7] {
      let several = try gradients(threads: threads)
      #expect(several == alone, "\(threads) threads")
    }
  }

  @Test func inputGradientFlowsThroughTheSkip() throws {
    let network = MultilayerPerceptron(
      widths: [3, 5, 5, 2], activation: .softplus(beta: 3), skips: [1, 2], seed: 8,
      dtype: .float64)
    var random = RandomGenerator(seed: 9)
    try checkGradients(at: [random.normal([4, 3], dtype: .float64)]) { network($0[0]) }
  }

  /// Variances for 300 inputs and 200 outputs; a uniform distribution of half-width b has b²/3.
  static let variances: [(Initializer, Double)] = [
    (.xavierUniform(), 2.0 / 500), (.kaimingUniform(), 2.0 / 300), (.kaimingNormal(), 2.0 / 300),
    (.kaimingNormal(gain: 1), 1.0 / 300),
  ]

  @Test(arguments: variances)
  func initialiserVariance(_ initializer: Initializer, _ variance: Double) {
    var random = RandomGenerator(seed: 10)
    let weights = initializer.weights(
      outputs: 200, inputs: 300, using: &random, dtype: .float64)
    #expect(weights.shape == [200, 300])
    #expect((weights.variance().value / variance - 1).magnitude < 0.03)
    #expect(weights.mean().value.magnitude < 0.02 * variance.squareRoot())
    let largest = weights.abs().max().value
    let halfWidth = (3 * variance).squareRoot()
    if case .kaimingNormal = initializer {
      #expect(largest > halfWidth)
    } else {
      #expect(largest <= halfWidth)
    }
  }

  @Test func seedsDecideWeights() {
    let a = MultilayerPerceptron(widths: [3, 4, 2], seed: 1)
    let b = MultilayerPerceptron(widths: [3, 4, 2], seed: 1)
    let c = MultilayerPerceptron(widths: [3, 4, 2], seed: 2)
    #expect(a.layers[0].weight.bits == b.layers[0].weight.bits)
    #expect(a.layers[0].weight.bits != c.layers[0].weight.bits)
    #expect(a.layers[0].weight.bits != Array(a.layers[1].weight.bits))
  }
}
