import LumiTensor

/// Bounds that keep one bad batch from throwing parameters far away.
///
/// Both leave what is not finite as it is, so that the optimizer's error still names it.
///
/// R. Pascanu, T. Mikolov, Y. Bengio, "On the Difficulty of Training Recurrent Neural Networks",
/// ICML 2013.
public enum GradientClipping {
  /// Scales all gradients together so that their common Euclidean norm is at most `limit`. Their
  /// direction stays.
  ///
  /// - Returns: the norm before, not finite if a gradient is not.
  @discardableResult
  public static func byGlobalNorm(
    _ gradients: inout [String: Tensor], limit: Double
  ) -> Double {
    require(limit > 0, "GradientClipping.byGlobalNorm: limit \(limit), expected above 0")
    let norm = globalNorm(gradients)
    guard norm > limit, norm.isFinite else { return norm }
    gradients = gradients.mapValues { $0 * (limit / norm) }
    return norm
  }

  /// The Euclidean norm of all gradients as one vector, summed in float64.
  public static func globalNorm(_ gradients: [String: Tensor]) -> Double {
    let ordered = gradients.sorted { $0.key < $1.key }.map(\.value).filter { $0.count > 0 }
      .map { $0.stoppingGradient().cast(to: .float64) }
    func norm(_ scale: Double) -> Double {
      ordered.reduce(0) { $0 + ($1 / scale).square().sum().value }.squareRoot() * scale
    }
    let plain = norm(1)
    let largest = ordered.reduce(0) { max($0, $1.abs().max().value) }
    // The squares of large float64 numbers overflow where the numbers do not.
    return plain.isFinite || !largest.isFinite ? plain : norm(largest)
  }

  /// Limits every element to -`limit`...`limit`. The direction may change.
  ///
  /// - Returns: the largest magnitude before, or NaN if an element is NaN.
  @discardableResult
  public static func byValue(_ gradients: inout [String: Tensor], limit: Double) -> Double {
    require(limit > 0, "GradientClipping.byValue: limit \(limit), expected above 0")
    var largest = 0.0
    for (name, gradient) in gradients.sorted(by: { $0.key < $1.key }) where gradient.count > 0 {
      let magnitude = gradient.stoppingGradient().abs()
      guard magnitude.isFinite().all().item(as: Bool.self) else {
        let hasNaN = magnitude.isNaN().any().item(as: Bool.self)
        largest = hasNaN || largest.isNaN ? .nan : .infinity
        continue
      }
      if !largest.isNaN { largest = max(largest, magnitude.max().value) }
      gradients[name] = gradient.clamped(min: -limit, max: limit)
    }
    return largest
  }
}
