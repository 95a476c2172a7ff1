import LumiImplicit
import LumiLearning
import LumiScene
import LumiTensor
import Testing

/// A neural field on fused kernels against the tape.
@Suite struct FusedFieldTests {
  private static func field(_ quantity: FieldQuantity) -> NeuralField {
    let encoding = PositionalEncoding(frequencies: 3)
    var trunk = MultilayerPerceptron.sphere(
      inputs: encoding.outputs(inputs: 3), hidden: [30, 40, 30], outputs: 4, skips: [2], beta: 20,
      seed: 3)
    // Away from the start, at which sines and cosines do not count.
    var random = RandomGenerator(seed: 4)
    trunk = trunk.mapParameters { $1 + 0.05 * random.normal($1.shape) }
    return NeuralField(quantity, encoding: encoding, trunk: trunk)
  }

  private static func points(_ count: Int) -> Tensor {
    var random = RandomGenerator(seed: 1)
    return random.uniform([count, 3], low: -1)
  }

  /// The samples, and the derivatives of a loss of values, features and gradients by points and
  /// parameters.
  private static func evaluate(
    _ field: NeuralField, _ points: Tensor, _ samples: (NeuralField, Tensor) -> FieldSamples
  ) throws -> [Tensor] {
    var found: FieldSamples?
    let names = field.parameters.map(\.path)
    let slopes = try gradient(at: [points] + field.parameters.map(\.value)) { inputs in
      let named = Dictionary(uniqueKeysWithValues: zip(names, inputs.dropFirst()))
      let result = samples(try field.replacing(named), inputs[0])
      found = result
      let eikonal = (result.gradients!.norm(axis: 1) - 1).square().mean()
      return eikonal + result.values.abs().mean() + result.features!.square().mean()
        + (result.gradients! * result.gradients!.stoppingGradient()).sum()
    }
    return [found!.values, found!.gradients!, found!.features!].map { $0.stoppingGradient() }
      + slopes
  }

  @Test(arguments: [FieldQuantity.signedDistance, .density])
  func samplesAndDerivativesFollowTheTape(_ quantity: FieldQuantity) throws {
    let field = Self.field(quantity)
    let points = Self.points(200)
    let exact = try Self.evaluate(
      field.mapParameters { $1.cast(to: .float64) }, points.cast(to: .float64)
    ) { $0.tapeSamples(at: $1) }
    let fused = try Self.evaluate(field, points) { $0.fusedSamples(at: $1)! }
    let twin = try Self.evaluate(field, points) { $0.tapeSamples(at: $1) }
    #expect(exact[0].max().value > 0.05)
    for (index, expected) in exact.enumerated() {
      for found in [fused[index], twin[index]] {
        let error = (found.cast(to: .float64) - expected).abs().max().value
        #expect(error < 1e-4 * expected.abs().max().value, "\(index)")
      }
    }
  }

  @Test func floatSamplesAreFusedAndDoublesAreNot() {
    let field = Self.field(.signedDistance)
    let points = Self.points(10)
    #expect(field.fusedSamples(at: points) != nil)
    #expect(field.fusedSamples(at: points.cast(to: .float64)) == nil)
    let nested = gradient(at: points) { points in
      gradient(at: points) { points in
        #expect(field.fusedSamples(at: points) == nil)
        return field.samples(at: points, withGradients: true).gradients!.square().sum()
      }.square().sum()
    }
    #expect(nested.abs().max().value > 0)
  }

  @Test func valuesWithoutATapeAreTheSame() {
    let field = Self.field(.signedDistance)
    let points = Self.points(1000)
    let samples = field.samples(at: points, withGradients: true)
    #expect((field.values(at: points) - samples.values).abs().max().value < 1e-5)
    let exact = field.mapParameters { $1.cast(to: .float64) }.values(at: points.cast(to: .float64))
    #expect((field.values(at: points).cast(to: .float64) - exact).abs().max().value < 1e-5)
    #expect(field.samples(at: Self.points(0), withGradients: true).gradients!.shape == [0, 3])
  }

  @Test func frozenFieldsAreTheSameFunctionWithoutParameters() throws {
    let field = Self.field(.signedDistance)
    let points = Self.points(50)
    let (expected, found) = (field.values(at: points), field.frozen().values(at: points))
    #expect(found.scalars(as: Float.self) == expected.scalars(as: Float.self))
    #expect(field.frozen().parameters.allSatisfy { !$0.path.hasSuffix("gain") })
    let slopes = try gradient(at: field.parameters.map(\.value), unreachable: .zeros) { values in
      let names = field.parameters.map(\.path)
      let moved = try field.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
      return moved.frozen().values(at: points).sum() + 0 * values[0].sum()
    }
    #expect(slopes.allSatisfy { $0.abs().max().value == 0 })
  }
}
