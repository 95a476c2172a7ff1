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
    var faces = [Int32](repeating: -1, count: screen.width * screen.height)
    var depths = [Double](repeating: range.upperBound, count: faces.count)
    corners.cast(to: .float64).withUnsafeScalars(as: Double.self) { values in
      for face in 0..<values.count / 12 {
        let own = UnsafeBufferPointer(rebasing: values[face * 12..<face * 12 + 12])
        guard let drawn = HomogeneousFace(own) else { continue }
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

/// One face, prepared for many pixels. Its corners' x, y, z and w are the vectors' components.
private struct HomogeneousFace {
  private let x, y, z, w: SIMD3<Double>
  /// Edge k at (px, py) is a[k] px + b[k] py + c[k]: what corner k's weight is proportional to.
  private let a, b, c: SIMD3<Double>

  /// Nil for a face that is not seen anywhere. Four numbers a corner.
  init?(_ corners: UnsafeBufferPointer<Double>) {
    x = SIMD3(corners[0], corners[4], corners[8])
    y = SIMD3(corners[1], corners[5], corners[9])
    z = SIMD3(corners[2], corners[6], corners[10])
    w = SIMD3(corners[3], corners[7], corners[11])
    guard corners.allSatisfy(\.isFinite), w.max() > 0 else { return nil }
    // Row k is the cross product of (x, y, w) of the two corners after k.
    let rowA = Self.opposite(y, w)
    let rowB = Self.opposite(w, x)
    let rowC = Self.opposite(x, y)
    let determinant = x[0] * rowA[0] + y[0] * rowB[0] + w[0] * rowC[0]
    guard determinant.magnitude >= HomogeneousRaster.smallestDeterminant else { return nil }
    (a, b, c) = determinant < 0 ? (-rowA, -rowB, -rowC) : (rowA, rowB, rowC)
  }

  /// u[k + 1] v[k + 2] - v[k + 1] u[k + 2] for every k. Two faces get exactly opposite values for an
  /// edge that they share.
  private static func opposite(_ u: SIMD3<Double>, _ v: SIMD3<Double>) -> SIMD3<Double> {
    SIMD3(
      u[1] * v[2] - v[1] * u[2], u[2] * v[0] - v[2] * u[0], u[0] * v[1] - v[0] * u[1])
  }

  /// z/w at a point of the screen; nil outside of the face.
  func depth(_ px: Double, _ py: Double) -> Double? {
    let e0 = a[0] * px + b[0] * py + c[0]
    let e1 = a[1] * px + b[1] * py + c[1]
    let e2 = a[2] * px + b[2] * py + c[2]
    guard e0 >= 0, e1 >= 0, e2 >= 0, e0 + e1 + e2 > 0 else { return nil }
    return (e0 * z[0] + e1 * z[1] + e2 * z[2]) / (e0 * w[0] + e1 * w[1] + e2 * w[2])
  }

  /// The pixels that it may reach: all of them if it reaches behind the eye.
  func box(_ screen: ScreenSpace) -> (rows: Range<Int>, columns: Range<Int>) {
    guard w.min() > 0 else { return (0..<screen.height, 0..<screen.width) }
    let columns = (x / w + screen.halfWidth) / screen.unitsPerPixel - 0.5
    let rows = (screen.halfHeight - y / w) / screen.unitsPerPixel - 0.5
    return (
      Self.range(rows.min(), rows.max(), screen.height),
      Self.range(columns.min(), columns.max(), screen.width)
    )
  }

  private static func range(_ least: Double, _ most: Double, _ count: Int) -> Range<Int> {
    let low = max(least.rounded(.down), 0)
    let high = min(most.rounded(.up) + 1, Double(count))
    return low < high ? Int(low)..<Int(high) : 0..<0
  }
}
