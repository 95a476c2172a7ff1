import LumiScene
import LumiTensor
import Testing

/// Known motions are found again.
struct RegistrationTests {
  private func motion(
    _ vector: [Double], _ shift: [Double], scale: Double = 1
  ) -> SimilarityTransform {
    SimilarityTransform(
      scale: Tensor(scale, dtype: .float64), rotation: Rotation.exponential(Tensor(vector)),
      translation: Tensor(shift))
  }

  private func difference(_ a: SimilarityTransform, _ b: SimilarityTransform) -> Double {
    (a.matrix.cast(to: .float64) - b.matrix.cast(to: .float64)).abs().max().value
  }

  /// An ellipsoid with a bump: no symmetry for a registration to slide along.
  private func surface(_ count: Int, seed: UInt64) -> PointCloud {
    var random = RandomGenerator(seed: seed)
    let unit = random.normal([count, 3], dtype: .float64).normalized()
    let bump = unit.dot(Tensor([0.48, 0.6, 0.64])).clamped(min: 0).pow(4).expandingDims(at: 1)
    let points = unit * Tensor([1.0, 0.7, 0.5]) * (1 + 0.4 * bump)
    return PointCloud(points: points)
  }

  @Test(arguments: [false, true], [3, 4, 50])
  func fittingFindsKnownMotions(_ scaled: Bool, _ count: Int) throws {
    var random = RandomGenerator(seed: 21)
    for trial in 0..<20 {
      let x = random.normal([count, 3], dtype: .float64)
      let vector = random.normal([3], deviation: 1.5, dtype: .float64).scalars(as: Double.self)
      let known = motion(vector, [10, -2, Double(trial)], scale: scaled ? 0.1 + Double(trial) : 1)
      let y = known.applied(to: x)
      let found = try SimilarityTransform.fitting(x, to: y, scaled: scaled)
      #expect(difference(found, known) < 1e-10)
      #expect(difference(found.inverse.followed(by: known), .identity(dtype: .float64)) < 1e-9)
      let single = try SimilarityTransform.fitting(
        x.cast(to: .float32), to: y.cast(to: .float32), scaled: scaled)
      #expect(single.scale.dtype == .float32)
      #expect(
        (single.applied(to: x.cast(to: .float32)).cast(to: .float64) - y).abs().max().value < 1e-3)
    }
  }

  /// The mirror image would fit exactly; the best rotation does not, and is a rotation.
  @Test func mirrorImagesGetProperRotations() throws {
    var random = RandomGenerator(seed: 22)
    let x = random.normal([30, 3], dtype: .float64) * Tensor([3.0, 2, 1])
    let y = x * Tensor([1.0, 1, -1])
    let found = try SimilarityTransform.fitting(x, to: y, scaled: true)
    #expect(abs(found.rotation.determinant().value - 1) < 1e-12 && found.scale.value > 0)
    func cost(_ t: SimilarityTransform) -> Double { (t.applied(to: x) - y).square().sum().value }
    let best = cost(found)
    for trial in 0..<50 {
      let turn = random.normal([3], deviation: 0.2, dtype: .float64).scalars(as: Double.self)
      var other = found.followed(by: motion(turn, [0, 0, 0]))
      other.scale = found.scale * (1 + 0.05 * Double(trial % 3 - 1))
      #expect(cost(other) >= best - 1e-9)
    }
  }

  @Test func weightsDecide() throws {
    var random = RandomGenerator(seed: 23)
    let x = random.normal([20, 3], dtype: .float64)
    let known = motion([0.3, -0.2, 1], [1, 2, 3], scale: 2)
    let wrong = Tensor((0..<20).map { $0 < 15 ? 0.0 : 5 }).expandingDims(at: 1)
    let y = known.applied(to: x) + wrong
    let weights = Tensor((0..<20).map { $0 < 15 ? 1.0 : 0 })
    #expect(
      difference(try .fitting(x, to: y, weights: weights, scaled: true), known) < 1e-10)
    #expect(difference(try .fitting(x, to: y, scaled: true), known) > 0.1)
  }

  @Test func fittingHasDerivatives() throws {
    var random = RandomGenerator(seed: 24)
    let (x, y) = (random.normal([6, 3], dtype: .float64), random.normal([6, 3], dtype: .float64))
    let weights = random.uniform([6], low: 0.2, dtype: .float64)
    for scaled in [false, true] {
      try checkGradients(at: [x, y, weights], names: ["source", "target", "weights"]) {
        try SimilarityTransform.fitting($0[0], to: $0[1], weights: $0[2], scaled: scaled).matrix
      }
    }
    // Points on a line leave a turn free: the motion and its derivative are finite.
    let line = Tensor.arange(5).cast(to: .float64).reshaped([5, 1]) * Tensor([[1.0, 2, -1]])
    let (value, gradient) = try valueAndGradient(at: [line]) {
      try SimilarityTransform.fitting($0[0], to: line + 1, scaled: true).matrix.sum()
    }
    #expect(value.value.isFinite && gradient[0].isFinite().all().item(as: Bool.self))
  }

  @Test func badPairsAreRefused() {
    func field(_ body: () throws -> Void) -> String? {
      do { try body() } catch { return (error as? SceneError)?.field }
      return nil
    }
    let x = Tensor.ones([3, 3], dtype: .float64)
    #expect(
      field { _ = try SimilarityTransform.fitting(x, to: .ones([2, 3], dtype: .float64)) }
        == "target")
    #expect(field { _ = try SimilarityTransform.fitting(x, to: x * .nan) } == "target")
    #expect(field { _ = try SimilarityTransform.fitting(x, to: x, scaled: true) } == "source")
    let zero = Tensor.zeros([3], dtype: .float64)
    #expect(field { _ = try SimilarityTransform.fitting(x, to: x, weights: zero) } == "weights")
    #expect(field { _ = try SimilarityTransform.fitting(x, to: x, weights: zero - 1) } == "weights")
    let cloud = PointCloud(points: x)
    let plane = IterativeClosestPoint(metric: .pointToPlane)
    #expect(field { _ = try plane.align(cloud, to: cloud) } == "target.normals")
    #expect(
      field { _ = try IterativeClosestPoint(maximumDistance: 0).align(cloud, to: cloud) }
        == "IterativeClosestPoint")
  }

  @Test(arguments: [IterativeClosestPoint.Metric.pointToPoint, .pointToPlane], [false, true])
  func registrationFindsKnownMotions(
    _ metric: IterativeClosestPoint.Metric, _ scaled: Bool
  ) throws {
    let target = try surface(2000, seed: 31).withEstimatedNormals(neighbours: 10)
    let known = motion([0.1, -0.15, 0.2], [0.1, 0.05, -0.1], scale: scaled ? 1.1 : 1)
    let source = PointCloud(points: known.inverse.applied(to: target.points))
    let report = try IterativeClosestPoint(metric: metric, scaled: scaled)
      .align(source, to: target)
    #expect(report.converged && report.overlap == 1)
    #expect(difference(report.transform, known) < 1e-6)
    #expect(report.errors.count == report.iterations + 1 && report.errors.last! < 1e-6)
    #expect(report.partners.scalars(as: Int32.self) == (0..<2000).map { Int32($0) })
  }

  @Test func planesNeedFewerSteps() throws {
    let target = try surface(2000, seed: 32).withEstimatedNormals(neighbours: 10)
    let known = motion([0.1, 0, 0.1], [0.05, 0, 0])
    let source = PointCloud(points: known.inverse.applied(to: target.points))
    let steps = try [IterativeClosestPoint.Metric.pointToPoint, .pointToPlane].map {
      try IterativeClosestPoint(metric: $0).align(source, to: target).iterations
    }
    #expect(steps[1] < steps[0])
  }

  /// A third of the source has no counterpart: rejected, it does not pull.
  @Test func farPairsAreRejected() throws {
    let target = surface(1500, seed: 33)
    let known = motion([0.05, 0.05, -0.05], [0.02, 0, 0.01])
    let clutter = surface(500, seed: 34).points + Tensor([4.0, 0, 0])
    let moved = known.inverse.applied(to: target.points)
    let source = PointCloud(points: Tensor.concatenate([moved, clutter], axis: 0))
    let report = try IterativeClosestPoint(maximumDistance: 0.5).align(source, to: target)
    #expect(difference(report.transform, known) < 1e-6 && report.overlap == 0.75)
    #expect(report.partners.scalars(as: Int32.self).suffix(500).allSatisfy { $0 == -1 })
    let pulled = try IterativeClosestPoint().align(source, to: target)
    #expect(difference(pulled.transform, known) > 0.1)
    let none = try IterativeClosestPoint(maximumDistance: 1e-9)
      .align(PointCloud(points: target.points + 50), to: target)
    #expect(!none.converged && none.overlap == 0 && none.iterations == 0)
  }

  /// Motions that flat targets leave free are not made.
  @Test func flatTargetsStayFinite() throws {
    var random = RandomGenerator(seed: 35)
    let flat = Tensor.concatenate(
      [random.uniform([100, 2], dtype: .float64), .zeros([100, 1], dtype: .float64)], axis: 1)
    let up = Tensor.zeros([100, 3], dtype: .float64) + Tensor([0.0, 0, 1])
    let target = PointCloud(points: flat, normals: up)
    let source = PointCloud(points: flat + Tensor([0.0, 0, 0.3]))
    let report = try IterativeClosestPoint(metric: .pointToPlane, scaled: true)
      .align(source, to: target)
    #expect(report.converged && report.errors.last! < 1e-9)
    #expect(report.transform.matrix.isFinite().all().item(as: Bool.self))
  }
}
