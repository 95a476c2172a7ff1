import LumiTensor

// Which side of a surface points are on, and how far away.

extension Mesh {
  /// The distance of every point to the surface, [N], negative where the winding number is above ½:
  /// inside of a watertight mesh whose faces are turned outwards. Through the holes of an open mesh
  /// the sign changes away from the surface, where the winding number passes ½ (see
  /// ``MeshTopology/isWatertight``); a mesh that is turned inside out has no inside.
  ///
  /// Differentiable with respect to points and vertices, exactly where the closest point of the
  /// surface is the only one. Points on the surface move with the face's normal. There is no second
  /// derivative.
  ///
  /// - Complexity: O((N + F) log F) for well spread faces.
  /// - Parameter points: [N, 3], finite numbers.
  /// - Throws: ``SceneError`` for a mesh that is not valid or has no face, or points that are not
  ///   finite.
  public func signedDistances(to points: Tensor) throws -> Tensor {
    try surfaceDistances(to: points).signed
  }

  /// ``signedDistances(to:)`` with the places on the surface that they belong to.
  func surfaceDistances(
    to points: Tensor
  ) throws -> (signed: Tensor, closest: ClosestTriangles) {
    try checkExtents("points", points, [nil, 3], dtype)
    try checkFinite("points", points)
    _ = try validated()
    guard faceCount > 0 else {
      throw SceneError(field: "mesh.faces", expected: "at least one face", actual: "none")
    }
    let (places, corners) = (points.stoppingGradient(), vertices.stoppingGradient())
    let closest = ClosestTriangles(of: places, vertices: corners, faces: faces)
    let winding = windingNumbers(of: places, vertices: corners, faces: faces)
    let sides = Tensor.where(winding .> 0.5, -1, Tensor(1, dtype: dtype))
    let owners = faces.gather(closest.indices)
    let weights = closest.barycentrics.expandingDims(at: 2)
    let offsets = places - (corners.gather(owners) * weights).sum(axis: 1)
    let distances = offsets.norm(axis: -1)
    let signed = customOperation(
      "signedDistances", inputs: [points, vertices], outputs: [distances * sides]
    ) { cotangents, needs in
      guard let cotangent = cotangents[0] else { return [nil, nil] }
      // Offsets of the size of rounding have no direction.
      let size = max(places.abs().max().value, corners.abs().max().value)
      let noise = size * (self.dtype == .float32 ? 1e-6 : 1e-14)
      let isNear = (distances .<= noise).expandingDims(at: 1)
      let safe = Tensor.where(isNear, Tensor(1, dtype: self.dtype), distances.expandingDims(at: 1))
      let outward = Tensor.where(
        isNear, self.normals(of: closest, corners), offsets / safe * sides.expandingDims(at: 1))
      let moved = outward * cotangent.expandingDims(at: 1)
      return [
        needs[0] ? moved : nil,
        needs[1]
          ? -Tensor.scatterAdd(
            rows: moved.expandingDims(at: 1) * weights, at: owners, count: self.vertexCount) : nil,
      ]
    }[0]
    return (signed, closest)
  }

  private func normals(of closest: ClosestTriangles, _ corners: Tensor) -> Tensor {
    Mesh(vertices: corners, faces: faces).faceNormals().gather(closest.indices)
  }
}
