import LumiRendering
import LumiScene
import LumiTensor

/// The silhouette of one convex solid, or of one flat convex polygon: the convex hull of its
/// projected vertices. Exact in closed form; see ``ExactCoverage``.
struct ConvexSilhouette {
  private let family: SnapshotFamily
  /// Corners (numbers into the snapshot's corner list) around the hull.
  private let hull: [Int]

  /// Nil if the picture is not a silhouette, or the mesh is not one convex solid or polygon.
  init?(_ family: SnapshotFamily) {
    guard family.channels == 1, family.centre.faceCount > 0 else { return nil }
    let points = Self.points(family.centre)
    let hull = Self.hull(points)
    guard hull.count >= 3, Self.isConvex(family.mesh) else { return nil }
    let area = abs(ExactCoverage.signedArea(hull.map { points[$0] }))
    let covered = (0..<family.centre.faceCount).reduce(0.0) { sum, face in
      sum + abs(ExactCoverage.signedArea(Array(points[face * 3..<face * 3 + 3])))
    }
    // A line of sight meets a closed convex solid twice and a flat polygon once.
    guard [1, 2].contains(where: { abs(covered - $0 * area) <= 1e-9 * area }) else { return nil }
    self.family = family
    self.hull = hull
  }

  func truth() -> Truth {
    let points = Self.points(family.centre)
    let coverage = ExactCoverage(
      polygon: hull.map { points[$0] }, width: family.width, height: family.height)
    func image(_ values: [Double]) -> Tensor {
      Tensor(values, shape: [family.height, family.width, 1])
    }
    let jacobian = family.sides.map { side in
      let (above, below) = (Self.points(side.above), Self.points(side.below))
      return image(
        coverage.derivative(hull.map { (above[$0] - below[$0]) / (2 * SnapshotFamily.step) }))
    }
    return Truth(
      image: image(coverage.coverage), jacobian: jacobian, imageError: 0, jacobianError: 0,
      method: "closed form")
  }

  private static func points(_ snapshot: SceneSnapshot) -> [SIMD2<Double>] {
    stride(from: 0, to: snapshot.corners.count, by: 3).map {
      SIMD2(snapshot.corners[$0], snapshot.corners[$0 + 1])
    }
  }

  /// Whether no vertex lies on both sides of the planes of faces, up to rounding.
  private static func isConvex(_ mesh: Mesh) -> Bool {
    let values = mesh.vertices.scalars(as: Double.self)
    let vertices = (0..<mesh.vertexCount).map {
      SIMD3(values[3 * $0], values[3 * $0 + 1], values[3 * $0 + 2])
    }
    let size = values.reduce(0) { max($0, $1.magnitude) }
    let faces = mesh.faces.scalars(as: Int32.self).map(Int.init)
    for face in stride(from: 0, to: faces.count, by: 3) {
      let (a, b, c) = (vertices[faces[face]], vertices[faces[face + 1]], vertices[faces[face + 2]])
      let (u, v) = (b - a, c - a)
      let normal = SIMD3(
        u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x)
      let length = (normal * normal).sum().squareRoot()
      let limit = 1e-9 * size * length
      if vertices.contains(where: { ((($0 - a) * normal).sum()) > limit }) { return false }
    }
    return true
  }

  /// The convex hull of points, as positions in the list (Andrew 1979).
  private static func hull(_ points: [SIMD2<Double>]) -> [Int] {
    let order = points.indices.sorted {
      (points[$0].x, points[$0].y, $0) < (points[$1].x, points[$1].y, $1)
    }
    func half(_ order: some Sequence<Int>) -> [Int] {
      var chain: [Int] = []
      for index in order {
        while chain.count >= 2 {
          let (a, b) = (points[chain[chain.count - 2]], points[chain[chain.count - 1]])
          let (u, v) = (b - a, points[index] - b)
          // Points that coincide up to rounding are corners of faces that share a vertex.
          guard u.x * v.y - u.y * v.x <= 1e-12 else { break }
          chain.removeLast()
        }
        chain.append(index)
      }
      return Array(chain.dropLast())
    }
    return half(order) + half(order.reversed())
  }
}
