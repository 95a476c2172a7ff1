// A bounding-volume hierarchy over boxes: points, triangles, anything that has an extent.
//
// Items are sorted along a Morton curve and put into the leaves of a complete binary tree, eight to
// a leaf, whose boxes follow bottom-up (after C. Lauterbach et al., "Fast BVH Construction on GPUs",
// Eurographics 2009). The tree is balanced by number and not by space, so coincident items cannot
// make it deep, and it depends on nothing but the items.
//
// It cannot: follow items that move; it is built anew.

/// An axis-aligned box in double precision.
package struct Box3: Sendable {
  package var low: (x: Double, y: Double, z: Double)
  package var high: (x: Double, y: Double, z: Double)

  /// A box that holds nothing and is infinitely far from everything.
  package static var empty: Box3 {
    Box3(low: (.infinity, .infinity, .infinity), high: (-.infinity, -.infinity, -.infinity))
  }

  @inline(__always)
  package init(
    low: (x: Double, y: Double, z: Double), high: (x: Double, y: Double, z: Double)
  ) {
    self.low = low
    self.high = high
  }

  @inline(__always)
  package init(_ point: SIMD3<Double>) {
    self.init(low: (point.x, point.y, point.z), high: (point.x, point.y, point.z))
  }

  @inline(__always)
  package mutating func formUnion(_ other: Box3) {
    low = (
      Swift.min(low.x, other.low.x), Swift.min(low.y, other.low.y), Swift.min(low.z, other.low.z)
    )
    high = (
      Swift.max(high.x, other.high.x), Swift.max(high.y, other.high.y),
      Swift.max(high.z, other.high.z)
    )
  }

  /// The squared distance between the nearest points of two boxes.
  @inline(__always)
  func squaredDistance(to other: Box3) -> Double {
    let x = Swift.max(0, low.x - other.high.x, other.low.x - high.x)
    let y = Swift.max(0, low.y - other.high.y, other.low.y - high.y)
    let z = Swift.max(0, low.z - other.high.z, other.low.z - high.z)
    return x * x + y * y + z * z
  }

  var isFinite: Bool {
    low.x.isFinite && low.y.isFinite && low.z.isFinite && high.x.isFinite && high.y.isFinite
      && high.z.isFinite
  }
}

/// See the head of this file.
package struct BoxTree: Sendable {
  static let leafSize = 8
  /// Item numbers in the leaves' order. Items that are not finite are left out.
  let order: [Int32]
  /// Complete binary tree: the children of node n are 2n + 1 and 2n + 2.
  let nodes: [Box3]
  let leafCount: Int

  /// - Complexity: O(n log n).
  package init(_ boxes: [Box3]) {
    let order = Self.mortonOrder(boxes)
    self.order = order
    var leafCount = 1
    while leafCount * Self.leafSize < order.count { leafCount *= 2 }
    var nodes = [Box3](repeating: .empty, count: 2 * leafCount - 1)
    for leaf in 0..<leafCount {
      let start = leaf * Self.leafSize
      guard start < order.count else { break }
      for place in start..<Swift.min(start + Self.leafSize, order.count) {
        nodes[leafCount - 1 + leaf].formUnion(boxes[Int(order[place])])
      }
    }
    for node in stride(from: leafCount - 2, through: 0, by: -1) {
      nodes[node] = nodes[2 * node + 1]
      nodes[node].formUnion(nodes[2 * node + 2])
    }
    (self.nodes, self.leafCount) = (nodes, leafCount)
  }

  /// Calls `visit` for items that may be nearer to a box than `bound` says, roughly near ones
  /// first. `bound` is asked anew as the search goes on; an item at exactly that distance is
  /// visited too, so that ties can be decided by number.
  ///
  /// - Complexity: O(log n) for well spread items, O(n) at worst.
  @inline(__always)
  package func search(near box: Box3, bound: () -> Double, visit: (Int) -> Void) {
    // One entry a level and the root: 32 levels hold more items than an Int32 counts.
    withUnsafeTemporaryAllocation(of: (Int, Double).self, capacity: 2 * 34) { stack in
      nodes.withUnsafeBufferPointer { nodes in
        var depth = 1
        stack[0] = (0, nodes[0].squaredDistance(to: box))
        while depth > 0 {
          depth -= 1
          let (node, distance) = stack[depth]
          guard distance <= bound(), distance < .infinity else { continue }
          if node >= leafCount - 1 {
            let start = (node - leafCount + 1) * Self.leafSize
            for place in start..<Swift.min(start + Self.leafSize, order.count) {
              visit(Int(order[place]))
            }
            continue
          }
          let (left, right) = (2 * node + 1, 2 * node + 2)
          let toLeft = nodes[left].squaredDistance(to: box)
          let toRight = nodes[right].squaredDistance(to: box)
          if toLeft <= toRight {
            stack[depth] = (right, toRight)
            stack[depth + 1] = (left, toLeft)
          } else {
            stack[depth] = (left, toLeft)
            stack[depth + 1] = (right, toRight)
          }
          depth += 2
        }
      }
    }
  }

  /// Finite items by the middle of their boxes along a Morton curve.
  private static func mortonOrder(_ boxes: [Box3]) -> [Int32] {
    var middles: [Double] = []
    middles.reserveCapacity(3 * boxes.count)
    for box in boxes {
      // A box that is not finite may have a finite middle.
      middles.append(box.isFinite ? 0.5 * box.low.x + 0.5 * box.high.x : .nan)
      middles.append(0.5 * box.low.y + 0.5 * box.high.y)
      middles.append(0.5 * box.low.z + 0.5 * box.high.z)
    }
    return MortonOrder.of(middles)
  }
}
