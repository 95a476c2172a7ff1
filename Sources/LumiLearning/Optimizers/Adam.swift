import CLumiKernels
import LumiTensor

/// Adam, and with weight decay AdamW (``adamW(learningRate:learningRates:weightDecay:)``).
///
///     m ← β₁m + (1 - β₁)g        v ← β₂v + (1 - β₂)g²
///     p ← p - r λ p - r m̂ / (√v̂ + ε)   with m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ)
///
/// t counts this optimizer's updates from 1, for all parameters together; r is the learning rate, for
/// some parameters their own (``learningRates``).
///
/// - D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
/// - I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
public struct Adam: Optimizer {
  public var learningRate: LearningRateSchedule
  /// Other rates, by parameter path ("mesh.vertices") or by a part of paths that ends before a dot
  /// ("camera"); of several that fit the longest counts. One that fits no parameter is an error of
  /// the update. Empty by default.
  public var learningRates: [String: LearningRateSchedule]
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  /// λ, decoupled from the gradient: it shrinks parameters whatever their gradients' moments are.
  public var weightDecay: Double
  /// Parameters, or parts of their paths as in ``learningRates``, of which every update uses a few
  /// rows (along axis 0), such as one camera or latent code of many. Rows whose gradient is 0
  /// altogether keep their values and moments, without decay. Empty by default.
  ///
  /// Without it a row that is not used goes on moving by the moments of its last use. t still
  /// counts all updates.
  public var sparseParameters: Set<String> = []
  private var memory = AdamMemory()

  public init(
    learningRate: LearningRateSchedule = 1e-3,
    learningRates: [String: LearningRateSchedule] = [:], beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
  ) {
    AdamMemory.requireSettings("Adam", beta1: beta1, beta2: beta2, epsilon: epsilon)
    require(weightDecay >= 0, "Adam: weightDecay \(weightDecay), expected 0 or more")
    self.learningRate = learningRate
    self.learningRates = learningRates
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// AdamW: Adam with decoupled weight decay λ. A step shrinks parameters by the factor 1 - r λ with
  /// r as scheduled, so λ decays with the rate.
  public static func adamW(
    learningRate: LearningRateSchedule = 1e-3,
    learningRates: [String: LearningRateSchedule] = [:], weightDecay: Double = 0.01
  ) -> Adam {
    Adam(learningRate: learningRate, learningRates: learningRates, weightDecay: weightDecay)
  }

  public mutating func updated(
    _ parameters: [String: Tensor], gradients: [String: Tensor]
  ) throws -> [String: Tensor] {
    try validateGradients(parameters, gradients)
    try learningRates.checkPaths(parameters.keys)
    try checkSparseParameters(parameters)
    var result = parameters
    var next = memory
    for (name, gradient) in gradients {
      let parameter = parameters[name]!
      let rate = learningRates.schedule(of: name) ?? learningRate
      let coefficients = AdamCoefficients(
        rate: rate(step), beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
        correction1: memory.correction(beta1), correction2: memory.correction(beta2))
      let moments = try memory.moments(of: name, like: parameter)
      let values = AdamValues(
        parameter: parameter, gradient: gradient, firstMoment: moments.first,
        secondMoment: moments.second)
      let moved =
        isSparse(name) ? coefficients.applyToUsedRows(values) : coefficients.apply(values)
      result[name] = moved.parameter
      (next.first[name], next.second[name]) = (moved.firstMoment, moved.secondMoment)
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

  /// Follows a change of rows of some parameters, such as points that come and go: the moments
  /// become those of the rows `kept`, and zeros for the rows `added` behind them.
  ///
  /// - Parameters:
  ///   - paths: the parameters; those without moments stay without.
  ///   - kept: int32 or int64, positions of rows before the change. One out of range stops the
  ///     program.
  ///   - added: how many new rows follow.
  public mutating func rearrangeRows(of paths: [String], keeping kept: Tensor, adding added: Int) {
    require(added >= 0, "Adam.rearrangeRows: \(added) rows added")
    func rearranged(_ moment: Tensor) -> Tensor {
      let rows = moment.gather(kept)
      guard added > 0 else { return rows }
      return .concatenate(
        [rows, .zeros([added] + moment.shape.dropFirst(), dtype: moment.dtype)])
    }
    for path in paths {
      memory.first[path] = memory.first[path].map(rearranged)
      memory.second[path] = memory.second[path].map(rearranged)
    }
  }

  /// Forgets the moments of a parameter whose values were set anew.
  public mutating func forgetMoments(of path: String) {
    memory.first[path] = nil
    memory.second[path] = nil
  }
}

/// A parameter with what Adam knows about it.
package struct AdamValues {
  package var parameter: Tensor
  package let gradient: Tensor
  package var firstMoment: Tensor
  package var secondMoment: Tensor

  package init(
    parameter: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor
  ) {
    self.parameter = parameter
    self.gradient = gradient
    self.firstMoment = firstMoment
    self.secondMoment = secondMoment
  }
}

/// One update's numbers.
package struct AdamCoefficients {
  let rate, beta1, beta2, epsilon, weightDecay, correction1, correction2: Double

  package init(
    rate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
    correction1: Double, correction2: Double
  ) {
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.correction1 = correction1
    self.correction2 = correction2
  }

  func apply(_ values: AdamValues) -> AdamValues {
    values.parameter.dtype == .float32 ? applyKernel(values) : applyReadable(values)
  }

  /// Elements per thread and turn.
  private static let block = 1 << 16

  /// float32 through `lumi_adam_f32`.
  package func applyKernel(_ values: AdamValues) -> AdamValues {
    let gradient = values.gradient.pointer(Float.self)
    return inPlace(values, Float.self) { p, m, v, range in
      let at = range.lowerBound
      lumi_adam_f32(
        range.count, p + at, gradient + at, m + at, v + at, Float(rate), Float(beta1),
        Float(beta2), Float(epsilon), Float(weightDecay), Float(correction1), Float(correction2))
    }
  }

  /// The readable twin of ``applyKernel(_:)``, for either precision.
  package func applyReadable(_ values: AdamValues) -> AdamValues {
    values.parameter.dtype == .float32
      ? applyReadable(values, Float.self) : applyReadable(values, Double.self)
  }

  private func applyReadable<T: TensorScalar & BinaryFloatingPoint>(
    _ values: AdamValues, _ type: T.Type
  ) -> AdamValues {
    let gradient = values.gradient.pointer(T.self)
    let (b1, b2) = (T(beta1), T(beta2))
    let keep = 1 - T(rate) * T(weightDecay)
    let stepLength = T(rate) / T(correction1)
    return inPlace(values, T.self) { p, m, v, range in
      for i in range {
        let g = gradient[i]
        m[i] = b1 * m[i] + (1 - b1) * g
        v[i] = b2 * v[i] + (1 - b2) * (g * g)
        let scale = (v[i] / T(correction2)).squareRoot() + T(epsilon)
        p[i] = keep * p[i] - stepLength * m[i] / scale
      }
    }
  }

  /// Copies parameter and moments and lets `body` change the copies block by block.
  private func inPlace<T: TensorScalar>(
    _ values: AdamValues, _ type: T.Type,
    _ body: (
      UnsafeMutablePointer<T>, UnsafeMutablePointer<T>, UnsafeMutablePointer<T>, Range<Int>
    ) -> Void
  ) -> AdamValues {
    let old = [values.parameter, values.firstMoment, values.secondMoment]
    let new = old.map { Storage(byteCount: $0.count * MemoryLayout<T>.stride) }
    let from = old.map { $0.pointer(T.self) }
    let to = new.map { $0.pointer.assumingMemoryBound(to: T.self) }
    let count = values.parameter.count
    parallelFor((count + Self.block - 1) / Self.block) { index in
      let range = index * Self.block..<min((index + 1) * Self.block, count)
      for (source, target) in zip(from, to) {
        (target + range.lowerBound).update(from: source + range.lowerBound, count: range.count)
      }
      body(to[0], to[1], to[2], range)
    }
    let moved = zip(old, new).map { Tensor(storage: $1, shape: $0.shape, dtype: $0.dtype) }
    return AdamValues(
      parameter: moved[0], gradient: values.gradient, firstMoment: moved[1],
      secondMoment: moved[2])
  }
}
