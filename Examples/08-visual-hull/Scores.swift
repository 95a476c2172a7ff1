import Foundation
import Lumigrad

/// How well a reconstruction explains photographs.
struct Scores {
  /// Intersection over union with every mask of the surface's triangles, full size.
  var overlaps: [Double]
  /// Mean |difference| of colours, linear, where mask and surface agree; nil without colours.
  var color: Double?

  var mean: Double { overlaps.reduce(0, +) / Double(overlaps.count) }

  init(_ grid: VoxelGrid, _ photographs: Photographs, shrunkBy factor: Int) throws {
    let scene = Scene(try grid.surface())
    overlaps = try zip(photographs.cameras, photographs.masks).map { camera, mask in
      let alpha = try HardRasterizer(channels: [.alpha]).render(scene, from: camera)[.alpha]
      return hardIntersectionOverUnion(alpha, mask).value
    }
    guard case .colors = grid.appearance else { return }
    let fit = SurfaceFit(photographs: photographs.shrunk(by: factor), batch: 0)
    let errors = try photographs.masks.indices.map { try fit.colorLoss(grid, $0).value }
    color = errors.reduce(0, +) / Double(errors.count)
  }

  /// What SDFDiff's own silhouettes have in common with the masks, view by view.
  static func tracedOverlaps(_ grid: VoxelGrid, _ photographs: Photographs) throws -> [Double] {
    let white = VoxelGrid(
      values: grid.values, quantity: .signedDistance, placement: .nodes, lower: grid.lower,
      upper: grid.upper)
    return try zip(photographs.cameras, photographs.masks).map { camera, mask in
      let alpha = try SDFDiff(headlight: .singleView, channels: [.alpha]).render(
        Scene(white), from: camera)[.alpha]
      return hardIntersectionOverUnion(alpha, mask).value
    }
  }

  func line(_ name: String, _ seconds: Double) -> String {
    let padded = name.padding(toLength: 26, withPad: " ", startingAt: 0)
    let color = color.map { String(format: "%8.4f", $0) } ?? "       -"
    return String(format: "%@ %7.0f %9.4f %9.4f %@", padded, seconds, mean, overlaps.min()!, color)
  }

  static let header = "stage                      seconds  mean IoU     least   colour"
}
