import Foundation
import LumiLearning
import LumiTensor
import Testing

@Suite struct FourierFeatureTests {
  @Test func valuesByHand() {
    var encoding = FourierFeatures(inputs: 2, features: 4, deviation: 1, seed: 91, dtype: .float64)
    encoding.frequencies = Tensor([1.0, 0, 0.25, 2], shape: [2, 2])
    let value = encoding(Tensor([0.5, 0.125]))
    let phases = [Double.pi, 2 * Double.pi * 0.375]
    let expected = Tensor(phases.map { cos($0) } + phases.map { sin($0) })
    #expect(value.relativeDistance(to: expected) < 1e-15)
  }

  /// The kernel of the features is that of a normal distribution: e^(-2 π² σ² |x - y|²).
  @Test func productsApproximateTheKernel() {
    let encoding = FourierFeatures(
      inputs: 3, features: 20_000, deviation: 0.7, seed: 92, dtype: .float64)
    let x = encoding(Tensor([0.1, 0.2, 0.3, 0.15, 0.1, 0.4], shape: [2, 3]))
    let product = (x[0] * x[1]).sum().value / 10_000
    let squared = 0.05 * 0.05 + 0.1 * 0.1 + 0.1 * 0.1
    #expect((product - exp(-2 * .pi * .pi * 0.49 * squared)).magnitude < 0.02)
  }

  @Test func frequenciesAreABuffer() throws {
    let encoding = FourierFeatures(inputs: 2, features: 6, deviation: 3, seed: 93, dtype: .float64)
    #expect(encoding.parameters.isEmpty)
    #expect(encoding.state.keys.sorted() == ["frequencies"])
    var random = RandomGenerator(seed: 94)
    try checkGradients(at: [random.normal([3, 2], dtype: .float64)]) { encoding($0[0]) }
  }
}

@Suite struct AnnealedEncodingTests {
  @Test func openWindowIsThePositionalEncoding() {
    var random = RandomGenerator(seed: 95)
    let x = random.normal([4, 3], dtype: .float64)
    let open = annealedEncoding(x, octaveWeights: [1, 1, 1], scale: 1)
    #expect(open.relativeDistance(to: positionalEncoding(x, frequencies: 3)) < 1e-15)
    #expect(annealedEncoding(x, octaveWeights: [1, 1]).shape == [4, 15])
    let scaled = annealedEncoding(x, octaveWeights: [0.5])
    #expect(scaled[.all, 3..<6].relativeDistance(to: (x * Double.pi).sin() / 2) < 1e-15)
  }

  @Test func windowOpensOctaveByOctave() {
    #expect(octaveWindow(frequencies: 4, progress: 0) == [0, 0, 0, 0])
    #expect(octaveWindow(frequencies: 4, progress: 1) == [1, 1, 1, 1])
    let half = octaveWindow(frequencies: 4, progress: 0.625)
    for (a, b) in zip(half, [1, 1, 0.5, 0]) { #expect((a - b).magnitude < 1e-15) }
  }
}

@Suite struct SinusoidalNetworkTests {
  @Test func weightsHaveThePublishedBounds() {
    let network = MultilayerPerceptron.sinusoidal(widths: [2, 256, 256, 1], seed: 96)
    let bounds = [0.5, (6.0 / 256).squareRoot() / 30, (6.0 / 256).squareRoot() / 30]
    for (layer, bound) in zip(network.layers, bounds) {
      let largest = layer.weight.abs().max().value
      #expect(largest <= bound * (1 + 1e-6) && largest > 0.97 * bound)
    }
    #expect(
      network.layers.map(\.activation) == [.sine(omega: 30), .sine(omega: 30), .none])
  }

  /// The paper's theorem: activations keep an arcsine distribution, of variance 1/2, at any depth.
  @Test func activationsKeepTheirVariance() {
    let network = MultilayerPerceptron.sinusoidal(
      widths: [2] + [Int](repeating: 256, count: 6) + [1], seed: 97)
    var random = RandomGenerator(seed: 98)
    var value = random.uniform([2000, 2], low: -1, high: 1)
    for layer in network.layers.dropLast() {
      value = layer(value)
      #expect((value.variance().value - 0.5).magnitude < 0.05)
    }
  }

  @Test func secondDerivativesMatchDifferences() throws {
    let network = MultilayerPerceptron.sinusoidal(
      widths: [2, 5, 1], firstOmega: 3, omega: 3, seed: 99, dtype: .float64)
    var random = RandomGenerator(seed: 100)
    try checkGradients(at: [random.normal([3, 2], dtype: .float64)]) { outer in
      gradient(at: outer[0]) { network($0).sum() }
    }
  }
}
