import Foundation
import Lumigrad

/// Poses that nobody knows, and how they are searched for.
struct Targets: Sendable {
  /// Distance from the camera in radii of the object; the targets' are up to 0.4 nearer or farther.
  var distance = 5.5
  /// How many evenly spread rotations a search starts from, and how many of those it moves.
  var starts = 144
  var moved = 24
  /// The softness that the search begins and ends with.
  var sigma = (from: 1e-3, to: 1e-5)
  /// How unsure the silhouettes' border is; see ``Observation``.
  var noise = 0.0
  var isQuick = false

  /// The lens that shows the object over 70% of the picture from this distance, in heights of it.
  var focalLength: Double { 0.36 * distance }

  /// Uniform rotations, somewhere in the picture.
  func random(_ count: Int, seed: UInt64) -> Poses {
    var random = RandomGenerator(seed: seed, stream: 5)
    let rotations = Rotation.matrix(quaternion: random.normal([count, 4]))
    let xy = random.uniform([count, 2], low: -0.1, high: 0.1) / focalLength
    let z = random.uniform([count, 1], low: distance - 0.4, high: distance + 0.4)
    return Poses(
      rotations: rotations, translations: Tensor.concatenate([xy * z, z], axis: 1),
      focalLength: focalLength)
  }

  var stages: [Search.Stage] {
    let middle = (sigma.from * sigma.to).squareRoot()
    return [
      Search.Stage(
        pixels: 32, steps: isQuick ? 30 : 50, rate: 0.08, sigma: (sigma.from, middle), keeps: 6),
      Search.Stage(
        pixels: 64, steps: isQuick ? 30 : 50, rate: 0.03, sigma: (middle, sigma.to), keeps: 6),
    ]
  }

  /// The best of evenly spread rotations after moments have moved them.
  func firstGuesses(_ search: Search) throws -> Poses {
    let all = try search.aligned(
      Poses.spread(starts), distance: distance, focalLength: focalLength)
    return try search.sorted(
      all, Search.Stage(pixels: 32, steps: 0, rate: 0, sigma: (1e-3, 1e-3), keeps: moved))
  }

  /// A second camera at a right angle to the first.
  var side: RigidTransform { Observation.side(distance: distance) }
}

/// What one method made of all targets.
struct Score {
  let name: String
  var errors: [PoseError] = []
  /// Of processor time.
  var seconds = 0.0
  /// How many starts were moved, and how many of them came within 15° in the first stage.
  var moved = 0
  var arrived = 0
  /// Wrong poses whose silhouette fits as well as that of the truth, but for 0.02 of IoU.
  var deceived = 0

  static let header =
    "                      found   wrong pose   of starts   median error    processor\n"
    + "                              same IoU     arrived     degrees      %   s a target"

  var line: String {
    let found = errors.filter(\.isFound)
    func median(_ values: [Double]) -> Double {
      values.isEmpty ? .nan : values.sorted()[values.count / 2]
    }
    let share = Double(arrived) / Double(max(moved, 1)) * 100
    return name.padding(toLength: 20, withPad: " ", startingAt: 0)
      + String(
        format: "%4d of %-2d %8d %12.0f%% %10.2f %8.2f %9.1f", found.count, errors.count, deceived,
        share, median(found.map(\.degrees)), median(found.map(\.translation)),
        seconds / Double(max(errors.count, 1)))
  }
}

extension Score {
  /// Searches every target with one method.
  ///
  /// - Returns: the score and each target's best pose.
  static func measure(
    _ name: String, _ mesh: Mesh, _ truths: Poses, _ targets: Targets, _ method: Method,
    second: RigidTransform? = nil
  ) throws -> (score: Score, found: [Poses]) {
    var (score, found) = (Score(name: name), [Poses]())
    let stages = targets.stages
    for index in 0..<truths.count {
      let truth = truths.choose([index])
      let search = Search(
        mesh: mesh,
        observation: try Observation(
          of: truth, mesh, second: second, noise: targets.noise, seed: UInt64(index)),
        method: method)
      var poses = try targets.firstGuesses(search)
      let began = processorSeconds()
      try search.run(&poses, stages[0])
      score.moved += poses.count
      score.arrived +=
        PoseError.errors(of: poses, truth: truth).filter { $0.degrees < 15 }.count
      var best = try search.sorted(poses, stages[0])
      try search.run(&best, stages[1])
      best = try search.sorted(best, stages[1])
      score.seconds += processorSeconds() - began
      let winner = best.choose([0])
      let error = PoseError.errors(of: winner, truth: truth)[0]
      score.errors.append(error)
      if !error.isFound, try search.overlap(winner) > search.overlap(truth) - 0.02 {
        score.deceived += 1
      }
      found.append(winner)
    }
    return (score, found)
  }
}

extension Search {
  /// IoU of the sharp silhouettes of one pose with what is seen, of the pixels that are more than
  /// half covered, mean over the views.
  func overlap(_ pose: Poses) throws -> Double {
    let drawn = try Observation(of: pose, mesh, second: observation.second)
    return hardIntersectionOverUnion(drawn.silhouettes, observation.silhouettes).mean().value
  }
}

/// Time that all threads of this program have used, which says more than a clock on a busy machine.
private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
