import LumiTensor

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
  private var memory = AdamMemory()

  public init(
    learningRate: LearningRateSchedule = 1e-2, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8
  ) {
    AdamMemory.requireSettings("AdamUniform", beta1: beta1, beta2: beta2, epsilon: epsilon)
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  public mutating func updated(
    _ parameters: [String: Tensor], gradients: [String: Tensor]
  ) throws -> [String: Tensor] {
    try validateGradients(parameters, gradients)
    let rate = learningRate(step)
    let (correction1, correction2) = (memory.correction(beta1), memory.correction(beta2))
    var result = parameters
    var next = memory
    for (name, gradient) in gradients where gradient.count > 0 {
      let parameter = parameters[name]!.stoppingGradient()
      let g = gradient.stoppingGradient()
      let moments = try memory.moments(of: name, like: parameter)
      let m = moments.first * beta1 + g * (1 - beta1)
      let v = moments.second * beta2 + g.square() * (1 - beta2)
      let scale = (v.max() / correction2).sqrt() + epsilon
      // Without any gradient so far and ε = 0 there is no direction to go.
      if scale.value > 0 { result[name] = parameter - m * (rate / correction1) / scale }
      (next.first[name], next.second[name]) = (m, v)
    }
    memory = next
    memory.step += 1
    return result
  }

  public var step: Int { memory.step }
  /// Moving average of every gradient, by parameter name.
  public var firstMoments: [String: Tensor] { memory.first }
  /// Moving average of every squared gradient.
  public var secondMoments: [String: Tensor] { memory.second }
  public var state: [String: Tensor] { memory.state }
  public mutating func restore(_ state: [String: Tensor]) throws { try memory.restore(state) }
}
