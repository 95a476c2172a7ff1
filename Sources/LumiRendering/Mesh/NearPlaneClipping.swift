import LumiTensor

/// Cuts triangles at the plane z = near in camera space, because a triangle through the camera's
/// plane has no finite projection.
///
/// A new corner lies on an edge from a corner in front to one behind, at the parameter where the
/// edge meets the plane. Everything known at corners follows by the same interpolation, so
/// derivatives through the cut are exact. Which faces are cut is a choice without a derivative.
public struct NearPlaneClipping: Sendable {
  /// int32 [faces]: the face that each remaining face is part of.
  public let sourceFaces: Tensor
  /// int64 [faces * 3]: rows of the flattened source corners between which each corner lies.
  private let from: Tensor
  private let to: Tensor
  /// [faces * 3, 1]: where between them; 0 for corners that were there before.
  private let fraction: Tensor

  /// Nil if no face reaches behind the plane.
  ///
  /// - Parameters:
  ///   - points: camera points [vertices, 3].
  ///   - faces: int32 [faces, 3].
  ///   - near: camera z of the plane.
  public init?(points: Tensor, faces: Tensor, near: Double) {
    let depths = points.slice(axis: 1, from: 2, to: 3).reshaped([-1])
    let indices = faces.scalars(as: Int32.self).map { Int($0) }
    let inside = depths.scalars(as: Double.self).map { $0 >= near }
    guard indices.contains(where: { !inside[$0] }) else { return nil }
    var sources: [Int32] = []
    var first: [Int64] = []
    var second: [Int64] = []
    for face in 0..<indices.count / 3 {
      let ring = Self.cut((0..<3).map { inside[indices[face * 3 + $0]] })
      // A cut triangle is a triangle or a quadrilateral: a fan of one or two.
      for apex in 1..<max(ring.count - 1, 1) {
        sources.append(Int32(face))
        for corner in [ring[0], ring[apex], ring[apex + 1]] {
          first.append(Int64(face * 3 + corner.from))
          second.append(Int64(face * 3 + corner.to))
        }
      }
    }
    sourceFaces = Tensor(sources)
    from = Tensor(first)
    to = Tensor(second)
    let corner = depths.gather(faces.reshaped([-1]))
    let start = corner.gather(from)
    let span = corner.gather(to) - start
    let isNew = from .!= to
    let safe = Tensor.where(isNew, span, Tensor.ones(like: span))
    fraction = Tensor.where(isNew, (near - start) / safe, Tensor.zeros(like: span))
      .expandingDims(at: 1)
  }

  /// The corners of what is left of a triangle, in order: an old corner (from = to), or the place
  /// on the edge between a kept corner and a dropped one.
  private static func cut(_ inside: [Bool]) -> [(from: Int, to: Int)] {
    var ring: [(from: Int, to: Int)] = []
    for corner in 0..<3 {
      let next = (corner + 1) % 3
      if inside[corner] { ring.append((corner, corner)) }
      if inside[corner] != inside[next] {
        ring.append(inside[corner] ? (corner, next) : (next, corner))
      }
    }
    return ring
  }

  /// Numbers that tell which corners that remain are the same point: int64 [faces * 3]. An old
  /// corner is its vertex, a new one the pair of vertices that it lies between.
  ///
  /// - Parameters:
  ///   - vertices: the vertex of each source corner.
  ///   - count: how many vertices there are.
  func identities(ofCorners vertices: [Int32], vertexCount count: Int) -> Tensor {
    let (first, second) = (from.scalars(as: Int64.self), to.scalars(as: Int64.self))
    return Tensor(
      zip(first, second).map { a, b in
        Int64(vertices[Int(a)]) * Int64(count) + Int64(vertices[Int(b)])
      })
  }

  /// Values at the source corners [source faces, 3, C] as values at the corners that remain
  /// [faces, 3, C].
  public func corners(of attributes: Tensor) -> Tensor {
    let channels = attributes.shape[2]
    let flat = attributes.reshaped([-1, channels])
    let start = flat.gather(from)
    return (start + (flat.gather(to) - start) * fraction).reshaped([-1, 3, channels])
  }
}
