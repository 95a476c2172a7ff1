import LumiTensor

extension MeshTopology {
  /// The mean over the neighbours minus the own value, of values [V, C] at the vertices. A vertex
  /// without neighbours gets 0.
  public func uniformLaplacian(of values: Tensor) -> Tensor {
    let (a, b) = (edges[.all, 0], edges[.all, 1])
    let sum =
      Tensor.scatterAdd(rows: values.gather(b), at: a, count: vertexCount)
      + Tensor.scatterAdd(rows: values.gather(a), at: b, count: vertexCount)
    let degree = degrees(dtype: values.dtype).expandingDims(at: 1)
    let isolated = degree .== 0
    let divisor = Tensor.where(isolated, Tensor(1, dtype: values.dtype), degree)
    return Tensor.where(isolated, Tensor(0, dtype: values.dtype), sum / divisor - values)
  }
}

extension Mesh {
  /// ``MeshTopology/uniformLaplacian(of:)`` of the vertices, [V, 3].
  public func uniformLaplacian(_ topology: MeshTopology) -> Tensor {
    topology.uniformLaplacian(of: vertices)
  }

  /// The neighbours' mean, weighted by w = cot α + cot β over the angles opposite to each edge,
  /// minus the vertex, [V, 3] (Pinkall & Polthier 1993; Desbrun et al. 1999).
  ///
  /// Faces of zero area have no weight; a vertex whose weights sum to 0 gets 0. Weights may be
  /// negative at obtuse angles.
  ///
  /// - Parameter differentiableWeights: whether the derivative goes through the weights too. By
  ///   default they count as constant, as is usual for smoothing.
  public func cotangentLaplacian(differentiableWeights: Bool = false) -> Tensor {
    let given = faceCotangents()
    let cotangents = differentiableWeights ? given : given.stoppingGradient()
    var starts: [Tensor] = []
    var ends: [Tensor] = []
    var weights: [Tensor] = []
    for corner in 0..<3 {
      let next = faces[.all, .index((corner + 1) % 3)]
      let last = faces[.all, .index((corner + 2) % 3)]
      starts += [next, last]
      ends += [last, next]
      weights += [cotangents[.all, .index(corner)], cotangents[.all, .index(corner)]]
    }
    let at = Tensor.concatenate(starts)
    let weight = Tensor.concatenate(weights).expandingDims(at: 1)
    let neighbours = vertices.gather(Tensor.concatenate(ends))
    let sum = Tensor.scatterAdd(rows: weight * neighbours, at: at, count: vertexCount)
    let total = Tensor.scatterAdd(rows: weight, at: at, count: vertexCount)
    let unweighted = total.stoppingGradient().abs() .< 1e-12
    let divisor = Tensor.where(unweighted, Tensor(1, dtype: dtype), total)
    return Tensor.where(unweighted, Tensor(0, dtype: dtype), sum / divisor - vertices)
  }

  /// The cotangents of the three angles of every face, [F, 3]; 0 for a face of zero area.
  public func faceCotangents() -> Tensor {
    let (a, b, c) = faceCorners()
    let area = Tensor.cross(b - a, c - a).norm(axis: -1, keepDims: true)
    let flat = area.stoppingGradient() .< 1e-12
    let divisor = Tensor.where(flat, Tensor(1, dtype: dtype), area)
    func product(_ u: Tensor, _ v: Tensor) -> Tensor { (u * v).sum(axis: -1, keepDims: true) }
    let products = Tensor.concatenate(
      [product(b - a, c - a), product(a - b, c - b), product(a - c, b - c)], axis: 1)
    return Tensor.where(flat, Tensor(0, dtype: dtype), products / divisor)
  }
}
