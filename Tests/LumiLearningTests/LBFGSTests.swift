import LumiLearning
import LumiTensor
import Testing

@Suite struct LBFGSTests {
  typealias Function = ([String: Tensor]) throws -> (value: Tensor, gradients: [String: Tensor])

  /// A function of one vector "x".
  private static func function(_ f: @escaping (Tensor) -> Tensor) -> Function {
    { parameters in
      let result = valueAndGradient(at: parameters["x"]!, of: f)
      return (result.value, ["x": result.gradient])
    }
  }

  /// Σ 100 (x₂ᵢ - x₂ᵢ₋₁²)² + (1 - x₂ᵢ₋₁)²
  private static func rosenbrock(_ x: Tensor) -> Tensor {
    let pairs = x.reshaped([x.count / 2, 2])
    let (a, b) = (pairs[.all, .index(0)], pairs[.all, .index(1)])
    return ((b - a.square()).square() * 100 + (1 - a).square()).sum()
  }

  @Test(arguments: [[-1.2, 1], [0, 0], [10, -5], [-1.2, 1, 3, 3, -2, 0.5]])
  func rosenbrock(from start: [Double]) throws {
    var parameters = ["x": Tensor(start)]
    var rule = LBFGS()
    let end = try rule.minimize(
      &parameters, gradientTolerance: 1e-9, valueTolerance: 0, Self.function(Self.rosenbrock))
    #expect(end.reason == .gradientTolerance)
    #expect(end.iterations < 120 && end.value < 1e-18)
    let errors = parameters["x"]!.scalars(as: Double.self).map { ($0 - 1).magnitude }
    #expect(errors.allSatisfy { $0 < 1e-8 })
    #expect(rule.step == end.iterations && end.evaluations < 3 * end.iterations)
  }

  /// With an almost exact line search and memory for all moves, L-BFGS is the conjugate gradient
  /// method on a quadratic: at most n iterations for n different curvatures.
  @Test(arguments: [2, 5, 12])
  func quadraticsTakeAsManyIterationsAsVariables(_ n: Int) throws {
    var random = RandomGenerator(seed: UInt64(n))
    let m = random.normal([n, n], dtype: .float64)
    let matrix = m.matmul(m, transposingRight: true) + Tensor.eye(n, dtype: .float64) * 0.5
    let solution = random.normal([n], dtype: .float64)
    let function = Self.function { x in
      let d = (x - solution).reshaped([1, n])
      return (d.matmul(matrix) * d).sum() * 0.5 + 3
    }
    var parameters = ["x": random.normal([n], deviation: 4, dtype: .float64)]
    var rule = LBFGS(
      memory: n, lineSearch: LineSearch(sufficientDecrease: 1e-6, curvature: 1e-5))
    let end = try rule.minimize(
      &parameters, gradientTolerance: 1e-7, valueTolerance: 0, function)
    #expect(end.reason == .gradientTolerance)
    #expect(end.iterations <= n + 2, "\(end)")
    #expect(parameters["x"]!.relativeDistance(to: solution) < 1e-6)
  }

  /// Starts where the second derivative is negative: every iteration goes down, and the end is a
  /// minimum. f = Σ cos x + x² / 20.
  @Test(arguments: [[0.1], [0.01, 9.3], [-20, 0.5, 4], [6.2]])
  func startsThatAreNotConvex(_ start: [Double]) throws {
    let function = Self.function { ($0.cos() + $0.square() / 20).sum() }
    var parameters = ["x": Tensor(start)]
    var rule = LBFGS()
    var values: [Double] = []
    for _ in 0..<40 {
      let done = try rule.update(&parameters, function)
      guard done.stepLength > 0 else { break }
      #expect(done.value <= done.valueBefore + 1e-15 * done.valueBefore.magnitude)
      values.append(done.value)
      if done.largestGradient < 1e-9 { break }
    }
    #expect(values.count > 2)
    let x = parameters["x"]!
    #expect((x.sin() - x / 10).abs().max().value < 1e-8, "the gradient is 0")
    #expect((1 / 10.0 - x.cos()).min().value > 0, "a minimum")
  }

  /// Beyond 1 the function does not exist; the first step lands there.
  @Test func valuesThatAreNotFiniteShortenTheStep() throws {
    var parameters = ["x": Tensor([0.0])]
    var rule = LBFGS(firstStepLength: 100)
    let end = try rule.minimize(
      &parameters, gradientTolerance: 1e-8, valueTolerance: 0,
      Self.function { -(1 - $0).log().sum() - $0.sum() * 3 })
    #expect(end.reason == .gradientTolerance)
    #expect((parameters["x"]!.value - 2.0 / 3).magnitude < 1e-8)
  }

  /// float32 parameters beside float64 ones, an integer that stays, and a model.
  @Test func mixedParametersAndModels() throws {
    var parameters = [
      "a": Tensor([4, -3] as [Float]), "b": Tensor([[2.0]]), "n": Tensor([Int32(7)]),
    ]
    var rule = LBFGS()
    let end = try rule.minimize(&parameters, gradientTolerance: 1e-5) { values in
      let result = valueAndGradient(at: [values["a"]!, values["b"]!]) { x in
        (x[0].cast(to: .float64) - 1).square().sum() + (x[1] + 2).square().sum() * 10
          + x[1].sum() * x[0].cast(to: .float64).sum()
      }
      return (result.value, ["a": result.gradients[0], "b": result.gradients[1]])
    }
    #expect(end.largestGradient <= 1e-5)
    #expect(parameters["a"]!.dtype == .float32 && parameters["b"]!.shape == [1, 1])
    #expect(parameters["n"]!.scalars(as: Int32.self) == [7])

    var network = MultilayerPerceptron(widths: [1, 12, 1], activation: .tanh, seed: 5)
    let x = Tensor.linspace(-1, 1, 40).reshaped([40, 1])
    let y = (x * 3).sin()
    var other = LBFGS()
    let fit = try other.minimize(&network, iterationLimit: 150, gradientTolerance: 1e-5) {
      Loss.meanSquaredError($0(x), y)
    }
    #expect(fit.value < 1e-4, "\(fit)")
    #expect(Loss.meanSquaredError(network(x), y).value == fit.value)
    let bias = network.layers[1].bias!
    try other.restore(LBFGS().state)
    try other.update(&network, withRespectTo: ["layers.0.weight"]) {
      Loss.meanSquaredError($0(x), y * 2)
    }
    #expect(network.layers[1].bias!.bits == bias.bits)
  }

  @Test func resumesToTheBit() throws {
    let function = Self.function(Self.rosenbrock)
    let start = ["x": Tensor([-1.2, 1, 3, 3])]
    var (straight, whole) = (start, LBFGS(memory: 4))
    for _ in 0..<12 { try whole.update(&straight, function) }
    var (parts, first) = (start, LBFGS(memory: 4))
    for _ in 0..<7 { try first.update(&parts, function) }
    var second = LBFGS(memory: 4)
    try second.restore(first.state)
    #expect(second.state["displacement.x"]!.shape == [4, 4] && second.step == 7)
    for _ in 0..<5 { try second.update(&parts, function) }
    #expect(parts["x"]!.scalars(as: Double.self) == straight["x"]!.scalars(as: Double.self))
    // Without the memory it is another way: the state matters.
    var forgetful = LBFGS(memory: 4)
    var others = start
    for step in 0..<12 {
      if step == 7 { try forgetful.restore(["step": Tensor([Int64(7)], shape: [])]) }
      try forgetful.update(&others, function)
    }
    #expect(others["x"]!.scalars(as: Double.self) != straight["x"]!.scalars(as: Double.self))
  }

  // MARK: Failures

  /// A gradient of the wrong sign leads up, however short the step is.
  @Test func aWrongGradientIsReported() throws {
    var parameters = ["x": Tensor([3.0])]
    var rule = LBFGS()
    let wrong: Function = { values in
      (values["x"]!.square().sum(), ["x": values["x"]! * -2])
    }
    let done = try rule.update(&parameters, wrong)
    #expect(done.failure != nil && done.stepLength == 0 && done.value == 9)
    #expect(parameters["x"]!.value == 3 && rule.step == 0)
    let end = try rule.minimize(&parameters, wrong)
    guard case .lineSearch(let reason) = end.reason else {
      Issue.record("\(end.reason)")
      return
    }
    #expect("\(reason)".hasPrefix("line search: no step found"))
    #expect(parameters["x"]!.value == 3)
  }

  /// A function without a lower bound: the steps grow until the evaluations are used up.
  @Test func aFunctionWithoutMinimumIsReported() throws {
    var parameters = ["x": Tensor([0.0])]
    var rule = LBFGS(lineSearch: LineSearch(evaluationLimit: 6))
    let done = try rule.update(&parameters, Self.function { -$0.sum() })
    #expect(done.failure == .evaluationLimit(6) && done.evaluations == 6)
    #expect(parameters["x"]!.value == 0)
  }

  @Test func startsThatCannotBeAreErrors() throws {
    var parameters = ["x": Tensor([0.0])]
    var rule = LBFGS()
    let log = Self.function { $0.log().sum() }
    #expect(throws: OptimizerError.self) { try rule.update(&parameters, log) }
    #expect(throws: OptimizerError.nonFiniteValue(.infinity)) {
      try rule.update(&parameters) { _ in (Tensor([Double.infinity]), ["x": Tensor([1.0])]) }
    }
    #expect(throws: ParameterError.unknown("y", known: ["x"])) {
      try rule.update(&parameters) { _ in (Tensor([1.0]), ["y": Tensor([1.0])]) }
    }
    #expect(rule.step == 0 && parameters["x"]!.value == 0)
    // Nothing is remembered, so other parameters may follow.
    var others = ["y": Tensor([4.0])]
    try rule.update(&others) { v in (v["y"]!.square().sum(), ["y": v["y"]! * 2]) }
    #expect(others["y"]!.value.magnitude < 4)
    rule = LBFGS()
    let zero = try rule.minimize(&parameters, Self.function { $0.square().sum() })
    #expect(zero.reason == .gradientTolerance && zero.evaluations == 1 && zero.iterations == 0)
  }

  @Test func memoriesOfOtherParametersAreRefused() throws {
    var rule = LBFGS()
    var parameters = ["x": Tensor([-1.2, 1])]
    try rule.update(&parameters, Self.function(Self.rosenbrock))
    var longer = ["x": Tensor([-1.2, 1, 1, 1])]
    #expect(throws: OptimizerError.self) {
      try rule.update(&longer, Self.function(Self.rosenbrock))
    }
    let step = Tensor([Int64(1)], shape: [])
    let rows = Tensor([[1.0, 2.0]])
    let bad: [[String: Tensor]] = [
      [:], ["step": step, "displacement.x": rows],
      ["step": step, "displacement.x": rows, "change.x": Tensor([[1.0]])],
      ["step": step, "displacement.x": rows, "change.x": rows.cast(to: .float32)],
      [
        "step": step, "displacement.x": Tensor(1.0, dtype: .float64),
        "change.x": Tensor(1.0, dtype: .float64),
      ],
      [
        "step": step, "displacement.x": rows, "change.x": rows,
        "displacement.y": Tensor([[1.0], [2]]), "change.y": Tensor([[1.0], [2]]),
      ],
    ]
    for state in bad { #expect(throws: OptimizerError.self) { try rule.restore(state) } }
    #expect(rule.step == 1)
  }
}
