import LumiLearning
import LumiTensor

extension Tensor {
  /// The largest absolute difference, divided by the largest magnitude of `reference` (at least
  /// 1e-30); infinite if anything is NaN.
  func relativeDistance(to reference: Tensor) -> Double {
    precondition(shape == reference.shape)
    let exact = reference.scalars(as: Double.self)
    let scale = exact.map(\.magnitude).max() ?? 0
    let errors = zip(scalars(as: Double.self), exact).map { ($0 - $1).magnitude }
    if errors.contains(where: \.isNaN) { return .infinity }
    let worst = errors.max() ?? 0
    return worst / Swift.max(scale, 1e-30)
  }

  var isAllFinite: Bool { scalars(as: Double.self).allSatisfy(\.isFinite) }

  /// The elements' bits, so that -0 and NaN count as what they are.
  var bits: [UInt32] { scalars(as: Float.self).map(\.bitPattern) }
}

let allActivations: [Activation] = [
  .none, .relu, .softplus(beta: 1), .softplus(beta: 100), .sigmoid, .tanh, .sine(omega: 30),
]

let smoothActivations: [Activation] = [
  .none, .softplus(beta: 2), .sigmoid, .tanh, .sine(omega: 3),
]
