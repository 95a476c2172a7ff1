import LumiTensor

/// The shape of a cloud around every point, by principal component analysis of its neighbours.
///
/// H. Hoppe et al., "Surface Reconstruction from Unorganized Points", SIGGRAPH 1992: the normal is
/// the direction of least variance. M. Pauly et al., "Efficient Simplification of Point-Sampled
/// Surfaces", 2002: surface variation as a measure of curvature.
///
/// Everything is differentiable with respect to the points; who is a neighbour, and the side a normal
/// points to, are not. It cannot tell a sharp edge from a bend, nor two sheets that are nearer to
/// each other than the neighbours are.
public struct LocalGeometry: Sendable {
  /// [N, 3] of unit length. Where the least variance is not the only one of its size (points on a
  /// line, or all at one place) the direction is a choice, with derivative 0.
  public var normals: Tensor
  /// [N, 3]: the variances along the principal directions, smallest first.
  public let variances: Tensor

  /// [N]: λ₀/(λ₀ + λ₁ + λ₂), from 0 on a plane to 1/3 where all directions are alike; 0 where all
  /// points are at one place.
  public var surfaceVariation: Tensor {
    let total = variances.sum(axis: -1)
    let isPoint = total.stoppingGradient() .<= 0
    return Tensor.where(
      isPoint, 0,
      variances.slice(axis: 1, from: 0, to: 1).reshaped([total.count])
        / Tensor.where(isPoint, 1, total))
  }

  /// - Parameters:
  ///   - points: [N, 3].
  ///   - neighbours: int32 [N, K] into the points; a point may be its own neighbour.
  public init(points: Tensor, neighbours: Tensor) {
    let near = points.gather(neighbours)
    let offset = near - near.mean(axis: 1, keepDims: true)
    let covariance =
      (offset.expandingDims(at: 3) * offset.expandingDims(at: 2)).mean(axis: 1)
    let (values, vectors) = covariance.symmetricEigen()
    normals = vectors.slice(axis: 2, from: 0, to: 1).reshaped([points.shape[0], 3])
    variances = values.clamped(min: 0)
  }
}

/// Which of its two sides a normal points to.
public enum NormalOrientation: Sendable {
  /// As the analysis gives it.
  case none
  /// Towards a place [3], such as the camera that saw all points.
  case towards(Tensor)
  /// Alike for neighbours, along a minimum spanning tree of 1 - |nᵢ·nⱼ| over the neighbours (Hoppe et
  /// al. 1992). In each connected part the point farthest from the part's middle looks away from it
  /// (the paper: the highest point looks up), which is outwards for closed surfaces.
  case propagated
}

extension PointCloud {
  /// Normals and curvature from the `neighbours` nearest points, the point itself among them.
  ///
  /// - Parameters:
  ///   - neighbours: from 3 on; default 16.
  ///   - orientation: default `.propagated`.
  /// - Throws: ``SceneError`` for points that are not finite, or fewer than 3 of them.
  /// - Complexity: O(N log N + N·neighbours) for well spread points.
  public func localGeometry(
    neighbours: Int = 16, orientation: NormalOrientation = .propagated
  ) throws -> LocalGeometry {
    try checkStructure()
    try checkFinite("cloud.points", points)
    guard count >= 3 else {
      throw SceneError(field: "cloud.points", expected: "3 points or more", actual: "\(count)")
    }
    guard neighbours >= 3 else {
      throw SceneError(field: "neighbours", expected: "3 or more", actual: "\(neighbours)")
    }
    let plain = points.stoppingGradient()
    let near = nearestNeighbours(of: plain, in: plain, count: min(neighbours, count)).indices
    var result = LocalGeometry(points: points, neighbours: near)
    switch orientation {
    case .none: break
    case .towards(let viewpoint):
      try checkExtents("viewpoint", viewpoint, [3], dtype)
      let side = ((viewpoint.stoppingGradient() - plain) * result.normals.stoppingGradient())
        .sum(axis: 1, keepDims: true)
      result.normals = Tensor.where(side .< 0, -result.normals, result.normals)
    case .propagated:
      let signs = NormalPropagation(plain, result.normals.stoppingGradient(), near).signs()
      result.normals =
        result.normals * Tensor(signs, shape: [count, 1]).cast(to: dtype)
    }
    return result
  }

  /// This cloud with normals of ``localGeometry(neighbours:orientation:)``.
  public func withEstimatedNormals(
    neighbours: Int = 16, orientation: NormalOrientation = .propagated
  ) throws -> PointCloud {
    var result = self
    result.normals = try localGeometry(neighbours: neighbours, orientation: orientation).normals
    return result
  }
}
