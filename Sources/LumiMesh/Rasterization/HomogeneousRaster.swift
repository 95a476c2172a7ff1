import LumiRendering
import LumiTensor

/// Rasterisation in homogeneous coordinates (M. Olano, T. Greer, "Triangle Scan Conversion using 2D
/// Homogeneous Coordinates", 1997): a corner is (x, y, z, w), its place on the screen (x, y)/w.
/// Faces that reach behind the eye need no clipping, and weights come out perspective-correct.
enum HomogeneousRaster {
  /// Matrices of corners with a determinant below this are left out.
  static let smallestDeterminant = 1e-10

  /// The face of every pixel, int32 [height, width], -1 for none. z/w decides; of equal ones (to
  /// 1e-9) the later face is seen. Edges belong to both faces; zero area is never seen.
  ///
  /// - Parameters:
  ///   - corners: [faces, 3, 4].
  ///   - screen: where pixels' centres are.
  ///   - range: of z/w.
  static func visibility(
    _ corners: Tensor, _ screen: ScreenSpace, range: ClosedRange<Double>
  ) -> Tensor {
    let values = corners.scalars(as: Double.self)
    var faces = [Int32](repeating: -1, count: screen.width * screen.height)
    var depths = [Double](repeating: range.upperBound, count: faces.count)
    for face in 0..<values.count / 12 {
      guard let drawn = HomogeneousFace(Array(values[face * 12..<face * 12 + 12])) else { continue }
      let box = drawn.box(screen)
      for row in box.rows {
        let y = screen.halfHeight - (Double(row) + 0.5) * screen.unitsPerPixel
        for column in box.columns {
          let x = (Double(column) + 0.5) * screen.unitsPerPixel - screen.halfWidth
          guard let depth = drawn.depth(x, y) else { continue }
          let pixel = row * screen.width + column
          guard range.contains(depth), depth <= depths[pixel] + 1e-9 else { continue }
          depths[pixel] = depth
          faces[pixel] = Int32(face)
        }
      }
    }
    return Tensor(faces, shape: [screen.height, screen.width])
  }

  /// Perspective-correct weights [fragments, 3] of the corners at fragments, with derivatives with
  /// respect to x, y and w. They leave [0, 1] where a pixel is outside of its face.
  ///
  /// - Parameters:
  ///   - corners: [faces, 3, 4].
  ///   - fragments: where.
  ///   - smallestTwiceArea: faces with less on the screen give no derivative.
  static func weights(
    _ corners: Tensor, _ fragments: Fragments, smallestTwiceArea: Double
  ) -> Tensor {
    let own = corners.gather(fragments.faces)
    let xyw = Tensor.concatenate(
      [own.slice(axis: 2, from: 0, to: 2), own.slice(axis: 2, from: 3, to: 4)], axis: 2)
    let corner = (0..<3).map { k in
      xyw.slice(axis: 1, from: k, to: k + 1).squeezed(axis: 1)
    }
    let ones = Tensor.ones([fragments.count, 1], dtype: corners.dtype)
    let pixel = Tensor.concatenate([fragments.centers, ones], axis: 1)
    let edges = Tensor.stack(
      (0..<3).map { Tensor.cross(corner[($0 + 1) % 3], corner[($0 + 2) % 3]).dot(pixel) }, axis: 1)
    let weights = edges / edges.sum(axis: 1, keepDims: true)
    let plain = corner.map { $0.stoppingGradient() }
    let determinant = Tensor.cross(plain[0], plain[1]).dot(plain[2])
    let product = plain.map { $0.slice(axis: 1, from: 2, to: 3).squeezed(axis: 1) }
      .reduce(Tensor.ones([fragments.count], dtype: corners.dtype)) { $0 * $1 }
    let isThin = (determinant / product).abs() .< smallestTwiceArea
    return Tensor.where(isThin.expandingDims(at: 1), weights.stoppingGradient(), weights)
  }
}

/// One face, prepared for many pixels.
private struct HomogeneousFace {
  /// Row k gives the edge value that corner k's weight is proportional to, times (x, y, 1).
  private var edges = [SIMD3<Double>]()
  private let corners: [Double]

  /// Nil for a face that is not seen anywhere.
  init?(_ corners: [Double]) {
    self.corners = corners
    let w = [corners[3], corners[7], corners[11]]
    guard corners.allSatisfy(\.isFinite), w.contains(where: { $0 > 0 }) else { return nil }
    let v = (0..<3).map { SIMD3(corners[4 * $0], corners[4 * $0 + 1], w[$0]) }
    edges = (0..<3).map { Self.cross(v[($0 + 1) % 3], v[($0 + 2) % 3]) }
    let determinant = (v[0] * edges[0]).sum()
    guard determinant.magnitude >= HomogeneousRaster.smallestDeterminant else { return nil }
    if determinant < 0 { edges = edges.map { -$0 } }
  }

  private static func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
    SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
  }

  /// z/w at a point of the screen; nil outside of the face.
  func depth(_ x: Double, _ y: Double) -> Double? {
    let at = SIMD3(x, y, 1)
    let e = edges.map { ($0 * at).sum() }
    guard e[0] >= 0, e[1] >= 0, e[2] >= 0, e[0] + e[1] + e[2] > 0 else { return nil }
    let z = e[0] * corners[2] + e[1] * corners[6] + e[2] * corners[10]
    let w = e[0] * corners[3] + e[1] * corners[7] + e[2] * corners[11]
    return z / w
  }

  /// The pixels that it may reach: all of them if it reaches behind the eye.
  func box(_ screen: ScreenSpace) -> (rows: Range<Int>, columns: Range<Int>) {
    let w = [corners[3], corners[7], corners[11]]
    guard w.allSatisfy({ $0 > 0 }) else { return (0..<screen.height, 0..<screen.width) }
    let columns = (0..<3).map {
      (corners[4 * $0] / w[$0] + screen.halfWidth) / screen.unitsPerPixel - 0.5
    }
    let rows = (0..<3).map {
      (screen.halfHeight - corners[4 * $0 + 1] / w[$0]) / screen.unitsPerPixel - 0.5
    }
    return (Self.range(rows, screen.height), Self.range(columns, screen.width))
  }

  private static func range(_ places: [Double], _ count: Int) -> Range<Int> {
    let low = max(places.min()!.rounded(.down), 0)
    let high = min(places.max()!.rounded(.up) + 1, Double(count))
    return low < high ? Int(low)..<Int(high) : 0..<0
  }
}
