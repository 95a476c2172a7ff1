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
  return grid.dtype == .float32
    ? sample(grid, points, border, cells, Float.self)
    : sample(grid, points, border, cells, Double.self)
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

private func sample<T: TensorScalar & BinaryFloatingPoint>(
  _ grid: Tensor, _ points: Tensor, _ border: GridBorder, _ cells: Tensor?, _ type: T.Type
) -> Tensor {
  let (values, places) = (grid.stoppingGradient(), points.stoppingGradient())
  let lookUp = TrilinearLookUp<T>(values, places, border, cells)
  let result = lookUp.values()
  return customOperation("sampleTrilinear", inputs: [grid, points], outputs: [result]) {
    cotangents, needs in
    guard let cotangent = cotangents[0] else { return [nil, nil] }
    return [
      needs[0] ? lookUp.gridDerivative(cotangent) : nil,
      needs[1] ? lookUp.pointDerivative(cotangent) : nil,
    ]
  }[0]
}

/// Two neighbours along an axis: their positions (-1 for outside), how much the upper one counts,
/// and how that changes with the coordinate.
private struct AxisNeighbours<T: BinaryFloatingPoint> {
  let lower: Int
  let upper: Int
  let share: T
  let slope: T
}

private struct TrilinearLookUp<T: TensorScalar & BinaryFloatingPoint> {
  let grid: Tensor
  let points: Tensor
  let border: GridBorder
  let cells: Tensor?
  let channels: Int
  let count: Int
  /// Points that one thread takes at a time.
  private static var block: Int { 4096 }

  init(_ grid: Tensor, _ points: Tensor, _ border: GridBorder, _ cells: Tensor?) {
    self.grid = grid
    self.points = points
    self.border = border
    self.cells = cells
    channels = grid.shape[3]
    count = points.shape[0]
  }

  @inline(__always)
  private func neighbours(_ x: T, _ extent: Int, cell: Int32?) -> AxisNeighbours<T> {
    if let cell {
      return AxisNeighbours(lower: Int(cell), upper: Int(cell) + 1, share: x - T(cell), slope: 1)
    }
    if x.isNaN { return AxisNeighbours(lower: 0, upper: 0, share: x, slope: 0) }
    switch border {
    case .zeros:
      guard x > -1 && x < T(extent) else {
        return AxisNeighbours(lower: -1, upper: -1, share: 0, slope: 0)
      }
      let floor = x.rounded(.down)
      let base = Int(floor)
      return AxisNeighbours(
        lower: base, upper: base + 1 < extent ? base + 1 : -1, share: x - floor, slope: 1)
    case .clamped:
      let last = T(extent - 1)
      let inside = Swift.min(Swift.max(x, 0), last)
      let base = Swift.min(Int(inside), Swift.max(extent - 2, 0))
      return AxisNeighbours(
        lower: base, upper: Swift.min(base + 1, extent - 1), share: inside - T(base),
        slope: x >= 0 && x <= last && extent > 1 ? 1 : 0)
    }
  }

  /// Calls `body` for the up to eight values around a point with their position in the grid, their
  /// weight, and the weight's derivatives along x, y and z.
  @inline(__always)
  private func visit(
    _ n: Int, _ places: UnsafePointer<T>, _ cells: UnsafePointer<Int32>?,
    _ body: (_ position: Int, _ weight: T, _ dx: T, _ dy: T, _ dz: T) -> Void
  ) {
    let (extentX, extentY, extentZ) = (grid.shape[0], grid.shape[1], grid.shape[2])
    let x = neighbours(places[3 * n], extentX, cell: cells?[3 * n])
    let y = neighbours(places[3 * n + 1], extentY, cell: cells?[3 * n + 1])
    let z = neighbours(places[3 * n + 2], extentZ, cell: cells?[3 * n + 2])
    for corner in 0..<8 {
      let (i, j, k) = (
        corner & 4 == 0 ? x.lower : x.upper, corner & 2 == 0 ? y.lower : y.upper,
        corner & 1 == 0 ? z.lower : z.upper
      )
      if i < 0 || j < 0 || k < 0 { continue }
      let wx = corner & 4 == 0 ? 1 - x.share : x.share
      let wy = corner & 2 == 0 ? 1 - y.share : y.share
      let wz = corner & 1 == 0 ? 1 - z.share : z.share
      let sx = corner & 4 == 0 ? -x.slope : x.slope
      let sy = corner & 2 == 0 ? -y.slope : y.slope
      let sz = corner & 1 == 0 ? -z.slope : z.slope
      let position = ((i * extentY + j) * extentZ + k) * channels
      body(position, wx * wy * wz, sx * wy * wz, wx * sy * wz, wx * wy * sz)
    }
  }

  private func inBlocks(_ body: (Range<Int>) -> Void) {
    let blocks = (count + Self.block - 1) / Self.block
    if blocks <= 1 { return body(0..<count) }
    parallelFor(blocks) { body($0 * Self.block..<Swift.min(($0 + 1) * Self.block, count)) }
  }

  func values() -> Tensor {
    Tensor.build([count, channels], T.self) { out in
      out.update(repeating: 0, count: count * channels)
      let (source, places) = (grid.pointer(T.self), points.pointer(T.self))
      let fixed = cells?.pointer(Int32.self)
      inBlocks { range in
        for n in range {
          let to = out + n * channels
          visit(n, places, fixed) { position, weight, _, _, _ in
            for c in 0..<channels { to[c] += weight * source[position + c] }
          }
        }
      }
    }
  }

  func pointDerivative(_ cotangent: Tensor) -> Tensor {
    Tensor.build([count, 3], T.self) { out in
      let (source, places) = (grid.pointer(T.self), points.pointer(T.self))
      let (fixed, arriving) = (cells?.pointer(Int32.self), cotangent.pointer(T.self))
      inBlocks { range in
        for n in range {
          let from = arriving + n * channels
          var (dx, dy, dz): (T, T, T) = (0, 0, 0)
          visit(n, places, fixed) { position, _, sx, sy, sz in
            var value: T = 0
            for c in 0..<channels { value += from[c] * source[position + c] }
            dx += sx * value
            dy += sy * value
            dz += sz * value
          }
          (out[3 * n], out[3 * n + 1], out[3 * n + 2]) = (dx, dy, dz)
        }
      }
    }
  }

  /// Points are added in their order whatever the number of threads: each of a few bands of the
  /// grid is the work of one.
  func gridDerivative(_ cotangent: Tensor) -> Tensor {
    let size = grid.count
    return Tensor.build(grid.shape, T.self) { out in
      out.update(repeating: 0, count: size)
      let places = points.pointer(T.self)
      let (fixed, arriving) = (cells?.pointer(Int32.self), cotangent.pointer(T.self))
      let bands = count < Self.block ? 1 : 4
      let height = (size / channels + bands - 1) / bands * channels
      let task = { (band: Int) in
        let range = band * height..<(band + 1) * height
        for n in 0..<count {
          let from = arriving + n * channels
          visit(n, places, fixed) { position, weight, _, _, _ in
            guard range.contains(position) else { return }
            for c in 0..<channels { out[position + c] += weight * from[c] }
          }
        }
      }
      if bands == 1 { task(0) } else { parallelFor(bands, task) }
    }
  }
}
