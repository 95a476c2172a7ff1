import Foundation
import Lumigrad

/// How far an estimate is from the truth.
struct Scores {
  /// What all depths and translations have to be multiplied by: pictures do not tell it.
  let scale: Double
  /// Mean |d·scale - d*|/d*.
  let relativeDepthError: Double
  /// The share of pixels with a depth within 25% of the truth.
  let withinQuarter: Double
  /// Mean angle between found and true rotations, in degrees.
  let rotationError: Double
  /// Mean angle between found and true directions of translation, in degrees.
  let directionError: Double

  init(_ estimate: Estimate, _ video: Video) {
    let (height, width) = (video.depth.shape[0], video.depth.shape[1])
    let found = (1 / estimate.disparity).resized(height: height, width: width)
      .scalars(as: Double.self)
    let truth = video.depth.scalars(as: Double.self)
    let ratios = zip(truth, found).map { $0 / $1 }.sorted()
    let scale = ratios[ratios.count / 2]
    self.scale = scale
    let errors = zip(truth, found).map { abs($1 * scale - $0) / $0 }
    relativeDepthError = errors.reduce(0, +) / Double(errors.count)
    withinQuarter =
      Double(zip(truth, found).count { max($1 * scale / $0, $0 / ($1 * scale)) < 1.25 })
      / Double(truth.count)
    var (turns, directions) = (0.0, 0.0)
    for (index, source) in video.sources.enumerated() {
      let (guess, real) = (estimate.motion(index), video.motion(to: source))
      let difference = guess.rotation.matmul(real.rotation, transposingRight: true)
      turns += Rotation.axisAngle(matrix: difference).angle.value * 180 / .pi
      let cosine = (guess.translation.normalized() * real.translation.normalized()).sum().value
      directions += acos(min(max(cosine, -1), 1)) * 180 / .pi
    }
    rotationError = turns / Double(video.sources.count)
    directionError = directions / Double(video.sources.count)
  }
}
