import CLumiKernels
import Synchronization

/// Names the node, and which of its outputs, that made a tensor.
package struct TapeSource: Sendable {
  let node: TapeNode
  let output: Int
}

/// What a node's derivative gets to work with.
struct PullbackInput {
  /// The derivative of the loss with respect to each output; nil where none arrived.
  let cotangents: [Tensor?]
  /// The node's outputs, attached to the tape, if it kept them.
  let outputs: [Tensor]
  /// Which inputs the caller wants a derivative for.
  let needs: [Bool]
}

/// One recorded operation. Nodes form a graph from outputs to inputs and own nothing that points
/// back at them, so that a graph goes when its last tensor goes.
package final class TapeNode: @unchecked Sendable {
  typealias Pullback = (PullbackInput) -> [Tensor?]

  let operation: String
  /// Creation order: every node's number is higher than its inputs'.
  let sequence: UInt64
  private(set) var inputs: [TapeSource?]
  private let keptOutputs: [Tensor]
  private var pullback: Pullback?

  private static let counter = Atomic<UInt64>(0)

  init(
    _ operation: String, inputs: [TapeSource?], kept: [Tensor] = [], pullback: @escaping Pullback
  ) {
    self.operation = operation
    self.inputs = inputs
    keptOutputs = kept
    self.pullback = pullback
    sequence = Self.counter.add(1, ordering: .relaxed).newValue
  }

  func pullBack(_ cotangents: [Tensor?], needs: [Bool]) -> [Tensor?] {
    let outputs = keptOutputs.enumerated().map { index, output in
      Tensor(
        storage: output.storage, shape: output.shape, dtype: output.dtype,
        source: TapeSource(node: self, output: index))
    }
    let result = NonFiniteWatch.inGradient(of: operation) {
      pullback!(PullbackInput(cotangents: cotangents, outputs: outputs, needs: needs))
    }
    require(
      result.count == inputs.count,
      "\(operation): its pullback gave \(result.count) derivatives for \(inputs.count) inputs")
    return result
  }

  // A chain of a million nodes must not be released by a million nested calls.
  deinit {
    var pending: [TapeNode] = []
    Self.detach(inputs, pullback: &pullback, into: &pending)
    inputs = []
    while var last = pending.popLast() {
      if isKnownUniquelyReferenced(&last) {
        Self.detach(last.inputs, pullback: &last.pullback, into: &pending)
        last.inputs = []
      }
    }
  }

  private static func detach(
    _ inputs: [TapeSource?], pullback: inout Pullback?, into pending: inout [TapeNode]
  ) {
    for case let source? in inputs { pending.append(source.node) }
    pullback = nil
  }
}

enum Tape {
  /// Whether operations on this thread are remembered now.
  static var isRecording: Bool { lumi_tape_depth() > 0 }

  /// Runs `body` with `depth` open gradient scopes.
  static func withDepth<Result>(_ depth: Int32, _ body: () throws -> Result) rethrows -> Result {
    let saved = lumi_tape_depth()
    lumi_tape_set_depth(depth)
    defer { lumi_tape_set_depth(saved) }
    return try body()
  }
}

/// Runs `body` without remembering what it does, whatever gradient scopes are open around it: its
/// results are constants.
package func withoutRecording<Result>(_ body: () throws -> Result) rethrows -> Result {
  try Tape.withDepth(0, body)
}

extension Tensor {
  /// The same elements, unknown to the tape.
  var detached: Tensor { Tensor(storage: storage, shape: shape, dtype: dtype) }

  func attached(to node: TapeNode, output: Int = 0) -> Tensor {
    Tensor(
      storage: storage, shape: shape, dtype: dtype, source: TapeSource(node: node, output: output))
  }

  /// Remembers that this fresh tensor came from `inputs`, if anyone wants its derivative.
  func recorded(
    _ operation: String, from inputs: [Tensor],
    _ pullback: @escaping (_ cotangent: Tensor, _ needs: [Bool]) -> [Tensor?]
  ) -> Tensor {
    NonFiniteWatch.inspect(self, operation)
    guard Tape.isRecording, inputs.contains(where: { $0.source != nil }) else { return self }
    let node = TapeNode(operation, inputs: inputs.map(\.source)) { input in
      pullback(input.cotangents[0]!, input.needs)
    }
    return attached(to: node)
  }

  /// As ``recorded(_:from:_:)``, for derivatives that are best written with the output itself.
  func recordedKeepingOutput(
    _ operation: String, from inputs: [Tensor],
    _ pullback: @escaping (_ cotangent: Tensor, _ output: Tensor, _ needs: [Bool]) -> [Tensor?]
  ) -> Tensor {
    NonFiniteWatch.inspect(self, operation)
    guard Tape.isRecording, inputs.contains(where: { $0.source != nil }) else { return self }
    let node = TapeNode(operation, inputs: inputs.map(\.source), kept: [detached]) { input in
      pullback(input.cotangents[0]!, input.outputs[0], input.needs)
    }
    return attached(to: node)
  }
}
