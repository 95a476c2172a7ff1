import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// One picture of a face, explained by shape, expression, skin, light and pose.
@main
struct FaceFit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "04-face-fit",
    abstract: "Fits a small morphable model of heads to one picture.")

  @Option(help: "The folder for the pictures and the curve.")
  var out = "out/face-fit"

  @Option(help: "Which unknown head to fit.")
  var seed: UInt64 = 1

  @Option(help: "The renderer: \(Drawing.allCases.map(\.rawValue).joined(separator: ", ")).")
  var renderer = Drawing.antialiased

  @Option(help: "Standard deviation of the noise on the target's colours, of 1.")
  var noise = 0.01

  @Option(help: "Standard deviation of the landmarks' places, in pixels.")
  var landmarkNoise = 0.5

  @Option(help: "How much the prior counts, in multiples of the default.")
  var prior = 1.0

  @Flag(help: "Leave out the landmarks.")
  var blind = false

  @Flag(help: "Stop at 64 pixels, and expect less.")
  var quick = false

  func run() throws {
    try makeFolder(out)
    let model = FaceModel()
    let truth = Portrait(random: model, seed: seed)
    let target = try Target(
      of: truth, model, noise: noise, landmarkNoise: landmarkNoise, seed: seed)
    var fit = Fit(target, model)
    fit.drawing = renderer
    fit.weights.prior *= prior
    if blind { fit.weights.landmarks = 0 }
    let before = fit.portrait
    try train(&fit, truth)
    try compareLosses(fit, truth)
    try save(fit, before, truth)
    try check(
      Measures(before, truth: truth, model), Measures(fit.portrait, truth: truth, model))
  }

  private func train(_ fit: inout Fit, _ truth: Portrait) throws {
    var curve = Curve(columns: ["step", "loss"])
    func report(_ name: String, _ seconds: Double) {
      let measures = Measures(fit.portrait, truth: truth, fit.model)
      print(name.padding(toLength: 11, withPad: " ", startingAt: 0), terminator: "")
      print(String(format: "%6.1f s  ", seconds) + measures.line)
      fflush(nil)
    }
    print("                     " + Measures.header)
    report("start", 0)
    for stage in Fit.stages(isQuick: quick) {
      var losses: [Double] = []
      let time = try ContinuousClock().measure { losses = try fit.run(stage) }
      for loss in losses { curve.append([Double(curve.rows.count), loss]) }
      report(stage.name, time / .seconds(1))
    }
    try curve.writeCSV(to: "\(out)/loss.csv")
  }

  /// Where the truth itself has the larger loss, no better search would find it: the renderer, the
  /// noise or the prior wants something else.
  private func compareLosses(_ fit: Fit, _ truth: Portrait) throws {
    let last = Fit.stages(isQuick: quick).last!
    let (found, real) = (try fit.loss(fit.portrait, last), try fit.loss(truth, last))
    print(String(format: "loss of the result %.4f, of the truth %.4f", found.value, real.value))
  }

  private func save(_ fit: Fit, _ before: Portrait, _ truth: Portrait) throws {
    let studio = Studio(model: fit.model)
    let rows = try [before, fit.portrait, truth].flatMap { try studio.row($0) }
    try Canvas.sheet(rows, columns: 5).write(to: "\(out)/factors.png")
    try Canvas(fit.target.image.slice(axis: 2, from: 0, to: 3)).write(to: "\(out)/target.png")
    try studio.family().write(to: "\(out)/family.png")
    print("pictures are in \(out): before, after and the truth, row by row")
  }

  /// The promise of this example.
  private func check(_ before: Measures, _ after: Measures) throws {
    let isStandard =
      !blind && prior == 1 && noise <= 0.01 && landmarkNoise <= 0.5 && renderer == .antialiased
    guard isStandard else { return }
    let share = quick ? 0.6 : 0.5
    let isReached =
      after.alignedFace < before.alignedFace * share
      && after.scaledAlbedo < before.scaledAlbedo * share
      && after.scaledLight < before.scaledLight * share && after.landmarks < 0.6
    guard isReached else {
      print(
        """
        error: shape, albedo or light is not below \(share) of its error at the start, or landmarks \
        are more than 0.6 pixels off
        """)
      throw ExitCode.failure
    }
  }
}
