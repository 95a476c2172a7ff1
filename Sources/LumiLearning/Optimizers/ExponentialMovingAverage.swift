import LumiTensor

#if canImport(Glibc)
  import Glibc
#endif

/// Parameters averaged over a training, which usually generalise better than its last ones:
///
///     a ← d a + (1 - d) p
///
/// a starts at the first p, or with bias correction at 0, where the average is a / (1 - dᵗ) after t
/// updates: then the first parameters weigh no more than others. About the last 1 / (1 - d) updates
/// count.
///
/// B. T. Polyak, A. B. Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM J.
/// Control and Optimization 30(4), 1992; the correction is Adam's (Kingma, Ba, ICLR 2015).
public struct ExponentialMovingAverage: Restorable, Sendable {
  /// d, in 0..<1.
  public let decay: Double
  public let correctsBias: Bool
  /// How many updates have been made.
  public private(set) var step = 0
  /// a, by parameter name.
  private var memory: [String: Tensor] = [:]

  public init(decay: Double = 0.999, correctsBias: Bool = false) {
    require(
      (0..<1).contains(decay), "ExponentialMovingAverage: decay \(decay), expected in 0..<1")
    (self.decay, self.correctsBias) = (decay, correctsBias)
  }

  /// Takes in the floating-point parameters of a model.
  ///
  /// - Throws: `ParameterError` for names or shapes other than at the first update,
  ///   ``OptimizerError/dtype(parameter:expected:actual:)`` for another dtype. Nothing has changed
  ///   then.
  public mutating func update(_ model: some Parameterized) throws {
    try update(Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.path, $0.value) }))
  }

  /// Takes in the floating-point ones of some tensors.
  public mutating func update(_ parameters: [String: Tensor]) throws {
    let values = parameters.filter { $0.value.dtype.isFloatingPoint }
      .mapValues { $0.stoppingGradient() }
    if step == 0 {
      memory = correctsBias ? values.mapValues { $0 * (1 - decay) } : values
    } else {
      try check(values)
      memory = memory.mapValues { $0 * decay }
        .merging(values.mapValues { $0 * (1 - decay) }) { $0 + $1 }
    }
    step += 1
  }

  /// The averages by parameter name; empty before the first update.
  public var averages: [String: Tensor] {
    guard correctsBias && step > 0 else { return memory }
    let weight = 1 - pow(decay, Double(step))
    return memory.mapValues { $0 / weight }
  }

  /// The model with averages for parameters; the model itself before the first update.
  ///
  /// - Throws: `ParameterError` for a model with other names or shapes.
  public func applied<Model: Parameterized>(to model: Model) throws -> Model {
    try model.replacing(averages)
  }

  public var state: [String: Tensor] {
    OptimizerState.flatten(step: step, ["average": memory])
  }

  /// - Throws: ``OptimizerError/invalidState(_:)``. Nothing has changed then.
  public mutating func restore(_ state: [String: Tensor]) throws {
    let (step, memories) = try OptimizerState.parse(state, kinds: ["average"])
    (self.step, memory) = (step, memories["average"]!)
  }

  private func check(_ values: [String: Tensor]) throws {
    let names = memory.keys.sorted()
    if let name = Set(names).symmetricDifference(values.keys).min() {
      throw ParameterError.unknown(name, known: memory[name] == nil ? names : values.keys.sorted())
    }
    for name in names {
      let (old, new) = (memory[name]!, values[name]!)
      guard old.shape == new.shape else {
        throw ParameterError.shape(name, expected: old.shape, actual: new.shape)
      }
      guard old.dtype == new.dtype else {
        throw OptimizerError.dtype(parameter: name, expected: old.dtype, actual: new.dtype)
      }
    }
  }
}
