import LumiTensor

/// The losses of IDR (Yariv et al., NeurIPS 2020, equations 9 to 11), normalised as the authors'
/// program does.
public enum IDRLoss {
  /// Colours: Σ |predicted - target| over pixels and channels, divided by how many pixels the batch
  /// has, hit or not.
  ///
  /// - Parameters:
  ///   - predicted: [N, C], of the pixels that are hit and in the mask.
  ///   - target: [N, C].
  ///   - pixelCount: of the batch.
  public static func color(_ predicted: Tensor, target: Tensor, pixelCount: Int) -> Tensor {
    require(
      predicted.shape == target.shape && pixelCount > 0,
      "IDRLoss.color: \(predicted.shape), target \(target.shape), \(pixelCount) pixels")
    return (predicted - target).abs().sum() / Double(pixelCount)
  }

  /// Masks: the binary cross-entropy between sigmoid(-α f) and the mask, divided by α and by how many
  /// pixels the batch has.
  ///
  /// - Parameters:
  ///   - leastValues: f [N], the least value along the rays of the pixels that are not both hit and in
  ///     the mask.
  ///   - mask: [N], 1 where the body is, else 0.
  ///   - sharpness: α, per world unit.
  ///   - pixelCount: of the batch.
  public static func mask(
    leastValues: Tensor, mask: Tensor, sharpness: Double, pixelCount: Int
  ) -> Tensor {
    require(
      leastValues.shape == mask.shape && sharpness > 0 && pixelCount > 0,
      """
      IDRLoss.mask: values \(leastValues.shape), mask \(mask.shape), sharpness \(sharpness), \
      \(pixelCount) pixels
      """)
    // With x = -αf: -m log σ(x) - (1 - m) log σ(-x) = softplus(x) - m·x, without overflow.
    let logits = leastValues * -sharpness
    return (logits.softplus() - mask * logits).sum() / (sharpness * Double(pixelCount))
  }

  /// The mean of (|∇f| - 1)² over gradients [N, 3]; 0 if there are none.
  public static func eikonal(_ gradients: Tensor) -> Tensor {
    (gradients.norm(axis: 1) - 1).square().sum() / Double(max(gradients.shape[0], 1))
  }
}
