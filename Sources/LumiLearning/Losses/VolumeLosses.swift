import LumiTensor

// What keeps a volume simple where pictures do not say what it is: the regularisers of S.
// Fridovich-Keil, A. Yu, et al., "Plenoxels", CVPR 2022.

extension Loss {
  /// mean over places of Σ over channels of √(Δx² + Δy² + Δz²), the differences to the next value
  /// along each axis: total variation. The derivative where all three are 0 is 0.
  ///
  /// Take some random places a step, as published: all of a fine grid cost more than the pictures.
  /// The published weights are for differences times 256/D in a grid of D values a side.
  ///
  /// - Parameters:
  ///   - values: [N, C], the values of a grid one after the other.
  ///   - neighbours: int32 or int64 [K, 4], rows of `values`: a place and the next along x, y and z;
  ///     the place itself where there is none.
  public static func totalVariation(_ values: Tensor, neighbours: Tensor) -> Tensor {
    require(
      values.rank == 2 && values.dtype.isFloatingPoint && neighbours.rank == 2
        && neighbours.shape[1] == 4 && neighbours.shape[0] > 0,
      "totalVariation: values \(values.shape), neighbours \(neighbours.shape); expected [N, C], [K, 4]"
    )
    let looked = values.gather(neighbours)
    let differences =
      looked.slice(axis: 1, from: 1, to: 4) - looked.slice(axis: 1, from: 0, to: 1)
    return differences.norm(axis: 1).sum() / Double(neighbours.shape[0])
  }

  /// mean log(1 + 2σ²), which empties what nothing needs (Cauchy): the published sum is over samples
  /// along rays, here over any densities, such as those of a grid. Densities below 0 count as 0.
  public static func cauchySparsity(_ densities: Tensor) -> Tensor {
    (densities.clamped(min: 0).square() * 2).log1p().mean()
  }

  /// mean log(α + ε) + log(1 - α + ε), smallest where rays see a thing or the background and no
  /// mixture (beta). With the published ε of 0 it has no bound; 0.1 is that of Neural Volumes.
  ///
  /// - Parameters:
  ///   - alpha: coverage in [0, 1], any shape.
  ///   - epsilon: above 0.
  public static func opacityBeta(_ alpha: Tensor, epsilon: Double = 0.1) -> Tensor {
    require(epsilon > 0, "opacityBeta: epsilon \(epsilon), expected above 0")
    return ((alpha + epsilon).log() + (1 - alpha + epsilon).log()).mean()
  }
}
