import LumiTensor

extension Loss {
  /// mean of min |x - y|² over the points x, plus the same from y to x: the squared Chamfer
  /// distance in the form of N. Ravi et al., "Accelerating 3D Deep Learning with PyTorch3D", 2020.
  ///
  /// The nearest point is found exactly and held fixed by the derivative; of equally near ones the
  /// first counts.
  ///
  /// - Complexity: that of `nearestNeighbours(of:in:)`.
  ///
  /// - Parameters:
  ///   - x: [N, D] with N at least 1.
  ///   - y: [M, D] with M at least 1.
  public static func chamfer(_ x: Tensor, _ y: Tensor) -> Tensor {
    oneSidedChamfer(from: x, to: y) + oneSidedChamfer(from: y, to: x)
  }

  /// mean of min |x - y|² over the points x alone: 0 when every x lies on some y.
  public static func oneSidedChamfer(from x: Tensor, to y: Tensor) -> Tensor {
    require(x.shape.first ?? 0 > 0, "chamfer: no points, shape \(x.shape)")
    return (x - y.gather(nearestNeighbours(of: x, in: y))).square().sum(axis: -1).mean()
  }

  /// ``chamfer(_:_:)`` of every pair of clouds of two packed batches, [clouds]. Sizes may differ;
  /// nothing is padded.
  ///
  /// - Parameters:
  ///   - x: [ΣN, D].
  ///   - xOffsets: cloud i of x is `xOffsets[i]..<xOffsets[i + 1]`, not empty.
  ///   - y: [ΣM, D].
  ///   - yOffsets: the same for y.
  public static func chamfer(
    _ x: Tensor, offsets xOffsets: [Int], _ y: Tensor, offsets yOffsets: [Int]
  ) -> Tensor {
    require(
      xOffsets.count == yOffsets.count && xOffsets.count > 1,
      "chamfer: \(xOffsets.count) and \(yOffsets.count) offsets, expected the same number above 1")
    return oneSidedChamfer(x, xOffsets, y, yOffsets) + oneSidedChamfer(y, yOffsets, x, xOffsets)
  }

  private static func oneSidedChamfer(
    _ x: Tensor, _ xOffsets: [Int], _ y: Tensor, _ yOffsets: [Int]
  ) -> Tensor {
    let nearest = (0..<xOffsets.count - 1).map { cloud in
      let (from, to) = (x.stoppingGradient(), y.stoppingGradient())
      require(xOffsets[cloud] < xOffsets[cloud + 1], "chamfer: cloud \(cloud) has no points")
      let found = nearestNeighbours(
        of: from.slice(axis: 0, from: xOffsets[cloud], to: xOffsets[cloud + 1]),
        in: to.slice(axis: 0, from: yOffsets[cloud], to: yOffsets[cloud + 1]))
      return found + Tensor(Double(yOffsets[cloud]), dtype: .int32)
    }
    return (x - y.gather(Tensor.concatenate(nearest))).square().sum(axis: -1)
      .segmentMeans(xOffsets)
  }
}
