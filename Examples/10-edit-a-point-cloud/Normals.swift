import Foundation
import Lumigrad

/// Unit normals [N, 3] of the planes through each point's neighbours, turned towards the cameras that
/// see the point.
///
/// - Parameters:
///   - points: [N, 3].
///   - neighbours: how many make a plane.
///   - reach: a point is seen if no other lies farther in front of it than this.
///   - cameras: all around.
func orientedNormals(
  of points: Tensor, neighbours: Int, reach: Double, seenFrom cameras: [Camera]
) -> Tensor {
  let near = nearestNeighbours(of: points, in: points, count: max(neighbours, 4)).indices
  let axes = LocalGeometry(points: points, neighbours: near).normals.scalars(as: Double.self)
  var normals = stride(from: 0, to: axes.count, by: 3).map {
    SIMD3(axes[$0], axes[$0 + 1], axes[$0 + 2])
  }
  let votes = outwardVotes(points, reach, cameras)
  var isSure = votes.map { ($0 * $0).sum() > 1e-12 }
  for index in normals.indices where (normals[index] * votes[index]).sum() < 0 {
    normals[index] = -normals[index]
  }
  // What no camera sees goes along with its neighbours.
  let rows = near.scalars(as: Int32.self)
  let width = near.shape[1]
  for _ in 0..<3 {
    for index in normals.indices where !isSure[index] {
      let sum = rows[index * width..<(index + 1) * width].reduce(SIMD3<Double>(0, 0, 0)) {
        isSure[Int($1)] ? $0 + normals[Int($1)] : $0
      }
      if (normals[index] * sum).sum() < 0 { normals[index] = -normals[index] }
      if (sum * sum).sum() > 0 { isSure[index] = true }
    }
  }
  return Tensor(normals.flatMap { [Float($0.x), Float($0.y), Float($0.z)] }, shape: points.shape)
}

/// For every point the sum of the directions to the cameras that see it.
private func outwardVotes(
  _ points: Tensor, _ reach: Double, _ cameras: [Camera]
) -> [SIMD3<Double>] {
  var votes = [SIMD3<Double>](repeating: SIMD3(0, 0, 0), count: points.shape[0])
  for camera in cameras {
    let eye = camera.directionToEye(from: points).scalars(as: Double.self)
    let screen = ScreenPoints(points, from: camera, radii: Tensor(0.08, dtype: .float32))
    guard
      let fragments = try? PointRasterizer(thickness: reach).fragments(
        of: screen, method: "example")
    else { continue }
    for point in Set(fragments.points.scalars(as: Int32.self).map { Int($0) }) {
      votes[point] += SIMD3(eye[3 * point], eye[3 * point + 1], eye[3 * point + 2])
    }
  }
  return votes
}
