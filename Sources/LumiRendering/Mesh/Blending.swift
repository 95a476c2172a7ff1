import LumiTensor

/// Stage 4's second half: from fragments to pixels.
public enum Blending {
  /// The nearest fragment of each pixel over the background; at most one fragment a pixel.
  ///
  /// - Parameters:
  ///   - colors: [fragments, C].
  ///   - fragments: where the values belong.
  ///   - background: [C].
  /// - Returns: [height, width, C].
  public static func hard(_ colors: Tensor, _ fragments: Fragments, background: Tensor) -> Tensor {
    let covered = coverage(fragments, dtype: colors.dtype).expandingDims(at: 1)
    let image = fragments.sumPerPixel(colors) + background * (1 - covered)
    return image.reshaped([fragments.screen.height, fragments.screen.width, colors.shape[1]])
  }

  /// 1 where a pixel has a fragment, else 0: [pixels].
  public static func coverage(_ fragments: Fragments, dtype: DType) -> Tensor {
    fragments.sumPerPixel(Tensor.ones([fragments.count], dtype: dtype)).clamped(max: 1)
  }

  /// 1 - Π(1 - sigmoid(x)) over each pixel's fragments: the probability that any face covers the
  /// pixel if each does so independently. Computed from logits, so that it is smooth where a face
  /// covers a pixel for certain.
  ///
  /// - Parameters:
  ///   - logits: [fragments].
  ///   - fragments: where the values belong.
  /// - Returns: [height, width].
  public static func unionOfProbabilities(logits: Tensor, _ fragments: Fragments) -> Tensor {
    let alpha = -(-fragments.sumPerPixel(logits.softplus())).expm1()
    return alpha.reshaped([fragments.screen.height, fragments.screen.width])
  }

  /// Σ wc/Σ w over each pixel's fragments and the background, from the weights' logarithms.
  ///
  /// - Parameters:
  ///   - colors: [fragments, C].
  ///   - exponents: [fragments], the logarithms of the weights.
  ///   - fragments: where the values belong.
  ///   - background: [C].
  ///   - backgroundExponent: [pixels] or a scalar.
  /// - Returns: [height, width, C].
  public static func softmax(
    _ colors: Tensor, exponents: Tensor, _ fragments: Fragments, background: Tensor,
    backgroundExponent: Tensor
  ) -> Tensor {
    let own = backgroundExponent.broadcast(to: [fragments.pixelCount])
    let peak = Tensor.maximum(
      fragments.maximumPerPixel(exponents.stoppingGradient(), atLeast: -1e30),
      own.stoppingGradient())
    let weights = (exponents - peak.gather(fragments.pixels)).exp().expandingDims(at: 1)
    let rest = (own - peak).exp().expandingDims(at: 1)
    let total = fragments.sumPerPixel(weights) + rest
    let image = (fragments.sumPerPixel(weights * colors) + rest * background) / total
    return image.reshaped([fragments.screen.height, fragments.screen.width, colors.shape[1]])
  }
}
