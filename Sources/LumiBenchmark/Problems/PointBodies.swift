import Foundation
import LumiScene
import LumiTensor

extension PointCloud: BenchmarkShape {
  /// Bodies as points: one in the middle of every triangle of their surfaces, with its normal, its
  /// colour, and a radius that reaches the triangle's farthest corner, so that the discs leave no
  /// gap. Large triangles are cut first. Textures are seen at the points alone.
  ///
  /// A detail has about four times the points of what the mesh of the same detail has faces.
  public static func representing(
    _ bodies: [Body], material: Material, detail: Int
  ) throws -> PointCloud {
    var points: [Tensor] = []
    var normals: [Tensor] = []
    var radii: [Tensor] = []
    var colors: [Tensor] = []
    for body in bodies {
      let corners = SurfacePieces(of: body, detail: body.detail ?? detail).corners
      let count = corners.shape[0]
      let placed = body.placed(corners.reshaped([3 * count, 3])).reshaped([count, 3, 3])
      func corner(_ k: Int) -> Tensor { placed.slice(axis: 1, from: k, to: k + 1) }
      let middle = placed.mean(axis: 1)
      let (a, b) = (
        (corner(1) - corner(0)).squeezed(axis: 1), (corner(2) - corner(0)).squeezed(axis: 1)
      )
      points.append(middle)
      normals.append(Tensor.cross(a, b).normalized())
      radii.append((placed - middle.expandingDims(at: 1)).norm(axis: 2).max(axis: 1))
      colors.append(body.color(at: corners.mean(axis: 1)))
    }
    return PointCloud(
      points: .concatenate(points), appearance: .colors(.concatenate(colors)), material: material,
      normals: .concatenate(normals), radii: .concatenate(radii))
  }

  public var primitiveCount: Int { count }
}

/// A body's surface in small triangles that are about as long as wide.
private struct SurfacePieces {
  /// [T, 3, 3], in the form's own space.
  let corners: Tensor

  init(of body: Body, detail: Int) {
    var pieces = Pieces(longest: 1.2 / Double(1 << min(detail + 1, 20)))
    if case .cylinder(let radius, let height) = body.form {
      pieces.addCylinder(radius: radius, height: height, segments: 4 << detail)
    } else {
      let (a, b, c) = body.surface(detail: detail + 1).faceCorners()
      let (p, q, r) = (points3(a), points3(b), points3(c))
      for face in p.indices { pieces.add(p[face], q[face], r[face]) }
    }
    corners = Tensor(pieces.numbers, shape: [pieces.numbers.count / 9, 3, 3])
  }

  private struct Pieces {
    /// As long as an icosphere's edges at that detail.
    let longest: Double
    var numbers: [Double] = []

    init(longest: Double) { self.longest = longest }

    /// Adds a triangle, its longest edge halved until all are short.
    mutating func add(_ a: SIMD3<Double>, _ b: SIMD3<Double>, _ c: SIMD3<Double>) {
      func squared(_ v: SIMD3<Double>) -> Double { (v * v).sum() }
      let (ab, bc, ca) = (squared(b - a), squared(c - b), squared(a - c))
      let length = max(ab, bc, ca)
      guard length > longest * longest else {
        for corner in [a, b, c] { numbers += [corner.x, corner.y, corner.z] }
        return
      }
      // The longest edge first.
      let (from, to, apex) = length == ab ? (a, b, c) : length == bc ? (b, c, a) : (c, a, b)
      let middle = (from + to) / 2
      add(from, middle, apex)
      add(middle, to, apex)
    }

    /// A cylinder around the y axis: halving the long triangles of a mesh's side would leave them
    /// thin, with discs that stand out of a thin rod.
    mutating func addCylinder(radius: Double, height: Double, segments: Int) {
      let width = 2 * Double.pi * radius / Double(segments)
      let rows = max(1, Int((height / (2 * width)).rounded(.up)))
      func rim(_ segment: Int, _ y: Double) -> SIMD3<Double> {
        let turn = 2 * Double.pi * Double(segment) / Double(segments)
        return SIMD3(radius * sin(turn), y, radius * cos(turn))
      }
      for segment in 0..<segments {
        for row in 0..<rows {
          let (low, high) = (
            height * (Double(row) / Double(rows) - 0.5),
            height * (Double(row + 1) / Double(rows) - 0.5)
          )
          let (a, b) = (rim(segment, low), rim(segment + 1, low))
          let (c, d) = (rim(segment + 1, high), rim(segment, high))
          add(a, b, c)
          add(a, c, d)
        }
        for y in [-height / 2, height / 2] {
          let (a, b) = (rim(segment, y), rim(segment + 1, y))
          let middle = SIMD3(0, y, 0)
          if y > 0 { add(middle, a, b) } else { add(middle, b, a) }
        }
      }
    }
  }
}
