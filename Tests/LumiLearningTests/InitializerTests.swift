import LumiLearning
import LumiTensor
import Testing

@Suite struct InitializerTests {
  @Test func namesFindInitializers() throws {
    #expect(try Initializer(named: "kaiming-uniform") == .kaimingUniform())
    #expect(try Initializer(named: "siren") == .sinusoidal(omega: 30))
    let names = NamedInitializer.all.map(\.name)
    #expect(Set(names).count == names.count)
    for each in NamedInitializer.all {
      #expect(try Initializer(named: each.name) == each.initializer)
      #expect(!each.citation.isEmpty)
    }
    #expect(throws: InitializerError.unknown("Kaiming", known: names)) {
      try Initializer(named: "Kaiming")
    }
    let message = InitializerError.unknown("Kaiming", known: names).description
    #expect(message.contains("\"Kaiming\"") && message.contains("kaiming-uniform"))
  }

  /// Variances for 300 inputs and 200 outputs.
  static let variances: [(Initializer, Double)] = [
    (.xavierNormal(), 2.0 / 500), (.xavierNormal(gain: 2), 8.0 / 500),
    (.sinusoidal(omega: 10), 2.0 / 300 / 100), (.sinusoidalFirst, 1 / 3.0 / 90_000),
    (.orthogonal(gain: 3), 9.0 / 300),
  ]

  @Test(arguments: variances)
  func variancesAreThePublishedOnes(_ initializer: Initializer, _ variance: Double) {
    var random = RandomGenerator(seed: 111)
    let weights = initializer.weights(outputs: 200, inputs: 300, using: &random, dtype: .float64)
    #expect(weights.shape == [200, 300])
    #expect((weights.variance().value / variance - 1).magnitude < 0.03)
  }

  @Test func orthogonalRowsKeepLengths() {
    var random = RandomGenerator(seed: 112)
    let weights = Initializer.orthogonal().weights(
      outputs: 7, inputs: 5, using: &random, dtype: .float64)
    let x = random.normal([10, 5], dtype: .float64)
    let ratio = linear(x, weight: weights).norm(axis: 1) / x.norm(axis: 1)
    #expect((ratio - 1).abs().max().value < 1e-14)
  }
}
