import ExampleSupport
import Foundation
import Lumigrad

extension Fit {
  /// Silhouettes of some views with the outlines of the targets.
  func comparisons(_ indices: [Int]) throws -> Canvas {
    let chosen = views.choose(indices)
    let alpha = try render(shape.mesh, chosen.cameras)
    let parts = indices.indices.map { index in
      var canvas = Canvas(coverage: alpha[.index(index)]).enlarged(3)
      canvas.drawOutline(of: chosen.silhouettes[.index(index)])
      return canvas
    }
    return Canvas.sheet(parts, columns: 4)
  }

  /// The mesh from the front, the side and above, lit.
  func portraits() throws -> Canvas {
    var mesh = shape.mesh
    mesh.appearance = .uniform(Tensor([Float(0.55), 0.6, 0.68]))
    mesh.material = Material(specular: 0.15, shininess: 24)
    let renderer = HardRasterizer(shader: .phong, channels: [.color])
    let sides: [(elevation: Double, azimuth: Double)] = [(20, 30), (0, 90), (89, 0)]
    return Canvas.sheet(
      try sides.map { side in
        let view = SoftRasView(
          distance: 2.732, elevationDegrees: side.elevation, azimuthDegrees: side.azimuth,
          halfViewingAngleDegrees: Views.halfViewingAngleDegrees)
        let camera = try Camera(softRas: view, size: 512)
        // The lamp is behind the viewer's shoulder.
        let lamp = camera.centre + Tensor([Float(0.5), 1.5, 0])
        let lit = Scene(
          mesh,
          lights: [
            .ambient(intensity: Tensor([Float(0.25), 0.25, 0.25])),
            .directional(direction: lamp, intensity: Tensor([Float(0.8), 0.8, 0.8])),
          ],
          background: Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z]))
        return Canvas(halved(try renderer.render(lit, from: camera)[.color]))
      }, columns: 3)
  }

  /// Half the size, each pixel the mean of four: smooth edges.
  private func halved(_ image: Tensor) -> Tensor {
    let (height, width) = (image.shape[0] / 2, image.shape[1] / 2)
    return image.reshaped([height, 2, width, 2, image.shape[2]]).mean(axes: [1, 3])
  }
}
