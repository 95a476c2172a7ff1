// How often a surface goes around a point, by a tree over its triangles.
//
// The winding number is the surface's solid angle as seen from the point, divided by 4π: 1 inside of
// a closed surface with outward faces and 0 outside; a fraction near the holes of an open one (A.
// Jacobson et al., "Robust Inside-Outside Segmentation using Generalized Winding Numbers", SIGGRAPH
// 2013). Groups of triangles that are far away count as one dipole at their middle (G. Barill et al.,
// "Fast Winding Numbers for Soups and Clouds", SIGGRAPH 2018, first order); near ones count exactly
// (A. van Oosterom and J. Strackee, "The Solid Angle of a Plane Triangle", 1983).
//
// It cannot: be differentiated; say more than about ½ for points on the surface itself.

import RealModule

/// The winding number of a mesh around every point, [N]; 0 without faces. Triangles that are not
/// finite do not count; points that are not finite get 0.
///
/// - Complexity: O(F log F + N log F) for points that are spread, O(N F) at worst.
/// - Parameters:
///   - points: [N, 3].
///   - vertices: [V, 3] of the same dtype.
///   - faces: int32 [F, 3].
///   - reach: a group counts as a dipole from this many of its radii on; infinity for exact sums. At
///     3, the default, the largest error around a torus of the tests was 0.011.
public func windingNumbers(
  of points: Tensor, vertices: Tensor, faces: Tensor, reach: Double = 3
) -> Tensor {
  require(
    points.rank == 2 && points.shape[1] == 3 && vertices.rank == 2 && vertices.shape[1] == 3
      && points.dtype == vertices.dtype && points.dtype.isFloatingPoint && faces.dtype == .int32
      && faces.rank == 2 && faces.shape[1] == 3 && reach > 1,
    """
    windingNumbers: points \(points.dtype) \(points.shape), vertices \(vertices.dtype) \
    \(vertices.shape), faces \(faces.dtype) \(faces.shape), reach \(reach)
    """)
  let tree = WindingTree(triangles(vertices, faces))
  let queries = points3(points)
  return Tensor.build([queries.count], Double.self) { out in
    inBlocks(queries.count, of: 256) { range in
      for row in range { out[row] = tree.windingNumber(queries[row], reach: reach) }
    }
  }.cast(to: points.dtype)
}

private struct WindingTree {
  /// What a group of triangles looks like from afar.
  private struct Dipole {
    /// The mean of the triangles' centres by area.
    var middle = SIMD3<Double>()
    /// The sum of half the cross products of edges.
    var moment = SIMD3<Double>()
    var area = 0.0
    /// A ball of this radius around the middle holds the triangles.
    var radius = 0.0
  }

  private let tree: BoxTree
  /// In the order of the tree's leaves.
  private let triangles: [Triangle3]
  private let dipoles: [Dipole]

  init(_ all: [Triangle3]) {
    let tree = BoxTree(all.map(\.box))
    let triangles = tree.order.map { all[Int($0)] }
    var dipoles = [Dipole](repeating: Dipole(), count: tree.nodes.count)
    for node in stride(from: tree.nodes.count - 1, through: 0, by: -1) {
      // Until the last line `middle` is the sum of centres times areas.
      var sum = Dipole()
      if node >= tree.leafCount - 1 {
        for triangle in triangles[Self.members(of: node, tree)] {
          let moment = cross(triangle.b - triangle.a, triangle.c - triangle.a) * 0.5
          let area = dot(moment, moment).squareRoot()
          sum.moment += moment
          sum.middle += (triangle.a + triangle.b + triangle.c) * (area / 3)
          sum.area += area
        }
      } else {
        for child in [dipoles[2 * node + 1], dipoles[2 * node + 2]] {
          sum.moment += child.moment
          sum.middle += child.middle * child.area
          sum.area += child.area
        }
      }
      let box = tree.nodes[node]
      let low = SIMD3(box.low.x, box.low.y, box.low.z)
      let high = SIMD3(box.high.x, box.high.y, box.high.z)
      sum.middle = sum.area > 0 ? sum.middle / sum.area : (low + high) * 0.5
      let farthest = SIMD3(
        max(sum.middle.x - low.x, high.x - sum.middle.x),
        max(sum.middle.y - low.y, high.y - sum.middle.y),
        max(sum.middle.z - low.z, high.z - sum.middle.z))
      sum.radius = dot(farthest, farthest).squareRoot()
      dipoles[node] = sum
    }
    (self.tree, self.triangles, self.dipoles) = (tree, triangles, dipoles)
  }

  /// The places of a leaf's triangles.
  private static func members(of leaf: Int, _ tree: BoxTree) -> Range<Int> {
    let start = (leaf - tree.leafCount + 1) * BoxTree.leafSize
    let first = min(start, tree.order.count)
    return first..<min(start + BoxTree.leafSize, tree.order.count)
  }

  func windingNumber(_ p: SIMD3<Double>, reach: Double) -> Double {
    guard (p.x + p.y + p.z).isFinite && !triangles.isEmpty else { return 0 }
    var (angle, flux) = (0.0, 0.0)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 34) { stack in
      var depth = 1
      stack[0] = 0
      while depth > 0 {
        depth -= 1
        let node = stack[depth]
        let dipole = dipoles[node]
        // An empty leaf has no radius that could be compared.
        if dipole.area == 0 { continue }
        let way = dipole.middle - p
        let squared = dot(way, way)
        let far = reach * dipole.radius
        if squared > far * far {
          flux += dot(dipole.moment, way) / (squared * squared.squareRoot())
        } else if node >= tree.leafCount - 1 {
          for place in Self.members(of: node, tree) { angle += triangles[place].halfAngle(from: p) }
        } else {
          stack[depth] = 2 * node + 2
          stack[depth + 1] = 2 * node + 1
          depth += 2
        }
      }
    }
    return (2 * angle + flux) / (4 * .pi)
  }
}

extension Triangle3 {
  /// Half of the solid angle that the triangle fills, positive seen from behind.
  @inline(__always)
  fileprivate func halfAngle(from p: SIMD3<Double>) -> Double {
    let (u, v, w) = (a - p, b - p, c - p)
    let (x, y, z) = (dot(u, u).squareRoot(), dot(v, v).squareRoot(), dot(w, w).squareRoot())
    let volume = dot(u, cross(v, w))
    return Double.atan2(
      y: volume, x: x * y * z + dot(u, v) * z + dot(v, w) * x + dot(w, u) * y)
  }
}
