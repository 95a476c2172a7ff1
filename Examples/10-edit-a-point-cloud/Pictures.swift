import ExampleSupport
import Foundation
import Lumigrad

/// Clouds as lit surfaces of splats.
enum Pictures {
  /// Two clouds from two sides: one above the other.
  static func pairs(_ a: PointCloud, _ b: PointCloud) throws -> Canvas {
    try sheet([a, b])
  }

  static func triple(_ a: PointCloud, _ b: PointCloud, _ c: PointCloud) throws -> Canvas {
    try sheet([a, b, c])
  }

  private static func sheet(_ clouds: [PointCloud]) throws -> Canvas {
    let sides = [0.3, 2.2]
    let parts = try sides.flatMap { side in try clouds.map { try picture($0, azimuth: side) } }
    return Canvas.sheet(parts, columns: clouds.count)
  }

  private static func picture(_ cloud: PointCloud, azimuth: Double) throws -> Canvas {
    var cloud = cloud
    cloud.appearance = .uniform(Tensor([Float(0.55), 0.6, 0.68]))
    let (x, z) = (4 * sin(azimuth), 4 * cos(azimuth))
    let camera = Camera.perspective(
      from: [x, 1, z], verticalFieldOfView: radians(degrees: 29), width: 512, height: 512)
    let lamp = camera.centre + Tensor([Float(0.5), 2.5, 0])
    let scene = Scene(
      cloud,
      lights: [
        .ambient(intensity: Tensor([Float(0.25), 0.25, 0.25])),
        .directional(direction: lamp, intensity: Tensor([Float(0.8), 0.8, 0.8])),
      ], background: Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z]))
    let renderer = SurfaceSplatting(
      nearest: 24, thickness: 0.08, sizes: .neighbours(limits: 5e-5...0.004), channels: [.color])
    return Canvas(try renderer.render(scene, from: camera)[.color].averagePooled(by: 2))
  }
}
