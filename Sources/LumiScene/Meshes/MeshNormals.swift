import LumiTensor

// Normals and areas. A face of zero area, a vertex without faces and normals that cancel have the
// normal zero, with a zero derivative.
extension Mesh {
  /// The three corners of every face, [F, 3] each.
  public func faceCorners() -> (Tensor, Tensor, Tensor) {
    let corners = vertices.gather(faces)
    return (corners[.all, 0], corners[.all, 1], corners[.all, 2])
  }

  /// (v1 - v0) × (v2 - v0) of every face, [F, 3]: the outward normal with twice the area as length.
  public func faceAreaVectors() -> Tensor {
    let (a, b, c) = faceCorners()
    return Tensor.cross(b - a, c - a)
  }

  /// The outward unit normal of every face, [F, 3].
  public func faceNormals() -> Tensor { faceAreaVectors().unitVectors() }

  /// The area of every face, [F]. At zero area the derivative is taken as 0.
  public func faceAreas() -> Tensor { faceAreaVectors().norm(axis: -1) * 0.5 }

  /// Unit normals of the vertices, [V, 3]: the sum of the area vectors of the faces around each,
  /// normalised. Larger faces count more.
  public func computedVertexNormals() -> Tensor {
    let vectors = faceAreaVectors()
    let atCorners = vectors.expandingDims(at: 1).broadcast(to: [faceCount, 3, 3])
    return Tensor.scatterAdd(rows: atCorners, at: faces, count: vertexCount).unitVectors()
  }

  /// The given vertex normals normalised, or else the computed ones.
  public func shadingNormals() -> Tensor {
    vertexNormals.map { $0.unitVectors() } ?? computedVertexNormals()
  }
}
