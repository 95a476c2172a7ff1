import LumiRendering
import LumiTensor
import Testing

@testable import LumiPoints

struct CompositorTests {
  private static let screen = ScreenSpace(width: 23, height: 17)
  static let compositors: [(name: String, rule: any PointCompositor)] = [
    ("alpha", AlphaCompositor()), ("sum", SumCompositor()),
    ("normalised", NormalizedCompositor()),
    ("normalised, high", NormalizedCompositor(leastWeight: 0.7)),
  ]
  static let rules = Array(compositors.indices)

  /// Values and derivatives of the image and the coverage with fixed weights.
  private func evaluate(
    _ scatter: Scatter, ellipses: Bool, dtype: DType,
    _ composite: (Tensor, Tensor, PointFragments) -> (Tensor, Tensor),
    distances: (PointFragments) -> Tensor
  ) throws -> [Tensor] {
    let shapes = (ellipses ? scatter.forms : scatter.radii).cast(to: dtype)
    let inputs = [scatter.positions.cast(to: dtype), shapes, scatter.features.cast(to: dtype)]
    let product = try vectorJacobianProduct(at: inputs) { inputs in
      let fragments = try PointRasterizer().fragments(
        of: ScreenPoints(
          positions: inputs[0], depths: scatter.depths.cast(to: dtype),
          footprint: ellipses
            ? .ellipses(forms: inputs[1], cutoff: 1) : .discs(radii: inputs[1]),
          screen: Self.screen), method: "points/test")
      let share = distances(fragments)
      let weights = 1 - (ellipses ? share : share / fragments.gather(inputs[1]).square())
      let (image, coverage) = composite(inputs[2], weights, fragments)
      return [image, coverage]
    }
    var random = RandomGenerator(seed: 6)
    let cotangents = product.values.map {
      random.uniform($0.shape, low: -1, dtype: .float64).cast(to: dtype)
    }
    return product.values + product.pullback(cotangents)
  }

  @Test(arguments: rules, [false, true])
  func fusedIsReadable(_ rule: Int, _ ellipses: Bool) throws {
    let compositor = Self.compositors[rule].rule
    let scatter = Scatter(70, seed: 21)
    let readable = try evaluate(scatter, ellipses: ellipses, dtype: .float64) {
      compositor.readableComposite(features: $0, weights: $1, fragments: $2)
    } distances: {
      $0.readableSquaredDistances()
    }
    for (dtype, tolerance) in [(DType.float64, 1e-12), (.float32, 1e-4)] {
      let fused = try evaluate(scatter, ellipses: ellipses, dtype: dtype) {
        compositor.composite(features: $0, weights: $1, fragments: $2)
      } distances: {
        $0.squaredDistances
      }
      for (a, b) in zip(readable, fused) {
        let scale = max(a.abs().max().value, 1)
        #expect(distance(a, b.cast(to: .float64)) < tolerance * scale)
        #expect(a.abs().max().value > 0)
      }
    }
  }

  @Test(arguments: rules)
  func gradientsAreThoseOfDifferences(_ rule: Int) throws {
    // Weights vanish at the rim, so that no fragment comes or goes with a step.
    let compositor = Self.compositors[rule].rule
    let scatter = Scatter(12, seed: 8, radius: 0.5, channels: 2)
    try checkGradients(
      at: [scatter.positions, scatter.radii, scatter.features, scatter.depths],
      names: ["positions", "radii", "features", "depths"], tolerance: 1e-5
    ) { inputs in
      let points = ScreenPoints(
        positions: inputs[0], depths: inputs[3], footprint: .discs(radii: inputs[1]),
        screen: ScreenSpace(width: 9, height: 7))
      let fragments = try PointRasterizer().fragments(of: points, method: "points/test")
      let nearness = (1 - fragments.squaredDistances / fragments.gather(inputs[1]).square())
        .square()
      let weights = nearness * nearness / fragments.depths
      let (image, coverage) = compositor.composite(
        features: inputs[2], weights: weights, fragments: fragments)
      return Tensor.concatenate([image, coverage.expandingDims(at: 2)], axis: 2)
    }
  }

  @Test func alphaOfFullWeightsHidesWhatIsBehind() throws {
    let points = ScreenPoints(
      positions: .zeros([3, 2], dtype: .float64), depths: Tensor([3.0, 1, 2]),
      footprint: .discs(radii: Tensor(9, dtype: .float64)),
      screen: ScreenSpace(width: 1, height: 1))
    let fragments = try PointRasterizer().fragments(of: points, method: "points/test")
    let features = Tensor([[1.0], [2], [4]])
    let (value, slopes) = valueAndGradient(at: [Tensor([1.0, 1, 0.5]), features]) { inputs in
      AlphaCompositor().composite(
        features: inputs[1], weights: inputs[0], fragments: fragments
      ).image.sum()
    }
    #expect(value.value == 2)
    // 2 - what would shine through if it were less opaque: 4.
    #expect(slopes[0].scalars(as: Double.self) == [-2, 0, 0])
    #expect(slopes[1].scalars(as: Double.self) == [0, 1, 0])
  }

  @Test func meansOfEqualFeaturesAreThatFeature() throws {
    let points = Scatter(40, seed: 2).discs(Self.screen)
    let fragments = try PointRasterizer().fragments(of: points, method: "points/test")
    let (image, coverage) = NormalizedCompositor().composite(
      features: .full([40, 1], 3, dtype: .float64),
      weights: .full([fragments.count], 0.2, dtype: .float64), fragments: fragments)
    let offsets = fragments.lists.map { $0.isEmpty ? 0.0 : 1 }
    #expect(distance(coverage.flattened(), Tensor(offsets)) < 1e-14)
    #expect(distance(image.flattened(), Tensor(offsets) * 3) < 1e-13)
  }

  @Test func onlyOneCotangentIsEnough() throws {
    let scatter = Scatter(30, seed: 4)
    let fragments = try PointRasterizer().fragments(
      of: scatter.discs(Self.screen), method: "points/test")
    for (_, compositor) in Self.compositors {
      let weights = Tensor.full([fragments.count], 0.3, dtype: .float64)
      let slope = gradient(at: weights) {
        compositor.composite(
          features: scatter.features, weights: $0, fragments: fragments
        ).coverage.sum()
      }
      let readable = gradient(at: weights) {
        compositor.readableComposite(
          features: scatter.features, weights: $0, fragments: fragments
        ).coverage.sum()
      }
      #expect(distance(slope, readable) < 1e-12)
    }
  }
}
