import CLumiKernels

// A tree of points for searches: sorted along a Morton curve, eight to a leaf, eight boxes to a
// node, built bottom-up as BoxTree is. The searches are C; BoxTree is their readable twin.
//
// It cannot: follow points that move; it is built anew.

/// A search structure over points [N, D], D from 1 to 3. Points that are not finite are left out.
package final class PointTree: Sendable {
  /// [N, 3] in double precision; missing coordinates are 0.
  let places: [Double]
  let count: Int
  /// Finite points along a curve that keeps neighbours together.
  let order: [Int32]
  private let points: [Double]
  private let items: [Int32]
  private let boxes: [Double]
  private let starts: [Int64]

  private static let width = Int(LUMI_TREE_WIDTH)

  /// - Complexity: O(N log N).
  package init(_ points: Tensor) {
    count = points.shape[0]
    places = Self.coordinates(points)
    order = MortonOrder.of(places)
    let leaves = (order.count + Self.width - 1) / Self.width
    var packed = [Double](repeating: .infinity, count: leaves * 3 * Self.width)
    var items = [Int32](repeating: 0, count: leaves * Self.width)
    for (place, item) in order.enumerated() {
      let (leaf, lane) = (place / Self.width, place % Self.width)
      items[place] = item
      for axis in 0..<3 {
        packed[(leaf * 3 + axis) * Self.width + lane] = places[3 * Int(item) + axis]
      }
    }
    self.points = packed
    self.items = items
    (boxes, starts) = Self.boxes(of: packed, leaves: leaves)
  }

  static func coordinates(_ points: Tensor) -> [Double] {
    let dimensions = points.shape[1]
    let values = points.detached.scalars(as: Double.self)
    guard dimensions < 3 else { return values }
    var places = [Double](repeating: 0, count: 3 * points.shape[0])
    for row in 0..<points.shape[0] {
      for axis in 0..<dimensions { places[3 * row + axis] = values[row * dimensions + axis] }
    }
    return places
  }

  /// Level by level: the leaves' boxes, the boxes around eight of them, and so on up to one node.
  private static func boxes(of packed: [Double], leaves: Int) -> ([Double], [Int64]) {
    guard leaves > 0 else { return ([], []) }
    var boxes: [Double] = []
    var starts: [Int64] = []
    var children = leaves
    while true {
      let start = boxes.count / (6 * width)
      let nodes = (children + width - 1) / width
      let empty = (0..<6 * width).map { $0 < 3 * width ? Double.infinity : -.infinity }
      for _ in 0..<nodes { boxes += empty }
      for child in 0..<children {
        for axis in 0..<3 {
          var (low, high) = (Double.infinity, -Double.infinity)
          for lane in 0..<width {
            if starts.isEmpty {
              let value = packed[(child * 3 + axis) * width + lane]
              if value < .infinity { (low, high) = (min(low, value), max(high, value)) }
            } else {
              let node = (Int(starts.last!) + child) * 6
              low = min(low, boxes[(node + axis) * width + lane])
              high = max(high, boxes[(node + 3 + axis) * width + lane])
            }
          }
          let place = (start + child / width) * 6
          boxes[(place + axis) * width + child % width] = low
          boxes[(place + 3 + axis) * width + child % width] = high
        }
      }
      starts.append(Int64(start))
      if nodes == 1 { return (boxes, starts) }
      children = nodes
    }
  }

  private func withTree<Result>(_ body: (UnsafePointer<lumi_point_tree>) -> Result) -> Result {
    places.withUnsafeBufferPointer { places in
      points.withUnsafeBufferPointer { points in
        items.withUnsafeBufferPointer { items in
          boxes.withUnsafeBufferPointer { boxes in
            var tree = lumi_point_tree()
            tree.places = places.baseAddress
            tree.points = points.baseAddress
            tree.items = items.baseAddress
            tree.boxes = boxes.baseAddress
            tree.levels = Int32(starts.count)
            withUnsafeMutableBytes(of: &tree.starts) { target in
              for (level, start) in starts.enumerated() {
                target.storeBytes(of: start, toByteOffset: 8 * level, as: Int64.self)
              }
            }
            return body(&tree)
          }
        }
      }
    }
  }

  /// See `nearestNeighbours(of:in:count:)`. The queries are the points of another tree, whose order
  /// makes searches that follow each other alike.
  package func nearest(to queries: PointTree, count: Int) -> (
    indices: Tensor, squaredDistances: Tensor
  ) {
    let rows = queries.count
    var squared: Tensor?
    let indices = Tensor.build([rows, count], Int32.self) { found in
      found.update(repeating: 0, count: rows * count)
      squared = Tensor.build([rows, count], Double.self) { distances in
        distances.update(repeating: .infinity, count: rows * count)
        search(queries.order.count) { tree, range in
          queries.places.withUnsafeBufferPointer { places in
            queries.order.withUnsafeBufferPointer { order in
              lumi_nearest_points(
                tree, places.baseAddress, order.baseAddress, range.lowerBound, range.upperBound,
                count, found, distances)
            }
          }
        }
      }
    }
    return (indices, squared!)
  }

  private func search(
    _ rows: Int, _ body: (UnsafePointer<lumi_point_tree>, Range<Int>) -> Void
  ) {
    withTree { tree in
      inBlocks(rows, of: 256) { range in body(tree, range) }
    }
  }

  /// See `radiusNeighbours(of:in:radius:)`.
  package func within(_ radius: Double, of queries: [Double]) -> RadiusNeighbours {
    let rows = queries.count / 3
    let bound = radius * radius
    var counts = [Int64](repeating: 0, count: rows + 1)
    counts.withUnsafeMutableBufferPointer { counts in
      queries.withUnsafeBufferPointer { queries in
        let counts = counts.baseAddress!
        search(rows) { tree, range in
          lumi_count_within(
            tree, queries.baseAddress, range.lowerBound, range.upperBound, bound, counts)
        }
      }
    }
    var total: Int64 = 0
    for row in 0...rows { (counts[row], total) = (total, total + (row < rows ? counts[row] : 0)) }
    return filled(queries, bound, offsets: counts)
  }

  private func filled(_ queries: [Double], _ bound: Double, offsets: [Int64]) -> RadiusNeighbours {
    let total = Int(offsets.last!)
    var squared: Tensor?
    let indices = Tensor.build([total], Int32.self) { found in
      squared = Tensor.build([total], Double.self) { distances in
        offsets.withUnsafeBufferPointer { offsets in
          queries.withUnsafeBufferPointer { queries in
            search(offsets.count - 1) { tree, range in
              lumi_points_within(
                tree, queries.baseAddress, range.lowerBound, range.upperBound, bound,
                offsets.baseAddress, found, distances)
              for row in range {
                let list = Int(offsets[row])..<Int(offsets[row + 1])
                RadiusNeighbours.sort(list, found, distances)
              }
            }
          }
        }
      }
    }
    return RadiusNeighbours(
      offsets: offsets.map { Int($0) }, indices: indices, squaredDistances: squared!)
  }

  /// See `rayNeighbours(origins:directions:points:radius:)`. Rays are six numbers each.
  func along(_ rays: [Double], radius: Double) -> RayNeighbours {
    let rows = rays.count / 6
    let bound = radius * radius
    let margin = RayNeighbours.margin(radius: radius, rays, places)
    var offsets = [Int64](repeating: 0, count: rows + 1)
    return rays.withUnsafeBufferPointer { rays in
      offsets.withUnsafeMutableBufferPointer { counts in
        let counts = counts.baseAddress!
        search(rows) { tree, range in
          lumi_count_along(
            tree, rays.baseAddress, range.lowerBound, range.upperBound, bound, margin, counts)
        }
      }
      var total: Int64 = 0
      for row in 0...rows {
        (offsets[row], total) = (total, total + (row < rows ? offsets[row] : 0))
      }
      let indices = Tensor.build([Int(total)], Int32.self) { found in
        offsets.withUnsafeBufferPointer { offsets in
          search(rows) { tree, range in
            lumi_points_along(
              tree, rays.baseAddress, range.lowerBound, range.upperBound, bound, margin,
              offsets.baseAddress, found)
            for row in range {
              let (start, end) = (Int(offsets[row]), Int(offsets[row + 1]))
              var list = UnsafeMutableBufferPointer(start: found + start, count: end - start)
              list.sort()
            }
          }
        }
      }
      return RayNeighbours(offsets: offsets.map { Int($0) }, indices: indices)
    }
  }
}
