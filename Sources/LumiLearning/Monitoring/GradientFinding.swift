import LumiTensor

/// Something that is wrong with a training's gradients; see ``GradientMonitor``.
public struct GradientFinding: Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// The value does not depend on the parameter at all: the graph is broken, or the parameter is
    /// not used.
    case unreached
    /// The gradient was zero in every element for so many steps on end.
    case zeroGradient(steps: Int)
    /// The value or a gradient was not finite. `source` tells the operation that made the first such
    /// value; nil where gradients were handed over ready.
    case nonFinite(source: NonFiniteError?)
    /// The parameter itself was not finite when the step began.
    case nonFiniteParameter
    /// The gradient's norm was far above the median of the steps before.
    case exploding(norm: Double, median: Double)
  }

  public let kind: Kind
  /// The parameter's path; "value" for the value itself.
  public let parameter: String
  /// The step that showed it first, from 0.
  public let step: Int
  /// How many steps showed it so far.
  public internal(set) var count: Int

  public var description: String {
    "step \(step), \(parameter): \(explanation)" + (count > 1 ? " (\(count) steps so far)" : "")
  }

  /// What it means and what to try.
  private var explanation: String {
    switch kind {
    case .unreached:
      return """
        no gradient, because the value does not depend on it; look for a constant copy or a call of \
        stoppingGradient(), or leave the parameter out
        """
    case .zeroGradient(let steps):
      return """
        the gradient was zero for \(steps) steps; units may be dead, or the renderer may have no \
        gradient for what the parameter moves (see gradbench's zero share)
        """
    case .nonFinite(let source?):
      return "\(source); limit what goes into that operation"
    case .nonFinite(nil): return "not finite; run the step through valueAndGradient to learn why"
    case .nonFiniteParameter:
      return "the parameter itself is not finite; go back to a state before that"
    case .exploding(let norm, let median):
      return """
        the gradient's norm is \(norm), the median of the steps before \(median); lower the learning \
        rate or clip gradients
        """
    }
  }

  /// Kinds that differ only in their figures are one finding.
  var identity: String {
    switch kind {
    case .unreached: "unreached \(parameter)"
    case .zeroGradient: "zero \(parameter)"
    case .nonFinite: "nonFinite \(parameter)"
    case .nonFiniteParameter: "nonFiniteParameter \(parameter)"
    case .exploding: "exploding \(parameter)"
    }
  }
}
