import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

extension Search.Term: ExpressibleByArgument {}

/// Where is a car, how is it turned, how large is it and what does it look like, from one depth image
/// and a mask?
@main
struct ShapePriorPose: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "14-shape-prior-pose",
    abstract: "Learns a family of shapes, then finds pose, size and shape of unseen members.")

  @Option(help: "The folder for the pictures and the curve.")
  var out = "out/shape-prior-pose"

  @Option(help: "How many unseen cars to find.")
  var cars = 4

  @Option(help: "Headings to start from.")
  var starts = 8

  @Option(help: "Steps from each of them.")
  var steps = 120

  @Option(help: "Steps of the prior's training.")
  var training = 3000

  @Option(help: "Standard deviation of depths in world units; a car is about 3.5 long.")
  var depthNoise = 0.02

  @Option(help: "Standard deviation of object coordinates in half sides of their cube.")
  var coordinateNoise = 0.1

  @Flag(help: "Cars that are tilted, and search for any rotation instead of a heading.")
  var anyRotation = false

  @Option(help: "Leave a term of the loss out: surface, distance, depth or mask.")
  var without: Search.Term?

  @Option(help: "Which cars and poses.")
  var seed: UInt64 = 1

  @Flag(help: "A small prior, one car, few starts, and expect less.")
  var quick = false

  func validate() throws {
    for (name, value) in [
      ("cars", cars), ("starts", starts), ("steps", steps), ("training", training),
    ] where value < 1 {
      throw ValidationError("--\(name) is \(value), expected 1 or more")
    }
    for (name, value) in [("depth-noise", depthNoise), ("coordinate-noise", coordinateNoise)]
    where !(value >= 0) {
      throw ValidationError("--\(name) is \(value), expected 0 or more")
    }
  }

  func run() throws {
    try makeFolder(out)
    let family = Car.family(quick ? 12 : 48, seed: 100)
    let (prior, curve) = try Prior.learned(
      from: family, width: quick ? 48 : 64, steps: quick ? min(training, 600) : training, seed: 7)
    try report(prior, family, curve)
    try findAll(with: prior)
    print("pictures and the curve are in \(out)")
  }

  // MARK: The prior

  private func report(_ prior: Prior, _ family: [Car], _ curve: Curve) throws {
    try curve.writeCSV(to: "\(out)/training.csv")
    let errors = try family.prefix(8).enumerated().map { index, car in
      try prior.error(of: prior.model.field(ofShape: index), against: car, seed: UInt64(index))
    }
    print("1. A prior of \(family.count) cars")
    print(
      String(
        format: "   mean error of distances near the surface: %.4f (cars are 1.4 long)\n",
        errors.reduce(0, +) / Double(errors.count)))
    let camera = Camera.perspective(
      from: [1.7, 1.2, -2.1], verticalFieldOfView: radians(degrees: 34), width: 150, height: 110)
    let between = try [0, 0.25, 0.5, 0.75, 1].map {
      try Pictures.shaded(prior.model.field(from: 0, to: 3, at: $0), from: camera)
    }
    try Canvas.sheet(between, columns: 5).write(to: "\(out)/interpolation.png")
  }

  // MARK: The search

  private func findAll(with prior: Prior) throws {
    var random = RandomGenerator(seed: seed)
    let unseen = Car.family(quick ? 1 : cars, seed: 1000 + seed)
    let camera = Camera.perspective(
      lookingAt: [0, 0.6, 0], from: [0, 2.6, -9], verticalFieldOfView: radians(degrees: 30),
      width: quick ? 72 : 96, height: quick ? 48 : 64)
    print("2. \(unseen.count) unseen, each from one depth image and a mask")
    print("         \(Scores.header)   starts that arrive")
    var (rows, found, aligned): ([Canvas], [Scores], [(Scores, Scores)]) = ([], [], [])
    for (index, car) in unseen.enumerated() {
      let truth = Truth.random(car, isTilted: anyRotation, using: &random)
      let seen = try Observation(
        of: truth, from: camera, depthNoise: depthNoise, coordinateNoise: coordinateNoise,
        seed: seed &* 1000 + UInt64(index))
      var search = Search(prior: prior, seen: seen, steps: quick ? min(steps, 50) : steps)
      if let without { search.terms.remove(without) }
      let (row, scores) = try find(index, truth, search)
      rows += row
      found.append(scores)
      if !quick && without == nil { aligned.append(try refine(truth, search)) }
    }
    try Canvas.sheet(rows, columns: 4).write(to: "\(out)/search.png")
    if !aligned.isEmpty { reportAligned(aligned) }
    try check(found)
  }

  /// Searches from all starts and keeps the end with the least loss.
  private func find(
    _ index: Int, _ truth: Truth, _ search: Search
  ) throws -> (row: [Canvas], scores: Scores) {
    let first = search.starts(quick ? min(starts, 4) : starts, anyRotation: anyRotation)
    let ends = try concurrently(first) { try search.improved($0) }
    let all = try ends.map { try Scores($0.guess, search.prior, truth) }
    let best = ends.indices.min { ends[$0].loss < ends[$1].loss }!
    print("   car \(index) \(all[best].line)   \(all.count { $0.isFound }) of \(all.count)")
    fflush(nil)
    func picture(_ guess: Guess) throws -> Canvas {
      try Pictures.coordinates(of: search.prior.field(guess.code), guess.pose, seen: search.seen)
    }
    let row = [
      Pictures.depth(search.seen), try picture(first[best]), try picture(ends[best].guess),
      try Pictures.coordinates(of: truth.car, truth.pose, seen: search.seen),
    ]
    return (row, all[best])
  }

  /// The published way: align predicted object coordinates, then descend on what is drawn.
  private func refine(_ truth: Truth, _ search: Search) throws -> (Scores, Scores) {
    var published = search
    published.evidence = .objectCoordinates
    let start = try published.alignment()
    let end = try published.improved(start)
    return (
      try Scores(start, search.prior, truth), try Scores(end.guess, search.prior, truth)
    )
  }

  private func reportAligned(_ pairs: [(Scores, Scores)]) {
    print("\n3. With object coordinates of noise \(coordinateNoise): aligned, and then refined")
    print("         \(Scores.header)")
    for (index, pair) in pairs.enumerated() {
      print("   car \(index) \(pair.0.line)\n      → \(pair.1.line)")
    }
    print("")
  }

  /// The promise of this example.
  private func check(_ scores: [Scores]) throws {
    let count = scores.count { quick ? $0.rotation <= 12 && $0.overlap >= 0.55 : $0.isFound }
    print("   found: \(count) of \(scores.count)")
    let needed = quick ? 1 : (scores.count * 3 + 3) / 4
    guard count >= needed else {
      print("error: expected at least \(needed)")
      throw ExitCode.failure
    }
  }
}
