import LumiTensor

/// A value with named tensors beside its parameters that no gradient changes: running statistics,
/// random frequencies.
///
/// They are kept apart because whatever visits parameters differentiates and trains them. A
/// checkpoint saves both.
public protocol Buffered {
  /// The same value with every buffer passed through `transform`, each once, in a fixed order.
  func mapBuffers(_ transform: (_ path: String, _ value: Tensor) throws -> Tensor) rethrows -> Self
}

extension Buffered {
  /// Every buffer in order.
  public var buffers: [(path: String, value: Tensor)] {
    var result: [(path: String, value: Tensor)] = []
    _ = mapBuffers { path, value in
      result.append((path, value))
      return value
    }
    return result
  }

  /// The same value with some buffers replaced by others of the same shape.
  ///
  /// - Throws: `ParameterError` for an unknown name or another shape.
  public func replacingBuffers(_ values: [String: Tensor]) throws -> Self {
    var unused = Set(values.keys)
    let result = try mapBuffers { path, value in
      guard let new = values[path] else { return value }
      unused.remove(path)
      guard new.shape == value.shape else {
        throw ParameterError.shape(path, expected: value.shape, actual: new.shape)
      }
      return new
    }
    if let name = unused.min() {
      throw ParameterError.unknown(name, known: buffers.map(\.path))
    }
    return result
  }

  /// The same value with the buffers of `other`, which has the same ones: after a step, the
  /// optimised model takes the statistics over that the forward pass found.
  public func adoptingBuffers(of other: Self) throws -> Self {
    try replacingBuffers(
      Dictionary(uniqueKeysWithValues: other.buffers.map { ($0.path, $0.value) }))
  }

  /// Visits the buffers of a part under the part's name.
  func mapBuffers(
    under part: String, _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    try mapBuffers { path, value in try transform("\(part).\(path)", value) }
  }
}

extension Buffered where Self: Parameterized {
  /// Parameters and buffers by name: what a checkpoint saves.
  public var state: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: (parameters + buffers).map { ($0.path, $0.value) })
  }

  /// The same value with parameters and buffers replaced by those of a ``state``; what is missing
  /// there stays.
  ///
  /// - Throws: `ParameterError` for an unknown name or another shape.
  public func restoring(_ state: [String: Tensor]) throws -> Self {
    let names = Set(parameters.map(\.path))
    let own = state.filter { names.contains($0.key) }
    let rest = state.filter { !names.contains($0.key) }
    do {
      return try replacing(own).replacingBuffers(rest)
    } catch ParameterError.unknown(let name, let known) {
      throw ParameterError.unknown(name, known: parameters.map(\.path) + known)
    }
  }
}

/// A module that behaves differently while it is trained, and learns something from each batch
/// beside its gradients.
///
/// ```swift
/// var seen = model
/// let gradients = try valueAndGradient(of: model) { model in
///   let (output, updated) = model.training(on: batch)
///   seen = updated
///   return loss(output)
/// }.gradients
/// try optimizer.update(&model, gradients: gradients)
/// model = try model.adoptingBuffers(of: seen)
/// ```
public protocol TrainingModule: Module, Buffered {
  /// The outputs for a batch in training, and the module with its buffers brought up to date.
  /// Buffers have no gradient.
  func training(on x: Tensor) -> (output: Tensor, updated: Self)
}
