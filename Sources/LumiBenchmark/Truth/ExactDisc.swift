import Foundation

/// How much of every pixel a disc covers, in closed form: the exact silhouette of a sphere before an
/// orthographic camera.
///
/// Pixels are unit squares as in ``ExactCoverage``. Walking around a square, what lies inside of the
/// disc encloses triangles with the disc's centre, what lies outside encloses sectors; their signed
/// areas add up to the common area, and the sectors' arcs are the outline inside of the square.
public struct ExactDisc: Sendable {
  public let centre: SIMD2<Double>
  /// Above 0.
  public let radius: Double
  public let width: Int
  public let height: Int

  public init(centre: SIMD2<Double>, radius: Double, width: Int, height: Int) {
    self.centre = centre
    self.radius = radius
    self.width = width
    self.height = height
  }

  /// [height · width]: the covered share of each pixel.
  public var coverage: [Double] {
    pixels { $0.triangles + radius * radius * $0.angle / 2 }
  }

  /// The derivative of ``coverage`` when the centre moves and the radius grows.
  public func derivative(centre velocity: SIMD2<Double>, radius growth: Double) -> [Double] {
    pixels { radius * (($0.normals * velocity).sum() + growth * $0.angle) }
  }

  /// What one square has in common with the disc.
  private struct Part {
    /// Signed area of the triangles.
    var triangles = 0.0
    /// Of the arcs inside of the square.
    var angle = 0.0
    /// The integral of the outward normal over that angle.
    var normals = SIMD2(0.0, 0)
  }

  private func pixels(_ value: (Part) -> Double) -> [Double] {
    (0..<width * height).map { pixel in
      let low = SIMD2(Double(pixel % width), Double(pixel / width)) - centre
      let corners = [low, low + SIMD2(1, 0), low + SIMD2(1, 1), low + SIMD2(0, 1)]
      var part = Part()
      for k in 0..<4 { add(corners[k], corners[(k + 1) % 4], to: &part) }
      return value(part)
    }
  }

  /// One side of a square, relative to the centre.
  private func add(_ a: SIMD2<Double>, _ b: SIMD2<Double>, to part: inout Part) {
    // |a + t (b - a)| = radius.
    let edge = b - a
    let (p, q) = ((a * edge).sum() / (edge * edge).sum(), (a * a).sum() - radius * radius)
    let discriminant = p * p - q / (edge * edge).sum()
    var cuts = [0.0, 1]
    if discriminant > 0 {
      cuts += [-p - discriminant.squareRoot(), -p + discriminant.squareRoot()]
        .filter { $0 > 0 && $0 < 1 }
    }
    cuts.sort()
    for (start, end) in zip(cuts, cuts.dropFirst()) {
      let (from, to) = (a + edge * start, a + edge * end)
      let middle = (from + to) / 2
      let cross = from.x * to.y - from.y * to.x
      if (middle * middle).sum() <= radius * radius {
        part.triangles += cross / 2
      } else {
        part.angle += atan2(cross, (from * to).sum())
        let (first, last) = (
          from / (from * from).sum().squareRoot(), to / (to * to).sum().squareRoot()
        )
        part.normals += SIMD2(last.y - first.y, first.x - last.x)
      }
    }
  }
}
