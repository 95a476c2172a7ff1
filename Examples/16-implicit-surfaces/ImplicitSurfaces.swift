import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// Three ways from pictures to the surface of a network: DVR, VolSDF and NeuS on the same views.
@main
struct ImplicitSurfaces: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "16-implicit-surfaces",
    abstract: "Fits a network to pictures and masks, by three methods, and measures its surface.")

  @Option(help: "The folder for the pictures and the meshes.")
  var out = "out/implicit-surfaces"

  @Option(help: "How many pictures to fit.")
  var views = 24

  @Option(help: "Width and height of the pictures.")
  var size = 48

  @Option(help: "Steps of every method.")
  var steps = 1500

  @Option(help: "Rays a step.")
  var rays = 512

  @Option(help: "Only this method: DVR, VolSDF or NeuS.")
  var method: String?

  @Flag(help: "A small network and few steps.")
  var quick = false

  func validate() throws {
    func check(_ holds: Bool, _ message: String) throws {
      guard holds else { throw ValidationError(message) }
    }
    try check(views >= 4, "--views is \(views), expected 4 or more")
    try check(8...512 ~= size, "--size is \(size), expected 8...512")
    try check(steps >= 1, "--steps is \(steps), expected 1 or more")
    try check(rays >= 1, "--rays is \(rays), expected 1 or more")
    try check(
      method == nil || Method(rawValue: method!) != nil,
      "--method is \(method ?? ""), expected DVR, VolSDF or NeuS")
  }

  func run() throws {
    try makeFolder(out)
    var settings = Settings()
    (settings.steps, settings.rays) = (quick ? 60 : steps, quick ? 256 : rays)
    if quick { (settings.width, settings.depth) = (32, 3) }
    let capture = try Capture.take(views: quick ? 12 : views, size: quick ? 32 : size)
    let truth = try Subject.mesh()
    var rows: [Result] = []
    for method in Method.allCases where self.method == nil || self.method == method.rawValue {
      let began = clock()
      var fit = Fit(method, capture, settings)
      let every = max(settings.steps / 6, 1)
      try fit.run { step, loss in
        guard (step + 1) % every == 0 else { return }
        print(String(format: "%@ step %4d  loss %.4f", method.rawValue, step + 1, loss))
      }
      let seconds = Double(clock() - began) / Double(CLOCKS_PER_SEC)
      let surface = try fit.surface(side: quick ? 48 : 96)
      try MeshFile.write(surface.fileData, to: "\(out)/\(method.rawValue).ply")
      rows.append(
        Result(
          fit: fit, surface: surface, seconds: seconds,
          distance: try chamferDistance(surface, truth)))
    }
    report(rows)
    try writePictures(rows, truth)
    try check(rows)
  }

  /// The mean distance from one surface to the other and back, added, as a share of the diagonal.
  private func chamferDistance(_ mesh: Mesh, _ truth: Mesh) throws -> Double {
    var random = RandomGenerator(seed: 5)
    let found = try mesh.sampleSurface(20_000, using: &random).points
    let known = try truth.sampleSurface(20_000, using: &random).points
    let extent = truth.vertices.max(axis: 0) - truth.vertices.min(axis: 0)
    return Loss.chamfer(found, known, distance: .euclidean).value / extent.norm().value
  }

  private func report(_ rows: [Result]) {
    print("\nmethod    Chamfer distance, % of the diagonal    processor seconds")
    for row in rows {
      print(
        String(
          format: "%-8@  %35.2f  %19.0f", row.fit.method.rawValue as NSString,
          100 * row.distance, row.seconds))
    }
  }

  /// The promise of this example.
  private func check(_ rows: [Result]) throws {
    let most = quick ? 0.12 : 0.02
    for row in rows where !(row.distance <= most) {
      print("error: expected at most \(100 * most)% of the diagonal by \(row.fit.method.rawValue)")
      throw ExitCode.failure
    }
  }
}

/// What a method came to.
struct Result {
  let fit: Fit
  let surface: Mesh
  let seconds: Double
  /// Of the diagonal.
  let distance: Double
}
