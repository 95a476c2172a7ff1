import LumiTensor

/// Least squares: minimises F(x) = ½ ‖r(x)‖² for residuals r of a few parameters x, such as a pose, a
/// camera, a handful of curve coefficients.
///
/// Each iteration solves (JᵀJ + μD) h = -Jᵀr with the Jacobian J of r and keeps the step h if it
/// lowers F. Near a solution with small residuals that doubles the correct digits every time. Large
/// μ gives short steps along the gradient, so a singular JᵀJ does no harm: parameters that the
/// residuals do not tell apart move as little as they can.
///
/// All sums are float64. The normal equations are solved densely, which squares the condition of J
/// and takes n³ operations for n elements: up to some hundreds. μ follows Nielsen's rule.
///
/// - K. Levenberg, "A Method for the Solution of Certain Non-Linear Problems in Least Squares",
///   Quarterly of Applied Mathematics 2, 1944.
/// - D. Marquardt, "An Algorithm for Least-Squares Estimation of Nonlinear Parameters", SIAM J.
///   Applied Mathematics 11(2), 1963.
/// - H. B. Nielsen, "Damping Parameter in Marquardt's Method", report IMM-REP-1999-05, Technical
///   University of Denmark, 1999.
public struct LevenbergMarquardt: Sendable {
  /// What μ is multiplied with, D.
  public enum Scaling: Sendable {
    /// The identity (Levenberg): for parameters of one unit.
    case identity
    /// The diagonal of JᵀJ (Marquardt): steps do not depend on the parameters' units. A parameter
    /// without any influence does not move.
    case diagonal
  }

  /// Where the Jacobian comes from.
  public enum Jacobian: Sendable {
    /// One backward pass per residual: any function, few residuals.
    case rows
    /// Two backward passes per parameter element, through the first backward pass: many residuals,
    /// few parameters. Custom operations without a second derivative stop the program.
    case columns
    /// The caller's: for every parameter name the derivatives [residuals] + parameter shape.
    case given(@Sendable ([String: Tensor]) throws -> [String: Tensor])
  }

  public var scaling: Scaling
  /// μ at the start, as a share of the largest element of the diagonal of JᵀJ; with
  /// ``Scaling/diagonal`` μ itself. Small for starts that are close, 1 for ones that are not.
  public var damping: Double
  /// Iterations, with steps that were kept or not.
  public var iterationLimit: Int
  /// Largest magnitude of an element of Jᵀr.
  public var gradientTolerance: Double
  /// ‖h‖ relative to ‖x‖.
  public var stepTolerance: Double

  public init(
    scaling: Scaling = .diagonal, damping: Double = 1e-3, iterationLimit: Int = 100,
    gradientTolerance: Double = 1e-10, stepTolerance: Double = 1e-10
  ) {
    require(
      damping > 0 && iterationLimit >= 0 && gradientTolerance >= 0 && stepTolerance >= 0,
      """
      LevenbergMarquardt: damping \(damping), iterationLimit \(iterationLimit), tolerances \
      \(gradientTolerance) and \(stepTolerance); expected damping above 0, the others 0 or more
      """)
    self.scaling = scaling
    self.damping = damping
    self.iterationLimit = iterationLimit
    self.gradientTolerance = gradientTolerance
    self.stepTolerance = stepTolerance
  }

  /// How a minimisation ended.
  public struct Summary: Sendable {
    public enum Reason: Sendable, Equatable {
      /// The gradient Jᵀr is 0 as far as the tolerance asks; F may have a minimum there.
      case gradientTolerance
      /// The next step would be shorter than the tolerance.
      case stepTolerance
      case iterationLimit
      /// Steps were refused until they were as short as that: this is as far as rounding lets it
      /// come, or the Jacobian is not that of the residuals.
      case noDecrease
    }
    public let reason: Reason
    /// F at the start and at the end.
    public let costBefore, cost: Double
    /// Largest magnitude of an element of Jᵀr at the end.
    public let largestGradient: Double
    public let iterations: Int
    /// Calls of the residual function, those for Jacobians not counted.
    public let evaluations: Int
  }

  /// Minimises over all floating-point parameters.
  ///
  /// - Parameters:
  ///   - parameters: the start, replaced by the end, each in its own dtype. Integers stay.
  ///   - jacobian: where J comes from.
  ///   - residuals: of any shape, float32 or float64; as many for all parameters.
  /// - Throws: ``LeastSquaresError``, and what the closures throw. Nothing has changed then.
  @discardableResult
  public func minimize(
    _ parameters: inout [String: Tensor], jacobian: Jacobian = .rows,
    _ residuals: ([String: Tensor]) throws -> Tensor
  ) throws -> Summary {
    try withoutActuallyEscaping(residuals) { residuals in
      let problem = LeastSquaresProblem(
        layout: ParameterLayout(parameters.filter { $0.value.dtype.isFloatingPoint }),
        jacobian: jacobian, residuals: residuals)
      var descent = try Descent(rules: self, problem: problem, start: parameters)
      let reason = try descent.run()
      parameters = descent.point.parameters
      return Summary(
        reason: reason, costBefore: descent.costBefore, cost: descent.point.cost,
        largestGradient: descent.system.gradient.largestMagnitude,
        iterations: descent.iterations, evaluations: descent.evaluations)
    }
  }

  /// Minimises over all floating-point parameters of a model, or those of some names.
  ///
  /// - Throws: also `ParameterError` for a name that the model does not have.
  @discardableResult
  public func minimize<Model: Parameterized>(
    _ model: inout Model, withRespectTo names: [String]? = nil, jacobian: Jacobian = .rows,
    _ residuals: (Model) throws -> Tensor
  ) throws -> Summary {
    let start = model
    let all = start.parameters.filter { $0.value.dtype.isFloatingPoint }.map(\.path)
    var values: [String: Tensor] = [:]
    for name in names ?? all { values[name] = try start.parameter(name) }
    let result = try minimize(&values, jacobian: jacobian) {
      try residuals(start.settingParameters($0))
    }
    model = start.settingParameters(values)
    return result
  }
}

extension LevenbergMarquardt {
  /// One minimisation.
  private struct Descent {
    let rules: LevenbergMarquardt
    let problem: LeastSquaresProblem
    private(set) var point: LeastSquaresProblem.Point
    private(set) var system: LeastSquaresProblem.System
    let costBefore: Double
    private(set) var iterations = 0
    private(set) var evaluations = 1
    /// μ and the factor of its next growth.
    private var damping: Double
    private var growth = 2.0

    init(
      rules: LevenbergMarquardt, problem: LeastSquaresProblem, start: [String: Tensor]
    ) throws {
      (self.rules, self.problem) = (rules, problem)
      point = try problem.point(start)
      guard point.cost.isFinite else {
        throw LeastSquaresError.nonFiniteResiduals(at: "the start")
      }
      system = try problem.system(at: point)
      costBefore = point.cost
      let largest = system.diagonal.max() ?? 0
      damping = rules.damping * (rules.scaling == .identity && largest > 0 ? largest : 1)
    }

    mutating func run() throws -> Summary.Reason {
      while true {
        if system.gradient.largestMagnitude <= rules.gradientTolerance { return .gradientTolerance }
        guard iterations < rules.iterationLimit else { return .iterationLimit }
        guard damping.isFinite else { return .noDecrease }
        iterations += 1
        // Nearly singular in spite of μ: more of it.
        guard let step = system.step(damping: damping, scales: scales) else {
          raiseDamping()
          continue
        }
        let position = problem.layout.vector(point.parameters)
        let length = step.norm
        if length <= rules.stepTolerance * (position.norm + rules.stepTolerance) {
          return growth > 2 ? .noDecrease : .stepTolerance
        }
        if try !tryStep(step) { raiseDamping() }
      }
    }

    /// The diagonal of D.
    private var scales: [Double] {
      switch rules.scaling {
      case .identity: return system.diagonal.map { _ in 1 }
      case .diagonal:
        // A column of zeros needs something for the system to be regular; its step is 0 whatever.
        let largest = system.diagonal.max() ?? 0
        return system.diagonal.map { max($0, 1e-12 * largest, .leastNormalMagnitude) }
      }
    }

    /// Goes there if it is lower. The gain is what F fell by, relative to what the linear model
    /// promised.
    private mutating func tryStep(_ step: Tensor) throws -> Bool {
      let next = try problem.point(problem.layout.moved(point.parameters, by: step))
      evaluations += 1
      let damped = zip(step.scalars(as: Double.self), scales).map { damping * $1 * $0 * $0 }
      let promised = 0.5 * (damped.reduce(0, +) - (step * system.gradient).sum().value)
      let gain = (point.cost - next.cost) / promised
      guard next.cost.isFinite, next.cost < point.cost, gain > 0 else { return false }
      system = try problem.system(at: next)
      point = next
      let slack = 2 * gain - 1
      damping *= max(1.0 / 3, 1 - slack * slack * slack)
      growth = 2
      return true
    }

    private mutating func raiseDamping() {
      damping *= growth
      growth *= 2
    }
  }
}

extension Tensor {
  fileprivate var norm: Double { square().sum().value.squareRoot() }
}
