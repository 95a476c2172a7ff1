import LumiTensor

/// The losses of DIST (Liu et al., CVPR 2020).
public enum DISTLoss {
  /// Silhouettes, by how far rays pass the surface.
  ///
  /// - Parameters:
  ///   - leastDistances: the channel `RenderChannel.leastDistance`, of any shape.
  ///   - isHit: 1 where a ray hits, else 0: alpha without softness.
  ///   - target: 1 where the body should be, else 0.
  ///   - threshold: of the marching.
  /// - Returns: the mean over pixels that should be hit and are not, of how far they are beyond the
  ///   threshold, and the mean over those that are hit and should not be, of how far they are below; 0
  ///   where there are none.
  public static func mask(
    leastDistances: Tensor, isHit: Tensor, target: Tensor, threshold: Double = 5e-5
  ) -> (missing: Tensor, excess: Tensor) {
    require(
      leastDistances.shape == isHit.shape && isHit.shape == target.shape,
      "DISTLoss.mask: distances \(leastDistances.shape), hits \(isHit.shape), target \(target.shape)"
    )
    let (hit, wanted) = (isHit.stoppingGradient() .> 0.5, target.stoppingGradient() .> 0.5)
    return (
      missing: mean((leastDistances - threshold).relu(), where: wanted .&& hit.not()),
      excess: mean((threshold - leastDistances).relu(), where: hit .&& wanted.not())
    )
  }

  /// The mean |depth - target| over pixels that are hit and whose target is above 0 and below 1e5.
  public static func depth(_ depth: Tensor, isHit: Tensor, target: Tensor) -> Tensor {
    let isKnown = (target .> 0) .&& (target .< 1e5) .&& (isHit.stoppingGradient() .> 0.5)
    return mean((depth - target).abs(), where: isKnown)
  }

  /// Minus the mean cosine between unit normals [..., 3], where both have a length.
  public static func normal(_ normals: Tensor, target: Tensor) -> Tensor {
    func isThere(_ normals: Tensor) -> Tensor {
      normals.stoppingGradient().square().sum(axis: -1) .> 0
    }
    return -mean(normals.dot(target), where: isThere(normals) .&& isThere(target))
  }

  /// The mean of squares of a latent code.
  public static func latent(_ code: Tensor) -> Tensor { code.square().mean() }

  /// The mean of the values chosen; 0 without any.
  private static func mean(_ values: Tensor, where isChosen: Tensor) -> Tensor {
    let count = isChosen.cast(to: .float64).sum().value
    return Tensor.where(isChosen, values, 0).sum() / max(count, 1)
  }
}
