import Foundation
import Lumigrad
import Testing

@testable import LumiPoints

/// Which Gaussians are doubled, split and left out; seeds; files.
struct GaussianDensificationTests {
  /// Small and large, wanted and not, one transparent.
  private func cloud() -> GaussianCloud {
    let scales = [0.001, 0.5, 0.001, 0.5, 0.001].map { log($0) }
    var cloud = Gaussians.view(count: 5, degree: 1).scene.shape
    cloud.logScales = Tensor(scales.flatMap { [$0, $0 - 1, $0 - 2] }, shape: [5, 3])
    cloud.opacityLogits = Tensor([1.0, 1, 1, 1, -9])
    return cloud
  }

  private let camera = Camera.perspective(
    from: [0, 0, 3], verticalFieldOfView: 1, width: 200, height: 100)

  @Test func rowsAreDoubledSplitAndPruned() throws {
    let cloud = cloud()
    var density = GaussianDensification()
    // Sides of 2 units: 1e-6 a pixel across counts 1e-4.
    density.record(
      gradient: Tensor([[6e-6, 0], [0, 12e-6], [1e-6, 0], [0, 0], [9e-6, 0]] as [[Double]]),
      radii: [1, 2, 3, 4, 5], camera: camera)
    density.record(
      gradient: Tensor([[9, 9], [0, 12e-6], [1e-6, 0], [0, 0], [9e-6, 0]] as [[Double]]),
      radii: [0, 2, 3, 4, 5], camera: camera)
    #expect(density.statistics.views == [1, 2, 2, 2, 2])
    #expect(abs(density.statistics.lengths[0] - 6e-4) < 1e-15)
    #expect(abs(density.statistics.lengths[1] - 12e-4) < 1e-15)
    var random = RandomGenerator(seed: 1)
    let revision = density.revise(cloud, extent: 4, random: &random)
    #expect((revision.cloned, revision.split, revision.pruned) == (1, 1, 1))
    #expect(revision.kept.scalars(as: Int32.self) == [0, 2, 3])
    #expect(revision.added == 3 && revision.cloud.count == 6)
    let (old, new) = (cloud.positions, revision.cloud.positions)
    #expect((new[.index(3)] - old[.index(0)]).abs().max().value == 0)
    // Halves: 1.6 times as small, near to where it was, and not in one place.
    for row in [4, 5] {
      let scales = revision.cloud.logScales[.index(row)] - cloud.logScales[.index(1)]
      #expect((scales + log(1.6)).abs().max().value < 1e-12)
      let away = (new[.index(row)] - old[.index(1)]).norm().value
      #expect(away > 1e-3 && away < 2.5)
    }
    #expect(density.statistics.views.isEmpty)
  }

  @Test func hugeOnesGoIfAskedForAndRoomIsKept() throws {
    let cloud = cloud()
    var density = GaussianDensification()
    density.largestShare = 0.1
    density.largestRadius = 20
    var random = RandomGenerator(seed: 1)
    density.record(gradient: .zeros([5, 2]), radii: [1, 1, 30, 1, 1], camera: camera)
    let revision = density.revise(cloud, extent: 1, random: &random)
    #expect(revision.kept.scalars(as: Int32.self) == [0])
    density.largestShare = nil
    density.largestCount = 6
    density.record(
      gradient: Tensor([[1e-3, 0], [1e-2, 0], [2e-3, 0], [0, 0], [0, 0]] as [[Double]]),
      radii: [1, 1, 1, 1, 1], camera: camera)
    let limited = density.revise(cloud, extent: 1e6, random: &random)
    #expect(limited.cloned == 1 && limited.cloud.count == 5)
    #expect(
      (limited.cloud.positions[.index(4)] - cloud.positions[.index(1)]).abs().max().value == 0)
  }

  @Test func opacitiesAreReset() {
    let reset = GaussianDensification.resettingOpacities(of: cloud())
    let opacities = reset.opacityLogits.sigmoid().scalars(as: Double.self)
    #expect(abs(opacities[0] - 0.01) < 1e-12)
    #expect(opacities[4] < 0.001)
  }

  /// Rows of Adam's moments follow the cloud's.
  @Test func theOptimiserFollows() throws {
    var adam = Adam(learningRate: 0.1)
    var values = ["p": Tensor([[1.0], [2], [3]])]
    try adam.update(&values, gradients: ["p": Tensor([[1.0], [2], [3]])])
    adam.rearrangeRows(of: ["p", "unknown"], keeping: Tensor([Int32(2), 0]), adding: 1)
    #expect(adam.firstMoments["p"]!.shape == [3, 1])
    let moments = adam.firstMoments["p"]!.scalars(as: Double.self)
    #expect(abs(moments[0] - 0.3) < 1e-12 && abs(moments[1] - 0.1) < 1e-12 && moments[2] == 0)
    #expect(adam.secondMoments["unknown"] == nil)
    adam.forgetMoments(of: "p")
    #expect(adam.firstMoments.isEmpty && adam.secondMoments.isEmpty)
  }

  @Test func seedsAreAsWideAsTheirNeighboursAreNear() {
    let points = Tensor(
      [[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 2], [9, 9, 9]] as [[Double]])
    let cloud = GaussianCloud(at: points, colors: .full([5, 3], 0.7, dtype: .float64))
    #expect(abs(cloud.logScales[0, 0].value - log((9.0 / 3).squareRoot())) < 1e-12)
    #expect(abs(cloud.opacityLogits.sigmoid()[0].value - 0.1) < 1e-12)
    let shown = cloud.colors(along: Tensor([[0.0, 0, 1]]).broadcast(to: [5, 3]))
    #expect((shown - 0.7).abs().max().value < 1e-12)
    #expect(GaussianCloud(at: .zeros([1, 3]), colors: .zeros([1, 3])).count == 1)
  }

  // MARK: Files

  /// The published program's harmonics, typed from its paper's supplement, on the signs' other side.
  @Test func signsAreThoseOfThePublishedHarmonics() {
    var random = RandomGenerator(seed: 2)
    let directions = random.normal([20, 3], dtype: .float64).unitVectors()
    let ours =
      sphericalHarmonics(directions, order: 3)
      * Tensor(GaussianCloud.publishedHarmonicSigns(degree: 3))
    let v = directions.scalars(as: Double.self)
    for row in 0..<20 {
      let (x, y, z) = (v[3 * row], v[3 * row + 1], v[3 * row + 2])
      let published = [
        0.28209479177387814, -0.4886025119029199 * y, 0.4886025119029199 * z,
        -0.4886025119029199 * x, 1.0925484305920792 * x * y, -1.0925484305920792 * y * z,
        0.31539156525252005 * (2 * z * z - x * x - y * y), -1.0925484305920792 * x * z,
        0.5462742152960396 * (x * x - y * y), -0.5900435899266435 * y * (3 * x * x - y * y),
        2.890611442640554 * x * y * z, -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
        0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
        -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
        1.445305721320277 * z * (x * x - y * y), -0.5900435899266435 * x * (x * x - 3 * y * y),
      ]
      for (k, value) in published.enumerated() {
        #expect(abs(ours[row, k].value - value) < 1e-13, "coefficient \(k)")
      }
    }
  }

  @Test(arguments: [0, 1, 2, 3], [false, true])
  func filesRoundTrip(_ degree: Int, _ flat: Bool) throws {
    let view = Gaussians.view(count: 6, degree: degree, flat: flat, dtype: .float32)
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("splats-\(UUID().uuidString).ply").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try view.scene.shape.write(to: path)
    let data = try PointFile.read(path)
    #expect(data.columns.count == 3 + 3 + 3 * (degree + 1) * (degree + 1) + 1 + (flat ? 2 : 3) + 4)
    let read = try GaussianCloud(contentsOf: path)
    for (path, value) in view.scene.shape.parameters where path != "rotations" {
      #expect(try read.parameter(path).bits == value.bits, "\(path)")
    }
    var changed = view
    changed.scene.shape = read
    let renderer = GaussianSplatting()
    let difference = try renderer.render(changed)[.color] - renderer.render(view)[.color]
    #expect(difference.abs().max().value < 1e-5)
    if degree > 0 {
      // Channel after channel, the order 1 of degree 1 with its sign turned.
      let rest = try #require(data.column("f_rest_0")).values[0].value
      #expect(Float(rest) == Float(-view.scene.shape.harmonics[0, 1, 0].value))
    }
  }

  /// A file that another program wrote (Fixtures/io/points.py).
  @Test func aFileOfAnotherProgram() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/io/splats.ply").path
    let cloud = try GaussianCloud(contentsOf: path)
    let data = try PointFile.read(path)
    #expect(cloud.count == data.count && cloud.degree >= 0)
    #expect(cloud.opacityLogits.bits == data.column("opacity")!.values.bits)
  }

  @Test func missingColumnsAreNamed() throws {
    var data = PointData(count: 1)
    data.append(["x", "y", "z"], .float32, .zeros([1, 3]))
    let incomplete = data
    let error = try #require(throws: SceneError.self) { try GaussianCloud(incomplete) }
    #expect(error.description.contains("f_dc_0"))
  }
}
