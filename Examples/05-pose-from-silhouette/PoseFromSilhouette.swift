import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// Where is a known object, and how is it turned, if all there is is its silhouette?
@main
struct PoseFromSilhouette: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "05-pose-from-silhouette",
    abstract:
      "Finds the pose of an object, then of a camera with its focal length, from silhouettes.")

  @Option(help: "The folder for the pictures and the curve.")
  var out = "out/pose-from-silhouette"

  @Option(help: "A mesh instead of the creature that this example makes.")
  var mesh: String?

  @Option(help: "Only part 1 (renderers), 2 (symmetry) or 3 (focal length).")
  var part: Int?

  @Option(help: "Use this renderer alone in part 1: soft, nmr or antialiased.")
  var renderer: Method?

  @Option(help: "How many unknown poses to search for.")
  var targets = 20

  @Option(help: "The softness that the search begins with, in squared half heights of the picture.")
  var sigma = 1e-3

  @Option(help: "The softness that it ends with.")
  var finalSigma = 1e-5

  @Option(help: "Which unknown poses.")
  var seed: UInt64 = 1

  @Flag(help: "Two targets and one renderer, and expect less.")
  var quick = false

  func validate() throws {
    guard targets >= 1 else {
      throw ValidationError("--targets is \(targets), expected 1 or more")
    }
    guard part.map((1...3).contains) ?? true else {
      throw ValidationError("--part is \(part!), expected 1, 2 or 3")
    }
  }

  private var count: Int { quick ? 3 : targets }

  private var methods: [Method] {
    renderer.map { [$0] } ?? (quick ? [.soft] : Method.allCases)
  }

  private func setting(distance: Double = 5.5, noise: Double = 0) -> Targets {
    Targets(distance: distance, sigma: (sigma, finalSigma), noise: noise, isQuick: quick)
  }

  func run() throws {
    try makeFolder(out)
    let body = try mesh.map { try Creature.mesh(contentsOf: $0) } ?? Creature.mesh()
    let twofold = mesh == nil ? Creature.mesh(isSymmetric: true) : body
    if runs(1) { try check(try compareMethods(body), "one silhouette") }
    if runs(2) { try check(try askTheMirror(twofold), "two silhouettes") }
    if runs(3) { try check(try findFocalLength(body)) }
  }

  private func runs(_ number: Int) -> Bool { part == nil || part == number }

  /// Part 1: one silhouette, several renderers.
  private func compareMethods(_ body: Mesh) throws -> Score {
    let setting = setting()
    print("1. One silhouette, \(setting.starts) rotations, \(setting.moved) of them moved\n")
    print(Score.header)
    let truths = setting.random(count, seed: seed)
    var scores: [Score] = []
    for method in methods {
      let (score, poses) = try Score.measure(method.rawValue, body, truths, setting, method)
      print(score.line)
      fflush(nil)
      scores.append(score)
      if method == methods[0] { try drawSearch(body, truths, poses) }
    }
    let curve = try Landscape(mesh: body, truth: truths.choose([0])).curve()
    try curve.writeCSV(to: "\(out)/landscape.csv")
    try curve.plot(
      [("soft", Palette.orange), ("less soft", Palette.blue), ("sharp", SIMD3(0.1, 0.1, 0.1))],
      top: 1
    ).write(to: "\(out)/landscape.png")
    return scores[0]
  }

  /// First guesses above, results below.
  private func drawSearch(_ body: Mesh, _ truths: Poses, _ found: [Poses]) throws {
    var (before, after): ([Canvas], [Canvas]) = ([], [])
    for index in 0..<min(4, truths.count) {
      let search = Search(
        mesh: body, observation: try Observation(of: truths.choose([index]), body), method: .soft)
      before += try search.picture(try setting().firstGuesses(search).choose([0]))
      after += try search.picture(found[index])
    }
    try Canvas.sheet(before + after, columns: before.count).write(to: "\(out)/poses.png")
  }

  /// Part 2: what a silhouette cannot tell, and what can.
  private func askTheMirror(_ body: Mesh) throws -> Score {
    let symmetry = Creature.mirror(of: body)
    print(
      String(
        format: "\n2. A body with a plane of symmetry (mirrored vertices %.3f from the mesh)\n",
        symmetry.distance))
    for distance in [2.75, 5.5, 11, 22] { try describeTwin(body, symmetry.matrix, distance) }
    print("\n" + Score.header)
    // Far away and with a long lens, so that perspective does not help, and segmented: the border's
    // pixels are in or out.
    let setting = setting(distance: 22, noise: 0.2)
    let truths = setting.random(count, seed: seed + 1)
    let one = try Score.measure("one view", body, truths, setting, .soft).score
    print(one.line)
    let two = try Score.measure("two views", body, truths, setting, .soft, second: setting.side)
      .score
    print(two.line)
    return two
  }

  /// Of all targets the one whose twin is turned most.
  private func describeTwin(_ body: Mesh, _ symmetry: Tensor, _ distance: Double) throws {
    let setting = setting(distance: distance)
    let truths = setting.random(count, seed: seed + 1)
    let mirrors = (0..<count).map {
      Mirror(mesh: body, truth: truths.choose([$0]), targets: setting, symmetry: symmetry)
    }
    let mirror = mirrors.max { $0.degreesApart < $1.degreesApart }!
    let twin = try mirror.refinedTwin()
    let found = try mirror.evidence(twin)
    print(
      String(
        format: "from %4.1f radii: IoU %.3f, from the side %.3f; turned by %.0f°; ", distance,
        found.overlap, found.sideOverlap, found.degreesApart)
        + String(format: "depth differs by %.2f radii, colour by %.2f", found.depth, found.color))
    let search = Search(
      mesh: body, observation: try Observation(of: mirror.truth, body, second: setting.side),
      method: .soft)
    let parts = try [mirror.truth, twin].flatMap { try search.picture($0, in: mirror.painted) }
    try Canvas.sheet(parts, columns: 2).write(to: "\(out)/mirror.png")
  }

  /// Part 3: pose and focal length of the camera.
  private func findFocalLength(_ body: Mesh) throws -> [FocalLength.Result] {
    print("\n3. Pose and focal length from one silhouette\n")
    print(FocalLength.Result.header)
    return try (quick ? [2] : [1.6, 2, 3, 6, 12]).map { distance in
      let result = try FocalLength(mesh: body, distance: distance)
        .run(quick ? 4 : 12, seed: seed, isQuick: quick)
      print(result.line)
      fflush(nil)
      return result
    }
  }

  /// The promises of this example: most poses are found, and the focal length from near by.
  private func check(_ score: Score, _ name: String) throws {
    let share = Double(score.errors.filter(\.isFound).count) / Double(score.errors.count)
    try require(share >= (quick ? 0.3 : 0.8), "\(name): a share of \(share) found")
  }

  private func check(_ results: [FocalLength.Result]) throws {
    let error = results[0].focalLength
    try require(error < (quick ? 15 : 10), "focal length: \(error)% off")
  }

  private func require(_ holds: Bool, _ failure: String) throws {
    // Other meshes and settings promise nothing.
    guard !holds, mesh == nil, seed == 1, targets >= 20, sigma == 1e-3, finalSigma == 1e-5 else {
      return
    }
    print("error: \(failure)")
    throw ExitCode.failure
  }
}
