import ExampleSupport
import Foundation
import Lumigrad

/// What a person would look at.
struct Pictures {
  let shape: KnownShape
  let results: [Result]

  func write(to folder: String) throws {
    try surfaces().write(to: folder + "/surfaces.png")
    try silhouettes().write(to: folder + "/silhouettes.png")
  }

  /// The known shape and what runs found, from two new sides.
  private func surfaces() throws -> Canvas {
    let meshes = [("known", shape.mesh)] + results.map { ($0.name, $0.surface) }
    let directions = [SIMD3(0.75, 0.35, -0.56), SIMD3(-0.62, -0.1, -0.78)]
    let parts = try directions.enumerated().flatMap { row, direction in
      try meshes.map { name, mesh in
        let picture = try Self.lit(mesh, from: direction)
        return row == 0 ? picture.captioned(name) : picture.captioned("")
      }
    }
    return .sheet(parts, columns: meshes.count)
  }

  /// Silhouettes with the outline of the surface that was found: some that were learned from, and some
  /// that were not; below what the field's own renderer makes of them.
  private func silhouettes() throws -> Canvas {
    let best = results[0]
    let seen = [0, shape.cameras.count / 3, 2 * shape.cameras.count / 3]
      .map { (shape.cameras[$0], shape.masks[$0]) }
    let unseen = (0..<3).map { (shape.heldOut[$0], shape.heldOutMasks[$0]) }
    let factor = max(1, 192 / shape.side)
    let outlines = (seen + unseen).enumerated().map { index, view in
      var canvas = Canvas(coverage: view.1).enlarged(factor)
      canvas.drawOutline(of: KnownShape.mask(of: best.surface, from: view.0))
      return canvas.captioned(index < seen.count ? "learned from" : "held out")
    }
    let scene = Scene(ImplicitShape(best.field, bounds: KnownShape.bounds))
    let probed = try (seen + unseen).map { camera, _ in
      let alpha = try OccupancyFieldProbing(channels: [.alpha]).render(scene, from: camera)[.alpha]
      return Canvas(coverage: alpha).enlarged(factor).captioned("probed")
    }
    return .sheet(outlines + probed, columns: outlines.count)
  }

  /// A mesh under a lamp beside the eye.
  private static func lit(_ mesh: Mesh, from direction: SIMD3<Double>) throws -> Canvas {
    var white = mesh
    white.appearance = .uniform(.full([3], 0.8))
    let camera = KnownShape.camera(from: direction, side: 200)
    let scene = Scene(
      white,
      lights: [
        .ambient(intensity: .full([3], 0.12)),
        .directional(
          direction: camera.centre.unitVectors() + Tensor([Float(0.3), 0.6, 0.1]),
          intensity: .full([3], 0.6)),
      ],
      background: Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z]))
    return Canvas(
      try AntialiasedRasterizer(
        shader: Shader(evaluation: .fragment, reflection: .lambert), channels: [.color]
      ).render(scene, from: camera)[.color])
  }
}
