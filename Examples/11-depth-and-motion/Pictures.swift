import ExampleSupport
import Foundation
import Lumigrad

extension Fit {
  /// The middle frame, the true depth and the one that was found.
  func depthSheet() -> Canvas {
    let scores = Scores(estimate, video)
    let found = (1 / estimate.disparity).resized(
      height: video.depth.shape[0], width: video.depth.shape[1])
    return Canvas.sheet(
      [
        Canvas(video.frames[video.middle]).enlarged(2).captioned("middle frame"),
        Self.shade(video.depth).enlarged(2).captioned("true depth"),
        Self.shade(found * scores.scale).enlarged(2).captioned("found depth"),
      ], columns: 3)
  }

  /// Near is orange, far is blue.
  private static func shade(_ depth: Tensor) -> Canvas {
    var canvas = Canvas(width: depth.shape[1], height: depth.shape[0])
    for (index, z) in depth.scalars(as: Double.self).enumerated() {
      let share = Float(min(max((1 / z - 0.15) / 0.35, 0), 1))
      canvas[index / canvas.width, index % canvas.width] =
        Palette.blue * (1 - share) + Palette.orange * share
    }
    return canvas
  }

  /// The first frame, that frame warped to the middle, the middle, and four times the difference.
  func warpSheet() throws -> Canvas {
    var camera = video.cameras[video.middle]
    let still = RigidTransform.identity()
    (camera.rotation, camera.translation) = (still.rotation, still.translation)
    var source = camera
    let motion = estimate.motion(0)
    (source.rotation, source.translation) = (motion.rotation, motion.translation)
    let depth = (1 / estimate.disparity).resized(height: camera.height, width: camera.width)
    let view = SourceView(
      image: video.frames[video.sources[0]], camera: source, targetDepth: depth)
    let warped = try EgoMotionWarp().render(Scene(view), from: camera)[.color]
    let target = video.frames[video.middle]
    return Canvas.sheet(
      [
        Canvas(video.frames[video.sources[0]]).enlarged(2).captioned("first frame"),
        Canvas(warped).enlarged(2).captioned("warped to the middle"),
        Canvas(target).enlarged(2).captioned("middle frame"),
        Canvas((warped - target) * 4 + 0.5).enlarged(2).captioned("4 x difference"),
      ], columns: 2)
  }

  /// The middle frame as a surface, in its true size.
  func surface() throws -> Mesh {
    let camera = video.cameras[video.middle]
    let depth = (1 / estimate.disparity).resized(height: camera.height, width: camera.width)
    return try DepthImage(
      depth: depth * Scores(estimate, video).scale, colors: video.frames[video.middle],
      camera: camera
    ).mesh(jump: 0.1)
  }

  /// That surface from the left, the middle and the right.
  func newViews() throws -> Canvas {
    let scene = Scene(try surface(), background: Tensor([0.93, 0.92, 0.89] as [Float]))
    let frame = video.cameras[0]
    let views = try [-1.1, 0, 1.1].map { x -> Canvas in
      let camera = Camera.perspective(
        lookingAt: [0, -0.1, -3.5], from: [x, 0.25 * abs(x), 0.2 * abs(x)],
        verticalFieldOfView: 0.85, width: frame.width, height: frame.height)
      let picture = try HardRasterizer(channels: [.color]).render(
        scene, from: camera.enlarged(by: 2))[.color]
      return Canvas(picture)
    }
    return Canvas.sheet(views, columns: 3)
  }
}
