import Foundation
import Lumigrad

/// The known object: a mesh within the unit sphere.
enum Creature {
  /// A body with a head, a tail and two wings. From no two directions does it look the same, unless
  /// its wings are alike: then the plane z = 0 is a mirror.
  static func mesh(isSymmetric: Bool = false) -> Mesh {
    var bumps: [(direction: SIMD3<Double>, height: Double, sharpness: Double)] = [
      ([0.7, 0.7, 0], 0.5, 14), ([-1, 0.3, 0], 0.3, 12), ([0, -0.15, 1], 0.65, 18),
    ]
    bumps.append(
      isSymmetric ? ([0, -0.15, -1], 0.65, 18) : ([-0.35, 0.5, -1], 0.4, 10))
    let axes = SIMD3<Double>(0.7, 0.36, 0.4)
    var mesh = Mesh.icosphere(subdivisions: 3, dtype: .float64)
    let values = mesh.vertices.scalars(as: Double.self)
    let points = (0..<mesh.vertexCount).flatMap { vertex -> [Double] in
      let direction = SIMD3(values[3 * vertex], values[3 * vertex + 1], values[3 * vertex + 2])
      let onBody = direction / axes
      var radius = 1 / (onBody * onBody).sum().squareRoot()
      for bump in bumps {
        let axis = bump.direction / (bump.direction * bump.direction).sum().squareRoot()
        radius += bump.height * exp(bump.sharpness * ((direction * axis).sum() - 1))
      }
      return [direction.x * radius, direction.y * radius, direction.z * radius]
    }
    mesh.vertices = Tensor(points, shape: [mesh.vertexCount, 3])
    return normalized(mesh)
  }

  /// A mesh from a file, moved and scaled.
  static func mesh(contentsOf path: String) throws -> Mesh {
    var mesh = try Mesh(contentsOf: path)
    mesh.appearance = .uniform(.ones([3]))
    mesh.vertexNormals = nil
    return normalized(mesh)
  }

  /// Centred, and just within the unit sphere.
  private static func normalized(_ mesh: Mesh) -> Mesh {
    var mesh = mesh
    let (low, high) = (mesh.vertices.min(axis: 0), mesh.vertices.max(axis: 0))
    let centred = mesh.vertices - (low + high) * 0.5
    mesh.vertices = (centred / centred.norm(axis: 1).max()).cast(to: .float32)
    mesh.appearance = .uniform(.ones([3]))
    mesh.material = Material()
    return mesh
  }

  /// The reflection diag(±1) that changes the mesh least, and by how much: the mean distance from a
  /// mirrored vertex to the nearest vertex.
  static func mirror(of mesh: Mesh) -> (matrix: Tensor, distance: Double) {
    let points = mesh.vertices
    let candidates = (0..<3).map { axis -> (matrix: Tensor, distance: Double) in
      let flip = Tensor((0..<3).map { Float($0 == axis ? -1 : 1) })
      let mirrored = points * flip
      let squares = points.square().sum(axis: 1)
      let between =
        squares.expandingDims(at: 1) + squares - mirrored.matmul(points, transposingRight: true) * 2
      return (
        Tensor.eye(3) * flip, between.min(axis: 1).relu().sqrt().mean().value
      )
    }
    return candidates.min { $0.distance < $1.distance }!
  }
}
