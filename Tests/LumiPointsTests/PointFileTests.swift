import Foundation
import Lumigrad
import Testing

/// Point files as scene types.
struct PointFileTests {
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "lumi-points-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func close(_ a: Tensor?, _ b: Tensor?, _ tolerance: Double = 1e-6) -> Bool {
    guard let a, let b, a.shape == b.shape else { return a == nil && b == nil }
    return (a - b.cast(to: a.dtype)).abs().max().value <= tolerance
  }

  @Test(arguments: ["ply", "pcd", "xyz"])
  func cloudsComeBackFromFiles(_ ending: String) throws {
    var random = RandomGenerator(seed: 9)
    let cloud = PointCloud(
      points: random.normal([20, 3]), appearance: .colors(random.uniform([20, 3])),
      normals: random.normal([20, 3]).normalized(), radii: random.uniform([20], low: 0.1),
      opacities: random.uniform([20]))
    try inFolder { folder in
      try PointFile.write(cloud.fileData, to: "\(folder)/a.\(ending)")
      let again = try PointCloud(contentsOf: "\(folder)/a.\(ending)")
      #expect(close(again.points, cloud.points, 0) && close(again.normals, cloud.normals))
      // Colours have 8 bits.
      #expect(
        close(again.appearance.colors(count: 20), cloud.appearance.colors(count: 20), 0.51 / 255))
      guard ending != "xyz" else { return }
      #expect(close(again.radii, cloud.radii, 0) && close(again.opacities, cloud.opacities, 0.002))
    }
  }

  @Test func doublesAndFeaturesAreKept() throws {
    var random = RandomGenerator(seed: 10)
    let cloud = PointCloud(
      points: random.normal([7, 3], dtype: .float64) + 1e6,
      appearance: .colors(random.normal([7, 5], dtype: .float64)))
    try inFolder { folder in
      try PointFile.write(cloud.fileData, to: "\(folder)/a.ply", encoding: .text)
      let again = try PointCloud(contentsOf: "\(folder)/a.ply", dtype: .float64)
      #expect(close(again.points, cloud.points, 0) && again.normals == nil)
      #expect(close(again.appearance.colors(count: 7), cloud.appearance.colors(count: 7), 0))
    }
  }

  @Test func placesWithoutAMeasurementAreRefusedOrDropped() throws {
    try inFolder { folder in
      let path = "\(folder)/a.pcd"
      let rows: [Float] = [0, 0, 1, .nan, .nan, .nan, 2, 0, 1]
      var data = PointData(count: 3)
      data.append(["x", "y", "z"], .float32, Tensor(rows, shape: [3, 3]))
      try PointFile.write(data, to: path)
      let error = #expect(throws: SceneError.self) { try PointCloud(contentsOf: path) }
      #expect(error?.field == "cloud.points" && error?.index == 1)
      #expect(try PointCloud(contentsOf: path, dropsMissing: true).count == 2)
      let none = PointData(columns: [PointColumn("x", .float32, .ones([2]))])
      #expect(throws: SceneError.self) { try PointCloud(none) }
    }
  }
}
