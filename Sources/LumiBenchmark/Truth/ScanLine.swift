/// What is seen along one line of the screen, solved exactly.
struct ScanLine {
  /// A stretch of the line with one visible face, -1 for none.
  struct Segment {
    var start: Double
    var end: Double
    var face: Int
  }

  /// A face's stretch of the line; nearness is linear along it.
  private struct Span {
    let face: Int
    let start: Double
    let end: Double
    let nearStart: Double
    let slope: Double

    func nearness(_ u: Double) -> Double { nearStart + slope * (u - start) }
  }

  /// From 0 to the extent of the picture, in order.
  private(set) var segments: [Segment] = []

  /// - Parameters:
  ///   - snapshot: the scene.
  ///   - faces: those that may meet the line, ascending.
  ///   - v: the line.
  ///   - extent: its length.
  init(_ snapshot: SceneSnapshot, faces: [Int], at v: Double, extent: Double) {
    let spans = faces.compactMap { Self.span(snapshot, $0, v, extent) }
    let cuts = [0] + Self.changes(spans).filter { $0 > 0 && $0 < extent }.sorted() + [extent]
    for (start, end) in zip(cuts, cuts.dropFirst()) where end > start {
      let face = Self.nearest(spans, at: (start + end) / 2)
      if let last = segments.last, last.face == face {
        segments[segments.count - 1].end = end
      } else {
        segments.append(Segment(start: start, end: end, face: face))
      }
    }
  }

  /// Where a face meets the line. A corner on the line counts as above it.
  private static func span(
    _ snapshot: SceneSnapshot, _ face: Int, _ v: Double, _ extent: Double
  ) -> Span? {
    var crossings: [(u: Double, near: Double)] = []
    for edge in 0..<3 {
      let (a, b) = (face * 9 + edge * 3, face * 9 + (edge + 1) % 3 * 3)
      let (va, vb) = (snapshot.corners[a + 1], snapshot.corners[b + 1])
      guard (va <= v) != (vb <= v) else { continue }
      let t = (v - va) / (vb - va)
      crossings.append(
        (
          snapshot.corners[a] + t * (snapshot.corners[b] - snapshot.corners[a]),
          snapshot.corners[a + 2] + t * (snapshot.corners[b + 2] - snapshot.corners[a + 2])
        ))
    }
    guard crossings.count == 2 else { return nil }
    let (first, last) =
      crossings[0].u <= crossings[1].u
      ? (crossings[0], crossings[1]) : (crossings[1], crossings[0])
    guard last.u > first.u, last.u > 0, first.u < extent else { return nil }
    return Span(
      face: face, start: first.u, end: last.u, nearStart: first.near,
      slope: (last.near - first.near) / (last.u - first.u))
  }

  /// Where faces start, end and pass through each other.
  private static func changes(_ spans: [Span]) -> [Double] {
    var changes: [Double] = []
    for (i, span) in spans.enumerated() {
      changes += [span.start, span.end]
      for other in spans.dropFirst(i + 1) {
        let (low, high) = (max(span.start, other.start), min(span.end, other.end))
        guard high > low else { continue }
        let atLow = span.nearness(low) - other.nearness(low)
        let atHigh = span.nearness(high) - other.nearness(high)
        guard atLow * atHigh < 0 else { continue }
        changes.append(low + (high - low) * atLow / (atLow - atHigh))
      }
    }
    return changes
  }

  private static func nearest(_ spans: [Span], at u: Double) -> Int {
    var (best, nearness) = (-1, -Double.infinity)
    for span in spans where span.start <= u && u <= span.end {
      let near = span.nearness(u)
      if near > nearness { (best, nearness) = (span.face, near) }
    }
    return best
  }
}
