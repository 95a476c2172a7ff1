import Foundation
import Lumigrad
import Testing

private let scanFolder: String? = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  let named = ProcessInfo.processInfo.environment["LUMIGRAD_DATA"]
  return [named, "\(root)/../shared/data"].compactMap { $0 }.map { $0 + "/pointclouds" }
    .first { FileManager.default.fileExists(atPath: $0) }
}()

/// Normals and registration on real scans; skipped where the shared data is not there.
@Suite(.enabled(if: scanFolder != nil, "no shared data"))
struct ScannedCloudTests {
  private func cloud(_ name: String) throws -> PointCloud {
    try PointCloud(contentsOf: "\(scanFolder!)/\(name).ply", dtype: .float64)
  }

  /// The armadillo's points scatter about its surface as far as the spacing of the points: 12
  /// neighbours are too few there (median |cos| 0.80, by numpy too).
  @Test(arguments: [("bunny-8000", 12), ("armadillo", 30), ("seated_figure", 12)])
  func estimatedNormalsAreThoseOfTheScan(_ name: String, _ neighbours: Int) throws {
    let scan = try cloud(name)
    let known = try #require(scan.normals)
    let alike = try scan.localGeometry(neighbours: neighbours).normals.dot(known)
      .scalars(as: Double.self)
    let sorted = alike.map(\.magnitude).sorted()
    let sameSide = Double(alike.filter { $0 > 0 }.count) / Double(alike.count)
    print("\(name): median |cos| \(sorted[sorted.count / 2]), same side \(sameSide)")
    #expect(sorted[sorted.count / 2] > 0.98)
    #expect(sameSide > 0.9)
  }

  @Test(arguments: [IterativeClosestPoint.Metric.pointToPoint, .pointToPlane])
  func aTurnedScanComesBack(_ metric: IterativeClosestPoint.Metric) throws {
    let scan = try cloud("bunny-8000")
    let extent = (scan.points.max(axis: 0) - scan.points.min(axis: 0)).norm().value
    let known = SimilarityTransform(
      scale: Tensor(1, dtype: .float64),
      rotation: Rotation.exponential(Tensor([0.1, -0.15, 0.1])),
      translation: Tensor([0.05, -0.03, 0.02]) * extent)
    let report = try IterativeClosestPoint(metric: metric, maximumIterations: 200)
      .align(scan.transformed(by: known.inverse), to: scan)
    let wrong = (report.transform.matrix - known.matrix).abs().max().value
    print("\(metric): \(report.iterations) steps, difference \(wrong)")
    #expect(report.converged && wrong < 1e-6 * max(1, extent))
  }
}
