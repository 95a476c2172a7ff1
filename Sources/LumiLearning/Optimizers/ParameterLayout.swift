import LumiTensor

/// Named tensors as one float64 vector and back, in alphabetical order of the names.
struct ParameterLayout: Sendable, Equatable {
  let names: [String]
  let shapes: [[Int]]

  init(_ tensors: [String: Tensor]) {
    names = tensors.keys.sorted()
    shapes = names.map { tensors[$0]!.shape }
  }

  var count: Int { shapes.reduce(0) { $0 + $1.reduce(1, *) } }

  /// [count]. All names must be there.
  func vector(_ tensors: [String: Tensor]) -> Tensor {
    guard !names.isEmpty else { return .zeros([0], dtype: .float64) }
    return .concatenate(
      names.map { tensors[$0]!.stoppingGradient().cast(to: .float64).flattened() })
  }

  /// The parts of a vector, float64, by name.
  func tensors(_ vector: Tensor) -> [String: Tensor] {
    let parts = names.isEmpty ? [] : vector.split(sizes: shapes.map { $0.reduce(1, *) })
    return Dictionary(
      uniqueKeysWithValues: names.indices.map { (names[$0], parts[$0].reshaped(shapes[$0])) })
  }

  /// `parameters` with those of this layout moved by a vector, each in its own dtype.
  func moved(_ parameters: [String: Tensor], by step: Tensor) -> [String: Tensor] {
    parameters.merging(tensors(step)) { parameter, step in
      (parameter.stoppingGradient().cast(to: .float64) + step).cast(to: parameter.dtype)
    }
  }
}
