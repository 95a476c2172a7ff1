import Foundation
import LumiLearning
import LumiTensor
import Testing

@Suite struct AdamTests {
  /// p = 1, gradients 0.5, -1, 2; learning rate 0.1, betas 0.5 and 0.75, computed by hand:
  /// m = 0.25, -0.375, 0.8125; v = 0.0625, 0.296875, 1.22265625.
  @Test func handComputedSequence() throws {
    var adam = Adam(learningRate: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 0)
    var parameters = ["p": Tensor([1.0])]
    var expected = 1.0
    let moments = [(0.25, 0.0625), (-0.375, 0.296875), (0.8125, 1.22265625)]
    let corrections = [(0.5, 0.25), (0.75, 0.4375), (0.875, 0.578125)]
    for (index, gradient) in [0.5, -1.0, 2.0].enumerated() {
      try adam.update(&parameters, gradients: ["p": Tensor([gradient])])
      let (m, v) = moments[index]
      #expect(adam.firstMoments["p"]!.value == m)
      #expect(adam.secondMoments["p"]!.value == v)
      expected -= 0.1 * (m / corrections[index].0) / (v / corrections[index].1).squareRoot()
      #expect((parameters["p"]!.value - expected).magnitude < 1e-15)
    }
    #expect(adam.step == 3)
  }

  @Test func weightDecayIsDecoupled() throws {
    var adam = Adam(learningRate: 0.1, weightDecay: 0.5)
    var parameters = ["p": Tensor([2.0])]
    try adam.update(&parameters, gradients: ["p": Tensor([0.0])])
    #expect((parameters["p"]!.value - 2 * (1 - 0.05)).magnitude < 1e-15)
    #expect(adam.firstMoments["p"]!.value == 0)
  }

  /// Decay follows the rate, and goes around the moments: a large gradient decays no less.
  @Test func adamWShrinksByRateTimesDecay() throws {
    var rule = Adam.adamW(learningRate: .linear(initial: 0.5, final: 0, steps: 2), weightDecay: 0.1)
    var plain = Adam(learningRate: rule.learningRate)
    var (decayed, parameters) = (["p": Tensor([8.0, -2.0])], ["p": Tensor([8.0, -2.0])])
    for rate in [0.5, 0.25] {
      let before = decayed["p"]!
      let moved = parameters["p"]!
      let gradients = ["p": Tensor([1000.0, -0.001])]
      try rule.update(&decayed, gradients: gradients)
      try plain.update(&parameters, gradients: gradients)
      let step = parameters["p"]! - moved
      #expect(decayed["p"]!.relativeDistance(to: before * (1 - rate * 0.1) + step) < 1e-15)
    }
    #expect(Adam.adamW().weightDecay == 0.01 && Adam().weightDecay == 0)
  }

  @Test(arguments: LumiRuntime.KernelLevel.available)
  func kernelAgreesWithTwin(_ level: LumiRuntime.KernelLevel) {
    var random = RandomGenerator(seed: 31)
    let shape = [70_001]
    let values = AdamValues(
      parameter: random.normal(shape), gradient: random.normal(shape),
      firstMoment: random.normal(shape), secondMoment: random.uniform(shape, low: 0, high: 2))
    let numbers = AdamCoefficients(
      rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, correction1: 0.19,
      correction2: 0.0199)
    let readable = numbers.applyReadable(values)
    let fast = LumiRuntime.withKernelLevel(level) { numbers.applyKernel(values) }
    #expect(fast.parameter.relativeDistance(to: readable.parameter) < 3e-7)
    #expect(fast.firstMoment.relativeDistance(to: readable.firstMoment) < 3e-7)
    #expect(fast.secondMoment.relativeDistance(to: readable.secondMoment) < 3e-7)
    #expect(fast.parameter.relativeDistance(to: values.parameter) > 1e-3)
  }

  @Test func updatesAModel() throws {
    var network = MultilayerPerceptron(widths: [2, 16, 1], activation: .tanh, seed: 3)
    var random = RandomGenerator(seed: 4)
    let x = random.uniform([64, 2], low: -1, high: 1)
    let y = x[.all, .range(0..<1)] * x[.all, .range(1..<2)]
    func loss(_ network: MultilayerPerceptron) -> Tensor { Loss.meanSquaredError(network(x), y) }
    let before = loss(network).value
    var adam = Adam(learningRate: 0.02)
    for _ in 0..<300 {
      try adam.update(&network, gradients: try valueAndGradient(of: network, loss).gradients)
    }
    #expect(loss(network).value < 0.05 * before)
  }
}

@Suite struct SGDTests {
  @Test func plainMomentumAndNesterov() throws {
    // u: 1, 0.5 + 2 = 2.5 for gradients 1, 2 and μ = 0.5.
    let cases: [(SGD, [Double])] = [
      (SGD(learningRate: 0.1), [0.9, 0.7]),
      (SGD(learningRate: 0.1, momentum: 0.5), [0.9, 0.65]),
      (SGD(learningRate: 0.1, momentum: 0.5, isNesterov: true), [0.85, 0.525]),
    ]
    for (rule, expected) in cases {
      var sgd = rule
      var parameters = ["p": Tensor([1.0])]
      for (gradient, value) in zip([1.0, 2.0], expected) {
        try sgd.update(&parameters, gradients: ["p": Tensor([gradient])])
        #expect((parameters["p"]!.value - value).magnitude < 1e-15)
      }
    }
  }

  @Test func weightDecayJoinsTheGradient() throws {
    var sgd = SGD(learningRate: 0.1, weightDecay: 0.5)
    var parameters = ["p": Tensor([2.0])]
    try sgd.update(&parameters, gradients: ["p": Tensor([1.0])])
    #expect((parameters["p"]!.value - 1.8).magnitude < 1e-15)
  }
}

@Suite struct OptimizerContractTests {
  static let optimizers: [any Optimizer] = [
    Adam(learningRate: .cosine(initial: 0.05, final: 0.001, steps: 40), weightDecay: 0.01),
    SGD(learningRate: 0.02, momentum: 0.9, isNesterov: true),
  ]

  static func train(
    _ network: inout MultilayerPerceptron, _ optimizer: inout some Optimizer, steps: Int
  ) throws {
    for _ in 0..<steps {
      var random = RandomGenerator(seed: UInt64(optimizer.step))
      let x = random.normal([32, 3])
      let gradients = try valueAndGradient(of: network) { $0(x).square().mean() }.gradients
      try optimizer.update(&network, gradients: gradients)
    }
  }

  static func expectResumption(_ fresh: some Optimizer) throws {
    let start = MultilayerPerceptron(widths: [3, 8, 1], seed: 2)
    var (straight, whole) = (start, fresh)
    try train(&straight, &whole, steps: 20)
    var (first, half) = (start, fresh)
    try train(&first, &half, steps: 9)
    var (second, resumed) = (first, fresh)
    try resumed.restore(half.state)
    #expect(resumed.step == 9)
    try train(&second, &resumed, steps: 11)
    for (a, b) in zip(straight.parameters, second.parameters) {
      #expect(a.value.bits == b.value.bits, "\(a.path)")
    }
    #expect(whole.state.keys.sorted() == resumed.state.keys.sorted())
    for (name, value) in whole.state { #expect(value.bits == resumed.state[name]!.bits) }
  }

  @Test(arguments: [0, 1])
  func resumedTrainingIsBitEqual(_ index: Int) throws {
    try Self.expectResumption(Self.optimizers[index])
  }

  static func expectRefusals(_ fresh: some Optimizer) throws {
    var optimizer = fresh
    let start = ["a": Tensor([1, 2] as [Float]), "b": Tensor([3] as [Float])]
    var parameters = start
    let good = Tensor([1] as [Float])
    #expect(
      throws: OptimizerError.nonFiniteGradient(parameter: "a", position: 1, value: .infinity)
    ) {
      try optimizer.update(
        &parameters, gradients: ["a": Tensor([0, Float.infinity]), "b": good])
    }
    #expect(throws: ParameterError.unknown("c", known: ["a", "b"])) {
      try optimizer.update(&parameters, gradients: ["c": good])
    }
    #expect(throws: ParameterError.shape("a", expected: [2], actual: [1])) {
      try optimizer.update(&parameters, gradients: ["a": good])
    }
    #expect(
      throws: OptimizerError.dtype(parameter: "b", expected: .float32, actual: .float64)
    ) { try optimizer.update(&parameters, gradients: ["b": Tensor([1.0])]) }
    #expect(optimizer.step == 0)
    #expect(optimizer.state.count == 1)
    for (name, value) in start { #expect(parameters[name]!.bits == value.bits) }
  }

  @Test(arguments: [0, 1])
  func badGradientsAreNamedAndChangeNothing(_ index: Int) throws {
    try Self.expectRefusals(Self.optimizers[index])
  }

  @Test func nanErrorNamesTheParameter() {
    let error = OptimizerError.nonFiniteGradient(
      parameter: "mesh.vertices", position: 4, value: .nan)
    #expect(error.description == "the gradient of \"mesh.vertices\" is nan at element 4")
  }

  @Test func badStatesAreRefused() throws {
    let step = Tensor([Int64(3)], shape: [])
    let moment = Tensor([1] as [Float])
    let states: [[String: Tensor]] = [
      [:], ["step": Tensor([Int64(-1)], shape: [])], ["step": Tensor(2.0, dtype: .float64)],
      ["step": step, "momentum.p": moment], ["step": step, "firstMoment.p": moment],
      ["step": step, "firstMoment": moment],
      [
        "step": step, "firstMoment.p": Tensor([Int32(1)]), "secondMoment.p": moment,
      ],
    ]
    for state in states {
      var adam = Adam()
      #expect(throws: OptimizerError.self) { try adam.restore(state) }
      #expect(adam.step == 0)
    }
    var adam = Adam()
    try adam.restore(["step": step, "firstMoment.p": moment, "secondMoment.p": moment])
    var parameters = ["p": Tensor([1, 2] as [Float])]
    #expect(throws: OptimizerError.self) {
      try adam.update(&parameters, gradients: ["p": Tensor([1, 2] as [Float])])
    }
    #expect(adam.step == 3)
  }

  @Test func parametersWithoutGradientStay() throws {
    var adam = Adam()
    var parameters = ["a": Tensor([1.0]), "b": Tensor([2.0])]
    try adam.update(&parameters, gradients: ["a": Tensor([1.0])])
    #expect(parameters["a"]!.value != 1)
    #expect(parameters["b"]!.value == 2)
    #expect(adam.state.keys.sorted() == ["firstMoment.a", "secondMoment.a", "step"])
  }
}

@Suite struct LearningRateScheduleTests {
  /// A schedule and its rates at some steps.
  struct Case: Sendable {
    let schedule: LearningRateSchedule
    let rates: [(step: Int, rate: Double)]

    init(_ schedule: LearningRateSchedule, _ rates: (step: Int, rate: Double)...) {
      self.schedule = schedule
      self.rates = rates
    }
  }

  static let cases = [
    Case(.constant(0.5), (0, 0.5), (1000, 0.5)),
    Case(.step(initial: 1, factor: 0.1, every: 10), (0, 1), (9, 1), (10, 0.1), (25, 0.01)),
    Case(.exponential(initial: 2, factor: 0.25, every: 2), (0, 2), (1, 1), (2, 0.5), (4, 0.125)),
    Case(
      .cosine(initial: 1, final: 0, steps: 6),
      (0, 1), (2, 0.75), (3, 0.5), (4, 0.25), (6, 0), (9, 0)),
    Case(.cosine(initial: 1, final: 0.5, steps: 0), (0, 1), (1, 0.5)),
    Case(
      .warmUp(steps: 4, then: .step(initial: 1, factor: 0.5, every: 2)),
      (0, 0.25), (3, 1), (4, 1), (5, 1), (6, 0.5)),
    Case(.warmUp(steps: 0, then: 0.3), (0, 0.3)),
    Case(
      .milestones(initial: 8, factor: 0.5, at: [10, 12, 30]),
      (0, 8), (9, 8), (10, 4), (11, 4), (12, 2), (29, 2), (30, 1), (99, 1)),
    Case(.milestones(initial: 8, factor: 0.5, at: []), (0, 8), (50, 8)),
    Case(.linear(initial: 1, final: 0.5, steps: 4), (0, 1), (1, 0.875), (4, 0.5), (9, 0.5)),
    Case(.linear(initial: 1, final: 0.5, steps: 0), (0, 1), (1, 0.5)),
    Case(
      .sequence(0.5, steps: 3, then: .linear(initial: 1, final: 0, steps: 2)),
      (0, 0.5), (2, 0.5), (3, 1), (4, 0.5), (5, 0)),
    Case(.sequence(0.5, steps: -1, then: 0.25), (0, 0.25)),
    Case(
      .repeated(.cosine(initial: 1, final: 0, steps: 6), every: 6),
      (0, 1), (3, 0.5), (4, 0.25), (6, 1), (15, 0.5)),
    Case(.repeated(.linear(initial: 1, final: 0, steps: 4), every: 0), (0, 1), (7, 1)),
    Case(
      .product(.warmUp(steps: 2, then: 1.0), .exponential(initial: 4, factor: 0.25, every: 2)),
      (0, 2), (1, 2), (2, 1), (4, 0.25)),
  ]

  @Test(arguments: cases)
  func values(_ example: Case) {
    for (step, rate) in example.rates {
      let actual = example.schedule(step)
      #expect((actual - rate).magnitude < 1e-15, "step \(step): \(actual)")
    }
  }

  /// A schedule's text is part of what a program may save.
  @Test(arguments: cases)
  func survivesCoding(_ example: Case) throws {
    let data = try JSONEncoder().encode(example.schedule)
    #expect(try JSONDecoder().decode(LearningRateSchedule.self, from: data) == example.schedule)
  }

  @Test func drivesTheOptimizer() throws {
    var sgd = SGD(learningRate: .step(initial: 1, factor: 0.5, every: 1))
    var parameters = ["p": Tensor([0.0])]
    for _ in 0..<3 { try sgd.update(&parameters, gradients: ["p": Tensor([-1.0])]) }
    #expect(parameters["p"]!.value == 1.75)
  }
}

@Suite struct LearningRateTests {
  /// Without a memory Adam's first step is the rate, so steps tell rates.
  @Test func ratesGoByTheLongestPath() throws {
    var adam = Adam(
      learningRate: 0.1,
      learningRates: ["camera": 0.01, "camera.rotation": 0.5, "mesh.color": 0.0],
      epsilon: 0)
    var values = [
      "camera.rotation": Tensor([0.0]), "camera.translation": Tensor([0.0]),
      "cameraman": Tensor([0.0]), "mesh.color": Tensor([0.0]),
    ]
    try adam.update(&values, gradients: values.mapValues { $0 + 3 })
    let expected = [
      "camera.rotation": -0.5, "camera.translation": -0.01, "cameraman": -0.1, "mesh.color": 0,
    ]
    for (name, value) in expected { #expect(abs(values[name]!.value - value) < 1e-14, "\(name)") }
  }

  @Test func aRateForNothingIsAnError() throws {
    var adam = Adam(learningRates: ["camra": 0.01])
    var values = ["camera.rotation": Tensor([1.0])]
    #expect(throws: ParameterError.unknown("camra", known: ["camera.rotation"])) {
      try adam.update(&values, gradients: ["camera.rotation": Tensor([1.0])])
    }
    #expect(values["camera.rotation"]!.value == 1 && adam.step == 0)
  }
}
