import ExampleSupport
import Foundation
import Lumigrad

/// Part 2: the temple, stage by stage.
struct Temple {
  let photographs: Photographs
  /// A view that is kept from the fit.
  let heldOut: Int?
  /// Nodes along each axis.
  let nodes: Int
  let isQuick: Bool

  struct Stages {
    var occupancy: VoxelGrid
    var hull: VoxelGrid
    var silhouettes: VoxelGrid
    var final: VoxelGrid
  }

  /// Pixels of the photographs that make one of the fit: about as large as a spacing.
  private var factor: Int { Swift.max(1, 256 / nodes) }
  private var batch: Int { isQuick ? 1024 : 8192 }

  private var schedule: MultiResolutionSchedule {
    MultiResolutionSchedule(
      resolutions: isQuick ? [nodes / 2, nodes] : [nodes / 4, nodes / 2, nodes],
      steps: isQuick ? 30 : 120,
      learningRate: 0.1, decay: 1)
  }

  func run() throws -> Stages {
    let used = heldOut.map { view in photographs.choosing { $0 != view } } ?? photographs
    let small = used.shrunk(by: factor)
    let other = heldOut.map { view in photographs.choosing { $0 == view } }
    print(Scores.header + (heldOut.map { "   view \($0 + 1), not fitted: IoU, colour" } ?? ""))

    func report(_ name: String, _ grid: VoxelGrid, since began: Date) throws {
      let seconds = Date().timeIntervalSince(began)
      var line = try Scores(grid, used, shrunkBy: factor).line(name, seconds)
      if let other {
        let scores = try Scores(grid, other, shrunkBy: factor)
        line += String(format: "  %.4f ", scores.mean)
        line += scores.color.map { String(format: "%.4f", $0) } ?? "-"
      }
      print(line)
      fflush(nil)
    }

    var began = Date()
    let carving = Carving(
      counts: SIMD3(repeating: nodes / 2), steps: isQuick ? 60 : 200, batch: batch)
    let occupancy = try carving.run(used.shrunk(by: 2 * factor))
    try report("DRC occupancy \(nodes / 2)³", occupancy, since: began)
    began = Date()
    let hull = Carving.distances(of: occupancy, nodes: SIMD3(repeating: nodes))
    try report("its distances \(nodes)³", hull, since: began)
    began = Date()
    let fit = SurfaceFit(photographs: small, batch: batch)
    let silhouettes = try fit.fitSilhouettes(
      from: hull.resampled(to: schedule.levels[0].counts), schedule)
    try report("silhouettes \(nodes)³", silhouettes, since: began)
    began = Date()
    let steps = isQuick ? 40 : 160
    let colored = try fit.fitColors(
      from: silhouettes, steps: steps, colorRate: 0.05, distanceRate: 0)
    try report("colours", colored, since: began)
    let extended = SurfaceFit.extendingColors(of: colored)
    if !isQuick {
      began = Date()
      let control = try fit.fitColors(
        from: extended, steps: steps, colorRate: 0.02, distanceRate: 0)
      try report("(colours, as long again)", control, since: began)
    }
    began = Date()
    let final = try fit.fitColors(
      from: extended, steps: steps, colorRate: 0.02, distanceRate: 0.02)
    try report("colours and distances", final, since: began)
    let traced = try Scores.tracedOverlaps(final, photographs)
    print(
      String(
        format: "SDFDiff's own silhouettes of the last: %.4f",
        traced.reduce(0, +) / Double(traced.count)))
    return Stages(
      occupancy: occupancy, hull: hull, silhouettes: silhouettes, final: final)
  }
}
