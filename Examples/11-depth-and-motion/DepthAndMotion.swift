import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// Depth and camera motion from a short video, by nothing but looking: view synthesis is the teacher.
@main
struct DepthAndMotion: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "11-depth-and-motion",
    abstract: "Recovers depth and camera motion from five frames of a video.")

  @Option(help: "The folder for pictures, the curve and the surface.")
  var out = "out/depth-and-motion"

  @Option(help: "How many frames: odd, 3 to 9.")
  var frames = 5

  @Option(help: "Steps at each of the resolutions.")
  var steps = 200

  @Flag(help: "Three frames, half the size, fewer steps.")
  var quick = false

  func validate() throws {
    guard 3...9 ~= frames, frames % 2 == 1 else {
      throw ValidationError("--frames is \(frames), expected 3, 5, 7 or 9")
    }
    guard steps >= 20 else { throw ValidationError("--steps is \(steps), expected 20 or more") }
  }

  func run() throws {
    try makeFolder(out)
    let (width, height) = quick ? (80, 64) : (160, 128)
    let video = try Video.filmed(frames: quick ? 3 : frames, width: width, height: height)
    let factors = quick ? [8, 4, 2, 1] : [8, 4, 2, 1]
    var fit = Fit(video, coarsest: factors[0])
    let start = Date()
    try fit.run(factors: factors, steps: quick ? 60 : steps)
    let scores = Scores(fit.estimate, video)
    report(scores, seconds: Date().timeIntervalSince(start))
    try fit.curve.writeCSV(to: "\(out)/curve.csv")
    try fit.depthSheet().write(to: "\(out)/depth.png")
    try fit.warpSheet().write(to: "\(out)/warp.png")
    try fit.newViews().write(to: "\(out)/new-views.png")
    try MeshFile.write(try fit.surface().fileData, to: "\(out)/surface.ply")
    print("pictures, curve.csv and surface.ply are in \(out)")
    try check(scores)
  }

  private func report(_ scores: Scores, seconds: Double) {
    func line(_ name: String, _ value: Double, _ format: String) {
      print(name.padding(toLength: 38, withPad: " ", startingAt: 0) + String(format: format, value))
    }
    line("depth, mean relative error", scores.relativeDepthError, "%.3f")
    line("depth within 25%, share of pixels", scores.withinQuarter, "%.3f")
    line("rotation, mean error in degrees", scores.rotationError, "%.2f")
    line("direction of motion, error in degrees", scores.directionError, "%.1f")
    line("scale that pictures do not tell", scores.scale, "%.2f")
    line("seconds of descent", seconds, "%.0f")
  }

  /// The promise of this example.
  private func check(_ scores: Scores) throws {
    let (depth, rotation) = quick ? (0.15, 1.0) : (0.1, 1.0)
    guard scores.relativeDepthError <= depth, scores.rotationError <= rotation else {
      print("error: expected a relative depth error of at most \(depth) and rotations within")
      print("\(rotation)°")
      throw ExitCode.failure
    }
  }
}
