import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// Views that nobody took, from a network that learned what every point looks like from every side.
@main
struct NeuralRadianceField: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "13-nerf",
    abstract: "Fits neural radiance fields to pictures of a shiny ball, then of the temple.")

  @Option(help: "The folder of the temple's views; default: LUMIGRAD_DATA or ../shared/data.")
  var data: String?

  @Option(help: "Only this part: ball or temple.")
  var part: Part?

  @Option(help: "The folder for pictures and curves.")
  var out = "out/nerf"

  @Option(help: "Steps for the ball's fields; a third of that for the temple's.")
  var steps = 1800

  @Option(help: "Learning rate of the first step; the last has a twentieth.")
  var learningRate = 5e-3

  @Option(help: "Width of the networks' layers.")
  var width = 64

  @Option(help: "The temple's view that is kept back, from 0.")
  var heldOut = 5

  @Option(help: "Seed of all random numbers.")
  var seed: UInt64 = 1

  @Flag(help: "Small pictures of the ball only, and few steps.")
  var quick = false

  func validate() throws {
    guard steps >= 10, width >= 2 else {
      throw ValidationError("--steps is 10 or more, --width 2 or more")
    }
    guard 0..<16 ~= heldOut else { throw ValidationError("--held-out is 0 to 15") }
  }

  func run() throws {
    try makeFolder(out)
    var jobs: [Job] = []
    if part != .temple {
      let ball = try Capture.shinyBall(
        views: quick ? 20 : 40, heldOut: 4, size: quick ? 48 : 100)
      var without = training
      without.directionFrequencies = nil
      jobs += [
        Job(title: "ball, by direction", capture: ball, training: training),
        Job(title: "ball, without direction", capture: ball, training: without),
      ]
    }
    if part != .ball, let folder = templeFolder {
      let temple = try Capture.temple(folder, factor: 8, heldOut: heldOut)
      // Most of the pictures is background, which shall not outvote the object.
      var careful = training
      (careful.learningRate, careful.warmUp) = (0.4 * learningRate, 100)
      careful.regionShare = 0.5
      // Fewer pixels than the ball's need fewer steps.
      careful.steps = max(steps / 3, 10)
      jobs.append(Job(title: "temple", capture: temple, training: careful))
    }
    print("what                     step   training  held out  processor seconds")
    let fits = try concurrently(jobs) { job in
      var fit = RadianceFit(job.capture, job.training)
      let curve = try fit.run(job.title)
      return (fit: fit, curve: curve)
    }
    if part != .temple {
      try writeCurve(fits[0].curve, "ball-curve")
      try judgeBall(fits[0].fit, fits[1].fit)
    }
    if let last = fits.last, jobs.last?.title == "temple" {
      try writeCurve(last.curve, "temple-curve")
      try judgeTemple(last.fit)
    }
    print("pictures and curves are in \(out)")
  }

  enum Part: String, ExpressibleByArgument, Sendable { case ball, temple }

  private struct Job: Sendable {
    let title: String
    let capture: Capture
    let training: Training
  }

  private var training: Training {
    var result = Training()
    (result.steps, result.width, result.seed) = (steps, width, seed)
    result.learningRate = learningRate
    if quick {
      (result.steps, result.width, result.rays) = (min(steps, 500), min(width, 48), 384)
      (result.samples, result.frequencies) = ((16, 16), 4)
    }
    return result
  }

  /// Nil where it is not there or not wanted.
  private var templeFolder: String? {
    guard !quick else { return nil }
    let shared =
      ProcessInfo.processInfo.environment["LUMIGRAD_DATA"]
      ?? ["../shared/data", "../../shared/data"].first {
        FileManager.default.fileExists(atPath: $0)
      }
      ?? "../shared/data"
    let folder = data ?? shared + "/templeSparseRing"
    if FileManager.default.fileExists(atPath: folder) { return folder }
    print("skipped the temple: there is no \(folder); --data names another place")
    return nil
  }

  private func writeCurve(_ curve: Curve, _ name: String) throws {
    try curve.writeCSV(to: "\(out)/\(name).csv")
    try curve.plot(
      [("training dB", Palette.blue), ("held out dB", Palette.orange)], top: 40
    ).write(to: "\(out)/\(name).png")
  }

  /// Part 1: a scene whose truth is known, with and without the viewing direction.
  private func judgeBall(_ seen: RadianceFit, _ without: RadianceFit) throws {
    let heldOut = seen.capture.heldOut
    let pictures = try heldOut.map { try seen.picture(from: $0.camera) }
    let flat = try heldOut.map { try without.picture(from: $0.camera) }
    try Pictures.comparison(heldOut, pictures, flat, enlarged: quick ? 2 : 1)
      .write(to: "\(out)/ball.png")
    let all = (Decibels.of(pictures, heldOut), Decibels.of(flat, heldOut))
    let shiny = (Decibels.inRegions(pictures, heldOut), Decibels.inRegions(flat, heldOut))
    print(
      String(
        format: "ball, held-out views: %.2f dB, without directions %.2f dB", all.0, all.1))
    print(
      String(format: "ball, highlights: %.2f dB, without directions %.2f dB", shiny.0, shiny.1))
    let least = quick ? 20.0 : 25
    try require(all.0 >= least, "expected at least \(least) dB")
    guard !quick else { return }
    try require(shiny.0 - shiny.1 >= 1, "expected directions to gain at least 1 dB on highlights")
  }

  /// Part 2: photographs.
  private func judgeTemple(_ fit: RadianceFit) throws {
    let heldOut = fit.capture.heldOut
    let picture = try fit.picture(from: heldOut[0].camera)
    let ratio = Decibels.inRegions([picture], heldOut)
    print(String(format: "temple, held-out view: %.2f dB on the object's pixels", ratio))
    try Pictures.pair(heldOut[0], picture, enlarged: 3).write(to: "\(out)/temple.png")
    try require(ratio >= 16, "expected at least 16 dB on the object's pixels")
  }

  private func require(_ holds: Bool, _ message: String) throws {
    guard !holds else { return }
    print("error: \(message)")
    throw ExitCode.failure
  }
}
