import LumiTensor

extension PointCloud {
  /// The points at `indices`, with all that belongs to them.
  ///
  /// - Parameter indices: int32 [K], each below the number of points.
  public func selecting(_ indices: Tensor) -> PointCloud {
    var result = self
    result.points = points.gather(indices)
    if case .colors(let colors) = appearance { result.appearance = .colors(colors.gather(indices)) }
    result.normals = normals?.gather(indices)
    result.radii = radii?.gather(indices)
    result.opacities = opacities?.gather(indices)
    return result
  }

  /// `count` points that are far from each other; see `farthestPoints(of:count:first:)`.
  public func farthestSample(_ count: Int, first: Int = 0) throws -> PointCloud {
    try checkSample(count)
    return selecting(farthestPoints(of: points, count: count, first: first))
  }

  /// `count` different points in random order, each as likely as the others.
  public func randomSample(
    _ count: Int, using random: inout RandomGenerator
  ) throws -> PointCloud {
    try checkSample(count)
    return selecting(random.permutation(self.count).slice(axis: 0, from: 0, to: count))
  }

  private func checkSample(_ count: Int) throws {
    try checkStructure()
    guard (0...self.count).contains(count) else {
      throw SceneError(
        field: "cloud.points", expected: "at least \(count) points", actual: "\(self.count)")
    }
  }
}
