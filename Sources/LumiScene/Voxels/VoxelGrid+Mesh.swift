import LumiTensor

// Meshes as grids.

extension VoxelGrid {
  /// The signed distances to a mesh at a grid's places, as ``Mesh/signedDistances(to:)`` has them:
  /// differentiable with respect to the vertices, made for watertight meshes, defined for others.
  ///
  /// One colour, colours of vertices and colours of faces go along from the closest point; texels and
  /// textures do not, the grid is white.
  ///
  /// - Parameters:
  ///   - mesh: what the distances are to.
  ///   - counts: values along x, y and z.
  ///   - lower: the box's corner with the smallest coordinates.
  ///   - upper: the box's corner with the largest coordinates.
  ///   - placement: on nodes by default.
  /// - Throws: ``SceneError`` for a mesh that is not valid or has no face, or a box or counts that
  ///   make no grid.
  public init(
    signedDistancesTo mesh: Mesh, counts: SIMD3<Int>, lower: SIMD3<Double> = [-1, -1, -1],
    upper: SIMD3<Double> = [1, 1, 1], placement: Placement = .nodes
  ) throws {
    self = try VoxelGrid(
      empty: .signedDistance, counts, lower, upper, placement, dtype: mesh.dtype)
    let (distances, closest) = try mesh.surfaceDistances(to: valuePositions().reshaped([-1, 3]))
    let shape = values.shape
    values = distances.reshaped(shape)
    switch mesh.appearance {
    case .uniform(let color): appearance = .uniform(color)
    case .faceColors(let colors):
      appearance = .colors(colors.gather(closest.indices).reshaped(shape + [-1]))
    case .vertexColors(let colors):
      let atCorners = colors.gather(mesh.faces.gather(closest.indices))
      let mixed = (atCorners * closest.barycentrics.expandingDims(at: 2)).sum(axis: 1)
      appearance = .colors(mixed.reshaped(shape + [-1]))
    case .faceTexels, .texture: break
    }
  }

  /// How much of every cell is inside of a mesh, from 0 to 1: solid voxelisation. Inside is where the
  /// winding number is above ½. A constant: for derivatives take ``init(signedDistancesTo:counts:lower:upper:placement:)``
  /// and ``occupancy(width:profile:)``.
  ///
  /// One colour goes along; of others the grid stays white.
  ///
  /// - Parameters:
  ///   - mesh: the solid; without a face nothing is filled.
  ///   - counts: cells along x, y and z.
  ///   - lower: the box's corner with the smallest coordinates.
  ///   - upper: the box's corner with the largest coordinates.
  ///   - samples: points along each axis of a cell that are asked, in the middle of equal parts: 1,
  ///     the default, gives 0 or 1; n gives multiples of 1/n³. From 1 to 16.
  /// - Throws: ``SceneError`` for a mesh that is not valid, or a box, counts or samples that make no
  ///   grid.
  public init(
    solid mesh: Mesh, counts: SIMD3<Int>, lower: SIMD3<Double> = [-1, -1, -1],
    upper: SIMD3<Double> = [1, 1, 1], samples: Int = 1
  ) throws {
    self = try VoxelGrid(empty: .occupancy, counts, lower, upper, .cells, dtype: mesh.dtype)
    guard (1...16).contains(samples) else {
      throw SceneError(field: "samples", expected: "1 to 16", actual: "\(samples)")
    }
    _ = try mesh.validated()
    if case .uniform(let color) = mesh.appearance { appearance = .uniform(color) }
    guard mesh.faceCount > 0 else { return }
    let centres = valuePositions().reshaped([-1, 3])
    let filled = mesh.isInside(centres)
    let shape = values.shape
    values = filled.reshaped(shape)
    guard samples > 1 else { return }
    // Only cells that the surface can reach hold both sides.
    let squared = squaredDistances(of: centres, to: mesh)
    let reach = (spacing * spacing).sum() / 4 * (1 + 1e-5)
    let mixed = (squared .<= reach).scalars(as: Bool.self).enumerated().filter(\.element).map {
      Int32($0.offset)
    }
    let rows = Tensor(mixed)
    let fractions = self.fractions(of: mesh, around: centres.gather(rows), samples)
    values =
      (filled
      + Tensor.scatterAdd(
        rows: fractions - filled.gather(rows), at: rows, count: filled.count)).reshaped(shape)
  }

  private func fractions(of mesh: Mesh, around centres: Tensor, _ samples: Int) -> Tensor {
    var sum = Tensor.zeros([centres.shape[0]], dtype: dtype)
    for index in 0..<samples * samples * samples {
      let place = SIMD3(index / samples / samples, index / samples % samples, index % samples)
      let offset = ((SIMD3<Double>(place) + 0.5) / Double(samples) - 0.5) * spacing
      sum = sum + mesh.isInside(centres + Tensor([offset.x, offset.y, offset.z]).cast(to: dtype))
    }
    return sum / Double(samples * samples * samples)
  }

  private func squaredDistances(of points: Tensor, to mesh: Mesh) -> Tensor {
    let corners = mesh.vertices.stoppingGradient()
    let closest = ClosestTriangles(of: points, vertices: corners, faces: mesh.faces)
    let owners = corners.gather(mesh.faces.gather(closest.indices))
    let nearest = (owners * closest.barycentrics.expandingDims(at: 2)).sum(axis: 1)
    return (points - nearest).square().sum(axis: -1)
  }

  /// A grid of zeros whose structure is sound.
  package init(
    empty quantity: Quantity, _ counts: SIMD3<Int>, _ lower: SIMD3<Double>,
    _ upper: SIMD3<Double>, _ placement: Placement, dtype: DType
  ) throws {
    let least = placement == .nodes ? 2 : 1
    let (plane, first) = counts.x.multipliedReportingOverflow(by: counts.y)
    let (total, second) = plane.multipliedReportingOverflow(by: counts.z)
    guard counts.min() >= least && !first && !second && total <= Int32.max else {
      throw SceneError(
        field: "counts", expected: "at least \(least) along each axis, at most \(Int32.max) in all",
        actual: "\(counts)")
    }
    self.init(
      values: .zeros([counts.x, counts.y, counts.z], dtype: dtype), quantity: quantity,
      placement: placement, lower: lower, upper: upper)
    try checkStructure()
  }
}

extension Mesh {
  /// 1 inside, 0 outside.
  fileprivate func isInside(_ points: Tensor) -> Tensor {
    let winding = windingNumbers(
      of: points, vertices: vertices.stoppingGradient(), faces: faces)
    return (winding .> 0.5).cast(to: dtype)
  }
}
