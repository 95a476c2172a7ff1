// Multi-resolution hash grid: features of points in a box, interpolated in grids of growing
// resolution whose nodes share the rows of one table each.
//
// A level whose nodes all fit into its table has a row per node; above that, nodes are hashed and
// may collide, which nothing resolves: training lets the more important node win. Values are
// continuous; the derivative by the points is continuous within a cell only (values are multilinear
// there), so pure second derivatives along one axis are 0 and mixed ones are not. Outside of the
// box the border's values repeat.
//
// T. Müller, A. Evans, C. Schied, A. Keller, "Instant Neural Graphics Primitives with a
// Multiresolution Hash Encoding", SIGGRAPH 2022.
import CLumiKernels
import Foundation
import LumiTensor

/// The grids' sizes and where each level's rows begin.
public struct HashGridLayout: Sendable, Hashable {
  /// 2 or 3.
  public let dimensions: Int
  public let featuresPerLevel: Int
  /// Cells along every axis, level by level.
  public let resolutions: [Int]
  /// Rows of every level.
  public let rows: [Int]
  /// Whether the level's nodes share rows.
  public let isHashed: [Bool]
  /// First row of every level in the table, and the number of all rows.
  public let firstRows: [Int]

  /// Extent of the encoding.
  public var features: Int { resolutions.count * featuresPerLevel }

  /// - Parameters:
  ///   - dimensions: of the points, 2 or 3.
  ///   - levels: number of grids.
  ///   - featuresPerLevel: numbers in a row, 1 to 16.
  ///   - logTableSize: the binary logarithm of a level's most rows, up to 24.
  ///   - baseResolution: cells along an axis of the coarsest grid.
  ///   - finestResolution: cells along an axis of the finest; between, resolutions grow by a
  ///     constant factor and are rounded down.
  public init(
    dimensions: Int = 3, levels: Int = 16, featuresPerLevel: Int = 2, logTableSize: Int = 19,
    baseResolution: Int = 16, finestResolution: Int = 2048
  ) {
    require(
      (2...3).contains(dimensions) && levels > 0 && (1...16).contains(featuresPerLevel)
        && (1...24).contains(logTableSize),
      """
      HashGridLayout: \(dimensions) dimensions, \(levels) levels, \(featuresPerLevel) features a \
      level, logTableSize \(logTableSize); expected 2 or 3, at least 1, 1...16, 1...24
      """)
    require(
      baseResolution > 0 && finestResolution >= baseResolution && finestResolution < 1 << 20,
      """
      HashGridLayout: resolutions \(baseResolution) to \(finestResolution), expected at least 1, \
      growing, below 2^20
      """)
    let tableSize = 1 << logTableSize
    let ratio = Double(finestResolution) / Double(baseResolution)
    resolutions = (0..<levels).map { level in
      if level == levels - 1 && levels > 1 { return finestResolution }
      let share = levels > 1 ? Double(level) / Double(levels - 1) : 0
      // A hair above, so that whole numbers stay whole.
      return Int(Double(baseResolution) * pow(ratio, share) + 1e-9)
    }
    let nodes = resolutions.map { resolution in
      (0..<dimensions).reduce(1) { product, _ in product * (resolution + 1) }
    }
    rows = nodes.map { min($0, tableSize) }
    isHashed = nodes.map { $0 > tableSize }
    firstRows = rows.reduce(into: [0]) { $0.append($0.last! + $1) }
    self.dimensions = dimensions
    self.featuresPerLevel = featuresPerLevel
  }

  /// A node's row in the table.
  ///
  /// Dense levels: the last coordinate fastest. Hashed ones: the exclusive or of the coordinates
  /// times 1, 2654435761 and 805459861, modulo the (binary) table size.
  public func row(level: Int, node: [Int]) -> Int {
    let side = resolutions[level] + 1
    guard isHashed[level] else {
      return firstRows[level] + node.reduce(0) { $0 * side + $1 }
    }
    var hash: UInt32 = 0
    for (coordinate, prime) in zip(node, hashPrimes) {
      hash ^= UInt32(truncatingIfNeeded: coordinate) &* prime
    }
    return firstRows[level] + Int(hash & UInt32(rows[level] - 1))
  }
}

private let hashPrimes: [UInt32] = [1, 2_654_435_761, 805_459_861]

/// A multi-resolution hash grid with its parameter "table".
public struct HashGrid: Module {
  public let layout: HashGridLayout
  /// Corners of the box that the grids span.
  public let lower: [Double]
  public let upper: [Double]
  /// [layout.firstRows.last, features per level].
  public var table: Tensor

  /// - Parameters:
  ///   - layout: the grids.
  ///   - lower: the box's lower corner; zeros if nil.
  ///   - upper: the box's upper corner, above `lower` along every axis; ones if nil.
  ///   - spread: entries start uniform in ±`spread`.
  ///   - seed: of the entries.
  ///   - dtype: the type of the table.
  public init(
    layout: HashGridLayout = HashGridLayout(), lower: [Double]? = nil, upper: [Double]? = nil,
    spread: Double = 1e-4, seed: UInt64, dtype: DType = .float32
  ) {
    self.layout = layout
    self.lower = lower ?? [Double](repeating: 0, count: layout.dimensions)
    self.upper = upper ?? [Double](repeating: 1, count: layout.dimensions)
    require(
      self.lower.count == layout.dimensions && self.upper.count == layout.dimensions
        && zip(self.lower, self.upper).allSatisfy { $0 < $1 && ($1 - $0).isFinite },
      "HashGrid: box \(self.lower) to \(self.upper) in \(layout.dimensions) dimensions")
    var random = RandomGenerator(seed: seed)
    table = random.uniform(
      [layout.firstRows.last!, layout.featuresPerLevel], low: -spread, high: spread, dtype: dtype)
  }

  /// The features of all levels, coarse to fine.
  ///
  /// Derivatives of any order by points and table; the first two run on fused kernels.
  ///
  /// - Parameter x: [..., dimensions]. A coordinate that is not a number gives features that are
  ///   not.
  /// - Returns: [..., levels · features per level].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    require(
      x.shape.last == layout.dimensions && x.dtype == table.dtype,
      """
      HashGrid: points \(x.dtype) \(x.shape), expected \(table.dtype) \
      [..., \(layout.dimensions)]
      """)
    let points = x.reshaped([x.count / layout.dimensions, layout.dimensions])
    // In k gradient scopes a value is differentiated at most k times.
    let encode = lumi_tape_depth() <= 2 ? fusedHashGrid : composedHashGrid
    let result = encode(unitPoints(points), table, layout)
    return result.reshaped(Array(x.shape.dropLast()) + [layout.features])
  }

  /// Points in coordinates from 0 to 1 within the box.
  private func unitPoints(_ points: Tensor) -> Tensor {
    let start = Tensor(lower).cast(to: table.dtype)
    let extent = Tensor(zip(upper, lower).map { $0 - $1 }).cast(to: table.dtype)
    return (points - start) / extent
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> HashGrid {
    var result = self
    result.table = try transform("table", table)
    return result
  }
}

// MARK: - Tensor operations

/// The encoding made of tensor operations: the readable twin of the fused kernels.
///
/// - Parameters:
///   - points: [N, D] in coordinates from 0 to 1.
///   - table: [rows, F].
package func composedHashGrid(
  _ points: Tensor, _ table: Tensor, _ layout: HashGridLayout
) -> Tensor {
  let (count, dimensions) = (points.shape[0], layout.dimensions)
  let levels = layout.resolutions.count
  let corners = 1 << dimensions
  let resolutions = Tensor(layout.resolutions.map(Double.init), shape: [levels, 1])
    .cast(to: points.dtype)
  let places = points.clamped(min: 0, max: 1).expandingDims(at: 1) * resolutions
  let cells = Tensor.minimum(places.stoppingGradient().floor(), resolutions - 1)
  let high = places - cells
  let pairs = Tensor.stack([1 - high, high], axis: -1)
  var weights = Tensor.ones([1, 1, 1], dtype: points.dtype)
  for axis in 0..<dimensions {
    let along = pairs[.all, .all, axis].expandingDims(at: 2)
    weights = (weights.expandingDims(at: 3) * along).reshaped([count, levels, 2 << axis])
  }
  let rows = table.gather(cornerRows(cells, layout))
  let sum = (weights.expandingDims(at: 3) * rows).sum(axis: 2)
  assert(rows.shape == [count, levels, corners, layout.featuresPerLevel])
  return sum.reshaped([count, layout.features])
}

/// The table's rows at the corners of cells [N, L, D], the last axis fastest: int32 [N, L, 2^D].
/// What is not a number counts as cell 0; its weights are not numbers either.
private func cornerRows(_ cells: Tensor, _ layout: HashGridLayout) -> Tensor {
  let (levels, dimensions) = (layout.resolutions.count, layout.dimensions)
  let corners = 1 << dimensions
  let lowest = cells.cast(to: .int32).scalars(as: Int32.self)
  var node = [Int](repeating: 0, count: dimensions)
  var rows: [Int32] = []
  rows.reserveCapacity(cells.shape[0] * levels * corners)
  for cell in 0..<cells.shape[0] * levels {
    for corner in 0..<corners {
      for axis in 0..<dimensions {
        node[axis] =
          Int(lowest[cell * dimensions + axis]) + (corner >> (dimensions - 1 - axis)) & 1
      }
      rows.append(Int32(layout.row(level: cell % levels, node: node)))
    }
  }
  return Tensor(rows, shape: [cells.shape[0], levels, corners])
}
