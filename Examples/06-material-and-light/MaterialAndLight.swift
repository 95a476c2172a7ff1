import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// A surface's colours and gloss and the lamps around it, from pictures of a known shape.
@main
struct MaterialAndLight: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "06-material-and-light",
    abstract: "Recovers a Phong material and two lamps from pictures of a known shape.")

  @Option(help: "A mesh with a texture to photograph; a generated pebble if none is given.")
  var mesh: String?

  @Option(help: "The folder for the table and the pictures.")
  var out = "out/material-and-light"

  @Option(help: "Width and height of the photographs in pixels.")
  var size = 80

  @Option(help: "How many steps to take.")
  var steps = 600

  @Option(help: "The standard deviation of the photographs' noise; white is 1.")
  var noise = 0.01

  @Option(help: "Run one experiment alone; 0 is the proper way to photograph.")
  var experiment: Int?

  @Flag(help: "One experiment, small and short.")
  var quick = false

  func validate() throws {
    guard steps >= 8 else { throw ValidationError("--steps is \(steps), expected 8 or more") }
    guard 16...1024 ~= size else {
      throw ValidationError("--size is \(size), expected 16...1024")
    }
    guard noise >= 0, noise.isFinite else {
      throw ValidationError("--noise is \(noise), expected 0 or more")
    }
  }

  func run() throws {
    try makeFolder(out)
    let subject = try mesh.map { try Subject(contentsOf: $0, textureSize: 128) } ?? .pebble()
    let (size, steps) = quick ? (min(size, 48), min(steps, 160)) : (size, steps)
    let outcomes = try concurrently(experiments(subject)) {
      try $0.run(size: size, steps: steps, noise: noise)
    }
    printParameters(outcomes[0])
    printScores(outcomes)
    print(
      String(format: "%.0f s", outcomes.reduce(0) { $0 + $1.seconds }),
      "of descent, all experiments together")
    try writePictures(outcomes, size: size)
    if chosen ?? 0 == 0 { try check(outcomes[0].scores) }
  }

  /// The only experiment to run, if not all.
  private var chosen: Int? { experiment ?? (quick ? 0 : nil) }

  private func experiments(_ subject: Subject) throws -> [Experiment] {
    let all = Experiment.all(subject)
    guard let chosen else { return all }
    guard all.indices ~= chosen else {
      throw ValidationError("--experiment is \(chosen), expected 0...\(all.count - 1)")
    }
    return [all[chosen]]
  }

  private func printParameters(_ outcome: Experiment.Outcome) {
    for stage in outcome.stages {
      print(String(format: "after stage %@: %.1f dB", stage.name, stage.ratio))
    }
    let (truth, found) = (outcome.experiment.subject.truth, outcome.calibrated)
    print("\nparameter        true                  found                 as descent left it")
    for (index, parameter) in truth.parameters.enumerated() where parameter.path != "albedo" {
      var values = [parameter.value, found.parameters[index].value]
      values.append(outcome.found.parameters[index].value)
      if parameter.path == "sunDirection" { values = values.map { $0.normalized() } }
      print(pad(parameter.path, 17) + values.map { pad(text($0), 22) }.joined())
    }
  }

  private func printScores(_ outcomes: [Experiment.Outcome]) {
    let columns = [
      "photos dB", "view dB", "relit dB", "albedo dB", "sun °", "bulb °", "bulb %", "ambient %",
      "lamps %",
    ]
    print("\n" + pad("", 28) + columns.map { pad($0, 10) }.joined())
    for outcome in outcomes {
      let s = outcome.scores
      let values = [
        outcome.photoRatio, s.newView, s.newLight, s.albedo, s.sunAngle, s.bulbAngle,
        s.bulbDistance * 100, outcome.ambientShare * 100, outcome.lampLevel * 100,
      ]
      print(
        pad(outcome.experiment.name, 28)
          + values.map { pad(String(format: "%.1f", $0), 10) }.joined())
    }
  }

  private func text(_ tensor: Tensor) -> String {
    tensor.scalars(as: Float.self).map { String(format: "%.3f", $0) }.joined(separator: " ")
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
  }

  private func writePictures(_ outcomes: [Experiment.Outcome], size: Int) throws {
    try outcomes[0].photographSheet().enlarged(2).write(to: "\(out)/photographs.png")
    try outcomes[0].partSheet(size: 2 * size).write(to: "\(out)/parts.png")
    try Canvas.column(outcomes.map { try $0.comparison(size: size * 4 / 3) }, gap: 8)
      .write(to: "\(out)/comparisons.png")
    print("the pictures are in \(out)")
  }

  /// The promise of this example: lamps and material are found, and serve for new pictures. A
  /// texture finer than the photographs' pixels, as files may have, limits what can be found.
  private func check(_ scores: Scores) throws {
    let least: (view: Double, light: Double, angle: Double) =
      switch (mesh != nil, quick) {
      case (false, false): (38, 35, 2)
      case (false, true): (32, 29, 5)
      case (true, false): (23, 24, 2)
      case (true, true): (18, 17, 6)
      }
    guard scores.newView >= least.view, scores.newLight >= least.light,
      scores.sunAngle <= least.angle
    else {
      print("error: expected at least \(least.view) dB from a new view, \(least.light) dB in new")
      print("light and the distant lamp within \(least.angle)°; found \(scores)")
      throw ExitCode.failure
    }
  }
}
