import LumiLearning
import LumiTensor
import Testing

/// Values and spatial gradients of whole networks on fused kernels, against the tape.
@Suite struct FusedPerceptronTests {
  static func network(
    _ activation: Activation, output: Activation = .none, isNormalized: Bool = false
  ) -> MultilayerPerceptron {
    var network = MultilayerPerceptron(
      widths: [5, 17, 12, 9, 4], activation: activation, outputActivation: output, skips: [1, 3],
      skipScale: 0.7, initializer: .xavierUniform(), seed: 4)
    var random = RandomGenerator(seed: 5)
    for index in network.layers.indices {
      let count = network.layers[index].weight.shape[0]
      network.layers[index].bias = index == 2 ? nil : random.normal([count], deviation: 0.3)
    }
    return isNormalized ? network.weightNormalized() : network
  }

  static func points(_ rows: Int, _ width: Int = 5) -> Tensor {
    var random = RandomGenerator(seed: 6)
    return random.normal([rows, width], deviation: 0.6)
  }

  // MARK: Values

  @Test(arguments: allActivations)
  func valuesFollowTheLayers(_ activation: Activation) {
    for rows in [0, 1, 37, 1500] {
      let network = Self.network(activation, output: activation)
      let x = Self.points(rows)
      #expect(network(x).relativeDistance(to: network.layered(x)) < 1e-5)
    }
  }

  @Test func valuesKeepLeadingAxesAndEncodePoints() {
    let network = MultilayerPerceptron(widths: [15, 20, 3], skips: [1], seed: 1)
    let points = Self.points(700, 3)
    let encoding = PositionalEncoding(frequencies: 2)
    let expected = network.layered(encoding(points))
    let found = network.values(at: points, encoding: encoding)
    #expect(found.relativeDistance(to: expected) < 1e-6)
    let stacked = network(encoding(points).reshaped([7, 100, 15]))
    #expect(stacked.shape == [7, 100, 3])
    #expect(stacked.reshaped([700, 3]).relativeDistance(to: expected) < 1e-6)
    #expect(network(encoding(points)[0]).shape == [3])
  }

  @Test func multipliedOutIsTheSameFunction() {
    let network = Self.network(.softplus(beta: 3), isNormalized: true)
    let plain = network.multipliedOut()
    #expect(plain.parameters.allSatisfy { !$0.path.hasSuffix("gain") })
    #expect(plain(Self.points(20)).bits == network(Self.points(20)).bits)
  }

  // MARK: Derivatives

  /// Outputs, spatial gradients, and the derivatives by the input and every parameter of a loss
  /// that uses both, by name.
  static func evaluate(
    _ network: MultilayerPerceptron, _ x: Tensor, usingOutputs: Bool = true,
    usingGradients: Bool = true,
    _ evaluate: (MultilayerPerceptron, Tensor) -> (outputs: Tensor, gradient: Tensor)
  ) throws -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    let parameters = network.parameters
    let names = parameters.map(\.path)
    let slopes = try gradient(at: [x] + parameters.map(\.value), unreachable: .zeros) { values in
      let named = Dictionary(uniqueKeysWithValues: zip(names, values.dropFirst()))
      let (outputs, gradient) = evaluate(try network.replacing(named), values[0])
      found["outputs"] = outputs.stoppingGradient()
      found["gradient"] = gradient.stoppingGradient()
      var random = RandomGenerator(seed: 7)
      let weights = random.normal(outputs.shape, dtype: outputs.dtype)
      let other = random.normal(gradient.shape, dtype: outputs.dtype)
      let first = (outputs * weights).sum() + (outputs.square() * weights).mean()
      let second = (gradient * other).sum() + gradient.square().sum()
      let loss = usingOutputs ? (usingGradients ? first + second : first) : second
      return loss
    }
    for (name, slope) in zip(["x"] + names, slopes) { found["by " + name] = slope }
    return found
  }

  static func expectAgreement(
    _ found: [String: Tensor], _ expected: [String: Tensor], _ tolerance: Double
  ) {
    #expect(found.keys.sorted() == expected.keys.sorted())
    for (name, value) in expected {
      let error = found[name]!.cast(to: .float64).relativeDistance(to: value.cast(to: .float64))
      #expect(error < tolerance, "\(name)")
    }
  }

  // Four sines of frequency 30 on top of each other lose three digits in float32, fused or not.
  static let cases: [(Activation, Activation)] =
    allActivations.map { ($0 == .sine(omega: 30) ? .sine(omega: 3) : $0, .none) } + [
      (.softplus(beta: 5), .sigmoid), (.relu, .softplus(beta: 2)), (.tanh, .sine(omega: 2)),
      (.sigmoid, .relu),
    ]

  @Test(arguments: cases)
  func derivativesFollowTheTapeInFloat64(_ activation: Activation, _ output: Activation) throws {
    let network = Self.network(activation, output: output, isNormalized: output == .none)
    let x = Self.points(40)
    let exact = try Self.evaluate(
      network.mapParameters { $1.cast(to: .float64) }, x.cast(to: .float64)
    ) { $0.composedOutputsAndGradient(at: $1) }
    Self.expectAgreement(
      try Self.evaluate(network, x) { $0.outputsAndGradient(at: $1) }, exact, 1e-4)
    // The twin in the same precision is as far away from float64, but not farther.
    Self.expectAgreement(
      try Self.evaluate(network, x) { $0.composedOutputsAndGradient(at: $1) }, exact, 1e-4)
  }

  @Test func derivativesOfOnePartAlone() throws {
    let network = Self.network(.softplus(beta: 4))
    for (outputs, gradients) in [(true, false), (false, true)] {
      func found(
        _ body: (MultilayerPerceptron, Tensor) -> (outputs: Tensor, gradient: Tensor)
      ) throws -> [String: Tensor] {
        try Self.evaluate(
          network, Self.points(30), usingOutputs: outputs, usingGradients: gradients, body)
      }
      Self.expectAgreement(
        try found { $0.fusedOutputsAndGradient(at: $1) },
        try found { $0.composedOutputsAndGradient(at: $1) }, 2e-5)
    }
  }

  /// What is not asked for is not computed, and does not change what is.
  @Test func derivativesOfSomeParametersOnly() throws {
    let network = Self.network(.tanh)
    let x = Self.points(600)
    let all = try Self.evaluate(network, x) { $0.fusedOutputsAndGradient(at: $1) }
    func alone(_ path: String) throws -> Tensor {
      try gradient(at: network.parameter(path)) { value in
        let changed = try network.replacing([path: value])
        let (outputs, gradient) = changed.fusedOutputsAndGradient(at: x)
        var random = RandomGenerator(seed: 7)
        let weights = random.normal(outputs.shape)
        let other = random.normal(gradient.shape)
        return (outputs * weights).sum() + (outputs.square() * weights).mean()
          + (gradient * other).sum() + gradient.square().sum()
      }
    }
    for path in ["layers.1.weight", "layers.3.bias"] {
      #expect(try alone(path).bits == all["by " + path]!.bits)
    }
  }

  /// Enough rows for several groups of blocks, and a partial block at the end.
  @Test func bitsDoNotDependOnThreads() throws {
    let network = Self.network(.softplus(beta: 10), isNormalized: true)
    let x = Self.points(9001)
    func found(threads: Int) throws -> [String: [UInt32]] {
      try LumiRuntime.withThreads(threads) {
        try Self.evaluate(network, x) { $0.outputsAndGradient(at: $1) }.mapValues(\.bits)
      }
    }
    let alone = try found(threads: 1)
    for threads in [1, 2, 5] { #expect(try found(threads: threads) == alone) }
    // Without a tape nothing is kept, and the bits are the same.
    let (outputs, gradient) = network.outputsAndGradient(at: x)
    #expect(outputs.bits == alone["outputs"] && gradient.bits == alone["gradient"])
  }

  @Test(arguments: LumiRuntime.KernelLevel.available)
  func kernelLevelsAgree(_ level: LumiRuntime.KernelLevel) throws {
    for activation in allActivations {
      let network = Self.network(activation)
      func found(_ level: LumiRuntime.KernelLevel) throws -> [String: Tensor] {
        try LumiRuntime.withKernelLevel(level) {
          try Self.evaluate(network, Self.points(50)) { $0.fusedOutputsAndGradient(at: $1) }
        }
      }
      Self.expectAgreement(try found(level), try found(.base), 1e-4)
    }
  }

  // MARK: Hostile input

  @Test func noRowsAndOneLayer() throws {
    let empty = try Self.evaluate(Self.network(.relu), Self.points(0)) {
      $0.fusedOutputsAndGradient(at: $1)
    }
    #expect(empty["outputs"]!.shape == [0, 4] && empty["gradient"]!.shape == [0, 5])
    #expect(empty["by layers.0.weight"]!.scalars(as: Float.self).allSatisfy { $0 == 0 })
    let single = MultilayerPerceptron(widths: [5, 2], outputActivation: .tanh, seed: 1)
    Self.expectAgreement(
      try Self.evaluate(single, Self.points(1)) { $0.fusedOutputsAndGradient(at: $1) },
      try Self.evaluate(single, Self.points(1)) { $0.composedOutputsAndGradient(at: $1) }, 1e-5)
  }

  @Test(arguments: allActivations)
  func notANumberStaysInItsRow(_ activation: Activation) {
    var rows = Self.points(3).scalars(as: Float.self)
    rows[5] = .nan
    let network = Self.network(activation)
    let (outputs, gradient) = network.outputsAndGradient(at: Tensor(rows, shape: [3, 5]))
    for row in [0, 2] { #expect(outputs[row].isAllFinite && gradient[row].isAllFinite) }
    #expect(!outputs[1].isAllFinite)
    #expect(network(Tensor(rows, shape: [3, 5]))[2].isAllFinite)
  }

  @Test func nestedGradientsTakeTheTape() throws {
    let network = Self.network(.softplus(beta: 3))
    let x = Self.points(6)
    func curvature(_ network: MultilayerPerceptron, _ x: Tensor) -> Tensor {
      gradient(at: x) { x in
        let slope = gradient(at: x) { network.outputsAndGradient(at: $0).gradient.square().sum() }
        return slope.square().sum()
      }
    }
    let exact = curvature(
      network.mapParameters { $1.cast(to: .float64) }, x.cast(to: .float64))
    let found = curvature(network, x)
    #expect(found.cast(to: .float64).relativeDistance(to: exact) < 1e-4)
  }

  @Test func secondDerivativesStopByName() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let network = FusedPerceptronTests.network(.tanh)
      let (values, pullback) = vectorJacobianProduct(at: [FusedPerceptronTests.points(3)]) {
        [network.outputsAndGradient(at: $0[0]).gradient]
      }
      _ = gradient(at: Tensor.ones(like: values[0])) { pullback([$0])[0].sum() }
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("network with gradient has no second derivative"))
  }
}

@Suite struct FusedPositionalEncodingTests {
  static let encoding = PositionalEncoding(frequencies: 5)

  @Test func valuesFollowTensorOperations() {
    var random = RandomGenerator(seed: 1)
    for shape in [[0, 3], [1, 3], [700, 3], [50, 2], [3, 300]] {
      let x = random.normal(shape, deviation: 2)
      let expected = composedPositionalEncoding(x, frequencies: 5)
      #expect(positionalEncoding(x, frequencies: 5).relativeDistance(to: expected) < 1e-7)
    }
    let far = Tensor([1e6, -3e4, Float.nan] as [Float], shape: [1, 3])
    let found = positionalEncoding(far, frequencies: 5).scalars(as: Float.self)
    let expected = composedPositionalEncoding(far, frequencies: 5).scalars(as: Float.self)
    for (a, b) in zip(found, expected) { #expect(a.isNaN == b.isNaN && (a.isNaN || a == b)) }
    #expect(positionalEncoding(Tensor.ones([4, 2, 3]), frequencies: 5).shape == [4, 2, 33])
  }

  /// A derivative by coordinates and by the cotangent, of the pullback and of the encoding.
  static func derivatives(
    _ x: Tensor, _ cotangent: Tensor, _ pullback: (Tensor, Tensor) -> Tensor
  ) -> [Tensor] {
    var value: Tensor?
    let slopes = gradient(at: [x, cotangent]) { inputs in
      let encoded = positionalEncoding(inputs[0], frequencies: 5)
      let pulled = pullback(inputs[1], encoded)
      value = pulled.stoppingGradient()
      return pulled.square().sum() + (encoded * inputs[1]).sum()
    }
    return [value!] + slopes
  }

  @Test func pullbackAndItsDerivativesFollowFloat64() {
    var random = RandomGenerator(seed: 2)
    let x = random.normal([60, 3])
    let cotangent = random.normal([60, 33])
    let found = Self.derivatives(x, cotangent) { Self.encoding.pullback($0, encoded: $1) }
    let exact = Self.derivatives(x.cast(to: .float64), cotangent.cast(to: .float64)) {
      Self.encoding.composedPullback($0, encoded: $1)
    }
    for (a, b) in zip(found, exact) {
      #expect(a.cast(to: .float64).relativeDistance(to: b) < 1e-5)
    }
    // It is the tape's derivative.
    let tape = gradient(at: x.cast(to: .float64)) {
      (positionalEncoding($0, frequencies: 5) * cotangent.cast(to: .float64)).sum()
    }
    #expect(exact[0].relativeDistance(to: tape) < 1e-12)
  }

  @Test func float64PullbackHasDerivatives() throws {
    var random = RandomGenerator(seed: 3)
    let encoding = PositionalEncoding(frequencies: 2)
    try checkGradients(
      at: [random.normal([3, 2], dtype: .float64), random.normal([3, 10], dtype: .float64)]
    ) { encoding.pullback($0[1], encoded: encoding($0[0])) }
  }
}
