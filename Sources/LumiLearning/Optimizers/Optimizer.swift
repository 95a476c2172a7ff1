import LumiTensor

/// A rule that moves parameters against their gradients and remembers something between updates.
///
/// Its `state` holds "step" and tensors such as "firstMoment.mesh.vertices"; restoring throws
/// ``OptimizerError/invalidState(_:)``.
public protocol Optimizer: Restorable, Sendable {
  var learningRate: LearningRateSchedule { get set }
  /// How many updates have been made.
  var step: Int { get }

  /// The values of named parameters after one update. The gradients are those of a minimised
  /// function; parameters without a gradient stay as they are.
  ///
  /// - Throws: ``OptimizerError`` for a gradient that is not finite or of another dtype,
  ///   `ParameterError` for one with an unknown name or another shape. Nothing has changed then.
  mutating func updated(
    _ parameters: [String: Tensor], gradients: [String: Tensor]
  ) throws -> [String: Tensor]
}

/// An update or a restored state that an optimizer or a moving average refuses.
public enum OptimizerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The element of a gradient at a row-major position is infinite or NaN.
  case nonFiniteGradient(parameter: String, position: Int, value: Double)
  case dtype(parameter: String, expected: DType, actual: DType)
  /// The function to minimise is infinite or NaN where the search begins.
  case nonFiniteValue(Double)
  case invalidState(String)

  public var description: String {
    switch self {
    case .nonFiniteGradient(let parameter, let position, let value):
      "the gradient of \"\(parameter)\" is \(value) at element \(position)"
    case .dtype(let parameter, let expected, let actual):
      "the gradient of \"\(parameter)\" is \(actual), expected \(expected)"
    case .nonFiniteValue(let value): "the function to minimise is \(value) at the start"
    case .invalidState(let reason): "saved state: \(reason)"
    }
  }
}

extension Optimizer {
  /// Replaces the parameters of `model` by their values after one update.
  public mutating func update<Model: Parameterized>(
    _ model: inout Model, gradients: [String: Tensor]
  ) throws {
    try model.changing { parameters, _ in
      parameters = try updated(parameters, gradients: gradients)
    }
  }

  /// Replaces parameters by their values after one update.
  public mutating func update(
    _ parameters: inout [String: Tensor], gradients: [String: Tensor]
  ) throws {
    parameters = try updated(parameters, gradients: gradients)
  }
}

/// Checks names, shapes, dtypes and elements of all gradients before anything changes.
func validateGradients(
  _ parameters: [String: Tensor], _ gradients: [String: Tensor]
) throws {
  for (name, gradient) in gradients.sorted(by: { $0.key < $1.key }) {
    guard let parameter = parameters[name] else {
      throw ParameterError.unknown(name, known: parameters.keys.sorted())
    }
    guard gradient.shape == parameter.shape else {
      throw ParameterError.shape(name, expected: parameter.shape, actual: gradient.shape)
    }
    guard gradient.dtype == parameter.dtype && gradient.dtype.isFloatingPoint else {
      throw OptimizerError.dtype(
        parameter: name, expected: parameter.dtype, actual: gradient.dtype)
    }
    if let (position, value) = firstNonFinite(gradient) {
      throw OptimizerError.nonFiniteGradient(parameter: name, position: position, value: value)
    }
  }
}

private func firstNonFinite(_ gradient: Tensor) -> (Int, Double)? {
  gradient.dtype == .float32
    ? gradient.withUnsafeScalars(as: Float.self, firstNonFinite)
    : gradient.withUnsafeScalars(as: Double.self, firstNonFinite)
}

private func firstNonFinite<T: BinaryFloatingPoint>(
  _ values: UnsafeBufferPointer<T>
) -> (Int, Double)? {
  for position in values.indices where !values[position].isFinite {
    return (position, Double(values[position]))
  }
  return nil
}

/// Named tensors of an optimizer's memory, as a flat dictionary and back.
enum OptimizerState {
  static func flatten(step: Int, _ memories: [String: [String: Tensor]]) -> [String: Tensor] {
    var state = ["step": Tensor([Int64(step)], shape: [])]
    for (kind, tensors) in memories {
      for (name, tensor) in tensors { state["\(kind).\(name)"] = tensor }
    }
    return state
  }

  /// The step and, per kind, the tensors by parameter name.
  static func parse(
    _ state: [String: Tensor], kinds: [String]
  ) throws -> (step: Int, memories: [String: [String: Tensor]]) {
    guard let step = state["step"], step.dtype == .int64, step.count == 1, step.value >= 0 else {
      throw OptimizerError.invalidState("\"step\" is missing or not one int64 of 0 or more")
    }
    var memories = Dictionary(uniqueKeysWithValues: kinds.map { ($0, [String: Tensor]()) })
    for (key, tensor) in state where key != "step" {
      guard let dot = key.firstIndex(of: "."), kinds.contains(String(key[..<dot])) else {
        throw OptimizerError.invalidState(
          "\"\(key)\" does not begin with \(kinds.map { "\"\($0).\"" }.joined(separator: " or "))")
      }
      guard tensor.dtype.isFloatingPoint else {
        throw OptimizerError.invalidState("\"\(key)\" is \(tensor.dtype)")
      }
      memories[String(key[..<dot])]![String(key[key.index(after: dot)...])] = tensor
    }
    return (Int(step.item(as: Int64.self)), memories)
  }

  /// The remembered tensor of a parameter, or zeros for one that has not been updated before.
  static func recall(_ memory: [String: Tensor], _ name: String, like parameter: Tensor) throws
    -> Tensor
  {
    guard let tensor = memory[name] else {
      return Tensor.zeros(parameter.shape, dtype: parameter.dtype)
    }
    guard tensor.shape == parameter.shape && tensor.dtype == parameter.dtype else {
      throw OptimizerError.invalidState(
        """
        memory of "\(name)" is \(tensor.dtype) \(tensor.shape), the parameter is \
        \(parameter.dtype) \(parameter.shape)
        """)
    }
    return tensor
  }
}
