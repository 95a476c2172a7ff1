import LumiTensor

// L-BFGS until nothing is left to do.

extension LBFGS {
  /// How a minimisation ended.
  public struct Summary: Sendable {
    public enum Reason: Sendable, Equatable {
      /// No element of the gradient is larger than the tolerance.
      case gradientTolerance
      /// An iteration lowered the value by less than the tolerance's share.
      case valueTolerance
      case iterationLimit
      /// No step was found, not even along the gradient. Near a minimum this is as far as rounding
      /// lets it come; far from one, the gradient is not that of the function.
      case lineSearch(LineSearchFailure)
    }
    public let reason: Reason
    public let value: Double
    /// The largest magnitude of an element of the gradient.
    public let largestGradient: Double
    public let iterations: Int
    /// Calls of the function.
    public let evaluations: Int
  }

  /// Iterates until a tolerance is met.
  ///
  /// - Parameters:
  ///   - parameters: the start, replaced by the end.
  ///   - iterationLimit: 0 or more.
  ///   - gradientTolerance: largest magnitude of an element of the gradient.
  ///   - valueTolerance: least relative decrease of the value in one iteration. 0 goes on until
  ///     another reason.
  ///   - function: value and gradients; must give the same for the same parameters.
  /// - Throws: as ``update(_:_:)``.
  @discardableResult
  public mutating func minimize(
    _ parameters: inout [String: Tensor], iterationLimit: Int = 200,
    gradientTolerance: Double = 1e-6, valueTolerance: Double = 1e-12,
    _ function: ([String: Tensor]) throws -> (value: Tensor, gradients: [String: Tensor])
  ) throws -> Summary {
    var point = try evaluateStart(parameters, function)
    var (iterations, evaluations) = (0, 1)
    var reason = Summary.Reason.iterationLimit
    while true {
      if point.gradient.largestMagnitude <= gradientTolerance {
        reason = .gradientTolerance
        break
      }
      guard iterations < iterationLimit else { break }
      let done = try iterate(&parameters, &point, function)
      evaluations += done.evaluations
      if let failure = done.failure {
        reason = .lineSearch(failure)
        break
      }
      iterations += 1
      if done.valueBefore - done.value < valueTolerance * done.valueBefore.magnitude {
        reason = .valueTolerance
        break
      }
    }
    return Summary(
      reason: reason, value: point.value, largestGradient: point.gradient.largestMagnitude,
      iterations: iterations, evaluations: evaluations)
  }

  /// Iterates on the floating-point parameters of a model, or those of some names.
  @discardableResult
  public mutating func minimize<Model: Parameterized>(
    _ model: inout Model, withRespectTo names: [String]? = nil, iterationLimit: Int = 200,
    gradientTolerance: Double = 1e-6, valueTolerance: Double = 1e-12,
    _ loss: (Model) throws -> Tensor
  ) throws -> Summary {
    try model.changing { parameters, start in
      try minimize(
        &parameters, iterationLimit: iterationLimit, gradientTolerance: gradientTolerance,
        valueTolerance: valueTolerance
      ) { moved in
        try valueAndGradient(of: start.settingParameters(moved), withRespectTo: names, loss)
      }
    }
  }
}
