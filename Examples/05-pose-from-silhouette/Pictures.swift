import ExampleSupport
import Foundation
import Lumigrad

extension Search {
  /// The mesh at one pose, lit and dark blue, with the outline of what is seen; a view each.
  func picture(_ pose: Poses, in mesh: Mesh? = nil) throws -> [Canvas] {
    try pose.cameras(pixels: Observation.pixels, second: observation.second).enumerated().map {
      view, camera in
      let enlargement = 3
      var lit = Scene(mesh ?? self.mesh)
      lit.lights = [
        .ambient(intensity: Tensor([Float(0.35), 0.35, 0.35])),
        .directional(
          direction: camera.centre + Tensor([Float(0.2), 0.8, 0]),
          intensity: Tensor([Float(0.6), 0.6, 0.6])),
      ]
      lit.background = Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z])
      var canvas = Canvas(
        try AntialiasedRasterizer(channels: [.color]).render(
          lit, from: camera.enlarged(by: enlargement))[.color])
      canvas.drawOutline(of: observation.silhouettes[.index(view)][.index(0)])
      return canvas
    }
  }
}

/// The loss when the object turns around the camera's vertical axis, away from the truth.
struct Landscape {
  let mesh: Mesh
  let truth: Poses
  let angles = Array(stride(from: -180.0, through: 180, by: 3))

  func curve() throws -> Curve {
    let turns = Tensor(
      angles.flatMap { [0, Float(radians(degrees: $0)), 0] }, shape: [angles.count, 3])
    let poses = Poses(
      rotations: Rotation.exponential(turns).matmul(truth.rotations),
      translations: truth.translations.broadcast(to: [angles.count, 3]),
      focalLength: truth.focalLength)
    let observation = try Observation(of: truth, mesh)
    func losses(_ method: Method, _ sigma: Double) throws -> [Float] {
      try Search(mesh: mesh, observation: observation, method: method)
        .losses(poses, pixels: 32, sigma: sigma).scalars(as: Float.self)
    }
    let columns = try [losses(.soft, 3e-3), losses(.soft, 3e-4), losses(.antialiased, 0)]
    var curve = Curve(columns: ["degrees", "soft", "less soft", "sharp"])
    for index in angles.indices {
      curve.append([angles[index] + 180] + columns.map { Double($0[index]) })
    }
    return curve
  }
}
