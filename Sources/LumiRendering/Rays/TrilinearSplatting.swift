import LumiScene
import LumiTensor

// Points as grids. A splat is the transpose of a trilinear look-up, and is computed as such: the
// derivative of sampled values with respect to the grid.

/// Values added to the eight grid values around each point, in trilinear shares: the transpose of
/// ``sampleTrilinear(_:at:border:in:)`` with border zeros. What would go outside of the grid is lost.
///
/// Differentiable with respect to values and points; no second derivative. Points are added in their
/// order, whatever the number of threads. A coordinate that is not a number makes sums not a number.
///
/// - Parameters:
///   - values: [N, C].
///   - points: [N, 3] in grid coordinates: (i, j, k) is the place of grid[i, j, k].
///   - shape: X, Y, Z, at least 1 each.
/// - Returns: [X, Y, Z, C].
public func splatTrilinear(_ values: Tensor, at points: Tensor, shape: [Int]) -> Tensor {
  require(
    values.rank == 2 && points.rank == 2 && points.shape == [values.shape[0], 3]
      && values.dtype == points.dtype && values.dtype.isFloatingPoint && shape.count == 3
      && shape.allSatisfy { $0 > 0 } && values.shape[1] > 0,
    """
    splatTrilinear: values \(values.dtype) \(values.shape), points \(points.dtype) \
    \(points.shape), grid \(shape)
    """)
  let (sources, places) = (values.stoppingGradient(), points.stoppingGradient())
  let nothing = Tensor.zeros(shape + [values.shape[1]], dtype: values.dtype)
  let grid = gradient(at: nothing) { (sampleTrilinear($0, at: places) * sources).sum() }
  return customOperation("splatTrilinear", inputs: [values, points], outputs: [grid]) {
    cotangents, needs in
    guard let cotangent = cotangents[0] else { return [nil, nil] }
    return [
      needs[0] ? sampleTrilinear(cotangent, at: places) : nil,
      needs[1]
        ? gradient(at: places) { (sampleTrilinear(cotangent, at: $0) * sources).sum() } : nil,
    ]
  }[0]
}

extension VoxelGrid {
  /// An occupancy grid of points: every point gives its opacity (1 if it has none) to the eight values
  /// around it in trilinear shares; sums end at 1. Colours are means with the same weights, 0 where no
  /// point is near. Differentiable with respect to points, opacities and colours; where sums are
  /// above 1, occupancy has no derivative.
  ///
  /// - Parameters:
  ///   - cloud: points outside of the box are lost.
  ///   - counts: values along x, y and z.
  ///   - lower: the box's corner with the smallest coordinates.
  ///   - upper: the box's corner with the largest coordinates.
  ///   - placement: in the middle of cells by default.
  /// - Throws: ``LumiScene/SceneError`` for a cloud that is not valid, or a box or counts that make no
  ///   grid.
  public init(
    splatting cloud: PointCloud, counts: SIMD3<Int>, lower: SIMD3<Double> = [-1, -1, -1],
    upper: SIMD3<Double> = [1, 1, 1], placement: Placement = .cells
  ) throws {
    _ = try cloud.validated()
    self = try VoxelGrid(empty: .occupancy, counts, lower, upper, placement, dtype: cloud.dtype)
    let places = gridPoints(cloud.points)
    let weights = (cloud.opacities ?? .ones([cloud.count], dtype: dtype)).reshaped([-1, 1])
    let shape = values.shape
    switch cloud.appearance {
    case .uniform(let color):
      appearance = .uniform(color)
      values = splatTrilinear(weights, at: places, shape: shape).reshaped(shape)
        .clamped(max: 1)
    case .colors(let colors):
      let parts = Tensor.concatenate([weights, colors * weights], axis: 1)
      let sums = splatTrilinear(parts, at: places, shape: shape)
      let total = sums.slice(axis: 3, from: 0, to: 1)
      // Shares of the size of rounding have no colour.
      let isEmpty = total.stoppingGradient() .<= 1e-12
      let safe = Tensor.where(isEmpty, Tensor(1, dtype: dtype), total)
      let mixed = sums.slice(axis: 3, from: 1, to: colors.shape[1] + 1) / safe
      appearance = .colors(Tensor.where(isEmpty, Tensor(0, dtype: dtype), mixed))
      values = total.reshaped(shape).clamped(max: 1)
    }
  }
}
