import LumiTensor

#if canImport(Glibc)
  import Glibc
#endif

/// What Adam and its relatives remember: the number of updates and two moving averages per
/// parameter.
struct AdamMemory: Restorable, Sendable {
  var step = 0
  /// Of every gradient, by parameter name.
  var first: [String: Tensor] = [:]
  /// Of every squared gradient.
  var second: [String: Tensor] = [:]

  /// The moments of a parameter; zeros before its first update.
  func moments(of name: String, like parameter: Tensor) throws -> (first: Tensor, second: Tensor) {
    (
      try OptimizerState.recall(first, name, like: parameter),
      try OptimizerState.recall(second, name, like: parameter)
    )
  }

  /// 1 - βᵗ for the update that comes next.
  func correction(_ beta: Double) -> Double { 1 - pow(beta, Double(step + 1)) }

  static func requireSettings(_ name: String, beta1: Double, beta2: Double, epsilon: Double) {
    require(
      (0..<1).contains(beta1) && (0..<1).contains(beta2) && epsilon >= 0,
      """
      \(name): beta1 \(beta1), beta2 \(beta2), epsilon \(epsilon); expected betas in 0..<1, epsilon 0 \
      or more
      """)
  }

  var state: [String: Tensor] {
    OptimizerState.flatten(step: step, ["firstMoment": first, "secondMoment": second])
  }

  mutating func restore(_ state: [String: Tensor]) throws {
    let (step, memories) = try OptimizerState.parse(state, kinds: ["firstMoment", "secondMoment"])
    let (first, second) = (memories["firstMoment"]!, memories["secondMoment"]!)
    if let name = Set(first.keys).symmetricDifference(second.keys).min() {
      throw OptimizerError.invalidState("only one of the two moments of \"\(name)\" is there")
    }
    (self.step, self.first, self.second) = (step, first, second)
  }
}
