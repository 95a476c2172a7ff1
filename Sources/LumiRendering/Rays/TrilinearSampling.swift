import CLumiKernels
import LumiTensor

/// What a grid is outside of its outermost values.
public enum GridBorder: Sendable {
  /// Every one of the eight neighbours that is outside counts as 0, so that values fade to 0 within
  /// one interval.
  case zeros
  /// The outermost values repeat.
  case clamped
}

/// Trilinear look-ups in a grid.
///
/// Differentiable with respect to values and points; the derivative with respect to points is
/// constant along an axis between two values and jumps at them (taken from above there). It has no
/// second derivative. A point with a coordinate that is not a number gives that; one at infinity is
/// outside.
///
/// - Parameters:
///   - grid: [X, Y, Z, C], at least one value along each axis.
///   - points: [N, 3] in grid coordinates: (i, j, k) is the place of grid[i, j, k].
///   - border: what is outside.
///   - cells: int32 [N, 3], the lower corner of the cell whose trilinear function is evaluated,
///     inside of it or not; the cell that the point is in if nil. From 0 to the extent - 2.
/// - Returns: [N, C].
public func sampleTrilinear(
  _ grid: Tensor, at points: Tensor, border: GridBorder = .zeros, in cells: Tensor? = nil
) -> Tensor {
  require(
    grid.rank == 4 && grid.count > 0 && grid.dtype.isFloatingPoint && points.rank == 2
      && points.shape[1] == 3 && points.dtype == grid.dtype,
    "sampleTrilinear: grid \(grid.dtype) \(grid.shape), points \(points.dtype) \(points.shape)")
  checkCells(cells, grid.shape, points.shape[0])
  require(
    grid.shape.prefix(3).reduce(1, *) < 1 << 31 && points.shape[0] < 1 << 31,
    "sampleTrilinear: grid \(grid.shape), \(points.shape[0]) points, expected less than 2^31")
  let lookUp = TrilinearLookUp(
    grid: grid.stoppingGradient(), points: points.stoppingGradient(), border: border, cells: cells)
  return customOperation("sampleTrilinear", inputs: [grid, points], outputs: [lookUp.values()]) {
    cotangents, needs in
    guard let cotangent = cotangents[0] else { return [nil, nil] }
    return [
      needs[0] ? lookUp.gridDerivative(cotangent) : nil,
      needs[1] ? lookUp.pointDerivative(cotangent) : nil,
    ]
  }[0]
}

private func checkCells(_ cells: Tensor?, _ shape: [Int], _ count: Int) {
  guard let cells else { return }
  require(
    cells.dtype == .int32 && cells.shape == [count, 3],
    "sampleTrilinear: cells \(cells.dtype) \(cells.shape), expected int32 [\(count), 3]")
  cells.withUnsafeScalars(as: Int32.self) { values in
    for (at, value) in values.enumerated() {
      require(
        value >= 0 && Int(value) <= shape[at % 3] - 2,
        "sampleTrilinear: cell \(value) along an axis of \(shape[at % 3]) values")
    }
  }
}

/// The kernels on one grid and its points. A product of tents over all nodes is what tests hold them
/// against.
private struct TrilinearLookUp {
  let grid: Tensor
  let points: Tensor
  let border: GridBorder
  let cells: Tensor?

  private var kernel: lumi_trilinear {
    lumi_trilinear(
      real: grid.dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64,
      repeats: border == .clamped ? 1 : 0,
      extent: (Int64(grid.shape[0]), Int64(grid.shape[1]), Int64(grid.shape[2])),
      channels: Int64(grid.shape[3]), count: Int64(points.shape[0]), grid: grid.kernelPointer,
      points: points.kernelPointer,
      cells: cells.map { UnsafePointer($0.kernelPointer.assumingMemoryBound(to: Int32.self)) })
  }

  func values() -> Tensor {
    let result = Tensor.unfilled([points.shape[0], grid.shape[3]], grid.dtype)
    var kernel = kernel
    lumi_trilinear_values(&kernel, result.kernelPointer)
    return result
  }

  func pointDerivative(_ cotangent: Tensor) -> Tensor {
    let result = Tensor.unfilled(points.shape, grid.dtype)
    var kernel = kernel
    lumi_trilinear_by_points(&kernel, cotangent.kernelPointer, result.kernelPointer)
    return result
  }

  func gridDerivative(_ cotangent: Tensor) -> Tensor {
    let result = Tensor.unfilled(grid.shape, grid.dtype)
    var kernel = kernel
    let workspace = Tensor.unfilled([lumi_trilinear_workspace(&kernel)], .bool)
    lumi_trilinear_by_grid(
      &kernel, cotangent.kernelPointer, workspace.kernelPointer, result.kernelPointer)
    return result
  }
}
