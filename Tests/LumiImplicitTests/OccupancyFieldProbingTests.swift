import Foundation
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

@testable import LumiImplicit

/// Anchors, rays, maxima and losses.
struct OccupancyFieldProbingTests {
  /// A field with a known logit everywhere: large near the origin.
  private static let ball = SphereField(radius: 0.5, dtype: .float64)

  private static func network(seed: UInt64 = 3) -> NeuralField {
    NeuralField(
      .occupancyLogit, encoding: PositionalEncoding(frequencies: 1),
      trunk: MultilayerPerceptron(
        widths: [9, 12, 1], activation: .tanh, seed: seed, dtype: .float64), dtype: .float64)
  }

  private static func rays(_ origins: [[Double]], _ directions: [[Double]]) -> CameraRays {
    CameraRays(origins: Tensor(origins), directions: Tensor(directions))
  }

  private static func lists(_ table: ProbingTable) -> [[Int32]] {
    let all = table.anchors.scalars(as: Int32.self)
    return zip(table.offsets, table.offsets.dropFirst()).map { Array(all[$0..<$1]) }
  }

  private static func randomRays(_ count: Int, _ random: inout RandomGenerator) -> CameraRays {
    let directions = random.normal([count, 3], dtype: .float64).unitVectors()
    return CameraRays(
      origins: random.uniform([count, 3], low: -0.4, high: 0.4, dtype: .float64) - directions * 3,
      directions: directions)
  }

  // MARK: The table

  @Test func theLargerOfTwoCountsAndHasTheGradient() throws {
    let anchors = Tensor([[0.0, 0, 0], [0.01, 0, 1], [0, 0.02, 2]])
    let table = ProbingTable(
      of: Self.rays([[0, 0, -1]], [[0, 0, 2]]), anchors: anchors, radius: 0.05)
    #expect(Self.lists(table) == [[0, 1, 2]])
    let values = Tensor([0.3, 0.9, -0.2])
    let found = table.maximum(of: values)
    #expect(found.values.value == 0.9 && found.anchors.scalars(as: Int64.self) == [1])
    let slope = gradient(at: values) { table.maximum(of: $0).values.sum() }
    #expect(slope.scalars(as: Double.self) == [0, 1, 0])
    // Of equal ones the first, in whatever order they come.
    let tied = gradient(at: Tensor([0.9, -1, 0.9])) { table.maximum(of: $0).values.sum() }
    #expect(tied.scalars(as: Double.self) == [1, 0, 0])
  }

  @Test func ballsEndAtTheirRadiusAndBehindTheOrigin() {
    let anchors = Tensor([[0.05, 0, 1], [0.0501, 0, 1], [0, 0, -0.5], [0, 0, 0]])
    let forth = Self.rays([[0, 0, 0], [0, 0, 0]], [[0, 0, 1], [0, 0, -3]])
    let table = ProbingTable(of: forth, anchors: anchors, radius: 0.05)
    // The fourth anchor is at the origin itself, t = 0.
    #expect(Self.lists(table) == [[0], [2]])
    let found = table.maximum(of: Tensor([-1.0, 5, 2, 9]))
    #expect(found.values.scalars(as: Double.self) == [-1, 2])
  }

  @Test func raysWithoutAnchorsHaveNoLoss() throws {
    let table = ProbingTable(
      of: Self.rays([[0, 0, -1], [5, 0, -1]], [[0, 0, 1], [0, 0, 1]]),
      anchors: Tensor([[0.0, 0, 0]]),
      radius: 0.1)
    let found = table.maximum(of: Tensor([0.4]))
    #expect(found.isProbed.scalars(as: Bool.self) == [true, false])
    let p = 1 / (1 + exp(-0.4))
    let squared = found.silhouetteLoss(Tensor([1.0, 1]))
    #expect(abs(squared.value - (p - 1) * (p - 1)) < 1e-15)
    let entropy = found.silhouetteLoss(Tensor([0.0, 1]), measure: .crossEntropy)
    #expect(abs(entropy.value + log(1 - p)) < 1e-15)
    // Nothing probed at all: no loss, no gradient that is not a number.
    let empty = ProbingTable(offsets: [0, 0], anchors: Tensor([Int32]()))
    let (value, slope) = valueAndGradient(at: Tensor([0.4])) {
      empty.maximum(of: $0).silhouetteLoss(Tensor([1.0]))
    }
    #expect(value.value == 0 && slope.value == 0)
    #expect(empty.maximum(of: .zeros([0], dtype: .float64)).values.value == 0)
  }

  @Test func saturatedFieldsLearnByCrossEntropyOnly() {
    let table = ProbingTable(offsets: [0, 1], anchors: Tensor([Int32(0)]))
    func slope(_ measure: ProbedMaximum.Measure) -> Double {
      gradient(at: Tensor([60.0])) {
        table.maximum(of: $0).silhouetteLoss(Tensor([0.0]), measure: measure)
      }.value
    }
    #expect(slope(.squared) < 1e-20 && abs(slope(.crossEntropy) - 1) < 1e-12)
  }

  /// Sampled coverage of a sphere becomes the disc, at most a ball's radius larger.
  @Test func silhouettesOfASphereConverge() throws {
    var random = RandomGenerator(seed: 5)
    let rays = Self.randomRays(400, &random)
    let apart =
      rays.origins - rays.directions * (rays.origins * rays.directions).sum(axis: 1, keepDims: true)
    let distance = apart.norm(axis: 1).scalars(as: Double.self)
    var wrong: [Int] = []
    for (count, radius) in [(80, 0.3), (2000, 0.09), (60_000, 0.03)] {
      let anchors = AnchorSampling.evenly(count, in: .ball(radius: 1), dtype: .float64)
      let logits = Self.ball.occupancyLogits(at: anchors, softness: 1e-3)
      let found = ProbingTable(of: rays, anchors: anchors, radius: radius).maximum(of: logits)
      let covered = found.values.scalars(as: Double.self).map { $0 > 0 }
      for (ray, isCovered) in covered.enumerated() {
        // No point inside is nearer to the ray than its ball; deep inside there is one.
        if distance[ray] > 0.5 + radius { #expect(!isCovered) }
        if distance[ray] < 0.5 - 1.5 * radius { #expect(isCovered) }
      }
      wrong.append(covered.indices.count { covered[$0] != (distance[$0] < 0.5) })
    }
    #expect(wrong[0] > 2 * wrong[2] && wrong[2] <= 12, "\(wrong)")
  }

  @Test func lossHasItsDerivatives() throws {
    var random = RandomGenerator(seed: 6)
    let rays = Self.randomRays(40, &random)
    let anchors = random.uniform([80, 3], low: -0.5, high: 0.5, dtype: .float64)
    let silhouette = random.integers([40], below: 2).cast(to: .float64)
    let table = ProbingTable(of: rays, anchors: anchors, radius: 0.15)
    let field = Self.network()
    let names = field.parameters.map(\.path)
    for measure in ProbedMaximum.Measure.allCases {
      try checkGradients(at: field.parameters.map(\.value), names: names) { values in
        let moved = try field.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
        return table.maximum(of: moved.occupancyLogits(at: anchors))
          .silhouetteLoss(silhouette, measure: measure)
      }
    }
  }

  @Test func orderOfAnchorsDoesNotMatter() {
    var random = RandomGenerator(seed: 7)
    let rays = Self.randomRays(50, &random)
    let anchors = random.uniform([300, 3], low: -0.5, high: 0.5, dtype: .float64)
    let order = random.permutation(300)
    func values(_ anchors: Tensor) -> [UInt64] {
      ProbingTable(of: rays, anchors: anchors, radius: 0.1)
        .maximum(of: Self.network().occupancyLogits(at: anchors)).values.bits
    }
    #expect(values(anchors) == values(anchors.gather(order)))
  }

  /// With anchors on a ray, probing is the maximum along it.
  @Test func anchorsOnRaysGiveTheDenseMaximum() throws {
    var random = RandomGenerator(seed: 8)
    let rays = Self.randomRays(30, &random)
    let samples = RaySamples(
      along: rays, in: RayInterval(of: rays, in: .ball(radius: 1)), count: 16)
    let dense = MaximumAggregation().weights(
      of: Self.network().occupancyLogits(at: samples.positions.reshaped([-1, 3])).sigmoid()
        .reshaped([30, 16]), lengths: samples.lengths)
    for ray in 0..<30 {
      let one = CameraRays(
        origins: rays.origins[ray..<ray + 1], directions: rays.directions[ray..<ray + 1])
      let anchors = samples.positions[ray]
      let found = ProbingTable(of: one, anchors: anchors, radius: 1e-9)
        .maximum(of: Self.network().occupancyLogits(at: anchors))
      #expect(abs(found.values.sigmoid().value - (1 - dense.remainder[ray].value)) < 1e-12)
    }
  }

  // MARK: Samples

  @Test func anchorsGatherWhereTheFieldIsUndecided() {
    let field = Self.ball
    for bounds in [
      FieldBounds.ball(centre: [0.1, 0, 0], radius: 1),
      .box(lower: [-1, -1, -1], upper: [1, 1, 2]),
    ] {
      var random = RandomGenerator(seed: 9)
      let sampling = AnchorSampling(count: 600, boundaryShare: 0.5, candidates: 80)
      let anchors = sampling.anchors(of: field, in: bounds, softness: 0.05, using: &random)
      #expect(anchors.shape == [600, 3])
      let distance = field.values(at: anchors).abs()
      let isNear = (distance .< 0.15).cast(to: .float64)
      #expect(isNear[0..<300].mean().value > 0.75 && isNear[300..<600].mean().value < 0.4)
      let (lower, upper) = bounds.box
      #expect(
        ((anchors .>= Tensor(lower, dtype: .float64))
          .&& (anchors .<= Tensor(upper, dtype: .float64))).all().item(as: Bool.self))
      var again = RandomGenerator(seed: 9)
      #expect(
        sampling.anchors(of: field, in: bounds, softness: 0.05, using: &again).bits == anchors.bits)
      // A field that is certain everywhere leaves uniform anchors alone.
      let certain = SphereField(radius: 100, dtype: .float64)
      let uniform = sampling.anchors(of: certain, in: bounds, softness: 0.01, using: &random)
      #expect(uniform.shape == [600, 3])
    }
  }

  @Test func evenAnchorsFillTheirBounds() {
    let anchors = AnchorSampling.evenly(
      4000, in: .box(lower: [0, 0, 0], upper: [2, 2, 2]), dtype: .float64)
    // Eight octants, four thousand points: random ones would differ by about 22.
    let octants = (anchors .> 1).cast(to: .float64).matmul(Tensor([[1.0], [2], [4]]))
      .scalars(as: Double.self)
    for octant in 0..<8 { #expect(abs(octants.count { $0 == Double(octant) } - 500) < 5) }
    let inBall = AnchorSampling.evenly(500, in: .ball(radius: 0.7), dtype: .float64).norm(axis: 1)
    #expect(inBall.max().value <= 0.7 && abs(inBall.pow(3).mean().value / 0.343 - 0.5) < 0.01)
  }

  private static func silhouettes(edgeBlur: Int = 1) throws -> ProbedSilhouettes {
    let cameras = [SIMD3(0.0, 0, 3), [2.5, 1, 0.4]].map {
      Camera.perspective(
        from: $0, verticalFieldOfView: 0.5, width: 14, height: 12, dtype: .float64)
    }
    let masks = try cameras.map {
      try OccupancyFieldProbing(softness: 0.01, channels: [.alpha]).render(
        Scene(ImplicitShape(ball)), from: $0)[.alpha]
    }
    return try ProbedSilhouettes(cameras: cameras, masks: masks, edgeBlur: edgeBlur)
  }

  @Test func raysAreMostlyNearOutlines() throws {
    var random = RandomGenerator(seed: 10)
    let silhouettes = try Self.silhouettes()
    func distances(_ share: Double) -> Tensor {
      let batch = silhouettes.batch(2000, edgeShare: share, using: &random)
      let rays = batch.rays
      let along = (rays.origins * rays.directions).sum(axis: 1, keepDims: true)
      let distance = (rays.origins - along * rays.directions).norm(axis: 1)
      // Rays and silhouettes belong together.
      let isInside = (distance .< 0.5).cast(to: .float64)
      #expect((isInside - batch.silhouette).abs().mean().value < 0.02)
      #expect(Set(batch.views) == [0, 1])
      return (distance - 0.5).abs()
    }
    // Pixels are 0.13 wide in the middle of the scene; two rows and two columns are 0.36.
    #expect(distances(1).max().value < 0.37)
    #expect(distances(0).max().value > 0.45)
    #expect(distances(0.9).mean().value < 0.7 * distances(0).mean().value)
  }

  /// Against every ray of every pixel.
  @Test func contradictionsAreWhatTheRuleSays() throws {
    let silhouettes = try Self.silhouettes()
    var random = RandomGenerator(seed: 11)
    let anchors = AnchorSampling.uniform(
      150, in: .ball(radius: 0.8), dtype: .float64, using: &random)
    let all = silhouettes.batch(pixels: Array(0..<silhouettes.pixelCount))
    let isObject = all.silhouette.scalars(as: Double.self).map { $0 == 1 }
    for radius in [0.02, 0.06, 0.2] {
      let whole = Self.lists(
        silhouettes.table(
          of: all, anchors: anchors, radius: radius, assignment: .everyRay))
      let aware = Self.lists(
        silhouettes.table(of: all, anchors: anchors, radius: radius, assignment: .objectFirst))
      var taken = [Set<Int32>](repeating: [], count: 2)
      for ray in whole.indices where isObject[ray] { taken[all.views[ray]].formUnion(whole[ray]) }
      for ray in whole.indices {
        let expected =
          isObject[ray] ? whole[ray] : whole[ray].filter { !taken[all.views[ray]].contains($0) }
        #expect(aware[ray] == expected)
      }
      #expect(aware != whole || radius == 0.02)
    }
  }

  /// Against the silhouette itself, asked at the anchors' own places.
  @Test func anchorsGoWithTheirOwnPixel() throws {
    let silhouettes = try Self.silhouettes()
    var random = RandomGenerator(seed: 18)
    let anchors = AnchorSampling.uniform(
      150, in: .ball(radius: 0.8), dtype: .float64, using: &random)
    let all = silhouettes.batch(pixels: Array(0..<silhouettes.pixelCount))
    let isObject = all.silhouette.scalars(as: Double.self).map { $0 == 1 }
    let whole = Self.lists(
      silhouettes.table(of: all, anchors: anchors, radius: 0.1, assignment: .everyRay))
    let own = Self.lists(silhouettes.table(of: all, anchors: anchors, radius: 0.1))
    // A ray through an anchor's own pixel is at most half a pixel's diagonal away.
    let narrow = Self.lists(
      silhouettes.table(of: all, anchors: anchors, radius: 0.12, assignment: .everyRay))
    for view in 0..<2 {
      let rays = whole.indices.filter { all.views[$0] == view }
      for anchor in Int32(0)..<150 {
        let kinds = Set(rays.filter { own[$0].contains(anchor) }.map { isObject[$0] })
        // No anchor hears both.
        #expect(kinds.count <= 1)
        let heard = Set(rays.filter { narrow[$0].contains(anchor) }.map { isObject[$0] })
        #expect(kinds.isSubset(of: heard))
        if heard.count == 1 && rays.contains(where: { whole[$0].contains(anchor) }) {
          #expect(kinds == heard)
        }
      }
    }
    for ray in whole.indices { #expect(Set(own[ray]).isSubset(of: whole[ray])) }
    #expect(own != whole)
  }

  @Test func silhouettesWithoutOutlinesWork() throws {
    let camera = Camera.perspective(from: [0, 0, 3], verticalFieldOfView: 0.5, width: 3, height: 2)
    var random = RandomGenerator(seed: 12)
    for value in [0.0, 1] {
      let silhouettes = try ProbedSilhouettes(
        cameras: [camera], masks: [.full([2, 3], value)])
      let batch = silhouettes.batch(50, edgeShare: 1, using: &random)
      #expect(batch.silhouette.mean().value == value)
      let table = silhouettes.table(of: batch, anchors: .zeros([4, 3]), radius: 1)
      #expect(table.offsets.last == 200)
    }
  }

  @Test func wrongSilhouettesThrow() {
    let camera = Camera.perspective(from: [0, 0, 3], verticalFieldOfView: 0.5, width: 3, height: 2)
    func field(_ cameras: [Camera], _ masks: [Tensor], blur: Int = 3) -> String? {
      let error = #expect(throws: SceneError.self) {
        try ProbedSilhouettes(cameras: cameras, masks: masks, edgeBlur: blur)
      }
      return error?.field
    }
    #expect(field([], []) == "cameras")
    #expect(field([camera], []) == "masks")
    #expect(field([camera, camera], [.zeros([2, 3]), .zeros([3, 2])]) == "masks.1")
    #expect(field([camera], [.zeros([2, 3])], blur: -1) == "edgeBlur")
    let other = camera.mapParameters { $1.cast(to: .float64) }
    #expect(field([camera, other], [.zeros([2, 3]), .zeros([2, 3])]) == "cameras.1")
  }

  // MARK: Normals

  @Test func flatSurfacesCostNothingAndRoundOnesDo() throws {
    var random = RandomGenerator(seed: 13)
    let directions = random.normal([20, 3], dtype: .float64).unitVectors()
    let offsets = random.normal([6, 3], deviation: 0.02, dtype: .float64)
    func cost(_ radius: Double) -> Double {
      OccupancyFieldProbing.normalConsistency(
        of: SphereField(radius: radius, dtype: .float64), at: directions * radius,
        offsets: offsets, settings: .init(softness: 0.1)
      ).value
    }
    // A sphere of radius r turns by |e|/r.
    #expect(cost(0.25) > 2 * cost(1) && cost(1) > 0.05 && cost(1e5) < 1e-3)
    // Away from the surface nothing counts.
    let far = OccupancyFieldProbing.normalConsistency(
      of: SphereField(radius: 0.25, dtype: .float64), at: directions * 2, offsets: offsets,
      settings: .init(softness: 0.1))
    #expect(far.value < 0.1 * cost(0.25))
    let nothing = OccupancyFieldProbing.normalConsistency(
      of: Self.ball, at: .zeros([0, 3], dtype: .float64), offsets: offsets)
    #expect(nothing.value == 0)
  }

  @Test func normalsHaveDerivativesAlsoWhereAFieldIsFlat() throws {
    var random = RandomGenerator(seed: 14)
    let points = random.uniform([3, 3], low: -0.5, high: 0.5, dtype: .float64)
    let offsets = random.normal([2, 3], deviation: 0.03, dtype: .float64)
    let field = Self.network(seed: 15)
    let names = field.parameters.map(\.path)
    try checkGradients(at: field.parameters.map(\.value), names: names, tolerance: 1e-5) {
      let moved = try field.replacing(Dictionary(uniqueKeysWithValues: zip(names, $0)))
      return OccupancyFieldProbing.normalConsistency(of: moved, at: points, offsets: offsets)
    }
    let flat = field.mapParameters { $1 * 0 }
    let slopes = try valueAndGradient(of: flat) {
      OccupancyFieldProbing.normalConsistency(of: $0, at: points, offsets: offsets)
    }.gradients
    #expect(slopes.values.allSatisfy { $0.isAllFinite })
  }

  // MARK: Learning

  /// A ball from four small silhouettes.
  @Test func aFieldLearnsFromSilhouettes() throws {
    let cameras = [SIMD3(0.0, 0, 3), [3, 0, 0], [0, 2.5, 1.5], [-2, -1, 2]].map {
      Camera.perspective(from: $0, verticalFieldOfView: 0.6, width: 16, height: 16)
    }
    let truth = ImplicitShape(SphereField(centre: [0.2, 0, 0], radius: 0.5))
    let probing = OccupancyFieldProbing(channels: [.alpha])
    let masks = try cameras.map { try probing.render(Scene(truth), from: $0)[.alpha] }
    let silhouettes = try ProbedSilhouettes(cameras: cameras, masks: masks)
    func trained() throws -> NeuralField {
      var field = NeuralField(
        .occupancyLogit, encoding: PositionalEncoding(frequencies: 2),
        trunk: MultilayerPerceptron(widths: [15, 32, 32, 1], seed: 16))
      var random = RandomGenerator(seed: 17)
      var adam = Adam(learningRate: 5e-3)
      for _ in 0..<120 {
        let anchors = AnchorSampling(count: 1000).anchors(
          of: field, in: truth.bounds, using: &random)
        let batch = silhouettes.batch(400, using: &random)
        let table = silhouettes.table(of: batch, anchors: anchors, radius: 0.1)
        let slopes = try valueAndGradient(of: field) {
          table.maximum(of: $0.occupancyLogits(at: anchors))
            .silhouetteLoss(batch.silhouette, measure: .crossEntropy)
        }.gradients
        try adam.update(&field, gradients: slopes)
      }
      return field
    }
    let field = try trained()
    for (camera, mask) in zip(cameras, masks) {
      let alpha = try probing.render(Scene(ImplicitShape(field)), from: camera)[.alpha]
      let overlap = hardIntersectionOverUnion(alpha, mask).value
      #expect(overlap > 0.8, "\(overlap)")
    }
    let again = try trained()
    #expect(zip(field.parameters, again.parameters).allSatisfy { $0.value.bits == $1.value.bits })
  }
}
