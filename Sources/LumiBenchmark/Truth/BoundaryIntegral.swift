/// The part of the picture's derivative that moving boundaries make.
///
/// Computes: along every edge of the mesh and every line where two faces pass through each other,
/// the jump of colour between its sides times its speed across, integrated exactly into the pixels
/// that it runs through (the boundary term of Reynolds' transport theorem). Hidden edges, and edges
/// inside of smooth surfaces, have no jump.
///
/// A boundary is cut at pixel borders. Samples along it tell which faces are seen to both sides; the
/// places where these change are found by bisection, so that quadrature never crosses one. What
/// changes and changes back between two samples is missed: the density matters only there.
struct BoundaryIntegral {
  /// A straight piece of boundary on the screen.
  private struct Line {
    let a: SIMD2<Double>
    let b: SIMD2<Double>
    let kind: Kind

    enum Kind {
      /// Places of the two corners in the snapshots' lists.
      case edge(Int, Int)
      case intersection(Int, Int)
    }
  }

  /// Which faces are seen to both sides.
  private struct Sides: Equatable {
    let minus: Int
    let plus: Int
  }

  private let family: SnapshotFamily
  private let lookup: VisibilityLookup
  private let samplesPerPixel: Int
  private let moving: [Int]
  private var jacobian: [[SIMD3<Double>]]

  /// The term for every parameter and pixel: [K][pixels].
  static func jacobian(_ family: SnapshotFamily, samplesPerPixel: Int) -> [[SIMD3<Double>]] {
    var integral = BoundaryIntegral(family, samplesPerPixel)
    guard !integral.moving.isEmpty else { return integral.jacobian }
    for line in integral.edges() + integral.intersections() { integral.add(line) }
    return integral.jacobian
  }

  private init(_ family: SnapshotFamily, _ samplesPerPixel: Int) {
    self.family = family
    self.samplesPerPixel = samplesPerPixel
    lookup = VisibilityLookup(family.centre, width: family.width, height: family.height)
    moving = family.moves.indices.filter { family.moves[$0] }
    let pixels = family.width * family.height
    jacobian = family.sides.map { _ in .init(repeating: .zero, count: pixels) }
  }

  // MARK: Lines

  private func point(_ corner: Int) -> SIMD2<Double> {
    SIMD2(family.centre.corners[corner], family.centre.corners[corner + 1])
  }

  /// Every edge once.
  private func edges() -> [Line] {
    let vertices = family.mesh.faces.scalars(as: Int32.self)
    var seen: Set<SIMD2<Int32>> = []
    var lines: [Line] = []
    for face in 0..<family.centre.faceCount {
      for k in 0..<3 {
        let (i, j) = (vertices[face * 3 + k], vertices[face * 3 + (k + 1) % 3])
        guard seen.insert(SIMD2(min(i, j), max(i, j))).inserted else { continue }
        let (a, b) = (face * 9 + k * 3, face * 9 + (k + 1) % 3 * 3)
        lines.append(Line(a: point(a), b: point(b), kind: .edge(a, b)))
      }
    }
    return lines
  }

  /// Where faces without a common vertex pass through each other.
  private func intersections() -> [Line] {
    let count = family.centre.faceCount
    let vertices = family.mesh.faces.scalars(as: Int32.self)
    let boxes = (0..<count).map { face -> (low: SIMD3<Double>, high: SIMD3<Double>) in
      let corners = (0..<3).map { k in
        let at = face * 9 + k * 3
        return SIMD3(
          family.centre.corners[at], family.centre.corners[at + 1], family.centre.corners[at + 2])
      }
      return (
        pointwiseMin(corners[0], pointwiseMin(corners[1], corners[2])),
        pointwiseMax(corners[0], pointwiseMax(corners[1], corners[2]))
      )
    }
    var lines: [Line] = []
    for f in 0..<count {
      for g in f + 1..<max(count, f + 1) {
        guard all(boxes[f].low .<= boxes[g].high), all(boxes[g].low .<= boxes[f].high) else {
          continue
        }
        let own = vertices[f * 3..<f * 3 + 3]
        guard !vertices[g * 3..<g * 3 + 3].contains(where: own.contains) else { continue }
        if let line = intersection(f, g) { lines.append(line) }
      }
    }
    return lines
  }

  /// The line of equal nearness inside of both faces.
  private func intersection(_ f: Int, _ g: Int) -> Line? {
    let difference = family.centre.nearness(f) - family.centre.nearness(g)
    let normal = SIMD2(difference.x, difference.y)
    let square = (normal * normal).sum()
    guard square > 0, square.isFinite else { return nil }
    let origin = normal * (-difference.z / square)
    let direction = SIMD2(-normal.y, normal.x) / square.squareRoot()
    var (low, high) = (-Double.infinity, Double.infinity)
    for face in [f, g] {
      let corners = (0..<3).map { point(face * 9 + $0 * 3) }
      let turn = cross(corners[1] - corners[0], corners[2] - corners[0]) >= 0 ? 1.0 : -1
      for k in 0..<3 {
        let edge = (corners[(k + 1) % 3] - corners[k]) * turn
        // Inside is where the cross product with the edge is positive.
        let (start, rate) = (cross(edge, origin - corners[k]), cross(edge, direction))
        if rate > 0 {
          low = max(low, -start / rate)
        } else if rate < 0 {
          high = min(high, -start / rate)
        } else if start < 0 {
          return nil
        }
      }
    }
    guard low < high, (high - low).isFinite else { return nil }
    return Line(
      a: origin + direction * low, b: origin + direction * high, kind: .intersection(f, g))
  }

  private func cross(_ a: SIMD2<Double>, _ b: SIMD2<Double>) -> Double { a.x * b.y - a.y * b.x }

  // MARK: Integration

  private mutating func add(_ line: Line) {
    let cuts = cuts(line)
    for (start, end) in zip(cuts, cuts.dropFirst()) where end > start {
      let middle = line.a + (line.b - line.a) * ((start + end) / 2)
      let (column, row) = (Int(middle.x.rounded(.down)), Int(middle.y.rounded(.down)))
      guard (0..<family.width).contains(column), (0..<family.height).contains(row) else {
        continue
      }
      add(line, start, end, pixel: row * family.width + column)
    }
  }

  /// Where a line crosses borders of pixels, with its ends; limited to the picture.
  private func cuts(_ line: Line) -> [Double] {
    var cuts = [0.0, 1]
    for (axis, extent) in [(0, family.width), (1, family.height)] {
      let (from, to) = (line.a[axis], line.b[axis])
      guard from != to else { continue }
      let low = max(min(from, to).rounded(.up), 0)
      let high = min(max(from, to).rounded(.down), Double(extent))
      var border = low
      while border <= high {
        let t = (border - from) / (to - from)
        if t > 0 && t < 1 { cuts.append(t) }
        border += 1
      }
    }
    return cuts.sorted()
  }

  /// A piece inside of one pixel.
  private mutating func add(_ line: Line, _ start: Double, _ end: Double, pixel: Int) {
    let edge = line.b - line.a
    let length = (edge * edge).sum().squareRoot() * (end - start)
    let count = max(2, Int((length * Double(samplesPerPixel)).rounded(.up)))
    let places = (0..<count).map { start + (end - start) * (Double($0) + 0.5) / Double(count) }
    let sides = places.map { self.sides(line, $0) }
    var from = start
    for index in 0..<count {
      let isLast = index + 1 == count
      if !isLast && sides[index + 1] == sides[index] { continue }
      let to = isLast ? end : change(line, places[index], places[index + 1], sides[index])
      integrate(line, from, to, sides[index], pixel)
      from = to
    }
  }

  /// The last place, by bisection, that has the same faces to its sides as `low`.
  private func change(_ line: Line, _ low: Double, _ high: Double, _ sides: Sides) -> Double {
    var (low, high) = (low, high)
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if self.sides(line, middle) == sides { low = middle } else { high = middle }
    }
    return low
  }

  private func sides(_ line: Line, _ t: Double) -> Sides {
    let edge = line.b - line.a
    let length = (edge * edge).sum().squareRoot()
    // Far above rounding and far below anything that is seen.
    let aside = SIMD2(edge.y, -edge.x) * (1e-6 / max(length, 1e-12))
    let place = line.a + edge * t
    return Sides(minus: lookup.face(at: place - aside), plus: lookup.face(at: place + aside))
  }

  /// Two Gauss points on a stretch with the same faces to its sides.
  private mutating func integrate(
    _ line: Line, _ start: Double, _ end: Double, _ sides: Sides, _ pixel: Int
  ) {
    guard sides.minus != sides.plus, end > start else { return }
    let edge = line.b - line.a
    let across = SIMD2(edge.y, -edge.x)
    for offset in [0.5 - 0.28867513459481287, 0.5 + 0.28867513459481287] {
      let t = start + (end - start) * offset
      let place = line.a + edge * t
      let jump = color(sides.minus, place) - color(sides.plus, place)
      guard (jump * jump).sum() > 1e-20 else { continue }
      for k in moving {
        let speed = speed(line, t, place, across, k)
        jacobian[k][pixel] += jump * (speed * (end - start) / 2)
      }
    }
  }

  private func color(_ face: Int, _ place: SIMD2<Double>) -> SIMD3<Double> {
    guard family.channels == 3 else { return face >= 0 ? .one : .zero }
    let weights = face >= 0 ? family.centre.weights(face, place.x, place.y) : .zero
    return family.centre.color(face, weights)
  }

  /// The velocity's component along `across`, which is as long as the line.
  private func speed(
    _ line: Line, _ t: Double, _ place: SIMD2<Double>, _ across: SIMD2<Double>, _ k: Int
  ) -> Double {
    let (above, below) = family.sides[k]
    let perStep = 1 / (2 * SnapshotFamily.step)
    switch line.kind {
    case .edge(let a, let b):
      func velocity(_ offset: Int) -> Double {
        let first = above.corners[a + offset] - below.corners[a + offset]
        let last = above.corners[b + offset] - below.corners[b + offset]
        return (first + t * (last - first)) * perStep
      }
      return velocity(0) * across.x + velocity(1) * across.y
    case .intersection(let f, let g):
      func difference(_ snapshot: SceneSnapshot) -> SIMD3<Double> {
        snapshot.nearness(f) - snapshot.nearness(g)
      }
      let here = difference(family.centre)
      let normal = SIMD2(here.x, here.y)
      let change =
        ((difference(above) - difference(below)) * SIMD3(place.x, place.y, 1)).sum() * perStep
      return -change * (normal * across).sum() / (normal * normal).sum()
    }
  }
}

/// Which face is seen at a point of the screen.
struct VisibilityLookup {
  private let snapshot: SceneSnapshot
  private let width: Int
  private let height: Int
  /// The faces whose bounding boxes meet each pixel.
  private var bins: [[Int32]]

  init(_ snapshot: SceneSnapshot, width: Int, height: Int) {
    self.snapshot = snapshot
    self.width = width
    self.height = height
    bins = .init(repeating: [], count: width * height)
    for face in 0..<snapshot.faceCount {
      let columns = range(face, 0, width)
      for row in range(face, 1, height) {
        for column in columns { bins[row * width + column].append(Int32(face)) }
      }
    }
  }

  private func range(_ face: Int, _ axis: Int, _ extent: Int) -> Range<Int> {
    let values = (0..<3).map { snapshot.corners[face * 9 + $0 * 3 + axis] }
    let low = max(values.min()!, 0)
    let high = min(values.max()!, Double(extent))
    guard low <= high else { return 0..<0 }
    // Points that are looked up may lie a little outside.
    return max(Int(low) - 1, 0)..<min(Int(high) + 2, extent)
  }

  /// -1 for none.
  func face(at place: SIMD2<Double>) -> Int {
    let column = min(max(Int(place.x), 0), width - 1)
    let row = min(max(Int(place.y), 0), height - 1)
    var (best, nearness) = (-1, -Double.infinity)
    for number in bins[row * width + column] {
      let at = Int(number) * 9
      let c = snapshot.corners
      let (ax, ay) = (c[at] - place.x, c[at + 1] - place.y)
      let (bx, by) = (c[at + 3] - place.x, c[at + 4] - place.y)
      let (cx, cy) = (c[at + 6] - place.x, c[at + 7] - place.y)
      let (wa, wb, wc) = (bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay)
      guard (wa >= 0 && wb >= 0 && wc >= 0) || (wa <= 0 && wb <= 0 && wc <= 0) else { continue }
      let area = wa + wb + wc
      guard area != 0 else { continue }
      let near = (wa * c[at + 2] + wb * c[at + 5] + wc * c[at + 8]) / area
      if near > nearness { (best, nearness) = (Int(number), near) }
    }
    return best
  }
}
