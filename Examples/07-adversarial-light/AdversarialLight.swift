import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// A network that names shapes is fooled by moving the light, or the vertices a little.
@main
struct AdversarialLight: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "07-adversarial-light",
    abstract: "Fools a classifier through a differentiable renderer: by light or by vertices.")

  @Option(help: "The folder for the pictures.")
  var out = "out/adversarial-light"

  @Option(help: "How many pictures to train with.")
  var training = 6000

  @Option(help: "How many test pictures to attack.")
  var attacked = 150

  @Option(help: "How far the light's eight coefficients may move together.")
  var lightBound = 0.5

  @Option(help: "How far a vertex may move, in pixels.")
  var vertexBound = 0.75

  @Flag(help: "Fewer pictures; no defence, no other renderers.")
  var quick = false

  func validate() throws {
    guard training >= 640 else {
      throw ValidationError("--training is \(training), expected 640 or more")
    }
    guard attacked >= 20 else {
      throw ValidationError("--attacked is \(attacked), expected 20 or more")
    }
    guard lightBound > 0, vertexBound > 0, lightBound.isFinite, vertexBound.isFinite else {
      throw ValidationError("bounds are \(lightBound) and \(vertexBound), expected above 0")
    }
  }

  func run() throws {
    try makeFolder(out)
    let classifier = try train(.studio)
    let test = Sample.set(1000, .studio, seed: 2)
    let accuracy = try classifier.accuracy(.init(test, Studio()))
    print(String(format: "test accuracy %.1f%%", 100 * accuracy))
    let victims = Array(test.prefix(quick ? min(attacked, 40) : attacked))
    print("\nfooled by                 the attack  one random  worst of 20 random changes")
    let light = try measure("light", Attack(kind: .light, bound: lightBound), victims, classifier)
    let vertices = try measure(
      "vertices", Attack(kind: .vertices, bound: vertexBound), victims, classifier)
    if !quick { try measureMore(victims, classifier) }
    try writePictures(test, classifier)
    try check(accuracy, light, vertices)
  }

  private func train(_ lights: LightRange) throws -> Classifier {
    let samples = Sample.set(quick ? min(training, 3000) : training, lights, seed: 1)
    return try Classifier(.init(samples, Studio()), epochs: quick ? 15 : 30, seed: 3)
  }

  private func measure(
    _ name: String, _ attack: Attack, _ samples: [Sample], _ classifier: Classifier
  ) throws -> AttackRate {
    let rate = try AttackRate(attack, on: samples, classifier)
    let bound = String(format: attack.kind == .light ? "%.2f" : "%.2f px", attack.bound)
    print("\(name), \(bound)".padding(toLength: 28, withPad: " ", startingAt: 0) + rate.text)
    fflush(nil)
    return rate
  }

  /// Other bounds, other renderers, and a network that has seen every light.
  private func measureMore(_ samples: [Sample], _ classifier: Classifier) throws {
    for factor in [0.5, 2] {
      _ = try measure(
        "light", Attack(kind: .light, bound: lightBound * factor), samples, classifier)
      _ = try measure(
        "vertices", Attack(kind: .vertices, bound: vertexBound * factor), samples, classifier)
    }
    try Transfer(.light, bound: lightBound, samples, classifier).printTable("light, shown by")
    try Transfer(.vertices, bound: vertexBound, samples, classifier).printTable(
      "vertices, shown by")
    let defended = try train(.anywhere)
    print()
    for (name, lights) in [("studio", LightRange.studio), ("any", .anywhere)] {
      let pictures = try Classifier.Pictures(Sample.set(1000, lights, seed: 2), Studio())
      print(
        String(
          format: "accuracy in %@ light: %.1f%%, trained in any light: %.1f%%", name,
          100 * classifier.accuracy(pictures), 100 * defended.accuracy(pictures)))
    }
    print("trained in any light:")
    _ = try measure("light", Attack(kind: .light, bound: lightBound), samples, defended)
    _ = try measure("vertices", Attack(kind: .vertices, bound: vertexBound), samples, defended)
  }

  /// One of each class that both attacks fool, as far as there are any.
  private func writePictures(_ test: [Sample], _ classifier: Classifier) throws {
    let light = Attack(kind: .light, bound: lightBound)
    let vertices = Attack(kind: .vertices, bound: vertexBound)
    var shown: [Sample] = []
    for shape in ShapeClass.allCases {
      let candidates = test.filter { $0.label == shape }.prefix(quick ? 10 : 30)
      let found = try candidates.first { sample in
        try isRight(sample, classifier) && !isRight(light.run(sample, classifier), classifier)
          && !isRight(vertices.run(sample, classifier), classifier)
      }
      shown += found.map { [$0] } ?? candidates.prefix(1)
    }
    let sheets = try Gallery(classifier: classifier)
      .sheets(shown, light: light, vertices: vertices)
    try sheets.seen.write(to: "\(out)/attacks.png")
    try sheets.fine.write(to: "\(out)/attacks-fine.png")
    print("\nthe pictures are in \(out)")
  }

  private func isRight(_ sample: Sample, _ classifier: Classifier) throws -> Bool {
    try classifier.prediction(Studio().picture(sample)) == sample.label
  }

  /// The promise of this example: a good network, and attacks far better than chance.
  private func check(_ accuracy: Double, _ light: AttackRate, _ vertices: AttackRate) throws {
    let least = quick ? (accuracy: 0.8, gain: 0.15) : (accuracy: 0.9, gain: 0.3)
    guard accuracy >= least.accuracy, light.attack - light.random >= least.gain,
      vertices.attack - vertices.random >= least.gain
    else {
      print("error: expected a test accuracy of \(least.accuracy) and attacks that fool")
      print("\(least.gain) more of the pictures than random changes do")
      throw ExitCode.failure
    }
  }
}
