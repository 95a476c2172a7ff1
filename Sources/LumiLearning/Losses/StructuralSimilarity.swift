import LumiTensor

/// Structural similarity (SSIM) of two images in windows of 3×3 pixels with equal weights, as
/// self-supervised depth uses it: ((2μₐμ_b + C₁)(2σₐ_b + C₂)) / ((μₐ² + μ_b² + C₁)(σₐ² + σ_b² + C₂))
/// with the variances of the whole window, C₁ = 0.01² and C₂ = 0.03².
///
/// Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
/// TIP 2004, who weigh windows of 11×11 by a Gaussian; the small window is C. Godard et al.'s, CVPR
/// 2017.
///
/// - Parameters:
///   - a: [H, W, C] in [0, 1], at least 3×3.
///   - b: the same shape.
/// - Returns: [H - 2, W - 2, C], 1 where equal.
public func structuralSimilarity(_ a: Tensor, _ b: Tensor) -> Tensor {
  requireSameShape("structuralSimilarity", a, b)
  require(
    a.rank == 3 && a.shape[0] >= 3 && a.shape[1] >= 3,
    "structuralSimilarity: shape \(a.shape), expected at least [3, 3, C]")
  let (c1, c2) = (1e-4, 9e-4)
  let (meanA, meanB) = (boxMean(a), boxMean(b))
  let (squareA, squareB, product) = (meanA.square(), meanB.square(), meanA * meanB)
  let varianceA = boxMean(a.square()) - squareA
  let varianceB = boxMean(b.square()) - squareB
  let covariance = boxMean(a * b) - product
  return (product * 2 + c1) * (covariance * 2 + c2)
    / ((squareA + squareB + c1) * (varianceA + varianceB + c2))
}

/// Means of 3×3 windows that fit whole, [H - 2, W - 2, C].
private func boxMean(_ image: Tensor) -> Tensor {
  func sum(_ image: Tensor, axis: Int) -> Tensor {
    let count = image.shape[axis]
    func part(_ start: Int) -> Tensor {
      image.slice(axis: axis, from: start, to: count - 2 + start)
    }
    return part(0) + part(1) + part(2)
  }
  return sum(sum(image, axis: 0), axis: 1) / 9
}

extension Loss {
  /// Mean of (1 - SSIM)/2, limited to [0, 1]; [].
  ///
  /// - Parameters:
  ///   - prediction: [H, W, C], at least 3×3.
  ///   - target: the same shape.
  public static func structuralDissimilarity(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    dissimilarity(prediction, target).mean()
  }

  private static func dissimilarity(_ a: Tensor, _ b: Tensor) -> Tensor {
    ((1 - structuralSimilarity(a, b)) / 2).clamped(min: 0, max: 1)
  }

  /// How different two images are at every pixel: share · (1 - SSIM)/2 + (1 - share) · |a - b|, mean
  /// over the channels. Images are mirrored at their border for the windows.
  ///
  /// C. Godard, O. Mac Aodha, M. Firman, G. Brostow, "Digging into Self-Supervised Monocular Depth
  /// Prediction", ICCV 2019.
  ///
  /// - Parameters:
  ///   - prediction: [H, W, C] in [0, 1], at least 2×2.
  ///   - target: the same shape.
  ///   - share: of structure, 0.85.
  /// - Returns: [H, W].
  public static func photometricError(
    _ prediction: Tensor, _ target: Tensor, share: Double = 0.85
  ) -> Tensor {
    requireSameShape("photometricError", prediction, target)
    let structure = dissimilarity(mirrored(prediction), mirrored(target))
    return (structure * share + (prediction - target).abs() * (1 - share)).mean(axis: 2)
  }

  /// One more row and column on each side: the next but one pixel's.
  private static func mirrored(_ image: Tensor) -> Tensor {
    (0..<2).reduce(image) { image, axis in
      let count = image.shape[axis]
      return .concatenate(
        [
          image.slice(axis: axis, from: 1, to: 2), image,
          image.slice(axis: axis, from: count - 2, to: count - 1),
        ], axis: axis)
    }
  }
}
