import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// A camera convention to get wrong on purpose.
enum Flip: String, CaseIterable, ExpressibleByArgument {
  case azimuth, elevation, mirror, upsideDown
}

/// A sphere becomes an aeroplane that is known only by its silhouettes.
@main
struct SphereToPlane: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "02-sphere-to-plane",
    abstract: "Deforms a sphere into the aeroplane seen in 120 silhouettes.")

  @Option(help: "The folder with source.npy, camera.npy and sphere_642.obj.")
  var views: String

  @Option(help: "The folder for the mesh, the curve and the pictures.")
  var out = "out/sphere-to-plane"

  @Option(help: "How many steps to take.")
  var steps = 600

  @Option(help: "How many views to look at in each step.")
  var viewsPerStep = 24

  @Option(help: "The learning rate of the last step; the first one's is 0.01.")
  var finalRate = 0.01

  @Option(help: "Which random order the views come in.")
  var seed: UInt64 = 1

  @Option(help: "A pixel of the files is part of the silhouette if its alpha is above this.")
  var threshold = 0.0

  @Option(help: "The smallest probability of a face that still counts at a pixel.")
  var distanceEpsilon = 1e-10

  @Option(help: "Get one camera convention wrong, to see what happens.")
  var flip: Flip?

  @Flag(help: "Fit the smooth alpha of the files instead of silhouettes.")
  var rawAlpha = false

  @Flag(help: "Move the vertices themselves, without bounds.")
  var free = false

  @Flag(help: "Take 30 steps and check that the silhouettes get closer.")
  var quick = false

  func validate() throws {
    guard steps > 0 else { throw ValidationError("--steps is \(steps), expected 1 or more") }
  }

  func run() throws {
    let data = try Views(folder: views, flip: flip, threshold: rawAlpha ? nil : threshold)
    guard 1...data.count ~= viewsPerStep else {
      throw ValidationError("--views-per-step is \(viewsPerStep), expected 1...\(data.count)")
    }
    try makeFolder(out)
    let rate = LearningRateSchedule.cosine(initial: 0.01, final: finalRate, steps: stepCount)
    var fit = Fit(data, seed: seed, rate: rate, isBounded: !free)
    fit.renderer.distanceEpsilon = distanceEpsilon
    let shown = (0..<8).map { $0 * data.count / 8 }
    try fit.comparisons(shown).write(to: "\(out)/before.png")
    let curve = try train(&fit)
    try save(fit, curve, shown)
    try compareTargets(fit)
    try check(curve)
  }

  private var stepCount: Int { quick ? 30 : steps }

  /// Takes all steps and looks at all views some twenty times on the way.
  private func train(_ fit: inout Fit) throws -> Curve {
    var curve = Curve(columns: ["step", "seconds", "loss", "softIoU", "hardIoU"])
    let clock = ContinuousClock()
    var time = Duration.zero
    func record(_ step: Int, loss: Double) throws {
      let score = try fit.score()
      let row = [Double(step), time / .seconds(1), loss, score.soft, score.hard]
      curve.append(row)
      print(String(format: "step %5d  %6.1f s", step, row[1]), terminator: "")
      print(String(format: "  loss %.4f  soft IoU %.4f  hard IoU %.4f", row[2], row[3], row[4]))
      fflush(nil)
    }
    try record(0, loss: try fit.totalLoss())
    let interval = max(10, stepCount / 20)
    var losses: [Double] = []
    for step in 1...stepCount {
      time += try clock.measure { losses.append(try fit.step(views: viewsPerStep)) }
      if step % interval == 0 || step == stepCount {
        try record(step, loss: losses.reduce(0, +) / Double(losses.count))
        losses = []
      }
    }
    return curve
  }

  /// What counts as the silhouette decides the figure, so all readings of the files' alpha are told.
  private func compareTargets(_ fit: Fit) throws {
    let alpha = fit.views.coverage
    let targets = [
      ("alpha above 0", (alpha .> 0).cast(to: .float32)),
      ("alpha above ½", (alpha .> 0.5).cast(to: .float32)),
      ("alpha itself, at most 0.839 for any picture", alpha),
    ]
    for (name, target) in targets {
      let score = try fit.score(against: target)
      print(String(format: "soft IoU %.4f  hard IoU %.4f", score.soft, score.hard), "against", name)
    }
  }

  private func save(_ fit: Fit, _ curve: Curve, _ shown: [Int]) throws {
    try MeshFile.write(fit.shape.mesh.fileData, to: "\(out)/plane.obj")
    try MeshFile.write(fit.shape.mesh.fileData, to: "\(out)/plane.ply")
    try curve.writeCSV(to: "\(out)/curve.csv")
    try curve.plot([("softIoU", Palette.blue), ("hardIoU", Palette.orange)], top: 1)
      .write(to: "\(out)/curve.png")
    try fit.comparisons(shown).write(to: "\(out)/after.png")
    try fit.portraits().write(to: "\(out)/mesh.png")
    print("the mesh, the curve and the pictures are in \(out)")
  }

  /// The promise of this example: a short run gets closer, the whole one gets there.
  private func check(_ curve: Curve) throws {
    let soft = curve.values("softIoU")
    let isWholeRun = !quick && steps >= 600 && threshold == 0 && flip == nil && !free && !rawAlpha
    let expected = isWholeRun ? 0.9 : soft.first! + 0.05
    guard soft.last! >= expected else {
      print("error: soft IoU went from \(soft.first!) to \(soft.last!), expected \(expected)")
      throw ExitCode.failure
    }
  }
}
