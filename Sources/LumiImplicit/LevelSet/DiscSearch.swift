import LumiTensor

/// Which rays meet which discs, exactly and without a limit per pixel.
///
/// The image is cut into quarters, again and again. A part keeps the discs that one of its rays may
/// meet: all rays of a part lie within ρ of one origin and δ of one direction, so the line through
/// these passes a disc that is met within r + ρ + (distance + ρ + r)·δ. This holds for any camera.
struct DiscSearch {
  private let centres: [SIMD3<Double>]
  private let normals: [SIMD3<Double>]
  private let origins: [SIMD3<Double>]
  private let directions: [SIMD3<Double>]
  private let units: [SIMD3<Double>]
  private let radius: Double
  private let height: Int
  private let width: Int
  private var found: (pixels: [Int], discs: [Int32]) = ([], [])

  /// Below this |n·k| a disc is seen from its edge.
  private static let leastSlope = 0.01

  init(_ surface: SurfacePoints, radius: Double, rays: DiscRays) {
    centres = points3(surface.points.stoppingGradient())
    normals = points3(surface.normals.stoppingGradient())
    origins = points3(rays.origins.stoppingGradient())
    directions = points3(rays.directions.stoppingGradient())
    units = directions.map { $0 / max(($0 * $0).sum().squareRoot(), 1e-300) }
    self.radius = radius
    (height, width) = (rays.height, rays.width)
  }

  /// Pixels and discs that meet. For one pixel the discs ascend.
  mutating func run() -> (pixels: [Int], discs: [Int32]) {
    visit(0..<height, 0..<width, centres.indices.map(Int32.init))
    return found
  }

  private mutating func visit(_ rows: Range<Int>, _ columns: Range<Int>, _ discs: [Int32]) {
    guard !rows.isEmpty, !columns.isEmpty, !discs.isEmpty else { return }
    guard rows.count > 2 || columns.count > 2 else { return test(rows, columns, discs) }
    let kept = mayMeet(rows, columns, discs)
    let (row, column) = (
      (rows.lowerBound + rows.upperBound) / 2, (columns.lowerBound + columns.upperBound) / 2
    )
    for part in [rows.lowerBound..<row, row..<rows.upperBound] {
      visit(part, columns.lowerBound..<column, kept)
      visit(part, column..<columns.upperBound, kept)
    }
  }

  private func mayMeet(
    _ rows: Range<Int>, _ columns: Range<Int>, _ discs: [Int32]
  ) -> [Int32] {
    var (origin, direction) = (SIMD3<Double>.zero, SIMD3<Double>.zero)
    for row in rows {
      for pixel in row * width + columns.lowerBound..<row * width + columns.upperBound {
        origin += origins[pixel]
        direction += units[pixel]
      }
    }
    origin /= Double(rows.count * columns.count)
    let length = (direction * direction).sum().squareRoot()
    // Rays all around: nothing can be left out.
    guard length > 0.5 * Double(rows.count * columns.count) else { return discs }
    direction /= length
    var (apart, turned) = (0.0, 0.0)
    for row in rows {
      for pixel in row * width + columns.lowerBound..<row * width + columns.upperBound {
        let (a, b) = (origins[pixel] - origin, units[pixel] - direction)
        apart = max(apart, (a * a).sum())
        turned = max(turned, (b * b).sum())
      }
    }
    (apart, turned) = (apart.squareRoot(), turned.squareRoot())
    return discs.filter { disc in
      let offset = centres[Int(disc)] - origin
      let (square, along) = ((offset * offset).sum(), (offset * direction).sum())
      let reach = radius + apart + (square.squareRoot() + apart + radius) * turned
      // A little more, for what rounding takes.
      return square - along * along <= reach * reach + 1e-9 * (square + reach * reach)
    }
  }

  private mutating func test(_ rows: Range<Int>, _ columns: Range<Int>, _ discs: [Int32]) {
    for row in rows {
      for column in columns {
        let pixel = row * width + column
        for disc in discs where meets(pixel, Int(disc)) {
          found.pixels.append(pixel)
          found.discs.append(disc)
        }
      }
    }
  }

  private func meets(_ pixel: Int, _ disc: Int) -> Bool {
    let (normal, direction) = (normals[disc], directions[pixel])
    let slope = (normal * direction).sum()
    guard slope.magnitude >= Self.leastSlope else { return false }
    let offset = centres[disc] - origins[pixel]
    let apart = offset - direction * ((normal * offset).sum() / slope)
    return (apart * apart).sum() < radius * radius
  }
}
