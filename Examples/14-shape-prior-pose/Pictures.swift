import ExampleSupport
import Lumigrad

/// Drawings of the prior's shapes with many small discs.
enum Pictures {
  private static let renderer = AutolabelingRenderer(
    projection: SurfaceProjection(density: 64, band: 0.03), discRadius: 0.035,
    channels: [.color, .alpha, .normal])

  /// A shape at a pose by its object coordinates, with the outline of what the sensor saw.
  static func coordinates(
    of field: any ImplicitField, _ pose: ObjectPose, seen: Observation, factor: Int = 2
  ) throws -> Canvas {
    let output = try draw(field, pose, seen.camera)
    var canvas = Canvas(try output[.color]).enlarged(factor)
    canvas.drawOutline(of: seen.mask)
    return canvas
  }

  /// A depth image, near dark and far bright.
  static func depth(_ seen: Observation, factor: Int = 2) -> Canvas {
    let isSeen = seen.mask .> 0.5
    let nearest = Tensor.where(isSeen, seen.depth, 1e9).min().value
    let farthest = Tensor.where(isSeen, seen.depth, -1e9).max().value
    let shade = (seen.depth - nearest) / max(farthest - nearest, 1e-6)
    return Canvas(coverage: Tensor.where(isSeen, 1 - shade * 0.8, 0)).enlarged(factor)
  }

  /// A shape lit from above.
  static func shaded(_ field: any ImplicitField, from camera: Camera) throws -> Canvas {
    let pose = ObjectPose(
      rotation: Tensor([Float(1), 0, 0, 0]), translation: .zeros([3]),
      scale: Tensor(scalar: Float(1)))
    let output = try draw(field, pose, camera)
    let light = Tensor([Float(0.1), 0.9, -0.4])
    let shade = (try output[.normal] * (light / light.norm())).sum(axis: 2).relu()
    return Canvas(coverage: try output[.alpha] * (1 - shade * 0.85))
  }

  private static func draw(
    _ field: any ImplicitField, _ pose: ObjectPose, _ camera: Camera
  ) throws -> RenderOutput {
    let surface = renderer.projection.points(on: field, in: Prior.space)
    let paper = Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z])
    return try renderer.draw(
      pose.applied(to: surface), colors: surface.objectCoordinates(in: Prior.space),
      radius: renderer.discRadius * pose.scale.value, background: paper, from: camera)
  }
}
