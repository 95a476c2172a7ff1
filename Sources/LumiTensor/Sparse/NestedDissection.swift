// The order in which the unknowns of a sparse symmetric system are eliminated, so that the factor
// stays sparse: nested dissection (A. George, "Nested Dissection of a Regular Finite Element Mesh",
// SIAM J. Numer. Anal. 1973). A set of vertices is cut in two by a level of a breadth-first search
// from a far end; the level comes last, the halves are cut in turn.
//
// It cannot: find the best separator. On surface meshes a level is near to one.

/// See the head of this file.
enum NestedDissection {
  /// Sets up to this size are not cut.
  private static let leafSize = 48

  /// Vertex numbers in the order of elimination.
  ///
  /// - Complexity: O(E log V) for meshes.
  static func order(_ matrix: SparseMatrix) -> [Int32] {
    var state = State(matrix)
    var result = [Int32](repeating: 0, count: matrix.rowCount)
    // Sets with the position after their last place.
    var pending: [(vertices: [Int32], end: Int)] = [
      (Array(0..<Int32(matrix.rowCount)), matrix.rowCount)
    ]
    while let (vertices, end) = pending.popLast() {
      let parts = state.parts(of: vertices)
      var place = end
      for vertex in parts.last.reversed() {
        place -= 1
        result[place] = vertex
      }
      for set in parts.apart where !set.isEmpty {
        pending.append((set, place))
        place -= set.count
      }
    }
    return result
  }

  private struct State {
    let matrix: SparseMatrix
    /// Which set a vertex is in; each call marks its set with a new number.
    var mark: [Int32]
    var level: [Int32]
    var stamp: Int32 = 0

    init(_ matrix: SparseMatrix) {
      self.matrix = matrix
      mark = [Int32](repeating: 0, count: matrix.rowCount)
      level = [Int32](repeating: -1, count: matrix.rowCount)
    }

    /// Sets without an edge between them, and vertices to put behind them all.
    mutating func parts(of vertices: [Int32]) -> (apart: [[Int32]], last: [Int32]) {
      guard vertices.count > leafSize else { return ([], vertices) }
      stamp += 1
      for vertex in vertices {
        mark[Int(vertex)] = stamp
        level[Int(vertex)] = -1
      }
      let first = search(from: vertices[0])
      if first.count < vertices.count { return (components(vertices, first), []) }
      for vertex in vertices { level[Int(vertex)] = -1 }
      let found = search(from: first[first.count - 1])
      return cut(found)
    }

    /// The vertices of the set that can be reached, by level.
    private mutating func search(from start: Int32) -> [Int32] {
      var found = [start]
      level[Int(start)] = 0
      var head = 0
      while head < found.count {
        let vertex = Int(found[head])
        head += 1
        for place in matrix.offsets[vertex]..<matrix.offsets[vertex + 1] {
          let other = Int(matrix.columns[place])
          guard mark[other] == stamp && level[other] < 0 else { continue }
          level[other] = level[vertex] + 1
          found.append(Int32(other))
        }
      }
      return found
    }

    /// All connected parts; small ones share a set.
    private mutating func components(_ vertices: [Int32], _ first: [Int32]) -> [[Int32]] {
      var sets = [first]
      var small: [Int32] = []
      for vertex in vertices where level[Int(vertex)] < 0 {
        let part = search(from: vertex)
        if part.count > leafSize { sets.append(part) } else { small += part }
        if small.count > leafSize / 2 {
          sets.append(small)
          small = []
        }
      }
      return sets + [small]
    }

    /// The middle level's vertices that touch the next level separate the two halves.
    private func cut(_ found: [Int32]) -> (apart: [[Int32]], last: [Int32]) {
      let depth = level[Int(found[found.count - 1])]
      guard depth >= 2 else { return ([], found) }
      let middle = min(max(level[Int(found[found.count / 2])], 1), depth - 1)
      var (lower, upper, separator) = ([Int32](), [Int32](), [Int32]())
      for vertex in found {
        let own = level[Int(vertex)]
        if own > middle {
          upper.append(vertex)
        } else if own < middle || !touches(vertex, middle + 1) {
          lower.append(vertex)
        } else {
          separator.append(vertex)
        }
      }
      return ([lower, upper], separator)
    }

    private func touches(_ vertex: Int32, _ wanted: Int32) -> Bool {
      let row = matrix.offsets[Int(vertex)]..<matrix.offsets[Int(vertex) + 1]
      return row.contains { place in
        let other = Int(matrix.columns[place])
        return mark[other] == stamp && level[other] == wanted
      }
    }
  }
}
