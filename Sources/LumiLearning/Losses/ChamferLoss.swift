import LumiTensor

// Distances from point to nearest point. The nearest point is found exactly and held fixed by the
// derivative; of equally near ones the first counts. Where two points coincide, the derivative of
// their plain distance is taken as 0.

/// Which power of the distance is averaged.
public enum PointDistance: Sendable {
  case squared
  case euclidean

  /// Of differences [..., D], without the last axis.
  func callAsFunction(_ difference: Tensor) -> Tensor {
    switch self {
    case .squared: difference.square().sum(axis: -1)
    case .euclidean: difference.norm(axis: -1)
    }
  }
}

extension Loss {
  /// mean of min |x - y|² over the points x, plus the same from y to x: the squared Chamfer
  /// distance in the form of N. Ravi et al., "Accelerating 3D Deep Learning with PyTorch3D", 2020.
  ///
  /// - Complexity: that of `mutualNearestNeighbours(_:_:)`.
  ///
  /// - Parameters:
  ///   - x: [N, D] with N at least 1.
  ///   - y: [M, D] with M at least 1.
  ///   - distance: squared by default.
  public static func chamfer(
    _ x: Tensor, _ y: Tensor, distance: PointDistance = .squared
  ) -> Tensor {
    let nearest = mutualNearest("chamfer", x, y)
    return distance(x - y.gather(nearest.ofX)).mean() + distance(y - x.gather(nearest.ofY)).mean()
  }

  /// mean of min |x - y|² over the points x alone: 0 when every x lies on some y.
  public static func oneSidedChamfer(
    from x: Tensor, to y: Tensor, distance: PointDistance = .squared
  ) -> Tensor {
    require(x.shape.first ?? 0 > 0, "chamfer: no points, shape \(x.shape)")
    return distance(x - y.gather(nearestNeighbours(of: x, in: y))).mean()
  }

  /// How much normals differ from those of the nearest point: mean of 1 - |n·m| over the points x,
  /// plus the same from y to x. Normals of any length but 0; the side they point to does not count.
  ///
  /// - Parameters:
  ///   - x: [N, D] with N at least 1; no derivative.
  ///   - xNormals: [N, D].
  ///   - y: [M, D] with M at least 1; no derivative.
  ///   - yNormals: [M, D].
  public static func chamferNormals(
    _ x: Tensor, normals xNormals: Tensor, _ y: Tensor, normals yNormals: Tensor
  ) -> Tensor {
    require(
      x.shape == xNormals.shape && y.shape == yNormals.shape,
      "chamferNormals: points \(x.shape), \(y.shape), normals \(xNormals.shape), \(yNormals.shape)")
    let nearest = mutualNearest("chamferNormals", x, y)
    let (n, m) = (xNormals.normalized(), yNormals.normalized())
    return (1 - n.dot(m.gather(nearest.ofX)).abs()).mean()
      + (1 - m.dot(n.gather(nearest.ofY)).abs()).mean()
  }

  /// ``chamfer(_:_:distance:)`` of every pair of clouds of two packed batches, [clouds]. Sizes may
  /// differ; nothing is padded.
  ///
  /// - Parameters:
  ///   - x: [ΣN, D].
  ///   - xOffsets: cloud i of x is `xOffsets[i]..<xOffsets[i + 1]`, not empty.
  ///   - y: [ΣM, D].
  ///   - yOffsets: the same for y.
  ///   - distance: squared by default.
  public static func chamfer(
    _ x: Tensor, offsets xOffsets: [Int], _ y: Tensor, offsets yOffsets: [Int],
    distance: PointDistance = .squared
  ) -> Tensor {
    require(
      xOffsets.count == yOffsets.count && xOffsets.count > 1,
      "chamfer: \(xOffsets.count) and \(yOffsets.count) offsets, expected the same number above 1")
    var (ofX, ofY): ([Tensor], [Tensor]) = ([], [])
    let (plainX, plainY) = (x.stoppingGradient(), y.stoppingGradient())
    for cloud in 0..<xOffsets.count - 1 {
      let (first, second) = (xOffsets[cloud], yOffsets[cloud])
      require(
        first < xOffsets[cloud + 1] && second < yOffsets[cloud + 1],
        "chamfer: cloud \(cloud) has no points")
      let nearest = mutualNearestNeighbours(
        plainX.slice(axis: 0, from: first, to: xOffsets[cloud + 1]),
        plainY.slice(axis: 0, from: second, to: yOffsets[cloud + 1]))
      ofX.append(nearest.ofX + Tensor(Double(second), dtype: .int32))
      ofY.append(nearest.ofY + Tensor(Double(first), dtype: .int32))
    }
    return distance(x - y.gather(Tensor.concatenate(ofX))).segmentMeans(xOffsets)
      + distance(y - x.gather(Tensor.concatenate(ofY))).segmentMeans(yOffsets)
  }

  static func mutualNearest(
    _ operation: String, _ x: Tensor, _ y: Tensor
  ) -> (ofX: Tensor, ofY: Tensor) {
    require(
      x.shape.first ?? 0 > 0 && y.shape.first ?? 0 > 0,
      "\(operation): no points, shapes \(x.shape) and \(y.shape)")
    return mutualNearestNeighbours(x, y)
  }
}
