import LumiTensor

extension Mesh {
  /// The length of every edge, [E]. At length 0 the derivative is taken as 0.
  public func edgeLengths(_ topology: MeshTopology) -> Tensor {
    let ends = vertices.gather(topology.edges)
    return (ends[.all, 1] - ends[.all, 0]).norm(axis: -1)
  }

  /// The sum of the face areas, [].
  public func surfaceArea() -> Tensor { faceAreas().sum() }

  /// The enclosed volume, []: Σ v0 · (v1 × v2) / 6, positive if faces are counter-clockwise seen
  /// from outside. Means nothing unless the mesh is watertight.
  public func volume() -> Tensor {
    let (a, b, c) = faceCorners()
    return (a * Tensor.cross(b, c)).sum() / 6
  }

  /// The smallest and the largest coordinates, [3] each; zeros without vertices.
  public func boundingBox() -> (minimum: Tensor, maximum: Tensor) {
    guard vertexCount > 0 else {
      return (.zeros([3], dtype: dtype), .zeros([3], dtype: dtype))
    }
    return (vertices.min(axis: 0), vertices.max(axis: 0))
  }

  /// What ``centredAndScaled(around:radius:)`` moves to the origin.
  public enum Centre: Sendable {
    /// The middle of the bounding box, whatever the triangulation.
    case boundingBox
    /// The mean of the vertices.
    case vertexMean
  }

  /// The mesh moved to the origin and scaled so that the vertex farthest from it is at `radius`. A
  /// mesh of one point is only moved.
  public func centredAndScaled(around centre: Centre = .boundingBox, radius: Double = 1) -> Mesh {
    guard vertexCount > 0 else { return self }
    let middle: Tensor
    switch centre {
    case .boundingBox:
      let box = boundingBox()
      middle = (box.minimum + box.maximum) * 0.5
    case .vertexMean: middle = vertices.mean(axis: 0)
    }
    let moved = vertices - middle
    let extent = moved.norm(axis: -1).max()
    let isPoint = extent.stoppingGradient() .== 0
    var result = self
    result.vertices = moved * (radius / Tensor.where(isPoint, Tensor(1, dtype: dtype), extent))
    return result
  }

  /// The mesh with every floating-point tensor in another type.
  public func cast(to dtype: DType) -> Mesh { mapParameters { $1.cast(to: dtype) } }
}
