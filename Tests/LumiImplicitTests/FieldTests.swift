import LumiImplicit
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import Testing

@Suite struct FieldTests {
  private let points = {
    var random = RandomGenerator(seed: 1)
    return random.uniform([40, 3], low: -1, high: 1, dtype: .float64)
  }()

  @Test func sphereKnowsDistanceAndGradient() {
    let field = SphereField(centre: [0.1, -0.2, 0.3], radius: 0.5, dtype: .float64)
    let samples = field.samples(at: points, withGradients: true)
    let apart = points - Tensor([0.1, -0.2, 0.3])
    #expect((samples.values - (apart.norm(axis: 1) - 0.5)).abs().max().value < 1e-15)
    #expect((samples.gradients! - apart.unitVectors()).abs().max().value < 1e-12)
  }

  @Test func geometricInitialisationIsASphere() {
    for (hidden, skips) in [([256, 256, 256, 256], Set<Int>()), ([256, 256, 256, 256], [2])] {
      let encoding = PositionalEncoding(frequencies: 4)
      let field = NeuralField(
        .signedDistance, encoding: encoding,
        trunk: MultilayerPerceptron.sphere(
          inputs: encoding.outputs(inputs: 3), hidden: hidden, outputs: 5, radius: 0.6,
          skips: skips, seed: 3, dtype: .float64), dtype: .float64)
      let inner = field.samples(at: points.unitVectors() * 0.2, withGradients: false)
      let outer = field.samples(at: points.unitVectors() * 1.1, withGradients: true)
      #expect(inner.values.max().value < 0)
      #expect(outer.values.min().value > 0)
      let slopes = outer.gradients!.norm(axis: 1)
      #expect(slopes.min().value > 0.5 && slopes.max().value < 1.5)
      let outward = outer.gradients!.unitVectors().dot(points.unitVectors())
      #expect(outward.min().value > 0.8)
    }
  }

  @Test func weightNormalisationChangesNoValueAndNamesItsGains() throws {
    let plain = MultilayerPerceptron(
      widths: [3, 8, 8, 2], activation: .softplus(beta: 3), skips: [1], skipScale: 0.5, seed: 4,
      dtype: .float64)
    let normalised = plain.weightNormalized()
    #expect((plain(points) - normalised(points)).abs().max().value < 1e-12)
    #expect(normalised.parameters.map(\.path).contains("layers.1.gain"))
    // Directions have no length: scaling one changes nothing.
    var scaled = normalised
    scaled.layers[0].weight = scaled.layers[0].weight * 3
    #expect((scaled(points) - normalised(points)).abs().max().value < 1e-12)
  }

  @Test func gradientsHaveDerivatives() throws {
    let field = NeuralField(
      .signedDistance, encoding: PositionalEncoding(frequencies: 1),
      trunk: MultilayerPerceptron.sphere(
        inputs: 9, hidden: [10, 10], outputs: 3, skips: [], beta: 10, seed: 5, dtype: .float64),
      dtype: .float64)
    let few = points.slice(axis: 0, from: 0, to: 5)
    let names = field.parameters.map(\.path)
    // The eikonal term's derivative with respect to every weight.
    try checkGradients(at: field.parameters.map(\.value), tolerance: 1e-5) { values in
      let moved = try field.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
      let slopes = moved.samples(at: few, withGradients: true).gradients!
      return (slopes.norm(axis: 1) - 1).square().mean()
    }
  }

  @Test func raysEnterAndLeaveABall() throws {
    var random = RandomGenerator(seed: 6)
    let origins = random.uniform([60, 3], low: -1.2, high: 1.2, dtype: .float64)
    let directions = random.normal([60, 3], dtype: .float64).unitVectors()
    let centre = SIMD3(0.3, -0.2, 0.1)
    let bounds = FieldBounds.ball(centre: centre, radius: 0.9)
    #expect(bounds.box.lower == centre - 0.9 && bounds.box.upper == centre + 0.9)
    func ends(_ origins: Tensor, _ directions: Tensor) -> RayInterval {
      RayInterval(of: CameraRays(origins: origins, directions: directions), in: bounds)
    }
    let interval = ends(origins, directions)
    let meets = interval.near .< interval.far
    let place = Tensor([0.3, -0.2, 0.1])
    for end in [interval.near, interval.far] {
      let apart = (origins + directions * end.expandingDims(at: 1) - place).norm(axis: 1)
      #expect(Tensor.where(meets, apart - 0.9, 0).abs().max().value < 1e-12)
    }
    let count = meets.cast(to: .float64).sum().value
    #expect(count > 10 && count < 55)
    try checkGradients(at: [origins, directions]) {
      let interval = ends($0[0], $0[1].unitVectors())
      return Tensor.where(interval.isHit, interval.near + 2 * interval.far, 0)
    }
    let scene = Scene(ImplicitShape(SphereField()))
    #expect(scene.parameters.map(\.path).prefix(2) == ["field.centre", "field.radius"])
  }
}
