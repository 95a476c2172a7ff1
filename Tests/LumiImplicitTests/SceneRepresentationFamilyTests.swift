import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import Testing

@testable import LumiImplicit

struct SceneRepresentationFamilyTests {
  private static func family(
    features: Int = 6, scenes: Int = 2, dtype: DType = .float64
  ) -> SceneRepresentationFamily {
    SceneRepresentationFamily(
      shared: SceneRepresentationNetwork(
        features: features, fieldLayers: 2, isFieldAffine: false, units: 4, generatorLayers: 1,
        stepCount: 4, adjointBound: 10, seed: 41, dtype: dtype),
      scenes: scenes, codeWidth: 8, hidden: [8], seed: 42)
  }

  @Test func codesChooseScenes() {
    let family = Self.family(scenes: 3)
    let names = family.parameters.map(\.path)
    #expect(names.contains("codes") && names.contains("fields.generators.1.layers.1.bias"))
    #expect(names.contains("cell.inputWeight") && !names.contains { $0.hasPrefix("field.") })
    // Fields begin near the prototype; the way along rays is shared.
    let (a, b) = (family.scene(0), family.scene(2))
    let weights = [a, b, family.shared].map { $0.field.layers[0].weight }
    #expect((weights[0] - weights[1]).abs().max().value > 0)
    #expect((weights[0] - weights[2]).abs().max().value < 0.05)
    #expect((a.cell.inputWeight - b.cell.inputWeight).abs().max().value == 0)
    #expect(abs(family.codes.square().mean().value.squareRoot() - 0.01) < 0.005)
    let same = family.scene(of: family.codes[2]).field.layers[0].weight
    #expect((same - weights[1]).abs().max().value == 0)
  }

  @Test func codesAndHypernetworkHaveDerivatives() throws {
    let family = Self.family(features: 4)
    let camera = Camera.perspective(
      from: [0.6, 0.4, 1.8], verticalFieldOfView: 0.9, width: 3, height: 2, dtype: .float64)
    let rays = PixelRays(of: camera)
    let starts = SceneRepresentationNetwork.initialDepths(6, dtype: .float64)
    let names = [
      "codes", "fields.generators.0.layers.0.weight", "fields.generators.1.layers.1.bias",
    ]
    try checkGradients(
      at: names.map { try family.parameter($0) }, names: names, steps: [1e-5, 1e-6, 1e-7],
      tolerance: 1e-5
    ) { values in
      let scene = try family.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
        .scene(1)
      let march = scene.march(along: rays, from: starts)
      return .concatenate([scene.colors(at: march.points).flattened(), march.depth])
    }
  }

  /// Two balls, told apart by their codes alone.
  @Test func scenesShareAllButTheirCode() throws {
    let cameras = [SIMD3(0.0, 0, 2), [1.2, 0.5, 1.5]].map {
      Camera.perspective(from: $0, verticalFieldOfView: 0.6, width: 6, height: 6)
    }
    let targets = try [SIMD3(0.2, 0.1, 0), [-0.2, -0.1, 0]].map { centre in
      let ball = Scene(
        ImplicitShape(SphereField(centre: centre, radius: 0.3)),
        background: Tensor([Float(0.1), 0.2, 0.6]))
      return Tensor.concatenate(
        try cameras.map {
          try OccupancyFieldProbing(channels: [.color]).render(ball, from: $0)[.color]
            .reshaped([36, 3])
        }) * 2 - 1
    }
    let rays = PixelRays(of: cameras, pixels: .arange(72))
    let starts = SceneRepresentationNetwork.initialDepths(72, dtype: .float32)
    func loss(_ scene: SceneRepresentationNetwork, _ target: Tensor) -> Tensor {
      let march = scene.march(along: rays, from: starts)
      return SceneRepresentationNetwork.imageLoss(scene.colors(at: march.points), target)
        + SceneRepresentationNetwork.depthPenalty(march.depth)
    }
    func total(_ family: SceneRepresentationFamily) -> Tensor {
      loss(family.scene(0), targets[0]) + loss(family.scene(1), targets[1])
        + SceneRepresentationNetwork.codePrior(family.codes)
    }
    var family = Self.family(features: 24, dtype: .float32)
    let first = total(family).value
    var adam = Adam(learningRate: .cosine(initial: 5e-3, final: 5e-4, steps: 200))
    for _ in 0..<200 {
      try adam.update(&family, gradients: valueAndGradient(of: family, total).gradients)
    }
    let last = total(family).value
    let exchanged = loss(family.scene(1), targets[0]) + loss(family.scene(0), targets[1])
    #expect(last < 0.1 * first && exchanged.value > 3 * last, "\(first) to \(last), \(exchanged)")
  }
}
