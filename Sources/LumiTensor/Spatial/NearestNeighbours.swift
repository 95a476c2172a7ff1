// Nearest points, exactly: all pairs for few points or many dimensions, a tree elsewhere.

/// The position in `y` of the point nearest to every point of `x`; the first of equally near ones,
/// and 0 if no distance is a number.
///
/// Without a derivative: what is nearest is a choice.
///
/// - Complexity: O((N + M) log M) for well spread points of up to three dimensions, O(N·M·D) for
///   more of them and for small sets.
/// - Parameters:
///   - x: [N, D].
///   - y: [M, D] with M at least 1, of the same dtype.
/// - Returns: int32 [N].
public func nearestNeighbours(of x: Tensor, in y: Tensor) -> Tensor {
  requirePoints("nearestNeighbours", x, y)
  require(y.shape[0] > 0, "nearestNeighbours: no points to be near to, shape \(y.shape)")
  guard NearestNeighbours.usesTree(x, y) else { return NearestNeighbours.ofAllPairs(x, y) }
  return nearestNeighbours(of: x, in: y, count: 1).indices.reshaped([x.shape[0]])
}

/// The positions in `y` of the `count` points nearest to every point of `x`, nearest first; of
/// equally near ones the first counts.
///
/// Distances are taken in double precision. A point that is not finite is near to nothing: rows
/// that cannot be filled end in index 0 at an infinite distance.
///
/// - Complexity: O((N + M) log M + N·count) for well spread points.
/// - Parameters:
///   - x: [N, D] with D from 1 to 3.
///   - y: [M, D] of the same dtype, M at least 1.
///   - count: neighbours a point, at least 1; may exceed M.
/// - Returns: int32 [N, count], and the squared distances float64 [N, count], without a derivative.
public func nearestNeighbours(
  of x: Tensor, in y: Tensor, count: Int
) -> (indices: Tensor, squaredDistances: Tensor) {
  requirePoints("nearestNeighbours", x, y)
  require(
    count > 0 && y.shape[0] > 0 && (1...3).contains(x.shape[1]),
    """
    nearestNeighbours: \(count) neighbours of \(x.shape) in \(y.shape), expected at least 1 of at \
    least 1 point with 1 to 3 coordinates
    """)
  let (queries, tree) = (PointTree(x), PointTree(y))
  return tree.nearest(to: queries, count: count)
}

/// The nearest neighbours of both of two sets in the other, as ``nearestNeighbours(of:in:)`` finds
/// them, for the price of the searches alone.
///
/// - Parameters:
///   - x: [N, D] with N at least 1.
///   - y: [M, D] with M at least 1, of the same dtype.
/// - Returns: int32 [N] into y and int32 [M] into x.
public func mutualNearestNeighbours(_ x: Tensor, _ y: Tensor) -> (ofX: Tensor, ofY: Tensor) {
  requirePoints("mutualNearestNeighbours", x, y)
  require(
    x.shape[0] > 0 && y.shape[0] > 0,
    "mutualNearestNeighbours: no points, shapes \(x.shape) and \(y.shape)")
  guard NearestNeighbours.usesTree(x, y) else {
    return (NearestNeighbours.ofAllPairs(x, y), NearestNeighbours.ofAllPairs(y, x))
  }
  let (first, second) = (PointTree(x), PointTree(y))
  return (
    second.nearest(to: first, count: 1).indices.reshaped([x.shape[0]]),
    first.nearest(to: second, count: 1).indices.reshaped([y.shape[0]])
  )
}

/// Rows [N, D], D ≤ 3, in double precision; missing coordinates are 0.
package func points3(_ points: Tensor) -> [SIMD3<Double>] {
  let values = points.detached.scalars(as: Double.self)
  let dimensions = points.shape[1]
  return (0..<points.shape[0]).map { row in
    var point = SIMD3<Double>()
    for axis in 0..<dimensions { point[axis] = values[row * dimensions + axis] }
    return point
  }
}

func requirePoints(_ operation: String, _ x: Tensor, _ y: Tensor) {
  require(
    x.rank == 2 && y.rank == 2 && x.shape[1] == y.shape[1] && x.dtype == y.dtype
      && x.dtype.isFloatingPoint,
    """
    \(operation): \(x.dtype) \(x.shape) in \(y.dtype) \(y.shape), expected points [N, D] and \
    [M, D] of one floating-point type
    """)
}

package enum NearestNeighbours {
  /// Whether a tree is faster than all pairs.
  static func usesTree(_ x: Tensor, _ y: Tensor) -> Bool {
    x.shape[1] <= 3 && x.shape[1] > 0 && x.shape[0] * y.shape[0] > mostPairs
  }

  static let mostPairs = 1 << 18

  /// The readable twin of ``PointTree/nearest(to:count:)``.
  package static func readable(
    of x: Tensor, in y: Tensor, count: Int
  ) -> (indices: Tensor, squared: Tensor) {
    let (queries, items) = (points3(x), points3(y))
    let tree = BoxTree(items.map { Box3($0) })
    var squared: Tensor?
    let indices = Tensor.build([queries.count, count], Int32.self) { found in
      found.update(repeating: 0, count: queries.count * count)
      squared = Tensor.build([queries.count, count], Double.self) { distances in
        distances.update(repeating: .infinity, count: queries.count * count)
        for (row, query) in queries.enumerated() {
          fill(query, items, tree, count, distances + row * count, found + row * count)
        }
      }
    }
    return (indices, squared!)
  }

  /// Keeps the `count` nearest in order by insertion.
  @inline(__always)
  static func fill(
    _ query: SIMD3<Double>, _ items: [SIMD3<Double>], _ tree: BoxTree, _ count: Int,
    _ distances: UnsafeMutablePointer<Double>, _ indices: UnsafeMutablePointer<Int32>
  ) {
    guard query.x.isFinite && query.y.isFinite && query.z.isFinite else { return }
    var held = 0
    tree.search(near: Box3(query)) {
      held < count ? .infinity : distances[count - 1]
    } visit: { item in
      let difference = query - items[item]
      let squared =
        difference.x * difference.x + difference.y * difference.y + difference.z * difference.z
      func isBefore(_ place: Int) -> Bool {
        squared < distances[place]
          || (squared == distances[place] && Int32(item) < indices[place])
      }
      if held == count && !isBefore(count - 1) { return }
      if held < count { held += 1 }
      var place = held - 1
      while place > 0 && isBefore(place - 1) {
        distances[place] = distances[place - 1]
        indices[place] = indices[place - 1]
        place -= 1
      }
      distances[place] = squared
      indices[place] = Int32(item)
    }
  }

  /// All pairs.
  package static func ofAllPairs(_ x: Tensor, _ y: Tensor) -> Tensor {
    x.dtype == .float32 ? ofAllPairs(x, y, Float.self) : ofAllPairs(x, y, Double.self)
  }

  private static func ofAllPairs<T: TensorScalar & BinaryFloatingPoint>(
    _ x: Tensor, _ y: Tensor, _ type: T.Type
  ) -> Tensor {
    let (rows, count, dimensions) = (x.shape[0], y.shape[0], x.shape[1])
    let points = x.pointer(T.self)
    // One coordinate of many points side by side lets the compiler work on several at once.
    let columns = y.stoppingGradient().transposed()
    let candidates = columns.pointer(T.self)
    return Tensor.build([rows], Int32.self) { out in
      inBlocks(rows, of: max(1, (1 << 18) / count)) { range in
        withUnsafeTemporaryAllocation(of: T.self, capacity: candidatesPerBlock) { buffer in
          for row in range {
            out[row] = nearest(
              to: points + row * dimensions, candidates, count, dimensions, buffer.baseAddress!)
          }
        }
      }
    }
  }

  /// Few enough for the first-level cache.
  private static let candidatesPerBlock = 1024

  @inline(__always)
  private static func nearest<T: BinaryFloatingPoint>(
    to point: UnsafePointer<T>, _ candidates: UnsafePointer<T>, _ count: Int, _ dimensions: Int,
    _ squared: UnsafeMutablePointer<T>
  ) -> Int32 {
    var best = 0
    var least = T.infinity
    for start in stride(from: 0, to: count, by: candidatesPerBlock) {
      let length = min(candidatesPerBlock, count - start)
      squared.update(repeating: 0, count: length)
      for dimension in 0..<dimensions {
        let column = candidates + dimension * count + start
        let coordinate = point[dimension]
        for j in 0..<length {
          let difference = coordinate - column[j]
          squared[j] += difference * difference
        }
      }
      for j in 0..<length where squared[j] < least {
        (least, best) = (squared[j], start + j)
      }
    }
    return Int32(best)
  }
}
