import LumiRendering
import LumiScene
import LumiTensor

/// The outlines that OpenDR draws over a picture: edges between a face that looks at the camera and
/// one that does not, and edges with one face, as lines of one pixel, without their hidden parts.
struct OpenDROutline {
  /// Row by row: whether a pixel is on an outline.
  private(set) var isOutline: [Bool]
  /// The picture's fragments and those of the lines, pixel by pixel.
  let fragments: Fragments
  /// [fragments, 3], constant on the lines.
  let weights: Tensor

  /// - Parameters:
  ///   - picture: what is drawn over.
  ///   - weights: of the picture's fragments.
  init(_ picture: HardPicture, weights: Tensor) throws {
    let lines = try Lines(picture)
    isOutline = lines.points.map { $0 != nil }
    var pixels: [Int64] = []
    var faces: [Int32] = []
    var shares: [Double] = []
    let faceOfPixel = picture.visibility.scalars(as: Int32.self)
    let own = weights.scalars(as: Double.self)
    var place = 0
    for pixel in 0..<faceOfPixel.count {
      if let point = lines.points[pixel] {
        pixels.append(Int64(pixel))
        faces.append(point.face)
        shares += point.weights
      } else if faceOfPixel[pixel] >= 0 {
        pixels.append(Int64(pixel))
        faces.append(faceOfPixel[pixel])
        shares += own[place * 3..<place * 3 + 3]
      }
      if faceOfPixel[pixel] >= 0 { place += 1 }
    }
    self.fragments = Fragments(
      pixels: Tensor(pixels), faces: Tensor(faces), corners: picture.drawn.corners,
      screen: picture.screen)
    self.weights = Tensor(shares, shape: [faces.count, 3]).cast(to: weights.dtype)
  }

  /// A pixel of a line.
  struct Point {
    let face: Int32
    let depth: Double
    /// Of the face's corners, for what is linear in space.
    let weights: [Double]
  }

  /// The visible pixels of all outlines.
  private struct Lines {
    private let screen: ScreenSpace
    private let isPerspective: Bool
    private let corners: [Double]
    private let visibility: [Int32]
    private(set) var points: [Point?]

    init(_ picture: HardPicture) throws {
      screen = picture.screen
      isPerspective = picture.drawn.camera.isPerspective
      corners = picture.drawn.corners.scalars(as: Double.self)
      visibility = picture.visibility.scalars(as: Int32.self)
      points = Array(repeating: nil, count: visibility.count)
      let opposite = try Antialiasing.oppositeCorners(
        picture.drawn.cornerIdentities(of: picture.scene.shape), method: OpenDRRenderer.method.id
      ).scalars(as: Int64.self)
      for face in 0..<corners.count / 9 {
        let area = twiceArea(face)
        guard area.magnitude >= 1e-12 else { continue }
        for edge in 0..<3 {
          let beyond = Int(opposite[3 * face + edge])
          if beyond < 0 || (area > 0 && !(twiceArea(beyond / 3) > 0)) { draw(face, edge) }
        }
      }
    }

    private func corner(_ face: Int, _ k: Int) -> (x: Double, y: Double, z: Double) {
      let at = 9 * face + 3 * k
      return (corners[at], corners[at + 1], corners[at + 2])
    }

    private func twiceArea(_ face: Int) -> Double {
      let (a, b, c) = (corner(face, 0), corner(face, 1), corner(face, 2))
      return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
    }

    /// One pixel for every column, or row, that the edge passes.
    private mutating func draw(_ face: Int, _ edge: Int) {
      let (a, b) = (corner(face, (edge + 1) % 3), corner(face, (edge + 2) % 3))
      let scale = Double(min(screen.width, screen.height)) / 2
      func column(_ x: Double) -> Double { x * scale + Double(screen.width - 1) / 2 }
      func row(_ y: Double) -> Double { Double(screen.height - 1) / 2 - y * scale }
      let (ax, ay, bx, by) = (column(a.x), row(a.y), column(b.x), row(b.y))
      guard [ax, ay, bx, by, a.z, b.z].allSatisfy(\.isFinite), a.z > 0, b.z > 0 else { return }
      let isFlat = (bx - ax).magnitude >= (by - ay).magnitude
      let (start, end) = isFlat ? (ax, bx) : (ay, by)
      let (other, otherEnd) = isFlat ? (ay, by) : (ax, bx)
      let limit = Double((isFlat ? screen.width : screen.height) - 1)
      let first = max(min(start, end).rounded(.up), 0)
      let last = min(max(start, end).rounded(.down), limit)
      guard first <= last, start != end else { return }
      for step in Int(first)...Int(last) {
        let t = (Double(step) - start) / (end - start)
        let minor = (other + t * (otherEnd - other)).rounded()
        guard minor >= 0, minor < Double(isFlat ? screen.height : screen.width) else { continue }
        let pixel = isFlat ? Int(minor) * screen.width + step : step * screen.width + Int(minor)
        put(point(face, edge, t, a.z, b.z), at: pixel)
      }
    }

    private func point(_ face: Int, _ edge: Int, _ t: Double, _ za: Double, _ zb: Double) -> Point {
      let (u, v) = isPerspective ? ((1 - t) / za, t / zb) : (1 - t, t)
      var weights = [0.0, 0, 0]
      weights[(edge + 1) % 3] = u / (u + v)
      weights[(edge + 2) % 3] = v / (u + v)
      return Point(face: Int32(face), depth: (u * za + v * zb) / (u + v), weights: weights)
    }

    /// Draws a pixel if nothing that was drawn is before it.
    private mutating func put(_ point: Point, at pixel: Int) {
      if let other = points[pixel], other.depth <= point.depth { return }
      let seen = visibility[pixel]
      if seen >= 0 {
        let (depth, slope) = surface(Int(seen), pixel)
        guard point.depth <= depth + 1.5 * slope + 1e-4 * depth else { return }
      }
      points[pixel] = point
    }

    /// A face's depth at a pixel, and how much it changes to the next.
    private func surface(_ face: Int, _ pixel: Int) -> (depth: Double, slope: Double) {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: screen.width)
      let unit = screen.unitsPerPixel
      let px = (Double(column) + 0.5) * unit - screen.halfWidth
      let py = screen.halfHeight - (Double(row) + 0.5) * unit
      let area = twiceArea(face)
      var (value, dx, dy) = (0.0, 0.0, 0.0)
      for k in 0..<3 {
        let (i, j) = (corner(face, (k + 1) % 3), corner(face, (k + 2) % 3))
        let z = corner(face, k).z
        let nearness = (isPerspective ? 1 / z : z) / area
        value += nearness * ((i.x - px) * (j.y - py) - (j.x - px) * (i.y - py))
        dx += nearness * (i.y - j.y)
        dy += nearness * (j.x - i.x)
      }
      let change = (dx * dx + dy * dy).squareRoot() * unit
      return isPerspective ? (1 / value, change / (value * value)) : (value, change)
    }
  }
}
