// Polygons in space cut into triangles: a fan where the first corner sees the whole polygon, ears
// elsewhere (G. H. Meisters, "Polygons have ears", American Mathematical Monthly 1975).
//
// A polygon is looked at along its normal by M. Newell (the vector area), which is defined for
// corners that do not lie in a plane. It cannot: cut a polygon with holes other than those that a
// seam joins to the outline, or give a self-intersecting outline a meaning. Those and polygons
// without area still give their n - 2 triangles, some of them without area or turned over.

import RealModule

/// A polygon as triangles of its corner numbers.
package enum PolygonTriangulation {
  /// Ears take O(n²): a longer polygon that its first corner does not see whole is refused.
  package static let cornerLimit = 4096

  /// n - 2 triangles, oriented as the polygon; nil for a polygon of more than ``cornerLimit``
  /// corners that is no fan. Corners that are not finite give some n - 2 triangles.
  ///
  /// - Complexity: O(n) for a fan, O(n²) for ears.
  package static func triangles(of corners: [SIMD3<Double>]) -> [SIMD3<Int32>]? {
    let count = corners.count
    require(count >= 3, "PolygonTriangulation: \(count) corners, expected at least 3")
    if count == 3 { return [[0, 1, 2]] }
    let outline = projected(corners)
    if outline == nil || isFan(outline!) { return fan(count) }
    if count > cornerLimit { return nil }
    var clipping = EarClipping(outline!)
    return clipping.run()
  }

  /// The fan of the first corner.
  package static func fan(_ count: Int) -> [SIMD3<Int32>] {
    (1..<Int32(count) - 1).map { [0, $0, $0 + 1] }
  }

  /// The corners in the plane of the vector area, counter-clockwise, scaled to a size of about 1;
  /// nil if there is no such plane.
  private static func projected(_ corners: [SIMD3<Double>]) -> [SIMD2<Double>]? {
    let origin = corners[0]
    var size = 0.0
    for corner in corners {
      let d = corner - origin
      size = max(size, abs(d.x), abs(d.y), abs(d.z))
    }
    guard size > 0 && size.isFinite else { return nil }
    let points = corners.map { ($0 - origin) / size }
    var normal = SIMD3<Double>()
    for index in points.indices {
      let (a, b) = (points[index], points[(index + 1) % points.count])
      normal += SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }
    let length = (normal * normal).sum().squareRoot()
    guard length > 1e-14 else { return nil }
    normal /= length
    // A first axis across the normal, from the coordinate in which the normal is smallest.
    let magnitude = SIMD3(abs(normal.x), abs(normal.y), abs(normal.z))
    var helper = SIMD3<Double>()
    helper[magnitude.x <= min(magnitude.y, magnitude.z) ? 0 : magnitude.y <= magnitude.z ? 1 : 2] =
      1
    var u = helper - normal * (helper * normal).sum()
    u /= (u * u).sum().squareRoot()
    let v = SIMD3(
      normal.y * u.z - normal.z * u.y, normal.z * u.x - normal.x * u.z,
      normal.x * u.y - normal.y * u.x)
    return points.map { SIMD2(($0 * u).sum(), ($0 * v).sum()) }
  }

  /// Whether all triangles of the first corner's fan are turned like the polygon.
  private static func isFan(_ outline: [SIMD2<Double>]) -> Bool {
    var whole = 0.0
    for index in 1..<outline.count - 1 {
      let turn = area(outline[0], outline[index], outline[index + 1])
      guard turn >= 0 else { return false }
      // The angle at the first corner: a fan that goes around more than once covers itself.
      let (a, b) = (outline[index] - outline[0], outline[index + 1] - outline[0])
      whole += angle(turn, (a * b).sum())
    }
    return whole < 2 * Double.pi
  }

  private static func angle(_ sine: Double, _ cosine: Double) -> Double {
    .atan2(y: sine, x: cosine)
  }

  @inline(__always)
  static func area(_ a: SIMD2<Double>, _ b: SIMD2<Double>, _ c: SIMD2<Double>) -> Double {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
  }
}

/// What is left of a polygon while ears are cut off.
private struct EarClipping {
  /// Twice the area below which a corner counts as straight, for a polygon of size 1.
  static let straight = 1e-13
  let points: [SIMD2<Double>]
  var next: [Int]
  var previous: [Int]
  var turn: [Double]
  var isEar: [Bool]
  /// Corners that are not convex, some of them cut off already: only they can lie in an ear.
  var blocking: [Int] = []
  var isLeft: [Bool]
  /// How often all ears may be looked for anew, which takes O(n²) each time.
  var refreshes = 8

  init(_ points: [SIMD2<Double>]) {
    self.points = points
    let count = points.count
    next = (0..<count).map { ($0 + 1) % count }
    previous = (0..<count).map { ($0 + count - 1) % count }
    turn = [Double](repeating: 0, count: count)
    isEar = [Bool](repeating: false, count: count)
    isLeft = [Bool](repeating: true, count: count)
  }

  mutating func run() -> [SIMD3<Int32>] {
    for corner in points.indices { turn[corner] = turnAt(corner) }
    blocking = points.indices.filter { !(turn[$0] > Self.straight) }
    for corner in points.indices { isEar[corner] = isEarNow(corner) }
    var triangles: [SIMD3<Int32>] = []
    var left = points.count
    var start = 0
    while left > 3 {
      let ear = findEar(from: start)
      triangles.append([Int32(previous[ear]), Int32(ear), Int32(next[ear])])
      start = cut(ear)
      left -= 1
    }
    triangles.append([Int32(previous[start]), Int32(start), Int32(next[start])])
    return triangles
  }

  private func turnAt(_ corner: Int) -> Double {
    PolygonTriangulation.area(points[previous[corner]], points[corner], points[next[corner]])
  }

  /// The next ear; in an outline that has none the next straight corner, else the sharpest one.
  private mutating func findEar(from start: Int) -> Int {
    if let ear = knownEar(from: start) { return ear }
    // An outline that touches itself can get an ear far from the last cut.
    if refreshes > 0 {
      refreshes -= 1
      for corner in points.indices where isLeft[corner] { isEar[corner] = isEarNow(corner) }
      if let ear = knownEar(from: start) { return ear }
    }
    var corner = start
    var straight: Int?
    var sharpest = start
    repeat {
      if straight == nil && abs(turn[corner]) <= Self.straight { straight = corner }
      if turn[corner] > turn[sharpest] { sharpest = corner }
      corner = next[corner]
    } while corner != start
    return straight ?? sharpest
  }

  private func knownEar(from start: Int) -> Int? {
    var corner = start
    repeat {
      if isEar[corner] { return corner }
      corner = next[corner]
    } while corner != start
    return nil
  }

  /// Removes a corner and gives where to go on: two corners on, so that ears are taken around the
  /// outline and not all from one corner.
  private mutating func cut(_ corner: Int) -> Int {
    let (before, after) = (previous[corner], next[corner])
    (next[before], previous[after], isLeft[corner]) = (after, before, false)
    for changed in [before, after] {
      let wasConvex = turn[changed] > Self.straight
      turn[changed] = turnAt(changed)
      // Cutting opens no angle of a simple outline; others get their new obstacle.
      if wasConvex && !(turn[changed] > Self.straight) { blocking.append(changed) }
    }
    blocking.removeAll { !isLeft[$0] || turn[$0] > Self.straight }
    for changed in [before, after] { isEar[changed] = isEarNow(changed) }
    return next[after]
  }

  /// Convex, and no other corner in the closed triangle but those at the same places as its own.
  private func isEarNow(_ corner: Int) -> Bool {
    guard turn[corner] > Self.straight else { return false }
    let (p, q, r) = (points[previous[corner]], points[corner], points[next[corner]])
    let low = SIMD2(min(p.x, q.x, r.x), min(p.y, q.y, r.y))
    let high = SIMD2(max(p.x, q.x, r.x), max(p.y, q.y, r.y))
    for other in blocking where isLeft[other] {
      let s = points[other]
      guard s.x >= low.x, s.x <= high.x, s.y >= low.y, s.y <= high.y else { continue }
      if s == p || s == q || s == r { continue }
      if PolygonTriangulation.area(p, q, s) >= -Self.straight
        && PolygonTriangulation.area(q, r, s) >= -Self.straight
        && PolygonTriangulation.area(r, p, s) >= -Self.straight
      {
        return false
      }
    }
    return true
  }
}
