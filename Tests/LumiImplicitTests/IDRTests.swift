import LumiImplicit
import LumiRendering
import LumiScene
import LumiTensor
import Testing

@Suite struct IDRTests {
  private let camera = Camera.perspective(
    from: [0.4, 0.5, 2.6], verticalFieldOfView: radians(degrees: 40), width: 11, height: 9,
    dtype: .float64)
  private let exact = SurfaceTracer(steps: 60, threshold: 1e-10, polishing: 4)

  private func scene(_ field: any ImplicitField) -> Scene<ImplicitShape> {
    Scene(ImplicitShape(field))
  }

  private func moved(_ values: ArraySlice<Tensor>) -> Camera {
    var result = camera
    (result.rotation, result.translation) = (
      values[values.startIndex], values[values.startIndex + 1]
    )
    return result
  }

  @Test func silhouettesHaveTheirDerivatives() throws {
    let field = CombinedField(
      .smoothUnion(width: Tensor(0.2, dtype: .float64)),
      SphereField(centre: [0.1, -0.05, 0], radius: 0.4, dtype: .float64),
      CapsuleField(start: [-0.5, 0.1, 0], end: [0.2, 0.3, 0.1], radius: 0.15, dtype: .float64))
    let names = field.parameters.map(\.path)
    let renderer = IDRRenderer(
      leastValues: LeastValueSearch(samples: 64, parabolas: 8), sharpness: 12, channels: [.alpha])
    let alpha = try renderer.render(scene(field), from: camera)[.alpha]
    #expect(alpha.max().value > 0.9 && alpha.min().value < 0.01)
    try checkGradients(
      at: field.parameters.map(\.value) + [camera.rotation, camera.translation], tolerance: 2e-5
    ) { values in
      let changed = try field.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
      return try renderer.render(scene(changed), from: moved(values.suffix(2)))[.alpha]
    }
  }

  @Test func surfacesHaveTheirDerivativesWhereNoOutlineIs() throws {
    // The ball fills the picture.
    var near = camera
    near.focalLength = camera.focalLength * 4
    let ball = ColoredField(
      SphereField(centre: [0.02, 0.01, 0], radius: 0.7, dtype: .float64),
      color: .function(channels: 3) { ($0 * 2).sin() * 0.4 + 0.5 })
    let light = Light.directional(
      direction: Tensor([0.3, 0.8, 0.5]), intensity: .ones([3], dtype: .float64))
    let names = ball.parameters.map(\.path)
    let renderer = IDRRenderer(tracer: exact, channels: [.color, .depth, .normal])
    try checkGradients(
      at: ball.parameters.map(\.value) + [
        near.rotation, near.translation, light.parameters[0].value,
      ]
    ) { values in
      let changed = try ball.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
      var view = near
      (view.rotation, view.translation) = (values[2], values[3])
      let lit = try light.replacing([light.parameters[0].path: values[4]])
      let image = try renderer.render(
        Scene(ImplicitShape(changed), lights: [lit]), from: view)
      return .concatenate(
        [
          try image[.color], try image[.normal], try image[.depth].expandingDims(at: 2),
        ], axis: 2)
    }
  }

  @Test func colourIsTheFieldsOverTheBackground() throws {
    let field = ColoredField(
      SphereField(radius: 0.5, dtype: .float64), color: [0.2, 0.4, 0.6])
    var scene = scene(field)
    scene.background = Tensor([0.9, 0.8, 0.7])
    let image = try IDRRenderer(channels: [.color, .alpha, .depth]).render(scene, from: camera)
    let rows = try image[.color].reshaped([-1, 3])
    let isHit = try image[.depth].flattened() .> 0
    let expected = Tensor.where(
      isHit.expandingDims(at: 1), Tensor([0.2, 0.4, 0.6]), Tensor([0.9, 0.8, 0.7]))
    #expect((rows - expected).abs().max().value < 1e-12)
    let covered = try image[.alpha].flattened() .> 0.5
    #expect((covered.cast(to: .float64) - isHit.cast(to: .float64)).abs().max().value == 0)
    // White without a colour.
    let plain = try IDRRenderer(channels: [.color]).render(self.scene(field.field), from: camera)
    #expect(try plain[.color].max().value == 1)
  }

  @Test func blocksAddUpToTheDerivativeOfTheWhole() throws {
    // More hits than a block holds, each farther by dr/(n·v).
    let large = Camera.perspective(
      from: [0, 0, 2.5], verticalFieldOfView: radians(degrees: 20), width: 120, height: 120,
      dtype: .float64)
    let renderer = IDRRenderer(tracer: exact, channels: [.depth])
    let slope = try gradient(at: Tensor(0.9, dtype: .float64)) { radius in
      try renderer.render(
        scene(SphereField(centre: Tensor([0.0, 0, 0]), radius: radius)), from: large)[.depth].sum()
    }
    let rays = PixelRays(of: large)
    let interval = RayInterval(of: rays.rays, in: .ball(radius: 0.9))
    let points = rays.rays.origins + interval.near.expandingDims(at: 1) * rays.rays.directions
    let cosine = points.dot(rays.rays.directions) / 0.9
    let expected = (rays.depthPerDistance / cosine).sum().value
    #expect(abs(slope.value / expected - 1) < 1e-9)
  }

  @Test func emptyPicturesAndRefusedScenes() throws {
    let away = scene(SphereField(centre: [5, 0, 0], radius: 0.1, dtype: .float64))
    let all: Set<RenderChannel> = [.color, .alpha, .depth, .normal]
    let names = away.parameters.map(\.path)
    let result = try valueAndGradient(of: away, withRespectTo: names, unreachable: .zeros) {
      scene in
      let image = try IDRRenderer(channels: all).render(scene, from: camera)
      return try all.map { try image[$0].sum() }.reduce(Tensor(0, dtype: .float64), +)
    }
    #expect(result.value.value.isFinite)
    #expect(result.gradients.values.allSatisfy { $0.isFinite().all().item(as: Bool.self) })
    #expect(throws: RenderError.self) {
      try IDRRenderer(sharpness: 0).render(away, from: camera)
    }
    #expect(throws: RenderError.self) {
      try IDRRenderer(channels: ["leastDistance"]).render(away, from: camera)
    }
    let gray = ColoredField(SphereField(dtype: .float64), color: .uniform(Tensor([0.5])))
    let light = Light.ambient(intensity: .ones([3], dtype: .float64))
    #expect(throws: RenderError.self) {
      try IDRRenderer().render(
        Scene(
          ImplicitShape(gray), lights: [light], background: Tensor([0.0])), from: camera)
    }
  }

  @Test func lossesAreThePublishedOnes() throws {
    let predicted = Tensor([[0.5, 0.5, 0.5], [1, 0, 0]])
    let target = Tensor([[0.4, 0.5, 0.7], [0, 0, 0]])
    #expect(
      abs(IDRLoss.color(predicted, target: target, pixelCount: 10).value - 0.13) < 1e-12)
    let values = Tensor([0.02, -0.01, 5, -5])
    let mask = Tensor([1.0, 0, 1, 0])
    let soft = (values * -50).sigmoid()
    let crossEntropy = -(mask * soft.log() + (1 - mask) * (1 - soft).log())
    let expected = crossEntropy.slice(axis: 0, from: 0, to: 2).sum().value / (50 * 7)
    let near = IDRLoss.mask(
      leastValues: values.slice(axis: 0, from: 0, to: 2), mask: mask.slice(axis: 0, from: 0, to: 2),
      sharpness: 50, pixelCount: 7)
    #expect(abs(near.value - expected) < 1e-12)
    // Far from the surface it is the distance to it, and finite.
    let far = IDRLoss.mask(leastValues: values, mask: mask, sharpness: 50, pixelCount: 1)
    #expect(abs(far.value - near.value * 7 - 10) < 1e-9)
    #expect(IDRLoss.eikonal(Tensor([[2.0, 0, 0], [0, 1, 0], [0, 0, 0]])).value == 2 / 3.0)
    try checkGradients(at: [values]) {
      IDRLoss.mask(leastValues: $0[0], mask: mask, sharpness: 50, pixelCount: 3)
    }
  }
}
