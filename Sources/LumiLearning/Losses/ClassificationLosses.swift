import LumiTensor

extension Loss {
  /// mean over the rows of log Σ_k exp(z_k) - z_label: the cross entropy between softmax(z) and the
  /// class that is named, in nats. Large logits do not overflow.
  ///
  /// - Parameters:
  ///   - logits: z, [N, classes], N at least 1.
  ///   - labels: int32 or int64 [N], each in 0..<classes; another one stops the program.
  public static func crossEntropy(_ logits: Tensor, labels: Tensor) -> Tensor {
    requireClasses("crossEntropy", logits, labels)
    let chosen = logits.takeAlong(labels.expandingDims(at: 1), axis: 1).squeezed(axis: 1)
    return (logits.logSumExp(axis: 1) - chosen).mean()
  }
}

/// The share of rows whose largest logit is the label's, the first of equals counting as the
/// largest. It has no derivative.
///
/// - Parameters:
///   - logits: [N, classes], N at least 1.
///   - labels: int32 or int64 [N].
/// - Returns: [], from 0 to 1, in the dtype of `logits`.
public func classificationAccuracy(_ logits: Tensor, labels: Tensor) -> Tensor {
  requireClasses("classificationAccuracy", logits, labels)
  let found = logits.stoppingGradient().argmax(axis: 1)
  return (found .== labels.cast(to: .int64)).cast(to: logits.dtype).mean()
}

private func requireClasses(_ operation: String, _ logits: Tensor, _ labels: Tensor) {
  require(
    logits.rank == 2 && logits.count > 0 && logits.dtype.isFloatingPoint
      && labels.shape == [logits.shape[0]] && (labels.dtype == .int32 || labels.dtype == .int64),
    """
    \(operation): logits \(logits.dtype) \(logits.shape), labels \(labels.dtype) \(labels.shape); \
    expected [N, classes] and int32 or int64 [N], N at least 1
    """)
}
