/// How much of every pixel a convex polygon covers, in closed form.
///
/// Pixels are unit squares; pixel (column c, row r) spans [c, c + 1] × [r, r + 1].
public struct ExactCoverage: Sendable {
  /// The corners in order, either way around.
  public let polygon: [SIMD2<Double>]
  public let width: Int
  public let height: Int

  public init(polygon: [SIMD2<Double>], width: Int, height: Int) {
    self.polygon = polygon
    self.width = width
    self.height = height
  }

  /// [height · width]: the covered share of each pixel.
  public var coverage: [Double] {
    guard polygon.count >= 3 else { return [Double](repeating: 0, count: width * height) }
    return (0..<width * height).map { pixel in
      let low = SIMD2(Double(pixel % width), Double(pixel / width))
      var part = polygon
      for axis in 0..<2 {
        part = Self.clipped(part, axis, above: low[axis])
        part = Self.clipped(part, axis, below: low[axis] + 1)
      }
      return abs(Self.signedArea(part))
    }
  }

  /// The derivative of ``coverage`` when every corner moves with a velocity of its own.
  ///
  /// The covered area changes by the integral of the boundary's outward speed. Along an edge the
  /// velocity is linear, so the integral over the part inside of a pixel is a quadratic polynomial.
  public func derivative(_ velocities: [SIMD2<Double>]) -> [Double] {
    var result = [Double](repeating: 0, count: width * height)
    guard polygon.count >= 3 else { return result }
    let orientation = Self.signedArea(polygon) >= 0 ? 1.0 : -1
    for (index, start) in polygon.enumerated() {
      let next = (index + 1) % polygon.count
      let edge = polygon[next] - start
      let outward = SIMD2(edge.y, -edge.x) * orientation
      let (first, last) = (
        (velocities[index] * outward).sum(), (velocities[next] * outward).sum()
      )
      for pixel in pixels(around: start, polygon[next]) {
        let low = SIMD2(Double(pixel % width), Double(pixel / width))
        guard let (from, to) = Self.inside(start, edge, low) else { continue }
        let square = (to * to - from * from) / 2
        result[pixel] += first * (to - from - square) + last * square
      }
    }
    return result
  }

  /// The pixels of the image in the bounding box of an edge.
  private func pixels(around a: SIMD2<Double>, _ b: SIMD2<Double>) -> [Int] {
    func range(_ axis: Int, _ count: Int) -> ClosedRange<Int>? {
      let low = max(min(a[axis], b[axis]), 0)
      let high = min(max(a[axis], b[axis]), Double(count))
      // Compared before they become integers: corners may be anywhere, or not numbers.
      guard low <= high else { return nil }
      let first = Int(low)
      return first < count ? first...min(Int(high), count - 1) : nil
    }
    guard let columns = range(0, width), let rows = range(1, height) else { return [] }
    return rows.flatMap { row in columns.map { row * width + $0 } }
  }

  /// The part of a segment in a pixel, as a range of its parameter.
  private static func inside(
    _ start: SIMD2<Double>, _ edge: SIMD2<Double>, _ low: SIMD2<Double>
  ) -> (Double, Double)? {
    var (from, to) = (0.0, 1.0)
    for axis in 0..<2 {
      let (below, above) = (low[axis] - start[axis], low[axis] + 1 - start[axis])
      if edge[axis] == 0 {
        // On the lower border it belongs to this pixel, on the upper one to the next.
        guard below <= 0, above > 0 else { return nil }
        continue
      }
      let (a, b) = (below / edge[axis], above / edge[axis])
      from = max(from, min(a, b))
      to = min(to, max(a, b))
    }
    return from < to ? (from, to) : nil
  }

  /// The part of a polygon on one side of an axis-aligned line (Sutherland and Hodgman 1974).
  private static func clipped(
    _ polygon: [SIMD2<Double>], _ axis: Int, above: Double? = nil, below: Double? = nil
  ) -> [SIMD2<Double>] {
    let limit = above ?? below!
    func isInside(_ point: SIMD2<Double>) -> Bool {
      above != nil ? point[axis] >= limit : point[axis] <= limit
    }
    var result: [SIMD2<Double>] = []
    for (index, point) in polygon.enumerated() {
      let next = polygon[(index + 1) % polygon.count]
      if isInside(point) { result.append(point) }
      if isInside(point) != isInside(next) {
        let t = (limit - point[axis]) / (next[axis] - point[axis])
        var crossing = point + (next - point) * t
        crossing[axis] = limit
        result.append(crossing)
      }
    }
    return result
  }

  static func signedArea(_ polygon: [SIMD2<Double>]) -> Double {
    polygon.indices.reduce(0) { sum, index in
      let (a, b) = (polygon[index], polygon[(index + 1) % polygon.count])
      return sum + (a.x * b.y - a.y * b.x) / 2
    }
  }
}
