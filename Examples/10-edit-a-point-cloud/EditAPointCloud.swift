import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// A point cloud edited through pictures of it: deformed to pictures of another, and freed of noise.
@main
struct EditAPointCloud: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "10-edit-a-point-cloud",
    abstract: "Deforms a point cloud to target pictures, and removes noise through renderings.")

  enum Part: String, CaseIterable, ExpressibleByArgument { case deform, denoise }

  @Option(help: "A PLY, PCD or XYZ file; the cloud that quick runs make for themselves if missing.")
  var cloud = Self.dataFolder + "/pointclouds/bunny-8000.ply"

  @Option(help: "The folder for clouds and pictures.")
  var out = "out/edit-a-point-cloud"

  @Option(help: "Only this part: deform or denoise.")
  var part: Part?

  @Flag(help: "The file's up is +y; the bunny's is +z.")
  var upright = false

  @Option(help: "The noise's standard deviation in parts of the bounding box's diagonal.")
  var noise = 0.02

  @Option(help: "Which noise.")
  var seed: UInt64 = 1

  @Option(help: "Rounds of filtering and fitting when noise is removed.")
  var rounds = 2

  @Option(help: "Steps that the deformation takes.")
  var steps = 240

  @Flag(help: "A small cloud that the program makes, small pictures, weaker promises.")
  var quick = false

  private static var dataFolder: String {
    ProcessInfo.processInfo.environment["LUMIGRAD_DATA"] ?? "../shared/data"
  }

  func validate() throws {
    guard noise > 0, noise < 0.2 else {
      throw ValidationError("--noise is \(noise), expected above 0 and below 0.2")
    }
    guard rounds > 0, steps > 0 else {
      throw ValidationError("--rounds and --steps are \(rounds) and \(steps), expected 1 or more")
    }
  }

  func run() throws {
    try makeFolder(out)
    let clean = try loadCloud()
    var kept = true
    if part != .denoise { kept = try deform(to: clean) && kept }
    if part != .deform { kept = try denoise(clean) && kept }
    guard kept else { throw ExitCode.failure }
  }

  /// The cloud around the origin, the farthest point at 1.
  private func loadCloud() throws -> PointCloud {
    var result: PointCloud
    if !quick, FileManager.default.fileExists(atPath: cloud) {
      result = try PointCloud(contentsOf: cloud)
      if !upright { result = result.turnedUp }
      guard result.normals != nil, result.count > 100 else {
        throw ValidationError("\(cloud) has \(result.count) points; normals are needed to compare")
      }
    } else {
      if !quick { print("there is no \(cloud); taking a cloud of the program's own") }
      result = try Subject.cloud(count: quick ? 1500 : 6000)
    }
    let centre = (result.points.min(axis: 0) + result.points.max(axis: 0)) * 0.5
    let centred = result.points - centre
    return PointCloud(
      points: centred / centred.norm(axis: 1).max(), normals: result.normals)
  }

  private func deform(to target: PointCloud) throws -> Bool {
    let views = Views(count: quick ? 8 : 16, size: quick ? 48 : 96)
    var fit = try Deformation(target: target, views: views, points: quick ? 500 : 2500)
    let before = try fit.score()
    try Pictures.pairs(fit.shape, target).write(to: "\(out)/deform-before.png")
    print("deform: a sphere of \(fit.shape.count) points to \(views.cameras.count) pictures")
    print(before)
    let total = quick ? 60 : steps
    for step in 1...total {
      try fit.step(views: quick ? 4 : 6, of: total)
      if step % max(total / 6, 1) == 0 { print("step \(step): \(try fit.score())") }
    }
    let after = try fit.score()
    try Pictures.pairs(fit.shape, target).write(to: "\(out)/deform-after.png")
    try PointFile.write(fit.shape.fileData, to: "\(out)/deformed.ply")
    let isKept = after.overlap > before.overlap + 0.1 && after.chamfer < 0.6 * before.chamfer
    if !isKept { print("error: the overlap should grow by 0.1 and the distance fall by 40%") }
    return isKept
  }

  private func denoise(_ clean: PointCloud) throws -> Bool {
    let diagonal = (clean.points.max(axis: 0) - clean.points.min(axis: 0)).norm().value
    let deviation = noise * diagonal
    var random = RandomGenerator(seed: seed)
    let noisy = clean.points + random.normal([clean.count, 3]) * deviation
    var denoising = try Denoising(
      noisy, deviation: deviation, views: Views(count: quick ? 10 : 20, size: quick ? 64 : 128))
    print("denoise: \(clean.count) points, noise \(deviation)")
    let before = Distances(noisy, clean.points)
    print("noisy:   \(before)")
    let first = denoising.shape
    for round in 1...(quick ? 2 : rounds) {
      try denoising.round(steps: 12)
      print("round \(round): \(Distances(denoising.shape.points, clean.points))")
    }
    let after = Distances(denoising.shape.points, clean.points)
    try Pictures.triple(first, denoising.shape, clean).write(to: "\(out)/denoise.png")
    try denoising.images(view: 0).write(to: "\(out)/denoise-images.png")
    try PointFile.write(denoising.shape.fileData, to: "\(out)/denoised.ply")
    let fall = 1 - after.chamfer / before.chamfer
    print(
      String(
        format: "the Chamfer distance fell by %.1f%%, the mean distance by %.1f%%", 100 * fall,
        100 * (1 - after.mean / before.mean)))
    if fall < 0.4 { print("error: expected 40%") }
    return fall >= 0.4
  }
}

extension PointCloud {
  /// A quarter turn about the x axis: what was +z is +y.
  fileprivate var turnedUp: PointCloud {
    func turned(_ vectors: Tensor) -> Tensor {
      func part(_ k: Int) -> Tensor { vectors.slice(axis: 1, from: k, to: k + 1) }
      return .concatenate([part(0), part(2), -part(1)], axis: 1)
    }
    return PointCloud(points: turned(points), normals: normals.map(turned))
  }
}

/// How far two clouds are apart.
struct Distances: CustomStringConvertible {
  /// Mean squared distances to the nearest, both ways added.
  let chamfer: Double
  /// Mean distances to the nearest, both ways averaged.
  let mean: Double

  init(_ a: Tensor, _ b: Tensor) {
    func nearest(_ x: Tensor, _ y: Tensor) -> Tensor {
      (x - y.gather(nearestNeighbours(of: x, in: y))).norm(axis: 1)
    }
    let (forth, back) = (nearest(a, b), nearest(b, a))
    chamfer = forth.square().mean().value + back.square().mean().value
    mean = (forth.mean().value + back.mean().value) / 2
  }

  var description: String {
    String(format: "Chamfer distance %.3e, mean distance %.4f", chamfer, mean)
  }
}
