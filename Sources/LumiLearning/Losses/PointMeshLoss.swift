import LumiTensor

// Squared distances between a point set and a surface, after N. Ravi et al., "Accelerating 3D Deep
// Learning with PyTorch3D", 2020. The closest pair is found exactly by a tree and held fixed: with
// it the derivatives with respect to points and vertices are exact wherever the closest pair is the
// only one. They have no second derivative: the closest point moves on its face, and asking for it
// stops the program.

extension Loss {
  /// ``pointToFace(points:vertices:faces:)`` plus ``faceToPoint(vertices:faces:points:)``: 0 when
  /// the points lie on the surface and every face has one.
  public static func pointMesh(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor {
    pointToFace(points: points, vertices: vertices, faces: faces)
      + faceToPoint(vertices: vertices, faces: faces, points: points)
  }

  /// The mean over the points of the squared distance to the closest face; 0 without points or
  /// faces.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - vertices: [V, 3] of the same dtype.
  ///   - faces: int32 [F, 3].
  /// - Complexity: O((N + F) log F) for well spread faces.
  public static func pointToFace(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor {
    let count = points.shape.first ?? 0
    return squaredDistancesToFaces(points: points, vertices: vertices, faces: faces).sum()
      / Double(max(count, 1))
  }

  /// The mean over the faces of the squared distance to the closest point; 0 without points or
  /// faces.
  ///
  /// - Complexity: O((N + F) log N) for well spread points.
  public static func faceToPoint(vertices: Tensor, faces: Tensor, points: Tensor) -> Tensor {
    let count = faces.shape.first ?? 0
    return squaredDistancesToPoints(vertices: vertices, faces: faces, points: points).sum()
      / Double(max(count, 1))
  }
}

/// The squared distance of every point to the closest face, [N]; zeros without faces. A point that
/// is not finite has the distance NaN or infinity.
public func squaredDistancesToFaces(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor {
  requirePointsAndMesh("squaredDistancesToFaces", points, vertices, faces)
  guard faces.shape[0] > 0 && points.shape[0] > 0 else {
    return .zeros([points.shape[0]], dtype: points.dtype)
  }
  let closest = ClosestTriangles(of: points, vertices: vertices, faces: faces)
  return squaredDistances(
    PointTrianglePairs(
      points: .arange(points.shape[0]), corners: faces.gather(closest.indices),
      weights: closest.barycentrics), points, vertices)
}

/// The squared distance of every face to the closest point, [F]; zeros without points.
public func squaredDistancesToPoints(vertices: Tensor, faces: Tensor, points: Tensor) -> Tensor {
  requirePointsAndMesh("squaredDistancesToPoints", points, vertices, faces)
  guard faces.shape[0] > 0 && points.shape[0] > 0 else {
    return .zeros([faces.shape[0]], dtype: points.dtype)
  }
  let closest = ClosestTriangles(ofFaces: faces, vertices: vertices, points: points)
  return squaredDistances(
    PointTrianglePairs(
      points: closest.indices, corners: faces, weights: closest.barycentrics), points, vertices)
}

/// Which point and which place on which triangle belong together.
private struct PointTrianglePairs {
  /// int32 [N].
  let points: Tensor
  /// int32 [N, 3].
  let corners: Tensor
  /// [N, 3].
  let weights: Tensor
}

/// |p - Σ wₖ vₖ|² with the derivatives 2 (p - q) for the point and -2 wₖ (p - q) for the corners:
/// moving the place on the triangle changes nothing to first order, because it is the closest one.
private func squaredDistances(
  _ pairs: PointTrianglePairs, _ points: Tensor, _ vertices: Tensor
) -> Tensor {
  let weights = pairs.weights.expandingDims(at: 2)
  let places = (vertices.stoppingGradient().gather(pairs.corners) * weights).sum(axis: 1)
  let difference = points.stoppingGradient().gather(pairs.points) - places
  return customOperation(
    "point-triangle distance", inputs: [points, vertices],
    outputs: [difference.square().sum(axis: -1)]
  ) { cotangents, needs in
    guard let cotangent = cotangents[0] else { return [nil, nil] }
    let slope = difference * (2 * cotangent).expandingDims(at: 1)
    return [
      needs[0]
        ? Tensor.scatterAdd(rows: slope, at: pairs.points, count: points.shape[0]) : nil,
      needs[1]
        ? Tensor.scatterAdd(
          rows: -(slope.expandingDims(at: 1) * weights), at: pairs.corners,
          count: vertices.shape[0]) : nil,
    ]
  }[0]
}

private func requirePointsAndMesh(
  _ operation: String, _ points: Tensor, _ vertices: Tensor, _ faces: Tensor
) {
  requireMesh(operation, vertices, faces, columns: 3)
  require(
    points.rank == 2 && points.shape[1] == 3 && points.dtype == vertices.dtype,
    "\(operation): points \(points.dtype) \(points.shape), expected \(vertices.dtype) [N, 3]")
}
