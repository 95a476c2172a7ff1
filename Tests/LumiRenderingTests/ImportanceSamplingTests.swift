import LumiRendering
import LumiTensor
import Testing

@Suite struct ImportanceSamplingTests {
  private let edges = Tensor([0, 1, 3, 4] as [Double], shape: [1, 4])

  private func samples(_ weights: [Double], _ shares: [Double], padding: Double = 0) -> [Double] {
    ImportanceSampling.distances(
      edges: edges, weights: Tensor(weights, shape: [1, 3]), at: Tensor(shares), padding: padding
    ).scalars(as: Double.self)
  }

  @Test func sharesOfTheWeightArePassed() {
    // ¼ of the weight in [0, 1], ½ in [1, 3], ¼ in [3, 4].
    let found = samples([1, 2, 1], [0, 0.125, 0.25, 0.5, 0.75, 0.875, 1])
    #expect(found == [0, 0.5, 1, 2, 3, 3.5, 4])
  }

  @Test func raysWithoutWeightAreSampledEvenlyOverIntervals() {
    for weights in [[0, 0, 0], [-1, .nan, .infinity]] {
      let found = samples(weights, [0, 1 / 6, 0.5, 5 / 6, 1], padding: 1e-5)
      for (sample, place) in zip(found, [0, 0.5, 2, 3.5, 4]) { #expect(abs(sample - place) < 1e-9) }
    }
    // Without padding either, there is nothing to go by, and still no sample that is not a number.
    #expect(samples([0, 0, 0], [0, 0.5, 1]).allSatisfy { (0...4).contains($0) })
  }

  @Test func intervalsOfNextToNoWeightAreNotDivided() {
    let found = samples([1, 1e-7, 1], [0.5, 0.5 + 1e-8, 1])
    #expect(abs(found[0] - 1) < 1e-6 && abs(found[1] - 1) < 1e-6 && found[2] == 4)
  }

  @Test func manySamplesAreDistributedAsTheWeights() {
    var random = RandomGenerator(seed: 1)
    let weights = random.uniform([7, 3], dtype: .float64)
    let shares = random.uniform([7, 20_000], dtype: .float64)
    let all = edges.broadcast(to: [7, 4])
    let found = ImportanceSampling.distances(edges: all, weights: weights, at: shares)
    let wanted = weights / weights.sum(axis: 1, keepDims: true)
    for (index, range) in [(0.0, 1.0), (1, 3), (3, 4)].enumerated() {
      let inside = ((found .>= range.0) .&& (found .< range.1)).cast(to: .float64).mean(axis: 1)
      let expected = wanted.slice(axis: 1, from: index, to: index + 1).squeezed(axis: 1)
      // Four standard deviations of a share of 20,000 samples.
      #expect((inside - expected).abs().max().value < 0.015)
    }
  }

  @Test func samplesAreConstantsAndMergedOnesAreNot() throws {
    let weights = Tensor([1, 2, 1] as [Double], shape: [1, 3])
    let slope = gradient(at: weights) {
      ImportanceSampling.distances(edges: edges, weights: $0, at: Tensor([0.3])).sum()
        + ($0 * 0).sum()
    }
    #expect(slope.abs().max().value == 0)
    try checkGradients(at: [edges]) {
      ImportanceSampling.merged($0[0], Tensor([0.5, 3.5] as [Double], shape: [1, 2]))
    }
  }

  @Test func noBitDependsOnThreadsAndFloatFollowsDouble() {
    var random = RandomGenerator(seed: 2)
    let steps = random.uniform([500, 65], dtype: .float64)
    let edges = steps.cumsum(axis: 1)
    let weights = random.uniform([500, 64], dtype: .float64).square().square()
    let shares = Tensor.linspace(0, 1, 128, dtype: .float64)
    func run() -> Tensor {
      ImportanceSampling.distances(edges: edges, weights: weights, at: shares)
    }
    let one = LumiRuntime.withThreads(1) { run() }
    #expect(one.scalars(as: Double.self) == run().scalars(as: Double.self))
    let single = ImportanceSampling.distances(
      edges: edges.cast(to: .float32), weights: weights.cast(to: .float32),
      at: shares.cast(to: .float32))
    #expect((single.cast(to: .float64) - one).abs().max().value < 1e-3)
    // Shares in order give samples in order.
    let ahead = one.slice(axis: 1, from: 1, to: 128) - one.slice(axis: 1, from: 0, to: 127)
    #expect(ahead.min().value >= 0)
  }
}
