import Foundation
import Lumigrad

/// One way to photograph, and what comes of it.
struct Experiment: Sendable {
  let name: String
  let subject: Subject
  let capture: Capture
  /// How many times as bright the surface is at the start, and as dim the lamps.
  var startScale = 1.0
  /// How many of the first stages are left out.
  var skippedStages = 0

  /// The proper way first; then what goes wrong without one of its parts.
  static func all(_ subject: Subject) -> [Experiment] {
    let matt = subject.matt()
    return [
      Experiment(name: "turntable, glossy", subject: subject, capture: .turntable),
      Experiment(
        name: "same, start 1/3 as bright", subject: subject, capture: .turntable,
        startScale: 1.0 / 3),
      Experiment(name: "turntable, matt", subject: matt, capture: .turntable),
      Experiment(name: "walk around, glossy", subject: subject, capture: .walkAround),
      Experiment(name: "walk around, matt", subject: matt, capture: .walkAround),
      Experiment(
        name: "around, glossy, no stage 1", subject: subject, capture: .walkAround,
        skippedStages: 1),
      Experiment(
        name: "around, matt, no stage 1", subject: matt, capture: .walkAround, skippedStages: 1),
      Experiment(name: "one picture, glossy", subject: subject, capture: .single),
      Experiment(
        name: "turntable, all at once", subject: subject, capture: .turntable, skippedStages: 2),
    ]
  }

  struct Outcome: Sendable {
    let experiment: Experiment
    let photographs: [Photograph]
    /// As descent left it.
    let found: Look
    /// With the albedo's level set by one reading.
    let calibrated: Look
    /// dB after each stage, on the photographs.
    let stages: [(name: String, ratio: Double)]
    let scores: Scores
    let seconds: Double

    /// dB on the photographs.
    var photoRatio: Double { stages.last!.ratio }

    /// The lamps' intensity as descent left it over the true one.
    var lampLevel: Double {
      (found.sunIntensity / experiment.subject.truth.sunIntensity).mean().value
    }

    /// Ambient light over the distant lamp's, as found over as true: a ratio that no calibration
    /// changes.
    var ambientShare: Double {
      let truth = experiment.subject.truth
      return
        (found.ambient / found.sunIntensity * truth.sunIntensity / truth.ambient).mean().value
    }
  }

  func run(size: Int, steps: Int, noise: Double) throws -> Outcome {
    let shots = capture.shots(size: size)
    let photographs = try Photograph.take(
      subject.truth, of: subject.shape, shots, noise: noise, seed: 1)
    let start = subject.start().scaled(by: .full([3], startScale))
    var fit = Fit(subject.shape, photographs, from: start)
    var stages: [(name: String, ratio: Double)] = []
    let time = try ContinuousClock().measure {
      try fit.run(Stage.plan(steps: steps).dropFirst(skippedStages)) { stages.append(($0, $1)) }
    }
    let found = fit.unknowns.look
    let calibrated = try found.calibrated(
      to: subject.truth, shape: subject.shape, shot: shots[0])
    return Outcome(
      experiment: self, photographs: photographs, found: found, calibrated: calibrated,
      stages: stages, scores: try Scores(calibrated, subject, size: size),
      seconds: time / .seconds(1))
  }
}
