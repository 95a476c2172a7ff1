import LumiTensor

#if canImport(Glibc)
  import Glibc
#endif

/// Adam with one step length for all elements of a parameter, so that the update keeps the
/// direction of the averaged gradient:
///
///     m ← β₁m + (1 - β₁)g        v ← β₂v + (1 - β₂)g²
///     p ← p - r m̂ / (√max v̂ + ε)   with m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ)
///
/// Made for ``LargeSteps``: elementwise scaling would undo the smoothness of its gradients. The
/// largest element moves by about r at a step; choose r as a share of the object's size. One
/// element with a huge gradient slows all others.
///
/// B. Nicolet, A. Jacobson, W. Jakob, "Large Steps in Inverse Rendering of Geometry", SIGGRAPH Asia
/// 2021.
public struct AdamUniform: Optimizer {
  public var learningRate: LearningRateSchedule
  public let beta1: Double
  public let beta2: Double
  public let epsilon: Double
  public private(set) var step = 0
  /// Moving average of every gradient, by parameter name.
  public private(set) var firstMoments: [String: Tensor] = [:]
  /// Moving average of every squared gradient.
  public private(set) var secondMoments: [String: Tensor] = [:]

  public init(
    learningRate: LearningRateSchedule = 1e-2, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8
  ) {
    require(
      (0..<1).contains(beta1) && (0..<1).contains(beta2) && epsilon >= 0,
      """
      AdamUniform: beta1 \(beta1), beta2 \(beta2), epsilon \(epsilon); expected betas in 0..<1, \
      epsilon 0 or more
      """)
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  public mutating func updated(
    _ parameters: [String: Tensor], gradients: [String: Tensor]
  ) throws -> [String: Tensor] {
    try Self.validate(parameters, gradients)
    let rate = learningRate(step)
    let correction1 = 1 - pow(beta1, Double(step + 1))
    let correction2 = 1 - pow(beta2, Double(step + 1))
    var result = parameters
    var (first, second) = (firstMoments, secondMoments)
    for (name, gradient) in gradients where gradient.count > 0 {
      let parameter = parameters[name]!.stoppingGradient()
      let g = gradient.stoppingGradient()
      let m = try OptimizerState.recall(first, name, like: parameter) * beta1 + g * (1 - beta1)
      let v =
        try OptimizerState.recall(second, name, like: parameter) * beta2 + g.square() * (1 - beta2)
      let scale = (v.max() / correction2).sqrt() + epsilon
      // Without any gradient so far and ε = 0 there is no direction to go.
      if scale.value > 0 { result[name] = parameter - m * (rate / correction1) / scale }
      (first[name], second[name]) = (m, v)
    }
    (firstMoments, secondMoments) = (first, second)
    step += 1
    return result
  }

  public var state: [String: Tensor] {
    OptimizerState.flatten(
      step: step, ["firstMoment": firstMoments, "secondMoment": secondMoments])
  }

  public mutating func restore(_ state: [String: Tensor]) throws {
    (step, firstMoments, secondMoments) = try OptimizerState.parseMoments(state)
  }
}
