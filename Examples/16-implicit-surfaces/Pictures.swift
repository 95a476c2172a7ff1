import ExampleSupport
import Foundation
import Lumigrad

extension ImplicitSurfaces {
  /// The truth and what the methods found, from sides that were not fitted to: their own pictures, and
  /// their surfaces as grey meshes.
  func writePictures(_ rows: [Result], _ truth: Mesh) throws {
    let side = quick ? 96 : 160
    let cameras = [(0.6, 0.35), (2.8, -0.3), (4.7, 0.6)].map {
      Capture.camera(azimuth: $0.0, $0.1, side)
    }
    func grey(_ mesh: Mesh) throws -> [Canvas] {
      var mesh = mesh
      mesh.appearance = .uniform(.full([3], 0.65))
      mesh.material.ambient = .full([3], 1)
      let scene = Scene(mesh, lights: Subject.lights, background: Subject.background)
      return try cameras.map { try shot(scene, $0) }
    }
    func shot(_ scene: Scene<Mesh>, _ camera: Camera) throws -> Canvas {
      let fine = try HardRasterizer(shader: .phong, channels: [.color])
        .render(scene, from: camera.enlarged(by: 2))[.color]
      return Canvas(fine.reshaped([side, 2, side, 2, 3]).mean(axes: [1, 3]))
    }
    let scene = try Subject.scene()
    var parts = [
      Canvas.sheet(try cameras.map { try shot(scene, $0) } + grey(truth), columns: 6)
        .captioned("the subject, and its surface")
    ]
    for row in rows {
      let pictures = try cameras.map {
        Canvas(try row.fit.picture(from: $0).clamped(min: 0, max: 1))
      }
      parts.append(
        Canvas.sheet(pictures + (try grey(row.surface)), columns: 6).captioned(
          String(format: "%@: %.1f%% off", row.fit.method.rawValue, 100 * row.distance)))
    }
    try Canvas.column(parts).write(to: "\(out)/surfaces.png")
    print("surfaces.png and the meshes are in \(out)")
  }
}
