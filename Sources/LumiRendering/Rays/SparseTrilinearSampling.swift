import LumiTensor

/// Trilinear look-ups in a grid that stores only some of its values; the others are 0.
///
/// The same as ``sampleTrilinear(_:at:border:in:)`` on a grid with zeros in the gaps.
///
/// - Parameters:
///   - table: [N, C], the stored values.
///   - rows: int32 [X, Y, Z], at least one along each axis: which row of the table is at a place, -1
///     for none.
///   - points: [M, 3] in grid coordinates.
///   - border: what is outside.
/// - Returns: [M, C].
public func sampleTrilinear(
  _ table: Tensor, rows: Tensor, at points: Tensor, border: GridBorder = .zeros
) -> Tensor {
  require(
    table.rank == 2 && table.dtype.isFloatingPoint && rows.rank == 3 && rows.count > 0
      && rows.dtype == .int32 && points.rank == 2 && points.shape[1] == 3
      && points.dtype == table.dtype,
    """
    sampleTrilinear: table \(table.dtype) \(table.shape), rows \(rows.dtype) \(rows.shape), \
    points \(points.dtype) \(points.shape)
    """)
  let count = Int32(table.shape[0])
  rows.withUnsafeScalars(as: Int32.self) { values in
    for value in values {
      require(
        -1 <= value && value < count, "sampleTrilinear: row \(value) of a table of \(count)")
    }
  }
  return table.dtype == .float32
    ? sample(table, points, border, rows, Float.self)
    : sample(table, points, border, rows, Double.self)
}

private func sample<T: TensorScalar & BinaryFloatingPoint>(
  _ grid: Tensor, _ points: Tensor, _ border: GridBorder, _ rows: Tensor,
  _ type: T.Type
) -> Tensor {
  let (values, places) = (grid.stoppingGradient(), points.stoppingGradient())
  let lookUp = SparseLookUp<T>(values, places, border, rows)
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

private struct SparseLookUp<T: TensorScalar & BinaryFloatingPoint> {
  let grid: Tensor
  let points: Tensor
  let border: GridBorder
  let rows: Tensor
  private let stored: UnsafePointer<Int32>
  private let extent: SIMD3<Int>
  let channels: Int
  let count: Int
  /// Points that one thread takes at a time.
  private static var block: Int { 4096 }

  init(_ grid: Tensor, _ points: Tensor, _ border: GridBorder, _ rows: Tensor) {
    self.grid = grid
    self.points = points
    self.border = border
    self.rows = rows
    stored = rows.pointer(Int32.self)
    let shape = rows.shape
    extent = [shape[0], shape[1], shape[2]]
    channels = grid.shape.last!
    count = points.shape[0]
  }

  @inline(__always)
  private func neighbours(_ x: T, _ extent: Int) -> AxisNeighbours<T> {
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
    _ n: Int, _ places: UnsafePointer<T>,
    _ body: (_ position: Int, _ weight: T, _ dx: T, _ dy: T, _ dz: T) -> Void
  ) {
    let x = neighbours(places[3 * n], extent.x)
    let y = neighbours(places[3 * n + 1], extent.y)
    let z = neighbours(places[3 * n + 2], extent.z)
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
      let place = (i * extent.y + j) * extent.z + k
      let row = Int(stored[place])
      if row < 0 { continue }
      body(row * channels, wx * wy * wz, sx * wy * wz, wx * sy * wz, wx * wy * sz)
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
      inBlocks { range in
        for n in range {
          let to = out + n * channels
          visit(n, places) { position, weight, _, _, _ in
            for c in 0..<channels { to[c] += weight * source[position + c] }
          }
        }
      }
    }
  }

  func pointDerivative(_ cotangent: Tensor) -> Tensor {
    Tensor.build([count, 3], T.self) { out in
      let (source, places) = (grid.pointer(T.self), points.pointer(T.self))
      let arriving = cotangent.pointer(T.self)
      inBlocks { range in
        for n in range {
          let from = arriving + n * channels
          var (dx, dy, dz): (T, T, T) = (0, 0, 0)
          visit(n, places) { position, _, sx, sy, sz in
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
      let arriving = cotangent.pointer(T.self)
      let bands = count < Self.block ? 1 : 4
      let height = (size / channels + bands - 1) / bands * channels
      let task = { (band: Int) in
        let range = band * height..<(band + 1) * height
        for n in 0..<count {
          let from = arriving + n * channels
          visit(n, places) { position, weight, _, _, _ in
            guard range.contains(position) else { return }
            for c in 0..<channels { out[position + c] += weight * from[c] }
          }
        }
      }
      if bands == 1 { task(0) } else { parallelFor(bands, task) }
    }
  }
}
