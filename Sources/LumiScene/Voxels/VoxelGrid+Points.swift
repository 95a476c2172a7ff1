import LumiTensor

// Grids as points.

extension VoxelGrid {
  /// The places of the filled values, row-major, with their colours (of spherical harmonics their
  /// mean over all directions); a warp does not count. Differentiable with respect to colours.
  ///
  /// - Parameter level: what separates filled from empty; values at it are empty. 0 for signed
  ///   distances and ½ for other quantities if nil.
  /// - Throws: ``SceneError`` for a value or a level that is not finite, or shapes that do not fit.
  public func filledPoints(level: Double? = nil) throws -> PointCloud {
    try checkStructure()
    try checkFinite("voxels.values", values)
    let level = try surfaceLevel(level)
    let numbers = values.stoppingGradient().scalars(as: Double.self)
    let rows = numbers.indices.filter { isFilledBelow ? numbers[$0] < level : numbers[$0] > level }
    let chosen = Tensor(rows.map { Int64($0) })
    var cloud = PointCloud(
      points: valuePositions().reshaped([-1, 3]).gather(chosen), appearance: .uniform(meanColor))
    if let colors = meanColors {
      cloud.appearance = .colors(colors.reshaped([values.count, -1]).gather(chosen))
    }
    return cloud
  }

  /// Points spread uniformly over the surface, with its normals and colours: those of
  /// ``surface(level:closed:)``. Differentiable with respect to values and colours.
  ///
  /// - Parameters:
  ///   - count: how many, 0 or more.
  ///   - level: the value at the surface; 0 for signed distances and ½ for other quantities if nil.
  ///   - closed: whether caps on the box belong to the surface.
  ///   - random: advanced by the numbers used.
  /// - Throws: ``SceneError`` if there is no surface, and where ``surface(level:closed:)`` does.
  public func surfacePoints(
    _ count: Int, level: Double? = nil, closed: Bool = false, using random: inout RandomGenerator
  ) throws -> PointCloud {
    let mesh = try surface(level: level, closed: closed)
    let samples = try mesh.sampleSurface(count, using: &random)
    var cloud = PointCloud(
      points: samples.points, appearance: .uniform(meanColor), normals: samples.normals)
    if case .vertexColors(let colors) = mesh.appearance {
      cloud.appearance = .colors(samples.interpolate(vertexValues: colors))
    }
    return cloud
  }
}
