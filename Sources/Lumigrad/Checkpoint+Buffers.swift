import LumiLearning
import LumiTensor

extension Checkpoint {
  /// Stores a model's buffers, such as running statistics, beside its parameters.
  ///
  /// - Throws: ``CheckpointError/name(_:reason:)`` for a name that is in use or holds a "/".
  public mutating func store(buffersOf model: some Buffered, as part: String) throws {
    try store(BufferState(model: model), as: part)
  }

  /// Gives a model the buffers that were stored.
  ///
  /// - Throws: ``CheckpointError`` for a missing part, or buffers with other names, shapes or
  ///   dtypes. Nothing has changed then.
  public func loadBuffers<Model: Buffered>(_ model: inout Model, from part: String) throws {
    var state = BufferState(model: model)
    try restore(&state, from: part)
    model = state.model
  }

  /// Stores a model's buffers if it has any.
  mutating func storeBuffers(ofAny model: some Parameterized, as part: String) throws {
    guard let buffered = model as? any Buffered, !buffered.buffers.isEmpty else { return }
    try store(buffersOf: buffered, as: part)
  }

  /// Gives a model its stored buffers if it has any.
  func loadBuffers<Model: Parameterized>(ofAny model: inout Model, from part: String) throws {
    func loaded(_ buffered: some Buffered) throws -> Model {
      var copy = buffered
      try loadBuffers(&copy, from: part)
      return copy as! Model
    }
    guard let buffered = model as? any Buffered, !buffered.buffers.isEmpty else { return }
    model = try loaded(buffered)
  }
}

/// A model's buffers as what it remembers from step to step.
private struct BufferState<Model: Buffered>: Restorable {
  var model: Model

  var state: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: model.buffers.map { ($0.path, $0.value) })
  }

  mutating func restore(_ state: [String: Tensor]) throws {
    let model = try model.replacingBuffers(state)
    for (own, found) in zip(self.model.buffers, model.buffers) {
      guard state[own.path] != nil else {
        throw ParameterError.unknown(own.path, known: state.keys.sorted())
      }
      guard found.value.dtype == own.value.dtype else {
        throw CheckpointError.dtype(
          parameter: own.path, expected: own.value.dtype, actual: found.value.dtype)
      }
    }
    self.model = model
  }
}
