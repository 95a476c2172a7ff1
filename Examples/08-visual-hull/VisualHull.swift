import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// A shape from pictures: from masks alone a hull, with shading and colours a surface.
@main
struct VisualHull: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "08-visual-hull",
    abstract: "Reconstructs shapes on voxel grids from masks and pictures.")

  @Option(help: "The folder for pictures and meshes.")
  var out = "out/visual-hull"

  @Option(help: "Only part 1 (a known shape by SDFDiff) or 2 (a temple from photographs).")
  var part: Int?

  @Option(help: "Steps of part 1.")
  var steps = 1600

  @Option(help: "Views of part 1, up to 26.")
  var views = 26

  @Option(help: "The mesh of part 1; the Stanford bunny of the data if there is none.")
  var mesh: String?

  @Option(help: "Where the data is (templeSparseRing, meshes).")
  var data = ProcessInfo.processInfo.environment["LUMIGRAD_DATA"] ?? "../../shared/data"

  @Option(help: "Nodes along a side of part 2's grid: 32, 64 or 128.")
  var nodes = 128

  @Option(help: "A photograph, from 1 to 16, that part 2 does not fit.")
  var heldOut: Int?

  @Flag(help: "Small grids and few steps, and expect less.")
  var quick = false

  func validate() throws {
    guard part.map((1...2).contains) ?? true else {
      throw ValidationError("--part is \(part!), expected 1 or 2")
    }
    guard heldOut.map((1...16).contains) ?? true else {
      throw ValidationError("--held-out is \(heldOut!), expected 1 to 16")
    }
    guard [32, 64, 128].contains(nodes) else {
      throw ValidationError("--nodes is \(nodes), expected 32, 64 or 128")
    }
    guard steps >= 8 else { throw ValidationError("--steps is \(steps), expected 8 or more") }
    guard 1...26 ~= views else { throw ValidationError("--views is \(views), expected 1...26") }
  }

  func run() throws {
    try makeFolder(out)
    if part ?? 1 == 1 { try reconstructKnownShape() }
    if part ?? 2 == 2 { try reconstructTemple() }
  }

  private func reconstructKnownShape() throws {
    let nodes = quick ? 24 : 64
    let known = KnownShape(
      shape: try knownMesh(), nodes: nodes, side: quick ? 48 : 96, views: quick ? 14 : views,
      steps: quick ? 600 : steps)
    print("1. A known shape from \(known.views) pictures, \(nodes)³ nodes\n")
    print(KnownShape.Result.header)
    let levels = Array(stride(from: 8, through: nodes, by: 8))
    var results: [KnownShape.Result] = []
    for (name, resolutions) in [("coarse to fine", levels), ("fine at once", [nodes])] {
      let schedule = MultiResolutionSchedule(
        resolutions: resolutions, steps: known.steps / resolutions.count)
      results.append(try known.run(name, schedule))
      print(results.last!.line)
      fflush(nil)
    }
    try known.picture(results.map(\.grid)).write(to: out + "/known-shape.png")
    try require(
      results[0].chamfer <= 1.5 && results[0].chamfer < results[1].chamfer,
      "known shape: \(results[0].chamfer) spacings coarse to fine, \(results[1].chamfer) at once")
  }

  private func knownMesh() throws -> Mesh {
    let bunny = data + "/meshes/stanford-bunny.obj"
    if !quick, let path = mesh ?? (FileManager.default.fileExists(atPath: bunny) ? bunny : nil) {
      return try Mesh(contentsOf: path).centredAndScaled(radius: 1.5)
    }
    return Mesh.torus(majorRadius: 1, minorRadius: 0.45, majorSegments: 96, minorSegments: 48)
  }

  private func reconstructTemple() throws {
    print("\n2. The temple of templeSparseRing\n")
    guard var photographs = try Photographs(folder: data + "/templeSparseRing") else {
      print("skipped: there is no \(data)/templeSparseRing (set LUMIGRAD_DATA)")
      return
    }
    if quick { photographs = photographs.choosing { $0 % 2 == 0 } }
    let held = quick ? nil : heldOut.map { $0 - 1 }
    let temple = Temple(
      photographs: photographs, heldOut: held, nodes: quick ? 32 : nodes, isQuick: quick)
    let stages = try temple.run()
    try temple.pictures(stages, photographs, in: out)
    try temple.export(stages, in: out)
    let scores = try Scores(stages.final, photographs, shrunkBy: 8)
    let least = quick ? 0.85 : 0.95
    try require(scores.mean >= least, "temple: mean IoU \(scores.mean), expected \(least)")
    if let held {
      let overlap = scores.overlaps[held]
      try require(overlap >= 0.9, "temple: IoU \(overlap) of the view that was not fitted")
    }
  }

  private func require(_ holds: Bool, _ failure: String) throws {
    // Other meshes and settings promise nothing.
    guard !holds, mesh == nil, steps >= 1600, views >= 6, nodes == 128 else { return }
    print("error: \(failure)")
    throw ExitCode.failure
  }
}
