import LumiTensor

/// Gradient descent with momentum.
///
///     g ← g + λp        u ← μu + g        p ← p - r u, or with Nesterov p ← p - r (g + μu)
///
/// u starts at 0, r is the learning rate.
///
/// I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the Importance of Initialization and Momentum
/// in Deep Learning", ICML 2013 (with the learning rate outside of u).
public struct SGD: Optimizer {
  public var learningRate: LearningRateSchedule
  /// μ.
  public var momentum: Double
  /// Looks ahead along the momentum.
  public var isNesterov: Bool
  /// λ, added to the gradient.
  public var weightDecay: Double
  public private(set) var step = 0
  /// u, by parameter name; empty without momentum.
  public private(set) var velocities: [String: Tensor] = [:]

  public init(
    learningRate: LearningRateSchedule, momentum: Double = 0, isNesterov: Bool = false,
    weightDecay: Double = 0
  ) {
    require(
      (0..<1).contains(momentum) && weightDecay >= 0 && (!isNesterov || momentum > 0),
      """
      SGD: momentum \(momentum), weightDecay \(weightDecay), Nesterov \(isNesterov); expected \
      momentum in 0..<1, above 0 for Nesterov, weightDecay 0 or more
      """)
    self.learningRate = learningRate
    self.momentum = momentum
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
  }

  public mutating func updated(
    _ parameters: [String: Tensor], gradients: [String: Tensor]
  ) throws -> [String: Tensor] {
    try validateGradients(parameters, gradients)
    let rate = learningRate(step)
    var result = parameters
    var moved = velocities
    for (name, arrived) in gradients {
      let parameter = parameters[name]!.stoppingGradient()
      var direction = arrived.stoppingGradient()
      if weightDecay > 0 { direction += parameter * weightDecay }
      if momentum > 0 {
        let gradient = direction
        let memory = try OptimizerState.recall(velocities, name, like: parameter)
        let velocity = memory * momentum + gradient
        moved[name] = velocity
        direction = isNesterov ? gradient + velocity * momentum : velocity
      }
      result[name] = parameter - direction * rate
    }
    velocities = moved
    step += 1
    return result
  }

  public var state: [String: Tensor] {
    OptimizerState.flatten(step: step, ["velocity": velocities])
  }

  public mutating func restore(_ state: [String: Tensor]) throws {
    let (step, memories) = try OptimizerState.parse(state, kinds: ["velocity"])
    (self.step, velocities) = (step, memories["velocity"]!)
  }
}
