import Foundation
import Lumigrad

/// A body with a plane of symmetry looks the same from two sides: what a silhouette cannot tell.
///
/// Let M reflect the body onto itself and Z = diag(1, 1, -1) reflect depth. Then R' = Z R M is a
/// rotation, and under it every point has the same x and y in the camera and the opposite depth
/// about the centre: the silhouette is the same, up to perspective. Nothing that draws silhouettes
/// can prefer one of the two.
struct Mirror {
  let mesh: Mesh
  let truth: Poses
  let targets: Targets
  /// M.
  let symmetry: Tensor

  var twin: Poses {
    let depth = Tensor([Float(1), 1, -1]).expandingDims(at: 1)
    return Poses(
      rotations: (depth * truth.rotations).matmul(symmetry), translations: truth.translations,
      focalLength: truth.focalLength)
  }

  var degreesApart: Double { PoseError.errors(of: twin, truth: truth)[0].degrees }

  /// The twin moved until its silhouette fits best.
  func refinedTwin() throws -> Poses {
    let search = Search(mesh: mesh, observation: try Observation(of: truth, mesh), method: .soft)
    var poses = twin
    try search.run(&poses, targets.stages[1])
    return poses
  }

  /// What can be seen of two poses that look alike.
  struct Evidence {
    let degreesApart, overlap, sideOverlap: Double
    /// Mean |difference| of depth where both are seen, in units of the body's radius; and of colour
    /// where the body has a different one at every place.
    let depth, color: Double
  }

  func evidence(_ pose: Poses) throws -> Evidence {
    func overlap(_ second: RigidTransform?) throws -> Double {
      let seen = try Observation(of: truth, mesh, second: second)
      return try Search(mesh: mesh, observation: seen, method: .soft).overlap(pose)
    }
    let one = try overlap(nil)
    let both = try overlap(targets.side)
    return Evidence(
      degreesApart: PoseError.errors(of: pose, truth: truth)[0].degrees, overlap: one,
      sideOverlap: 2 * both - one, depth: try difference(pose, .depth),
      color: try difference(pose, .color))
  }

  private func difference(_ pose: Poses, _ channel: RenderChannel) throws -> Double {
    func draw(_ pose: Poses) throws -> (Tensor, Tensor) {
      let output = try HardRasterizer(channels: [channel, .alpha]).render(
        Scene(painted), from: pose.cameras(pixels: Observation.pixels)[0])
      return (try output[channel], try output[.alpha])
    }
    let (seen, coverage) = try draw(truth)
    let (other, otherCoverage) = try draw(pose)
    let both = coverage * otherCoverage
    let gap = (seen - other).abs()
    let flat = gap.rank == 3 ? gap.mean(axis: 2) : gap
    return ((flat * both).sum() / both.sum()).value
  }

  /// The body in a colour that changes with the place.
  var painted: Mesh {
    var mesh = mesh
    mesh.appearance = .vertexColors(mesh.vertices * 0.4 + 0.5)
    return mesh
  }
}
