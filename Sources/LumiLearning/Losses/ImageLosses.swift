import LumiTensor

/// Functions to minimise. Each gives a tensor without axes; those that take the offsets of a packed
/// batch give one value a mesh or cloud.
public enum Loss {}

extension Loss {
  /// mean (prediction - target)², over all elements of two tensors of one shape.
  public static func meanSquaredError(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    requireSameShape("meanSquaredError", prediction, target)
    return (prediction - target).square().mean()
  }

  /// mean |prediction - target| (L1), over all elements of two tensors of one shape. The
  /// derivative at 0 is 0.
  public static func meanAbsoluteError(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    requireSameShape("meanAbsoluteError", prediction, target)
    return (prediction - target).abs().mean()
  }

  /// 1 - ``softIntersectionOverUnion(_:_:epsilon:)``, mean over the images.
  ///
  /// - Parameters:
  ///   - prediction: silhouettes in [0, 1], [..., height, width].
  ///   - target: the same shape.
  ///   - epsilon: added to the union, so that empty images are defined.
  public static func intersectionOverUnion(
    _ prediction: Tensor, _ target: Tensor, epsilon: Double = 1e-6
  ) -> Tensor {
    1 - softIntersectionOverUnion(prediction, target, epsilon: epsilon).mean()
  }
}

/// Σ pt / (Σ (p + t - pt) + ε) per image: intersection over union for coverage in [0, 1].
///
/// Two empty images give 0, not 1. S. Liu et al., "Soft Rasterizer", ICCV 2019, equation 7.
///
/// - Parameters:
///   - prediction: p, [..., height, width].
///   - target: t, the same shape.
///   - epsilon: added to the union, so that empty images are defined.
/// - Returns: [...], one value per image.
public func softIntersectionOverUnion(
  _ prediction: Tensor, _ target: Tensor, epsilon: Double = 1e-6
) -> Tensor {
  requireSameShape("softIntersectionOverUnion", prediction, target)
  require(
    prediction.rank >= 2,
    "softIntersectionOverUnion: shape \(prediction.shape), expected [..., height, width]")
  let both = prediction * target
  let intersection = both.sum(axes: [-2, -1])
  let union = (prediction + target - both).sum(axes: [-2, -1])
  return intersection / (union + epsilon)
}

/// Intersection over union of the pixels above a threshold, per image. Two empty images give 1.
/// It has no derivative.
///
/// - Parameters:
///   - prediction: [..., height, width].
///   - target: the same shape.
///   - threshold: above it a pixel is covered.
/// - Returns: [...], one value per image, in the dtype of `prediction`.
public func hardIntersectionOverUnion(
  _ prediction: Tensor, _ target: Tensor, threshold: Double = 0.5
) -> Tensor {
  requireSameShape("hardIntersectionOverUnion", prediction, target)
  require(
    prediction.rank >= 2,
    "hardIntersectionOverUnion: shape \(prediction.shape), expected [..., height, width]")
  let dtype = prediction.dtype
  let p = prediction.stoppingGradient() .> threshold
  let t = target.stoppingGradient() .> threshold
  let intersection = (p .&& t).cast(to: dtype).sum(axes: [-2, -1])
  let union = (p .|| t).cast(to: dtype).sum(axes: [-2, -1])
  let isEmpty = union .== 0
  return Tensor.where(isEmpty, Tensor.ones(like: union), intersection / union.clamped(min: 1))
}

func requireSameShape(_ operation: String, _ a: Tensor, _ b: Tensor) {
  require(
    a.shape == b.shape && a.dtype == b.dtype && a.dtype.isFloatingPoint,
    "\(operation): \(a.dtype) \(a.shape) and \(b.dtype) \(b.shape), expected the same")
}
