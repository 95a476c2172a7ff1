import ExampleSupport
import Lumigrad

/// Finds depth and motion from a video by view synthesis: if both are right, every frame, warped,
/// looks like the middle one.
struct Fit {
  /// The video at one resolution.
  private struct Level {
    let frames: [Tensor]
    /// At the origin of its own coordinates.
    let camera: Camera
  }

  let video: Video
  private(set) var estimate: Estimate
  private(set) var curve = Curve(columns: ["step", "loss", "depth error", "rotation error"])
  /// How much smoothness counts.
  private let smoothness = 0.02

  /// - Parameter coarsest: by what factor the first resolution is smaller.
  init(_ video: Video, coarsest: Int) {
    self.video = video
    let camera = video.cameras[0]
    estimate = Estimate(
      sources: video.sources.count, height: camera.height / coarsest,
      width: camera.width / coarsest)
  }

  /// From coarse to fine: a gradient reaches one pixel, and one pixel of the coarsest images is
  /// many of the finest. The coarsest only know the frames next to the middle; with every resolution
  /// the next ones join, at first as if the camera had gone on as before.
  mutating func run(factors: [Int], steps: Int) throws {
    for (index, factor) in factors.enumerated() {
      let level = level(factor)
      let reach = factor == factors.last ? video.middle : index + 1
      if index > 0 { join(distance: reach) }
      estimate = estimate.refined(height: level.camera.height, width: level.camera.width)
      var adam = Adam(
        learningRate: .cosine(initial: 0.03, final: 0.003, steps: steps), beta2: 0.99)
      for step in 0..<steps {
        let (loss, gradients) = try valueAndGradient(of: estimate) {
          try self.loss($0, level, reach: reach, takesBest: factor == factors.last)
        }
        try adam.update(&estimate, gradients: gradients)
        if step % 20 == 19 || step == 0 { record(loss.value) }
      }
    }
  }

  /// Guesses the motion to the frames at a distance from the middle.
  private mutating func join(distance: Int) {
    for (index, source) in video.sources.enumerated()
    where abs(source - video.middle) == distance && distance > 1 {
      estimate = estimate.extrapolated(
        to: index, from: source < video.middle ? index + 1 : index - 1,
        ratio: Double(distance) / Double(distance - 1))
    }
  }

  private func level(_ factor: Int) -> Level {
    var camera = video.cameras[video.middle]
    camera.focalLength = camera.focalLength / Double(factor)
    camera.principalPoint = camera.principalPoint / Double(factor)
    camera.width /= factor
    camera.height /= factor
    let still = RigidTransform.identity()
    (camera.rotation, camera.translation) = (still.rotation, still.translation)
    return Level(
      frames: video.frames.map { factor == 1 ? $0 : $0.pooled(factor) }, camera: camera)
  }

  /// The photometric error of the warped frames, where they change at all, plus smoothness of the
  /// disparity.
  private func loss(
    _ estimate: Estimate, _ level: Level, reach: Int, takesBest: Bool
  ) throws -> Tensor {
    let target = level.frames[video.middle]
    let depth = 1 / estimate.disparity
    var errors: [Tensor] = []
    var visible: [Tensor] = []
    var unmoved: [Tensor] = []
    for (index, source) in video.sources.enumerated()
    where abs(source - video.middle) <= reach {
      var camera = level.camera
      let motion = estimate.motion(index)
      (camera.rotation, camera.translation) = (motion.rotation, motion.translation)
      let view = SourceView(image: level.frames[source], camera: camera, targetDepth: depth)
      let warped = try EgoMotionWarp().render(Scene(view), from: level.camera)
      errors.append(Loss.photometricError(try warped[.color], target))
      visible.append(try warped[.alpha])
      unmoved.append(Loss.photometricError(level.frames[source], target))
    }
    let all = Array(errors.indices)
    // Of the frames before and after, the better one counts where a pixel is hidden in the other.
    // But a frame that is warped wrongly would then count nowhere and stay wrong: first each by
    // itself.
    let groups =
      takesBest ? all.prefix(all.count / 2).map { [$0, all.count - 1 - $0] } : all.map { [$0] }
    let photometric =
      groups.map { group in
        Loss.minimumReprojection(
          group.map { errors[$0] }, visible: group.map { visible[$0] },
          unmoved: group.map { unmoved[$0] })
      }.reduce(Tensor(0, dtype: .float32), +) / Double(groups.count)
    let relative = estimate.disparity / estimate.disparity.mean()
    return photometric
      + Loss.edgeAwareSmoothness(of: relative, image: target) * smoothness
  }

  private mutating func record(_ loss: Double) {
    let scores = Scores(estimate, video)
    curve.append([
      Double(curve.rows.count * 20), loss, scores.relativeDepthError, scores.rotationError,
    ])
  }
}
