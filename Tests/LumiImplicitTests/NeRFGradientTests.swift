import LumiBenchmark
import LumiImplicit
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import RenderingTestSupport
import Testing

@Suite struct NeRFGradientTests {
  private static let view = SceneView(
    scene: NeRFTests.scene(NeRFTests.network(11)), camera: NeRFTests.camera)
  private static let names = [
    "field.trunk.layers.0.weight", "field.trunk.layers.3.bias", "field.head.layers.1.weight",
    "background", "camera.translation", "camera.rotation", "camera.focalLength",
  ]

  @Test(arguments: [NeRF.Quadrature.centred, .released()], [NeRF.Spacing.distance, .disparity])
  func singlePassesHaveTheDerivativeOfTheirPicture(
    _ quadrature: NeRF.Quadrature, _ spacing: NeRF.Spacing
  ) throws {
    let nerf = NeRF(
      samples: 5, importanceSamples: 0, quadrature: quadrature, spacing: spacing, seed: 3,
      channels: [.color, .alpha, .depth])
    try nerf.check(Self.view, Self.names)
  }

  @Test func secondPassesHaveTheDerivativeOfConstantShares() throws {
    // What places samples does not change with the fine field, nor, where it is empty, with anything.
    let field = CoarseToFineField(coarse: HomogeneousField(0), fine: NeRFTests.network(12))
    let view = SceneView(scene: NeRFTests.scene(field), camera: NeRFTests.camera)
    let names = Self.names.map { $0.replacing("field.", with: "field.fine.") }
    let nerf = NeRF(samples: 4, importanceSamples: 4, channels: [.color, .alpha, .depth])
    try nerf.check(view, names)
    // A field that places its own samples moves them, which derivatives leave out.
    #expect(throws: GradientMismatch.self) { try nerf.check(Self.view, Self.names) }
  }

  @Test func bothPicturesReachBothFields() throws {
    let field = CoarseToFineField(coarse: NeRFTests.network(13), fine: NeRFTests.network(14))
    let view = SceneView(scene: NeRFTests.scene(field), camera: NeRFTests.camera)
    let nerf = NeRF(samples: 4, importanceSamples: 3, channels: [.color, NeRF.coarseColor])
    let (_, slopes) = try nerf.evaluate(view)
    for (name, slope) in slopes where name.hasPrefix("field.") {
      #expect(slope.largest > 0 && slope.isAllFinite, "\(name)")
    }
  }

  @Test func forwardFacingCamerasHaveDerivatives() throws {
    let camera = Camera.perspective(
      lookingAt: [0.1, 0.05, -3], from: [0.1, 0.2, 0.3], verticalFieldOfView: radians(degrees: 50),
      width: 4, height: 3, dtype: .float64)
    var scene = NeRFTests.scene(NeRFTests.network(15))
    scene.shape.bounds = .box(lower: [-1.5, -1.5, -1], upper: [1.5, 1.5, 1])
    let nerf = NeRF(samples: 5, importanceSamples: 0, space: .forwardFacing())
    let view = SceneView(scene: scene, camera: camera)
    let (output, _) = try nerf.evaluate(view)
    #expect(try output[.alpha].min().value > 0.1)
    try nerf.check(view, ["camera.translation", "camera.rotation", "camera.focalLength"])
    // A camera that looks the other way sees something finite.
    let away = Camera.perspective(
      from: [0, 0, -4], verticalFieldOfView: 1, width: 3, height: 3, dtype: .float64)
    #expect(try nerf.render(scene, from: away)[.color].isAllFinite)
  }

  @Test func distancesBecomeDensitiesWithDerivatives() throws {
    let field = SphereField(centre: [0.05, -0.1, 0.02], radius: 0.4, dtype: .float64)
    let view = SceneView(
      scene: Scene(ImplicitShape(field), background: NeRFTests.background),
      camera: NeRFTests.camera)
    let method = DensityConversion(
      NeRF(samples: 48, importanceSamples: 0), filled: 30, softness: 0.05)
    try method.check(view, ["field.centre", "field.radius", "camera.translation", "background"])
    // Of what it draws, the gradient in space is the density's own.
    let density = DensityOfDistance(field, filled: 7, softness: 0.1)
    let points = Tensor([0.3, 0.2, 0.1, -0.2, 0.1, 0.05] as [Double], shape: [2, 3])
    let slopes = density.samples(at: points, withGradients: true).gradients!
    let inside = density.values(at: points) / 7
    let outward = field.samples(at: points, withGradients: true).gradients!
    let expected = outward * (inside * (1 - inside) * -70).expandingDims(at: 1)
    #expect((slopes - expected).largest < 1e-12)
    #expect(throws: RenderError.self) {
      var broken = method
      broken.softness = .nan
      _ = try broken.render(view)
    }
  }

  @Test func blocksAreDrawnAgainForTheSameGradient() throws {
    // More samples than one block holds: 1,024 rays of 2¹⁸ / 200 each.
    let camera = Camera.perspective(
      from: [0, 0.3, -2], verticalFieldOfView: radians(degrees: 40), width: 60, height: 50)
    let field = NeuralField.radiance(
      layers: 2, width: 4, frequencies: 1, directionFrequencies: 0, densityBias: 1, seed: 1)
    let scene = Scene(ImplicitShape(field), background: .ones([3]))
    let nerf = NeRF(samples: 50, importanceSamples: 100, seed: 4)
    func slope(_ pixels: Range<Int>) throws -> Tensor {
      let rows = Tensor(pixels.map { Int32($0) })
      return try valueAndGradient(of: scene, unreachable: .zeros) {
        try nerf.render($0, pixels: rows, of: [camera])[.color].square().sum()
      }.gradients["field.trunk.layers.0.weight"]!
    }
    let whole = try valueAndGradient(of: scene, unreachable: .zeros) {
      try nerf.render($0, from: camera)[.color].square().sum()
    }.gradients["field.trunk.layers.0.weight"]!
    let batch = try slope(0..<3000)
    #expect(whole.bits == batch.bits && whole.largest > 0)
    // Random numbers belong to a ray's place, so that the first rays alone see the same.
    let first = try slope(0..<1000)
    let picture = try nerf.render(scene, from: camera)[.color].reshaped([3000, 3])
    let few = try nerf.render(scene, pixels: Tensor(Array(Int32(0)..<1000)), of: [camera])[.color]
    #expect((picture.slice(axis: 0, from: 0, to: 1000) - few.squeezed(axis: 0)).largest < 1e-5)
    #expect(first.isAllFinite)
  }

  private static let vectors = [
    "nerf-composite-black", "nerf-composite-white", "nerf-encoding", "nerf-full-regular",
    "nerf-full-stratified", "nerf-rays", "nerf-sample-pdf", "truth-transmittance-gaussian",
    "truth-transmittance-sphere",
  ]

  @Test(arguments: vectors)
  func vectorPasses(_ name: String) throws {
    let vector = try ReferenceCase(contentsOf: "Fixtures/reference/implicit/\(name).json")
    let result = verify(vector, method: NeRF.method.id, with: NeRF.reference)
    #expect(result.status == .pass, "\(result.message ?? "")")
    #expect(result.notCompared == [])
    // Every compared field counts: an answer that is off is seen.
    let spoiled = ReferenceAdapter(methods: NeRF.reference.methods) {
      try NeRF.reference.outputs($0).mapValues { $0 * 1.0001 + 1e-5 }
    }
    #expect(verify(vector, method: NeRF.method.id, with: spoiled).status == .fail)
  }
}
