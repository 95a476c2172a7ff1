import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// Gaussians from photographs: new views of the temple, and a PLY for viewers.
@main
struct GaussianSplats: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "12-gaussian-splatting",
    abstract: "Fits 3D Gaussians to photographs and draws views that nobody took.")

  @Option(help: "The folder of the temple's views; default: LUMIGRAD_DATA or ../shared/data.")
  var data: String?

  @Option(help: "The folder for pictures and splats.")
  var out = "out/gaussian-splatting"

  @Option(help: "How many steps to take, one photograph each.")
  var steps = 2000

  @Option(help: "How many Gaussians to start with.")
  var points = 8000

  @Option(help: "No more Gaussians than this.")
  var limit = 40_000

  @Option(help: "Degree of the spherical harmonics, 0 to 3.")
  var degree = 1

  @Option(help: "The view that is kept back, from 0.")
  var heldOut = 5

  @Option(help: "Seed of all random numbers.")
  var seed: UInt64 = 1

  @Flag(help: "A generated torus instead of the temple, small and short.")
  var quick = false

  func validate() throws {
    guard steps >= 10, points >= 10, limit >= 10 else {
      throw ValidationError("--steps, --points and --limit are 10 or more")
    }
    guard 0...3 ~= degree else { throw ValidationError("--degree is 0 to 3") }
    guard 0..<16 ~= heldOut else { throw ValidationError("--held-out is 0 to 15") }
  }

  func run() throws {
    let shared =
      ProcessInfo.processInfo.environment["LUMIGRAD_DATA"]
      ?? ["../shared/data", "../../shared/data"].first {
        FileManager.default.fileExists(atPath: $0)
      }
      ?? "../shared/data"
    let folder = data ?? shared + "/templeSparseRing"
    guard quick || FileManager.default.fileExists(atPath: folder) else {
      print("skipped: there is no \(folder); --data names another place, --quick needs none")
      return
    }
    try makeFolder(out)
    let capture: Capture =
      try quick ? .torus(views: 8, size: 64) : .temple(folder, heldOut: heldOut)
    let steps = quick ? min(steps, 300) : steps
    var fit = SplatFit(
      capture, points: quick ? min(points, 600) : points, degree: degree, steps: steps,
      largestCount: quick ? min(limit, 1500) : limit, seed: seed)
    let curve = try descend(&fit, steps: steps)
    try curve.writeCSV(to: "\(out)/curve.csv")
    let rendering = try fit.rendering(from: capture.heldOut.camera)
    try writePictures(fit, rendering)
    try fit.parameters.cloud.write(to: "\(out)/splats.ply")
    print("pictures, the curve and splats.ply are in \(out)")
    try check(capture.heldOut.peakSignalToNoise(rendering))
  }

  private func descend(_ fit: inout SplatFit, steps: Int) throws -> Curve {
    var curve = Curve(columns: ["step", "photographs dB", "held out dB", "splats", "seconds"])
    let start = ContinuousClock.now
    let interval = max(steps / 20, 1)
    print("step   photographs  held out  splats  seconds")
    for index in 1...steps {
      _ = try fit.step(index)
      guard index % interval == 0 || index == steps else { continue }
      let seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
      let ratios = try (fit.capture.photographs.prefix(4) + [fit.capture.heldOut]).map {
        $0.peakSignalToNoise(try fit.rendering(from: $0.camera))
      }
      let own = ratios.dropLast().reduce(0, +) / Double(ratios.count - 1)
      let count = fit.parameters.positions.shape[0]
      curve.append([Double(index), own, ratios.last!, Double(count), seconds])
      print(
        String(
          format: "%-6d %-12.2f %-9.2f %-7d %.1f", index, own, ratios.last!, count, seconds))
    }
    let seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
    print(
      String(
        format: "%d twins, %d split, %d pruned; %.0f s, with the drawings for this table",
        fit.cloned, fit.split, fit.pruned, seconds))
    guard !quick else { return curve }
    // Right after, in the same process: so figures travel between machines.
    let unit = try measurePerformance(of: []).parallelCalibrationMs / 1000
    print(String(format: "%.0f times a product of 2048 × 2048 matrices", seconds / unit))
    return curve
  }

  /// Values as stored in a picture, for a canvas, which is in linear light.
  private func canvas(_ image: Tensor) -> Canvas {
    let light = image.scalars(as: Double.self).map { ColorEncoding.sRGB.decode(min(max($0, 0), 1)) }
    return Canvas(Tensor(light, shape: image.shape).cast(to: .float32))
  }

  private func writePictures(_ fit: SplatFit, _ rendering: Tensor) throws {
    let heldOut = fit.capture.heldOut
    let difference = (rendering - heldOut.image).abs() * 4
    try Canvas.sheet(
      [heldOut.image, rendering, difference].map(canvas), columns: 3
    ).write(to: "\(out)/held-out.png")
    try canvas(rendering).write(to: "\(out)/view.png")
    let cameras = fit.newCameras(4)
    try Canvas.sheet(
      try cameras.map { canvas(try fit.rendering(from: $0)) }, columns: 4
    ).write(to: "\(out)/new-views.png")
  }

  /// The promise of this example.
  private func check(_ ratio: Double) throws {
    let least = quick ? 22.0 : 22.0
    print(String(format: "held-out view: %.2f dB on the object's pixels", ratio))
    guard ratio >= least else {
      print("error: expected at least \(least) dB")
      throw ExitCode.failure
    }
  }
}

extension SplatFit {
  /// Cameras halfway between neighbouring photographs, looking where these look.
  func newCameras(_ count: Int) -> [Camera] {
    let all = capture.photographs.map(\.camera)
    return (0..<count).map { index in
      let first = all[index * (all.count - 1) / count]
      let second = all[index * (all.count - 1) / count + 1]
      let turn = Rotation.logarithm(second.rotation.matmul(first.rotation.transposed())) * 0.5
      var camera = first
      camera.rotation = Rotation.exponential(turn).matmul(first.rotation)
      camera.translation = (first.translation + second.translation) / 2
      return camera
    }
  }
}
