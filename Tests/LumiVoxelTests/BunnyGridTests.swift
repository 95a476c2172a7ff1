import Foundation
import Lumigrad
import Testing

/// A scanned model, with holes, through all forms. Needs the shared data (LUMIGRAD_DATA or ../shared/data).
struct BunnyGridTests {
  static let path: String? = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    let named = ProcessInfo.processInfo.environment["LUMIGRAD_DATA"]
    return [named, "\(root)/../shared/data", "\(root)/../../shared/data"].compactMap { $0 }
      .map { "\($0)/meshes/stanford-bunny.obj" }.first {
        FileManager.default.fileExists(atPath: $0)
      }
  }()

  @Test(.enabled(if: path != nil, "needs meshes/stanford-bunny.obj of the shared data"))
  func theBunnyComesBack() throws {
    let bunny = try Mesh(contentsOf: Self.path!).centredAndScaled(radius: 0.95)
    let grid = try VoxelGrid(signedDistancesTo: bunny, counts: [64, 64, 64])
    // Against every triangle and the exact solid angle, at some of the places.
    var random = RandomGenerator(seed: 3)
    let rows = random.uniform([60], high: 64 * 64 * 64 - 1, dtype: .float64).cast(to: .int64)
    let places = grid.valuePositions().reshaped([-1, 3]).gather(rows)
    let found = grid.values.reshaped([-1]).gather(rows).scalars(as: Double.self)
    let winding = windingNumbers(
      of: places, vertices: bunny.vertices, faces: bunny.faces, reach: .infinity
    ).scalars(as: Double.self)
    let corners = bunny.vertices.gather(bunny.faces).scalars(as: Double.self)
    let points = places.scalars(as: Double.self)
    var inside = 0
    for row in found.indices {
      let p = SIMD3(points[3 * row], points[3 * row + 1], points[3 * row + 2])
      var least = Double.infinity
      for at in stride(from: 0, to: corners.count, by: 9) {
        func corner(_ k: Int) -> SIMD3<Double> {
          [corners[at + 3 * k], corners[at + 3 * k + 1], corners[at + 3 * k + 2]]
        }
        least = min(least, Triangle3(corner(0), corner(1), corner(2)).closest(to: p).squared)
      }
      inside += winding[row] > 0.5 ? 1 : 0
      let expected = least.squareRoot() * (winding[row] > 0.5 ? -1 : 1)
      #expect(abs(found[row] - expected) < 1e-6)
    }
    #expect(inside > 0)
    let again = try grid.surface()
    #expect(MeshTopology(again).nonManifoldEdges.shape[0] == 0)
    let samples = try bunny.sampleSurface(4000, using: &random).points
    let others = try again.sampleSurface(4000, using: &random).points
    let (there, back) = (
      squaredDistancesToFaces(points: samples, vertices: again.vertices, faces: again.faces),
      squaredDistancesToFaces(points: others, vertices: bunny.vertices, faces: bunny.faces)
    )
    // Mean distance both ways, in voxels.
    let chamfer = (there.sqrt().mean().value + back.sqrt().mean().value) / 2 / grid.spacing.x
    #expect(chamfer < 0.1, "\(chamfer)")
    let solid = try VoxelGrid(solid: bunny, counts: [32, 32, 32], samples: 2)
    let volume = solid.values.sum().value * solid.spacing.x * solid.spacing.y * solid.spacing.z
    #expect(abs(volume / again.volume().value - 1) < 0.02)
  }
}
