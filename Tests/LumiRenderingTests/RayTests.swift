import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import Testing

func rays(_ origins: [SIMD3<Double>], _ directions: [SIMD3<Double>]) -> CameraRays {
  func tensor(_ v: [SIMD3<Double>]) -> Tensor {
    Tensor(v.flatMap { [$0.x, $0.y, $0.z] }, shape: [v.count, 3])
  }
  return CameraRays(origins: tensor(origins), directions: tensor(directions))
}

struct RayIntervalTests {
  static let lower = Tensor([-1.0, -2, 0])
  static let upper = Tensor([1.0, 2, 3])

  static func interval(_ rays: CameraRays) -> RayInterval {
    RayInterval(of: rays, inBoxFrom: lower, to: upper)
  }

  @Test func boxesAreMetWhereTheyAre() {
    let found = Self.interval(
      rays(
        [[-3, 0, 1], [0, 0, 1], [0, 0, -2], [0, 0, 9], [-3, 0, 1]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 2], [0, 0, 1], [1, 1, 0]]))
    #expect(found.near.scalars(as: Double.self).prefix(3) == [2, -2, 1])
    #expect(found.far.scalars(as: Double.self).prefix(3) == [4, 2, 2.5])
    // The fourth is behind the ray, the fifth is passed.
    #expect(found.isHit.scalars(as: Bool.self) == [true, true, true, false, false])
  }

  /// Parallel to a side: inside of the half-open side, on it, or nowhere.
  @Test func parallelRays() {
    let found = Self.interval(
      rays(
        [[-3, -2, 1], [-3, 2, 1], [-3, 5, 1], [-3, 0, 0], [0, 0, 0]],
        [[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]))
    #expect(found.isHit.scalars(as: Bool.self) == [true, false, false, true, true])
    #expect(found.near.isAllFinite && found.far.isAllFinite)
  }

  @Test func derivativesAgreeWithDifferences() throws {
    let some = rays(
      [[-3, 0.2, 1], [0.1, 0.3, -2], [4, 3, 2]], [[1, 0.1, 0.05], [0, 0.1, 2], [-1, -0.7, -0.2]])
    try checkGradients(
      at: [some.origins, some.directions, Self.lower, Self.upper], tolerance: 1e-7
    ) { x in
      let found = RayInterval(
        of: CameraRays(origins: x[0], directions: x[1]), inBoxFrom: x[2], to: x[3])
      return .concatenate([found.near * 2, found.far])
    }
  }

  @Test func cameraDepthsBoundRays() {
    let camera = Camera.perspective(
      from: [0, 0, 4], verticalFieldOfView: 1, width: 5, height: 3, near: 0.5, far: 7,
      dtype: .float64)
    let pixels = PixelRays(of: camera)
    for (distances, depth) in [(pixels.visible.near, 0.5), (pixels.visible.far, 7.0)] {
      let points = pixels.rays.origins + pixels.rays.directions * distances.expandingDims(at: 1)
      for z in camera.cameraPoints(points).scalars(as: Double.self).enumerated()
      where z.offset % 3 == 2 {
        #expect(abs(z.element - depth) < 1e-12)
      }
    }
  }
}

struct RaySamplesTests {
  static let some = rays([[0, 0, 0], [0, 0, 0]], [[1, 0, 0], [0, 0.6, 0.8]])
  static let interval = RayInterval(near: Tensor([-1.0, 5]), far: Tensor([2.0, 4]))

  @Test func piecesAreEqualAndBeginAtTheOrigin() {
    let samples = RaySamples(along: Self.some, in: Self.interval, count: 4)
    #expect(samples.distances[0].scalars(as: Double.self) == [0.25, 0.75, 1.25, 1.75])
    #expect(samples.lengths[0].scalars(as: Double.self) == [0.5, 0.5, 0.5, 0.5])
    #expect(samples.positions[0, 1].scalars(as: Double.self) == [0.75, 0, 0])
    // The second ray has no interval.
    #expect(samples.lengths[1].scalars(as: Double.self) == [0, 0, 0, 0])
    #expect(samples.positions.isAllFinite)
  }

  @Test func offsetsMoveSamplesWithinPieces() {
    let offsets = Tensor([0.0, 1, 0.5, 0.25, 0, 0, 0, 0], shape: [2, 4])
    let samples = RaySamples(along: Self.some, in: Self.interval, count: 4, offsets: offsets)
    #expect(samples.distances[0].scalars(as: Double.self) == [0, 1, 1.25, 1.625])
  }
}

struct RayAggregationTests {
  static let operators: [(name: String, value: any RayAggregation)] = [
    ("maximum", MaximumAggregation()), ("termination", TerminationAggregation()),
    ("emission-absorption", EmissionAbsorption()), ("saturating", SaturatingAlpha()),
    ("level", LevelSetAggregation(level: 0.5)),
  ]
  static let values = Tensor([0.9, 0.3, 0.7, 0.2, 0.6, 0.8, 0.95, 0.75], shape: [2, 4])
  static let lengths = Tensor([0.3, 0.1, 0.2, 0.3, 0.4, 0.2, 0.1, 0.25], shape: [2, 4])

  @Test(arguments: operators.map(\.name))
  func weightsAndRemainderAddUpToOne(_ name: String) {
    let some = Self.operators.first { $0.name == name }!.value
    let weights = some.weights(of: Self.values, lengths: Self.lengths)
    let total = weights.samples.sum(axis: 1) + weights.remainder
    for sum in total.scalars(as: Double.self) { #expect(abs(sum - 1) < 1e-14) }
    #expect(weights.samples.scalars(as: Double.self).allSatisfy { $0 >= 0 })
  }

  @Test(arguments: operators.map(\.name))
  func derivativesAgreeWithDifferences(_ name: String) throws {
    let some = Self.operators.first { $0.name == name }!.value
    let colors = Tensor.arange(24, dtype: .float64).reshaped([2, 4, 3]).sin()
    try checkGradients(at: [Self.values, Self.lengths, colors]) { x in
      some.weights(of: x[0], lengths: x[1])
        .composite(x[2], background: Tensor([0.3, 0.1, 0.7]))
    }
  }

  static func weights(_ some: any RayAggregation, _ values: [Double], _ lengths: [Double]? = nil)
    -> (samples: [Double], remainder: Double)
  {
    let found = some.weights(
      of: Tensor(values, shape: [1, values.count]),
      lengths: Tensor(lengths ?? values.map { _ in 1 }, shape: [1, values.count]))
    return (found.samples.scalars(as: Double.self), found.remainder.value)
  }

  @Test func theFirstOfTheLargestCounts() {
    let found = Self.weights(MaximumAggregation(), [0.2, 0.7, 0.7, 0.1])
    #expect(found.samples == [0, 0.7, 0, 0])
    #expect(abs(found.remainder - 0.3) < 1e-15)
  }

  @Test func certainCellsStopRays() throws {
    let found = Self.weights(TerminationAggregation(), [0, 0.5, 1, 0.5])
    #expect(found.samples == [0, 0.5, 0.5, 0])
    #expect(found.remainder == 0)
    try checkGradients(at: [Tensor([0, 1, 1, 0.5], shape: [1, 4])]) { x in
      let weights = TerminationAggregation().weights(of: x[0], lengths: x[0])
      return .concatenate([weights.samples.flattened(), weights.remainder])
    }
  }

  @Test func homogeneousMediumIsExactWithAnyNumberOfSamples() {
    for count in [1, 7] {
      let found = Self.weights(
        EmissionAbsorption(), .init(repeating: 1.7, count: count),
        .init(repeating: 2 / Double(count), count: count))
      #expect(abs(found.remainder - exp(-3.4)) < 1e-15)
    }
  }

  @Test func opacityAddsUpAndStops() {
    let found = Self.weights(SaturatingAlpha(), [0.5, -3, 1, 2], [1, 1, 0.25, 1])
    #expect(found.samples == [0.5, 0, 0.25, 0.25])
    #expect(found.remainder == 0)
    let slope = gradient(at: Tensor([0.5, 1, 9], shape: [1, 3])) { x in
      SaturatingAlpha().weights(of: x, lengths: .ones(like: x)).composite(
        Tensor([1.0, 2, 4], shape: [1, 3]), background: 0
      ).sum()
    }
    // The second sample saturates: its colour replaces nothing but what the first leaves.
    #expect(slope.scalars(as: Double.self) == [-1, 0, 0])
  }

  @Test func levelIsFoundBetweenSamples() {
    let level = LevelSetAggregation()
    let found = Self.weights(level, [3, 1, -1, -5, 2])
    #expect(found.samples == [0, 0.5, 0.5, 0, 0])
    #expect(Self.weights(level, [-1, 2, -3]).samples == [1, 0, 0])
    let none = Self.weights(level, [1, 0, 2])
    #expect(none.samples == [0, 0, 0] && none.remainder == 1)
    // Linear distances give the exact crossing.
    let distances = Tensor([0.5, 1.5, 2.5], shape: [1, 3])
    let hit = level.weights(of: 1.9 - distances, lengths: distances)
      .composite(distances, background: 0)
    #expect(abs(hit.value - 1.9) < 1e-15)
  }
}
