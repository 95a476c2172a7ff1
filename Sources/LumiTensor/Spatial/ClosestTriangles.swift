// Closest points between point sets and triangles, in double precision, through a ``BoxTree``.
// Which triangle and which point on it are found without a derivative; losses add theirs.

/// For every query the closest triangle (or point), and where on the triangle.
public struct ClosestTriangles: Sendable {
  /// int32 [N]: for points the triangle; for triangles the point. 0 where nothing was found.
  public let indices: Tensor
  /// [N, 3] in the queries' dtype: the barycentric coordinates of the closest point on the triangle,
  /// 0 or more, with the sum 1; all 0 where nothing was found.
  public let barycentrics: Tensor

  /// The closest triangle to every point, the first of equally close ones.
  ///
  /// A triangle without area counts as its edges. Points and triangles that are not finite find
  /// nothing and are not found.
  ///
  /// - Complexity: O((N + F) log F) for well spread triangles.
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - vertices: [V, 3] of the same dtype.
  ///   - faces: int32 [F, 3].
  public init(of points: Tensor, vertices: Tensor, faces: Tensor) {
    let triangles = LumiTensor.triangles(vertices, faces)
    let tree = BoxTree(triangles.map(\.box))
    let queries = points3(points)
    self.init(count: queries.count, dtype: points.dtype) { row in
      let query = queries[row]
      var best = Found()
      guard (query.x + query.y + query.z).isFinite else { return best }
      tree.search(near: Box3(query)) {
        best.squared
      } visit: { item in
        let (squared, weights) = triangles[item].closest(to: query)
        best.keep(item, squared, weights)
      }
      return best
    }
  }

  /// The closest point to every triangle, the first of equally close ones.
  ///
  /// - Complexity: O((N + F) log N) for well spread points and small triangles.
  public init(ofFaces faces: Tensor, vertices: Tensor, points: Tensor) {
    let triangles = LumiTensor.triangles(vertices, faces)
    let items = points3(points)
    let tree = BoxTree(items.map { Box3($0) })
    self.init(count: triangles.count, dtype: points.dtype) { row in
      let triangle = triangles[row]
      var best = Found()
      guard triangle.box.isFinite else { return best }
      tree.search(near: triangle.box) {
        best.squared
      } visit: { item in
        let (squared, weights) = triangle.closest(to: items[item])
        best.keep(item, squared, weights)
      }
      return best
    }
  }

  private init(count: Int, dtype: DType, _ search: (Int) -> Found) {
    var weights: Tensor?
    indices = Tensor.build([count], Int32.self) { out in
      weights = Tensor.build([count, 3], Double.self) { places in
        inBlocks(count, of: 128) { range in
          for row in range {
            let best = search(row)
            out[row] = Int32(best.item)
            for k in 0..<3 { places[3 * row + k] = best.weights[k] }
          }
        }
      }
    }
    barycentrics = weights!.cast(to: dtype)
  }

}

private struct Found {
  var item = 0
  var squared = Double.infinity
  var weights = SIMD3<Double>()

  @inline(__always)
  mutating func keep(_ candidate: Int, _ distance: Double, _ place: SIMD3<Double>) {
    let isFirst = squared == .infinity
    guard distance < squared || (distance == squared && !isFirst && candidate < item) else {
      return
    }
    (item, squared, weights) = (candidate, distance, place)
  }
}

/// The faces of a mesh in double precision.
func triangles(_ vertices: Tensor, _ faces: Tensor) -> [Triangle3] {
  let corners = points3(vertices)
  let indices = faces.scalars(as: Int32.self)
  func corner(_ place: Int) -> SIMD3<Double> { corners[Int(indices[place])] }
  return (0..<faces.shape[0]).map { face -> Triangle3 in
    Triangle3(corner(3 * face), corner(3 * face + 1), corner(3 * face + 2))
  }
}

/// A triangle in double precision.
package struct Triangle3: Sendable {
  let a, b, c: SIMD3<Double>

  package init(_ a: SIMD3<Double>, _ b: SIMD3<Double>, _ c: SIMD3<Double>) {
    (self.a, self.b, self.c) = (a, b, c)
  }

  var box: Box3 {
    var box = Box3(a)
    box.formUnion(Box3(b))
    box.formUnion(Box3(c))
    // Comparisons drop NaN; the sum does not.
    let sum = a + b + c
    return (sum.x + sum.y + sum.z).isFinite ? box : .empty
  }

  /// The squared distance to the closest point on the triangle and its barycentric coordinates.
  ///
  /// The foot on the plane counts if it lies inside; else the nearest of the three edges, which is
  /// all there is of a triangle without area.
  @inline(__always)
  package func closest(to p: SIMD3<Double>) -> (squared: Double, weights: SIMD3<Double>) {
    let (u, v, w) = (b - a, c - a, p - a)
    let n = cross(u, v)
    let area = dot(n, n)
    if area > 0 {
      let second = dot(cross(w, v), n)
      let third = dot(cross(u, w), n)
      let first = area - second - third
      if first >= 0 && second >= 0 && third >= 0 {
        let height = dot(w, n)
        return (height * height / area, SIMD3(first, second, third) / area)
      }
    }
    let ab = Self.closest(p, a, b)
    let bc = Self.closest(p, b, c)
    let ca = Self.closest(p, c, a)
    if ab.squared <= bc.squared && ab.squared <= ca.squared {
      return (ab.squared, SIMD3(1 - ab.t, ab.t, 0))
    }
    return bc.squared <= ca.squared
      ? (bc.squared, SIMD3(0, 1 - bc.t, bc.t)) : (ca.squared, SIMD3(ca.t, 0, 1 - ca.t))
  }

  @inline(__always)
  private static func closest(
    _ p: SIMD3<Double>, _ from: SIMD3<Double>, _ to: SIMD3<Double>
  ) -> (squared: Double, t: Double) {
    let (edge, way) = (to - from, p - from)
    let length = dot(edge, edge)
    let t = length > 0 ? min(max(dot(way, edge) / length, 0), 1) : 0
    let rest = way - edge * t
    return (dot(rest, rest), t)
  }
}

@inline(__always)
func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
  a.x * b.x + a.y * b.y + a.z * b.z
}

@inline(__always)
func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
  SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}
