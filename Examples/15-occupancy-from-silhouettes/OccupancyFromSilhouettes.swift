import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// A shape from silhouettes alone: a network that says what is inside, trained by field probing.
@main
struct OccupancyFromSilhouettes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "15-occupancy-from-silhouettes",
    abstract: "Trains an occupancy network from silhouettes by field probing.")

  @Option(help: "The folder for pictures and meshes.")
  var out = "out/occupancy-from-silhouettes"

  @Option(help: "A mesh to find again; the cow of the data if there is none.")
  var mesh: String?

  @Option(help: "Where the data is (meshes).")
  var data = ProcessInfo.processInfo.environment["LUMIGRAD_DATA"] ?? "../../shared/data"

  @Option(help: "Silhouettes to learn from.")
  var views = 24

  @Option(help: "Pixels along a side of a silhouette.")
  var side = 64

  @Option(help: "Steps of every run.")
  var steps = 1500

  @Option(help: "Anchors of a step.")
  var anchors = 6000

  @Option(help: "The radius of the anchors' balls; the shape's is 0.5.")
  var radius = 0.04

  @Option(help: "Seed of all random numbers.")
  var seed: UInt64 = 1

  @Flag(help: "Only the whole method, without the runs to compare it with.")
  var alone = false

  @Flag(help: "A generated shape, small pictures, few steps and two runs; expects less.")
  var quick = false

  func validate() throws {
    guard views >= 2, side >= 8, steps >= 1, anchors >= 1 else {
      throw ValidationError("--views is at least 2, --side 8, --steps and --anchors 1")
    }
    guard radius > 0, radius < 1 else { throw ValidationError("--radius is between 0 and 1") }
  }

  func run() throws {
    try makeFolder(out)
    let shape = KnownShape(
      try knownMesh(), views: quick ? 12 : views, heldOut: quick ? 4 : 8, side: quick ? 32 : side)
    print(
      "\(shape.cameras.count) silhouettes of \(shape.side)² pixels, \(shape.heldOut.count) held out\n"
    )
    print(Result.header)
    var results: [Result] = []
    for variant in variants {
      let fit = Fit(
        shape: shape, variant: variant, steps: quick ? 150 : steps,
        anchors: quick ? 1500 : anchors, radius: quick ? 0.06 : radius, isQuick: quick, seed: seed)
      let (field, seconds) = try fit.run()
      results.append(
        try Result(variant.name, field, shape, nodes: quick ? 32 : 64, seconds: seconds))
      print(results.last!.line)
      fflush(nil)
    }
    try Pictures(shape: shape, results: results).write(to: out)
    try MeshFile.write(results[0].surface.fileData, to: out + "/surface.ply")
    try require(results)
  }

  private var variants: [Variant] {
    if alone { return [.whole] }
    return quick ? [.whole, .everyRay] : Variant.all
  }

  private func knownMesh() throws -> Mesh {
    let cow = data + "/meshes/spot/spot_triangulated.obj"
    if let path = mesh ?? (!quick && FileManager.default.fileExists(atPath: cow) ? cow : nil) {
      return try Mesh(contentsOf: path)
    }
    return Mesh.torus(majorRadius: 1, minorRadius: 0.45, majorSegments: 96, minorSegments: 48)
  }

  private func require(_ results: [Result]) throws {
    // Other meshes and settings promise nothing.
    guard
      mesh == nil, steps >= 1500, views >= 24, side == 64, anchors >= 6000, radius == 0.04,
      seed == 1
    else { return }
    let best = results[0]
    let least =
      quick
      ? (training: 0.9, heldOut: 0.9, volume: 0.8) : (training: 0.94, heldOut: 0.94, volume: 0.9)
    guard
      best.training >= least.training, best.heldOut >= least.heldOut, best.volume >= least.volume
    else {
      print("error: less than \(least) of \(best.name)")
      throw ExitCode.failure
    }
  }
}
