/// A matrix most of whose entries are 0, with constant entries: subdivision, Laplacians, filters.
///
/// Compressed rows; columns ascend in each row. Products with dense tensors are differentiable to
/// any order with respect to the dense one. It cannot: give a derivative with respect to its own
/// entries.
public struct SparseMatrix: Sendable {
  public let rowCount: Int
  public let columnCount: Int
  /// The entries of row i are `offsets[i]..<offsets[i + 1]`.
  public let offsets: [Int]
  public let columns: [Int32]
  public let values: [Double]

  /// How many entries are stored.
  public var entryCount: Int { values.count }

  /// One entry before rows are sorted. Entries at one place add up.
  public struct Entry: Sendable {
    public var row: Int
    public var column: Int
    public var value: Double

    public init(_ row: Int, _ column: Int, _ value: Double) {
      (self.row, self.column, self.value) = (row, column, value)
    }
  }

  /// An index out of range stops the program. Repeated entries are added in order of appearance.
  ///
  /// - Complexity: O(N log N) for N entries.
  public init(rowCount: Int, columnCount: Int, entries: [Entry]) {
    var starts = [Int](repeating: 0, count: rowCount + 1)
    for entry in entries {
      require(
        (0..<rowCount).contains(entry.row) && (0..<columnCount).contains(entry.column),
        "SparseMatrix: entry (\(entry.row), \(entry.column)) of \(rowCount)×\(columnCount)")
      starts[entry.row + 1] += 1
    }
    for row in 0..<rowCount { starts[row + 1] += starts[row] }
    var next = starts
    var order = [Int](repeating: 0, count: entries.count)
    for (number, entry) in entries.enumerated() {
      order[next[entry.row]] = number
      next[entry.row] += 1
    }
    var (offsets, columns, values) = ([0], [Int32](), [Double]())
    for row in 0..<rowCount {
      // Positions decide between equal columns, so that sums keep their order.
      let sorted = order[starts[row]..<starts[row + 1]].sorted {
        (entries[$0].column, $0) < (entries[$1].column, $1)
      }
      for number in sorted {
        let entry = entries[number]
        if columns.count > offsets[row] && columns[columns.count - 1] == Int32(entry.column) {
          values[values.count - 1] += entry.value
        } else {
          columns.append(Int32(entry.column))
          values.append(entry.value)
        }
      }
      offsets.append(columns.count)
    }
    self.init(
      rowCount: rowCount, columnCount: columnCount, offsets: offsets, columns: columns,
      values: values)
  }

  init(rowCount: Int, columnCount: Int, offsets: [Int], columns: [Int32], values: [Double]) {
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.offsets = offsets
    self.columns = columns
    self.values = values
  }

  /// `identity`·I + `laplacian`·L of a graph, L being combinatorial: the number of neighbours on
  /// the diagonal, -1 for every neighbour. Edges from a vertex to itself do not count.
  ///
  /// - Parameters:
  ///   - edges: every undirected edge once, int32 [E, 2].
  ///   - count: number of vertices.
  ///   - identity: factor of I.
  ///   - laplacian: factor of L.
  public static func graphLaplacian(
    edges: Tensor, count: Int, identity: Double = 0, laplacian: Double = 1
  ) -> SparseMatrix {
    let ends = edges.scalars(as: Int32.self)
    var entries = (0..<count).map { Entry($0, $0, identity) }
    entries.reserveCapacity(count + 2 * ends.count)
    for edge in stride(from: 0, to: ends.count - 1, by: 2) {
      let (a, b) = (Int(ends[edge]), Int(ends[edge + 1]))
      guard a != b else { continue }
      entries += [
        Entry(a, a, laplacian), Entry(b, b, laplacian), Entry(a, b, -laplacian),
        Entry(b, a, -laplacian),
      ]
    }
    return SparseMatrix(rowCount: count, columnCount: count, entries: entries)
  }

  /// The matrix with rows and columns exchanged.
  public var transposed: SparseMatrix {
    var offsets = [Int](repeating: 0, count: columnCount + 1)
    for column in columns { offsets[Int(column) + 1] += 1 }
    for column in 0..<columnCount { offsets[column + 1] += offsets[column] }
    var next = offsets
    var turned = [Int32](repeating: 0, count: columns.count)
    var moved = [Double](repeating: 0, count: columns.count)
    for row in 0..<rowCount {
      for place in self.offsets[row]..<self.offsets[row + 1] {
        let column = Int(columns[place])
        turned[next[column]] = Int32(row)
        moved[next[column]] = values[place]
        next[column] += 1
      }
    }
    return SparseMatrix(
      rowCount: columnCount, columnCount: rowCount, offsets: offsets, columns: turned,
      values: moved)
  }

  /// M·x for x [columns, ...]: [rows, ...] in the dtype of x. Sums are taken in double precision in
  /// the order of the columns.
  ///
  /// - Complexity: O(entries · C), C being the extent of a row of x.
  public func times(_ x: Tensor) -> Tensor {
    require(
      x.rank >= 1 && x.shape[0] == columnCount && x.dtype.isFloatingPoint,
      "SparseMatrix.times: \(rowCount)×\(columnCount) and \(x.dtype) \(x.shape)")
    let product = x.dtype == .float32 ? times(x, Float.self) : times(x, Double.self)
    return customOperation(
      "SparseMatrix.times", inputs: [x], outputs: [product], differentiableTwice: true
    ) { cotangents, _ in [cotangents[0].map { transposed.times($0) }] }[0]
  }

  private func times<T: TensorScalar & BinaryFloatingPoint>(_ x: Tensor, _ type: T.Type) -> Tensor {
    let width = x.shape.dropFirst().reduce(1, *)
    let source = x.pointer(T.self)
    return .build([rowCount] + x.shape.dropFirst(), T.self) { out in
      inBlocks(rowCount, of: max(1, (1 << 14) / max(width, 1))) { range in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: max(width, 1)) { sums in
          for row in range {
            for k in 0..<width { sums[k] = 0 }
            for place in offsets[row]..<offsets[row + 1] {
              let from = source + Int(columns[place]) * width
              for k in 0..<width { sums[k] += values[place] * Double(from[k]) }
            }
            for k in 0..<width { out[row * width + k] = T(sums[k]) }
          }
        }
      }
    }
  }
}

/// A linear system that cannot be solved.
public enum SparseError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Row of the matrix at which a pivot was not above 0.
  case notPositiveDefinite(row: Int, pivot: Double)
  /// The factor would hold more entries than the limit.
  case tooLarge(entries: Int, limit: Int)
  case notSquare(rows: Int, columns: Int)

  public var description: String {
    switch self {
    case .notPositiveDefinite(let row, let pivot):
      "the matrix is not positive definite: pivot \(pivot) at row \(row)"
    case .tooLarge(let entries, let limit):
      "the factor has \(entries) entries or more, the limit is \(limit)"
    case .notSquare(let rows, let columns): "a matrix of \(rows)×\(columns) is not square"
    }
  }
}
