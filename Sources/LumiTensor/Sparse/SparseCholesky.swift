// A direct solver for sparse symmetric positive definite systems: P M Pᵀ = L Lᵀ, factored once, row
// by row along the elimination tree (the up-looking method of T. A. Davis, "Direct Methods for
// Sparse Linear Systems", SIAM 2006, chapter 4), unknowns ordered by nested dissection.
//
// In double precision and on one thread, so always to the same bits. It cannot: solve indefinite or
// unsymmetric systems; only the lower triangle is read.

/// See the head of this file.
public struct SparseCholesky: Sendable {
  /// A factor of more entries (3 GiB) is refused.
  public static let entryLimit = 1 << 28

  public let count: Int
  private let order: [Int32]
  /// Columns of L, the diagonal first.
  private let starts: [Int]
  private let rows: [Int32]
  private let values: [Double]

  /// Entries of the factor.
  public var entryCount: Int { values.count }

  /// Factors a matrix.
  ///
  /// - Throws: ``SparseError``.
  /// - Complexity: for surface meshes about O(V log V) entries and O(V^1.5) operations.
  public init(_ matrix: SparseMatrix, entryLimit: Int = SparseCholesky.entryLimit) throws {
    guard matrix.rowCount == matrix.columnCount else {
      throw SparseError.notSquare(rows: matrix.rowCount, columns: matrix.columnCount)
    }
    count = matrix.rowCount
    order = NestedDissection.order(matrix)
    let upper = Self.permutedUpper(matrix, order)
    let tree = EliminationTree(upper)
    starts = try tree.columnStarts(upper, limit: entryLimit)
    var factorization = Factorization(upper, tree, starts)
    if let (row, pivot) = factorization.run() {
      throw SparseError.notPositiveDefinite(row: Int(order[row]), pivot: pivot)
    }
    (rows, values) = (factorization.rows, factorization.values)
  }

  /// The solution x of M x = b for b [count, ...], in the dtype of b; differentiable to any order
  /// with respect to b.
  ///
  /// - Complexity: O(entries of the factor · C), C being the extent of a row of b.
  public func solve(_ b: Tensor) -> Tensor {
    require(
      b.rank >= 1 && b.shape[0] == count && b.dtype.isFloatingPoint,
      "SparseCholesky.solve: \(count) unknowns and \(b.dtype) \(b.shape)")
    return customOperation(
      "SparseCholesky.solve", inputs: [b], outputs: [solved(b.detached)],
      differentiableTwice: true
    ) { cotangents, _ in [cotangents[0].map { solve($0) }] }[0]
  }

  private func solved(_ b: Tensor) -> Tensor {
    let width = b.shape.dropFirst().reduce(1, *)
    let given = b.scalars(as: Double.self)
    let result = Tensor.build(b.shape, Double.self) { out in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: max(count * width, 1)) { x in
        let x = x.baseAddress!
        for (place, vertex) in order.enumerated() {
          for k in 0..<width { x[place * width + k] = given[Int(vertex) * width + k] }
        }
        substitute(x, width)
        for (place, vertex) in order.enumerated() {
          for k in 0..<width { out[Int(vertex) * width + k] = x[place * width + k] }
        }
      }
    }
    return result.cast(to: b.dtype)
  }

  /// L y = b and Lᵀ x = y in place.
  private func substitute(_ x: UnsafeMutablePointer<Double>, _ width: Int) {
    rows.withUnsafeBufferPointer { rows in
      values.withUnsafeBufferPointer { values in
        for column in 0..<count {
          let own = x + column * width
          let (start, end) = (starts[column], starts[column + 1])
          for k in 0..<width { own[k] /= values[start] }
          for place in start + 1..<end {
            let other = x + Int(rows[place]) * width
            for k in 0..<width { other[k] -= values[place] * own[k] }
          }
        }
        for column in stride(from: count - 1, through: 0, by: -1) {
          let own = x + column * width
          let (start, end) = (starts[column], starts[column + 1])
          for place in start + 1..<end {
            let other = x + Int(rows[place]) * width
            for k in 0..<width { own[k] -= values[place] * other[k] }
          }
          for k in 0..<width { own[k] /= values[start] }
        }
      }
    }
  }

  /// Row k holds the columns up to k of the lower triangle of P M Pᵀ.
  private static func permutedUpper(_ matrix: SparseMatrix, _ order: [Int32]) -> SparseMatrix {
    var place = [Int](repeating: 0, count: order.count)
    for (position, vertex) in order.enumerated() { place[Int(vertex)] = position }
    var entries: [SparseMatrix.Entry] = []
    entries.reserveCapacity(matrix.entryCount / 2 + order.count)
    for row in 0..<matrix.rowCount {
      for index in matrix.offsets[row]..<matrix.offsets[row + 1] {
        let column = Int(matrix.columns[index])
        guard column <= row else { continue }
        let (a, b) = (place[row], place[column])
        entries.append(.init(max(a, b), min(a, b), matrix.values[index]))
      }
    }
    return SparseMatrix(rowCount: order.count, columnCount: order.count, entries: entries)
  }
}

/// Which column of the factor first depends on each.
private struct EliminationTree {
  /// -1 for a root.
  var parent: [Int32]

  init(_ lower: SparseMatrix) {
    let count = lower.rowCount
    parent = [Int32](repeating: -1, count: count)
    // Shortcuts to the root so far keep the climb short.
    var ancestor = [Int32](repeating: -1, count: count)
    for row in 0..<count {
      for place in lower.offsets[row]..<lower.offsets[row + 1] {
        var node = lower.columns[place]
        while node >= 0 && node < row {
          let next = ancestor[Int(node)]
          ancestor[Int(node)] = Int32(row)
          if next < 0 { parent[Int(node)] = Int32(row) }
          node = next
        }
      }
    }
  }

  /// Where the columns of the factor begin.
  func columnStarts(_ lower: SparseMatrix, limit: Int) throws -> [Int] {
    let count = lower.rowCount
    var lengths = [Int](repeating: 1, count: count)
    var total = count
    var mark = [Int32](repeating: -1, count: count)
    for row in 0..<count {
      mark[row] = Int32(row)
      for place in lower.offsets[row]..<lower.offsets[row + 1] {
        var node = Int(lower.columns[place])
        while mark[node] != Int32(row) {
          mark[node] = Int32(row)
          lengths[node] += 1
          total += 1
          node = Int(parent[node])
        }
      }
      guard total <= limit else { throw SparseError.tooLarge(entries: total, limit: limit) }
    }
    var starts = [0]
    starts.reserveCapacity(count + 1)
    for length in lengths { starts.append(starts.last! + length) }
    return starts
  }
}

private struct Factorization {
  private let lower: SparseMatrix
  private let tree: EliminationTree
  private let starts: [Int]
  var rows: [Int32]
  var values: [Double]

  init(_ lower: SparseMatrix, _ tree: EliminationTree, _ starts: [Int]) {
    (self.lower, self.tree, self.starts) = (lower, tree, starts)
    rows = [Int32](repeating: 0, count: starts.last!)
    values = [Double](repeating: 0, count: starts.last!)
  }

  /// Row k of L solves L(0..<k) y = M(0..<k, k). Gives the first row whose pivot is not above 0.
  mutating func run() -> (row: Int, pivot: Double)? {
    let count = lower.rowCount
    var next = Array(starts.dropLast())
    var mark = [Int32](repeating: -1, count: count)
    var dense = [Double](repeating: 0, count: count)
    var pattern = [Int32](repeating: 0, count: count)
    for row in 0..<count {
      var pivot = 0.0
      for place in lower.offsets[row]..<lower.offsets[row + 1] {
        let column = Int(lower.columns[place])
        if column == row {
          pivot = lower.values[place]
        } else {
          dense[column] = lower.values[place]
        }
      }
      let first = reach(row, &mark, &pattern)
      for position in first..<count {
        let column = Int(pattern[position])
        let value = dense[column] / values[starts[column]]
        dense[column] = 0
        for place in starts[column] + 1..<next[column] {
          dense[Int(rows[place])] -= values[place] * value
        }
        pivot -= value * value
        rows[next[column]] = Int32(row)
        values[next[column]] = value
        next[column] += 1
      }
      guard pivot > 0 && pivot.isFinite else { return (row, pivot) }
      rows[starts[row]] = Int32(row)
      values[starts[row]] = pivot.squareRoot()
      next[row] = starts[row] + 1
    }
    return nil
  }

  /// The columns of the row's entries, in an order that respects the tree, at the end of `pattern`.
  private func reach(_ row: Int, _ mark: inout [Int32], _ pattern: inout [Int32]) -> Int {
    var top = pattern.count
    mark[row] = Int32(row)
    for place in lower.offsets[row]..<lower.offsets[row + 1] {
      var node = Int(lower.columns[place])
      var length = 0
      while mark[node] != Int32(row) {
        mark[node] = Int32(row)
        pattern[length] = Int32(node)
        length += 1
        node = Int(tree.parent[node])
      }
      while length > 0 {
        length -= 1
        top -= 1
        pattern[top] = pattern[length]
      }
    }
    return top
  }
}
