/// A value that remembers something from step to step and can go on from a saved state to the bit:
/// an optimizer, a moving average, a random generator.
public protocol Restorable {
  /// All that is remembered, by name.
  var state: [String: Tensor] { get }
  /// Continues from a ``state``. Settings, such as rates, are not part of it.
  ///
  /// - Throws: an error that says what does not fit. Nothing has changed then.
  mutating func restore(_ state: [String: Tensor]) throws
}

/// A state that is not one of the value that should continue from it.
public struct RestoreError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
}

extension RandomGenerator: Restorable {
  /// "counter": int64 [5] with the bits of seed, stream and position; 1 if half a block is left for
  /// the next 64-bit number, else 0; and the bits of that half.
  public var state: [String: Tensor] {
    let words = [seed, stream, position, spare == nil ? 0 : 1, spare ?? 0]
    return ["counter": Tensor(words.map { Int64(bitPattern: $0) })]
  }

  /// Continues from a ``state``, with its seed and stream.
  ///
  /// - Throws: ``RestoreError``. Nothing has changed then.
  public mutating func restore(_ state: [String: Tensor]) throws {
    guard state.count == 1, let counter = state["counter"], counter.dtype == .int64,
      counter.shape == [5]
    else {
      let found = state.sorted { $0.key < $1.key }
        .map { "\"\($0.key)\" \($0.value.dtype) \($0.value.shape)" }
      throw RestoreError(
        description: """
          random generator: expected "counter" int64 [5], found \
          \(found.isEmpty ? "nothing" : found.joined(separator: ", "))
          """)
    }
    let words = counter.scalars(as: Int64.self).map { UInt64(bitPattern: $0) }
    guard words[3] <= 1 else {
      throw RestoreError(
        description: "random generator: \(words[3]) halves of a block left, expected 0 or 1")
    }
    self = RandomGenerator(seed: words[0], stream: words[1], position: words[2])
    spare = words[3] == 1 ? words[4] : nil
  }
}
