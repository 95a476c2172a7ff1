import Synchronization

/// A non-finite number appeared where ``requiringFiniteValues(_:)`` watched.
public struct NonFiniteError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operation that made the first one.
  public let operation: String
  /// The operation whose gradient that was a part of; nil in a forward pass.
  public let gradientOf: String?
  /// The shape of what it made.
  public let shape: [Int]
  /// Row-major position of the first non-finite element.
  public let position: Int

  public var description: String {
    let place = gradientOf.map { " in the gradient of \($0)" } ?? ""
    return "\(operation)\(place) made a non-finite value at element \(position) of shape \(shape)"
  }
}

/// Runs `body` and throws if any tensor operation in it, backward passes included, makes a value
/// that is not finite. The error names the operation that made the first one.
public func requiringFiniteValues<Result>(_ body: () throws -> Result) throws -> Result {
  let watch = NonFiniteWatch()
  let result = try NonFiniteWatch.$current.withValue(watch, operation: body)
  if let first = watch.first { throw first }
  return result
}

final class NonFiniteWatch: @unchecked Sendable {
  @TaskLocal static var current: NonFiniteWatch?
  var first: NonFiniteError?
  private var gradientOf: String?

  /// Runs an operation's pullback; what it makes is told to be in that operation's gradient.
  static func inGradient(of operation: String, _ pullback: () -> [Tensor?]) -> [Tensor?] {
    guard isArmed.load(ordering: .relaxed) > 0, let watch = current else { return pullback() }
    let outer = watch.gradientOf
    watch.gradientOf = operation
    defer { watch.gradientOf = outer }
    let result = pullback()
    // Pullbacks written by hand may make values without any operation.
    for case let derivative? in result { inspect(derivative, operation) }
    return result
  }

  static func inspect(_ tensor: Tensor, _ operation: String) {
    guard isArmed.load(ordering: .relaxed) > 0, let watch = current, watch.first == nil else {
      return
    }
    watch.look(at: tensor, operation)
  }

  /// How many watches exist: the common case, none, must not pay for a task-local look-up.
  private static let isArmed = Atomic<Int>(0)

  init() { Self.isArmed.add(1, ordering: .relaxed) }
  deinit { Self.isArmed.subtract(1, ordering: .relaxed) }

  private func look(at tensor: Tensor, _ operation: String) {
    let position: Int? =
      switch tensor.dtype {
      case .float32: tensor.withUnsafeScalars(as: Float.self) { $0.firstIndex { !$0.isFinite } }
      case .float64: tensor.withUnsafeScalars(as: Double.self) { $0.firstIndex { !$0.isFinite } }
      default: nil
      }
    if let position {
      first = NonFiniteError(
        operation: operation, gradientOf: gradientOf, shape: tensor.shape, position: position)
    }
  }
}
