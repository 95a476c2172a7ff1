import LumiLearning
import LumiTensor
import Testing

@Suite struct LevenbergMarquardtTests {
  private static func vector(_ values: [String: Tensor], _ name: String = "x") -> [Double] {
    values[name]!.scalars(as: Double.self)
  }

  /// y = a e^(-b t) + c at 30 places, without noise: a zero-residual problem with a known answer.
  private static let times = Tensor.linspace(0, 4, 30, dtype: .float64)
  private static func curve(_ x: Tensor) -> Tensor {
    let (a, b, c) = (x[.index(0)], x[.index(1)], x[.index(2)])
    return a * (times * -b).exp() + c
  }
  private static let truth = Tensor([2.5, 1.3, 0.5])

  @Test(arguments: [LevenbergMarquardt.Scaling.identity, .diagonal])
  func curveFitWithKnownAnswer(_ scaling: LevenbergMarquardt.Scaling) throws {
    let data = Self.curve(Self.truth)
    let rule = LevenbergMarquardt(scaling: scaling)
    for jacobian in [LevenbergMarquardt.Jacobian.rows, .columns] {
      var values = ["x": Tensor([1.0, 0.1, 0.0])]
      let end = try rule.minimize(&values, jacobian: jacobian) { Self.curve($0["x"]!) - data }
      #expect(end.reason == .gradientTolerance && end.iterations < 30, "\(end)")
      #expect(end.cost < 1e-20 && end.costBefore > 1)
      #expect(values["x"]!.relativeDistance(to: Self.truth) < 1e-9)
    }
  }

  /// With noise the answer is where Jᵀr is 0; the straight line's is in closed form.
  @Test func linearRegressionIsExact() throws {
    let x = Tensor([0.0, 1, 2, 3, 4])
    let y = Tensor([1.1, 2.9, 5.2, 6.8, 9.1])
    let meanX = 2.0, meanY = 5.02
    let slope = ((x - meanX) * (y - meanY)).sum().value / (x - meanX).square().sum().value
    var values = ["slope": Tensor([0.0]), "offset": Tensor(-7.0, dtype: .float64)]
    // The Jacobian does not change: a caller may as well give it.
    let given = LevenbergMarquardt.Jacobian.given { _ in
      ["slope": x.reshaped([5, 1]), "offset": .ones([5], dtype: .float64)]
    }
    let rule = LevenbergMarquardt(damping: 1e-9)
    let end = try rule.minimize(&values, jacobian: given) { x * $0["slope"]! + $0["offset"]! - y }
    #expect(end.iterations <= 4 && end.cost > 0.01)
    #expect((values["slope"]!.value - slope).magnitude < 1e-9)
    #expect((values["offset"]!.value - (meanY - slope * meanX)).magnitude < 1e-9)
  }

  /// Rosenbrock's valley and Powell's singular function, whose Jacobian is singular at the solution.
  @Test func classicProblems() throws {
    var values = ["x": Tensor([-1.2, 1])]
    let valley = try LevenbergMarquardt().minimize(&values) { v in
      let x = v["x"]!
      let (a, b) = (x[.range(0..<1)], x[.range(1..<2)])
      return .concatenate([(b - a.square()) * 10, 1 - a])
    }
    #expect(valley.cost < 1e-20 && valley.iterations < 40, "\(valley)")
    #expect(Self.vector(values).allSatisfy { ($0 - 1).magnitude < 1e-9 })
    values = ["x": Tensor([3.0, -1, 0, 1])]
    let powell = try LevenbergMarquardt(gradientTolerance: 1e-14).minimize(&values) { v in
      let x = v["x"]!.split(sizes: [1, 1, 1, 1])
      return .concatenate([
        x[0] + x[1] * 10, (x[2] - x[3]) * 5.0.squareRoot(), (x[1] - x[2] * 2).square(),
        (x[0] - x[3]).square() * 10.0.squareRoot(),
      ])
    }
    #expect(powell.cost < 1e-15, "\(powell)")
    #expect(Self.vector(values).allSatisfy { $0.magnitude < 1e-3 })
  }

  /// Only the sum of two parameters counts, and a third has no influence at all.
  @Test(arguments: [LevenbergMarquardt.Scaling.identity, .diagonal])
  func rankDeficientJacobians(_ scaling: LevenbergMarquardt.Scaling) throws {
    var values = ["a": Tensor([1.0]), "b": Tensor([4.0]), "idle": Tensor([7.0, 8.0])]
    let end = try LevenbergMarquardt(scaling: scaling).minimize(&values) { v in
      (v["a"]! + v["b"]!) * Tensor([1.0, 2, 3]) - Tensor([2.0, 4, 6])
    }
    #expect([.gradientTolerance, .stepTolerance].contains(end.reason), "\(end)")
    #expect(end.cost < 1e-18)
    let (a, b) = (values["a"]!.value, values["b"]!.value)
    #expect((a + b - 2).magnitude < 1e-9)
    // The shortest way: both move alike.
    #expect((a - 1 - (b - 4)).magnitude < 1e-9)
    #expect(Self.vector(values, "idle") == [7, 8])
  }

  @Test func fewerResidualsThanParametersAndNone() throws {
    var values = ["x": Tensor([1.0, 2, 3])]
    let one = try LevenbergMarquardt().minimize(&values) { $0["x"]!.sum().reshaped([1]) - 9 }
    #expect(one.cost < 1e-20 && (Self.vector(values).reduce(0, +) - 9).magnitude < 1e-9)
    for jacobian in [LevenbergMarquardt.Jacobian.rows, .columns] {
      let none = try LevenbergMarquardt().minimize(&values, jacobian: jacobian) { _ in .zeros([0]) }
      #expect(none.reason == .gradientTolerance && none.cost == 0 && none.iterations == 0)
    }
    var nothing: [String: Tensor] = [:]
    let fixed = try LevenbergMarquardt().minimize(&nothing) { _ in Tensor([1.0]) }
    #expect(fixed.reason == .gradientTolerance && fixed.cost == 0.5)
  }

  @Test func aZeroResidualEndsAtOnce() throws {
    var values = ["x": Self.truth]
    let end = try LevenbergMarquardt().minimize(&values) {
      Self.curve($0["x"]!) - Self.curve(Self.truth)
    }
    #expect(end.reason == .gradientTolerance && end.iterations == 0 && end.evaluations == 1)
    #expect(Self.vector(values) == Self.vector(["x": Self.truth]))
  }

  /// float32 parameters of a model, some of them only; residuals that are no vector.
  @Test func modelsInSinglePrecision() throws {
    var layer = Linear(weight: Tensor([[0, 0] as [Float]]), bias: Tensor([0.5] as [Float]))
    let x = Tensor([[1, 0], [0, 1], [1, 1], [2, -1]] as [[Float]])
    let y = Tensor([[3.5], [-1.5], [1.5], [8.5]] as [[Float]])
    let end = try LevenbergMarquardt().minimize(&layer, withRespectTo: ["weight"]) { $0(x) - y }
    #expect(end.cost < 1e-10)
    #expect(layer.weight.dtype == .float32 && layer.bias!.value == 0.5)
    #expect(layer.weight.relativeDistance(to: Tensor([[3, -2] as [Float]])) < 1e-6)
    #expect(throws: ParameterError.self) {
      try LevenbergMarquardt().minimize(&layer, withRespectTo: ["weights"]) { $0(x) - y }
    }
  }

  @Test func limitsAndWrongJacobiansAreReported() throws {
    let data = Self.curve(Self.truth)
    var values = ["x": Tensor([1.0, 0.1, 0.0])]
    let short = try LevenbergMarquardt(iterationLimit: 2).minimize(&values) {
      Self.curve($0["x"]!) - data
    }
    #expect(short.reason == .iterationLimit && short.iterations == 2)
    values = ["x": Tensor([1.0])]
    let wrong = LevenbergMarquardt.Jacobian.given { _ in ["x": -.ones([1, 1], dtype: .float64)] }
    let end = try LevenbergMarquardt().minimize(&values, jacobian: wrong) { $0["x"]! - 3 }
    #expect(end.reason == .noDecrease && end.cost == 2 && values["x"]!.value == 1)
  }

  /// The first step lands where the logarithm does not exist: it is refused and shortened.
  @Test func stepsThatAreNotFiniteAreRefused() throws {
    var values = ["x": Tensor([4.0])]
    var refused = 0
    let end = try LevenbergMarquardt().minimize(&values) { values in
      let residual = values["x"]!.log() - (0.1 as Double)
      if !residual.value.isFinite { refused += 1 }
      return residual
    }
    #expect(end.cost < 1e-20 && refused > 0)
    #expect((values["x"]!.value - 1.105170918).magnitude < 1e-8)
    values = ["x": Tensor([-4.0])]
    #expect(throws: LeastSquaresError.nonFiniteResiduals(at: "the start")) {
      try LevenbergMarquardt().minimize(&values) { $0["x"]!.log() }
    }
    #expect(throws: LeastSquaresError.dtype(.int32)) {
      try LevenbergMarquardt().minimize(&values) { _ in Tensor([Int32(1)]) }
    }
    let infinite = LevenbergMarquardt.Jacobian.given { _ in ["x": Tensor([[Double.infinity]])] }
    #expect(throws: LeastSquaresError.nonFiniteResiduals(at: "x")) {
      try LevenbergMarquardt().minimize(&values, jacobian: infinite) { $0["x"]! }
    }
    let narrow = LevenbergMarquardt.Jacobian.given { _ in ["x": Tensor([1.0])] }
    #expect(throws: LeastSquaresError.jacobian(parameter: "x", expected: [1, 1], actual: [1])) {
      try LevenbergMarquardt().minimize(&values, jacobian: narrow) { $0["x"]! }
    }
    let missing = LevenbergMarquardt.Jacobian.given { _ in [:] }
    #expect(throws: LeastSquaresError.jacobian(parameter: "x", expected: [1, 1], actual: nil)) {
      try LevenbergMarquardt().minimize(&values, jacobian: missing) { $0["x"]! }
    }
    #expect(values["x"]!.value == -4)
  }
}
