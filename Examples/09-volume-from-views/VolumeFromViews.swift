import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// A radiance grid from pictures of a glazed object: coarse to fine, sparse once pruned.
@main
struct VolumeFromViews: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "09-volume-from-views",
    abstract: "Fits densities and colours by direction in a grid to pictures from many sides.")

  @Option(help: "The folder for the curve, the pictures, the grid and the mesh.")
  var out = "out/volume-from-views"

  @Option(help: "How many pictures to fit.")
  var views = 40

  @Option(help: "Width and height of the pictures.")
  var size = 64

  @Option(help: "Steps at each of the three resolutions.")
  var steps = 150

  @Option(help: "Values a side at the finest resolution; a half and a quarter before.")
  var side = 64

  @Option(help: "Pixels a step.")
  var pixels = 2000

  @Option(help: "Values that weigh no more than this in all pictures are dropped.")
  var threshold = 0.01

  @Flag(help: "Small pictures and two coarse grids.")
  var quick = false

  func validate() throws {
    func check(_ holds: Bool, _ message: String) throws {
      guard holds else { throw ValidationError(message) }
    }
    try check(views >= 4, "--views is \(views), expected 4 or more")
    try check(8...512 ~= size, "--size is \(size), expected 8...512")
    try check(steps >= 1, "--steps is \(steps), expected 1 or more")
    try check(16...512 ~= side, "--side is \(side), expected 16...512")
    try check(pixels >= 1, "--pixels is \(pixels), expected 1 or more")
    try check(threshold >= 0 && threshold < 1, "--threshold is \(threshold), expected 0..<1")
  }

  /// Dense at a quarter and a half of the resolution, sparse at the full one.
  private var stages: [Stage] {
    let all = [
      Stage(side: side / 4, steps: steps, rate: 1, isSparse: false),
      Stage(side: side / 2, steps: steps, rate: 0.5, isSparse: false),
      Stage(side: side, steps: steps, rate: 0.25, isSparse: true),
    ]
    return quick
      ? [
        Stage(side: 16, steps: 60, rate: 1, isSparse: false),
        Stage(side: 32, steps: 60, rate: 0.5, isSparse: true),
      ] : all
  }

  func run() throws {
    try makeFolder(out)
    let size = quick ? 40 : size
    let capture = try Capture.take(Capture.around(quick ? 24 : views, size: size))
    let heldOut = try Capture.take(Capture.heldOut(size: size))
    var settings = Settings()
    (settings.pixels, settings.threshold) = (quick ? 1000 : pixels, threshold)
    var fit = Fit(capture, side: stages[0].side, settings)
    var curve = Curve(columns: ["step", "batch dB", "new views dB"])
    var rows: [Figures] = []
    let (start, total) = (Date(), stages.reduce(0) { $0 + $1.steps })
    let every = max(total / 15, 1)
    for stage in stages {
      let began = Date()
      try fit.run(stage) { fit, error in
        guard fit.steps % every == 0 || fit.steps == total else { return }
        let ratio = try fit.ratio(heldOut)
        curve.append([Double(fit.steps), -10 * log10(error), ratio])
        print(String(format: "step %4d  %.1f dB on new views", fit.steps, ratio))
      }
      rows.append(
        Figures(
          fit, ratio: try fit.ratio(heldOut), seconds: Date().timeIntervalSince(began),
          stage: stage))
    }
    Figures.report(rows)
    let last = try prune(&fit, heldOut)
    print(String(format: "%.0f s in all", Date().timeIntervalSince(start)))
    try curve.writeCSV(to: "\(out)/curve.csv")
    try writePictures(fit, heldOut, curve)
    try export(fit)
    try check(last)
  }

  /// Drops what the finest stage emptied; the ratio after it.
  private func prune(_ fit: inout Fit, _ heldOut: Capture) throws -> Double {
    guard case .sparse(let before) = fit.grid else { return try fit.ratio(heldOut) }
    let ratio = try fit.ratio(heldOut)
    try fit.pruneAgain()
    guard case .sparse(let after) = fit.grid else { return ratio }
    let pruned = try fit.ratio(heldOut)
    print(
      String(
        format: "pruned again: %d of %d values, %.1f MB; %.3f dB before, %.3f dB after",
        after.storedCount, before.storedCount, Double(after.byteCount) / 1e6, ratio, pruned))
    return pruned
  }

  /// The promise of this example.
  private func check(_ ratio: Double) throws {
    let least = quick ? 22.0 : 28
    guard ratio >= least else {
      print(String(format: "error: expected at least %.0f dB on new views, got %.1f", least, ratio))
      throw ExitCode.failure
    }
  }
}

/// What a stage came to.
struct Figures {
  let stage: Stage
  let ratio: Double
  let seconds: Double
  let stored: Int
  let bytes: Int

  init(_ fit: Fit, ratio: Double, seconds: Double, stage: Stage) {
    (self.ratio, self.seconds, self.stage) = (ratio, seconds, stage)
    switch fit.grid {
    case .dense(let dense): (stored, bytes) = (dense.values.count, dense.values.count * 28 * 4)
    case .sparse(let sparse): (stored, bytes) = (sparse.storedCount, sparse.byteCount)
    }
  }

  static func report(_ rows: [Figures]) {
    print("\ngrid    values stored        MB  MB dense  new views dB        s")
    for row in rows {
      let all = row.stage.side * row.stage.side * row.stage.side
      print(
        String(
          format: "%3d³  %8d (%5.1f%%)  %8.1f  %8.1f  %12.2f  %7.1f", row.stage.side, row.stored,
          100 * Double(row.stored) / Double(all), Double(row.bytes) / 1e6,
          Double(all * 28 * 4) / 1e6, row.ratio, row.seconds))
    }
  }
}
