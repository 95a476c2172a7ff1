import Foundation
import LumiBenchmark
import LumiImplicit
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import RenderingTestSupport
import Testing

/// Differentiable volumetric rendering.
@Suite struct DVRTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/reference/implicit").path

  /// Found to rounding, so that differences see the derivative and not the search.
  static let exact = DifferentiableVolumetricRendering(
    samples: 24, refinement: .secant(iterations: 14), slopeFloor: .angle(1e-6),
    channels: [.color, .alpha, .depth])

  private func rays(_ origin: [Double], _ direction: [Double]) -> CameraRays {
    CameraRays(
      origins: Tensor(origin, shape: [1, 3]), directions: Tensor(direction, shape: [1, 3]))
  }

  private func interval(_ near: Double, _ far: Double) -> RayInterval {
    RayInterval(near: Tensor([near]), far: Tensor([far]))
  }

  // MARK: Closed forms

  /// Distance and derivatives of a ball do not depend on how steep the logits are.
  @Test(arguments: [0.01, 1, 300])
  func ballIsHitWhateverTheSlope(_ slope: Double) throws {
    let ball = SphereField(centre: [0.1, -0.05, 0.2], radius: 0.6, dtype: .float64)
    let inputs = [
      ball.centre, ball.radius, Tensor([0.2, 0.1, -2.5]), Tensor([0.05, -0.04, 1.6]),
    ]
    let (distance, gradients) = valueAndGradient(at: inputs) { inputs in
      let field = SteepBall(
        ball: SphereField(centre: inputs[0], radius: inputs[1]), slope: slope)
      return Self.exact.surface(
        of: ImplicitShape(field),
        along: CameraRays(
          origins: inputs[2].expandingDims(at: 0), directions: inputs[3].expandingDims(at: 0)),
        in: interval(0, 1.6)
      ).distances.sum()
    }
    let point = inputs[2] + inputs[3] * distance
    #expect(abs(ball.values(at: point.expandingDims(at: 0)).value) < 1e-13)
    let normal = (point - ball.centre).unitVectors()
    let facing = (normal * inputs[3]).sum()
    let expected = [
      normal / facing, facing.reciprocal(), -normal / facing, -normal * distance / facing,
    ]
    for (found, known) in zip(gradients, expected) {
      #expect((found - known).abs().max().value < 1e-11)
    }
    // A direction twice as long is needed half as far.
    let half = Self.exact.surface(
      of: ImplicitShape(SteepBall(ball: ball, slope: slope)),
      along: rays([0.2, 0.1, -2.5], [0.1, -0.08, 3.2]), in: interval(0, 0.8))
    #expect(abs(half.distances.value - distance.value / 2) < 1e-13)
  }

  @Test func derivativesOfSecondOrder() throws {
    let radius = Tensor(0.6, dtype: .float64)
    let inputs = [Tensor([0.1, -0.05, 0.2]), radius, Tensor([0.2, 0.1, -2.5])]
    try checkGradients(at: inputs, tolerance: 1e-5) { inputs in
      gradient(at: inputs) { inputs in
        let field = SteepBall(
          ball: SphereField(centre: inputs[0], radius: inputs[1]), slope: 3)
        let surface = Self.exact.surface(
          of: ImplicitShape(field),
          along: CameraRays(
            origins: inputs[2].expandingDims(at: 0),
            directions: Tensor([0.05, -0.04, 1.0], shape: [1, 3])), in: interval(0, 2.6))
        return surface.distances.square().sum() + surface.positions.sin().sum()
      }.map { $0.square().sum() }.reduce(Tensor(0, dtype: .float64), +)
    }
  }

  @Test func theTapeChangesNoBit() throws {
    let view = SurfaceScenes.view(SurfaceScenes.network(.occupancyLogit))
    let method = DifferentiableVolumetricRendering(channels: [.color, .alpha, .depth])
    let plain = try method.render(view)
    _ = try valueAndGradient(of: view, unreachable: .zeros) { view in
      let output = try method.render(view)
      for channel in plain.channels { #expect(try output[channel].bits == plain[channel].bits) }
      return output.weightedSum()
    }
    #expect(try plain[.alpha].sum().value > 2)
    #expect(try plain[.alpha].sum().value < 43)
  }

  /// The released program's numbers: search, pictures, gradients to the decoder, its code and the rays.
  @Test(arguments: ["dvr-render-0", "dvr-render-1", "dvr-cube", "dvr-losses", "truth-sphere-hit"])
  func referenceVectors(_ name: String) throws {
    let vector = try ReferenceCase(contentsOf: "\(Self.fixtures)/\(name).json")
    let result = verify(
      vector, method: "implicit/dvr", with: DifferentiableVolumetricRendering.reference)
    #expect(result.status == .pass, "\(result)")
    // Only the word for each ray's status is no number.
    #expect(result.notCompared.isEmpty && result.compared.count > 1)
  }

  // MARK: Central differences

  @Test(arguments: [FieldQuantity.occupancyLogit, .signedDistance])
  func everyParameter(_ quantity: FieldQuantity) throws {
    let view = SurfaceScenes.view(SurfaceScenes.network(quantity))
    let report = try Self.exact.check(
      view, view.parameters.map(\.path), steps: [1e-5, 1e-6], tolerance: 1e-5)
    #expect(report.compared > 150)
    let gradients = try Self.exact.evaluate(view).gradients
    for name in ["field.trunk.layers.0.weight", "camera.translation", "field.head.layers.0.bias"] {
      #expect(gradients[name]!.abs().max().value > 1e-3, "\(name)")
    }
  }

  /// Negative control: a level that is not the surface's has another derivative.
  @Test func differencesSeeAWrongSlope() throws {
    var wrong = Self.exact
    wrong.slopeFloor = .published(3)
    #expect(throws: GradientMismatch.self) {
      try wrong.check(
        SurfaceScenes.view(SphereField(radius: 0.6, dtype: .float64)), ["field.radius"])
    }
  }

  // MARK: Search

  @Test func changesOfSideAreFoundInOrder() throws {
    // A shell: outside, inside, hollow, inside.
    struct Shell: ImplicitField {
      var radius: Tensor
      var quantity: FieldQuantity { .signedDistance }
      var dtype: DType { radius.dtype }
      func values(at points: Tensor) -> Tensor { (points.norm(axis: 1) - radius).abs() - 0.1 }
      func mapParameters(
        _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
      ) rethrows -> Shell { Shell(radius: try transform("radius", radius)) }
    }
    let shape = ImplicitShape(Shell(radius: Tensor(0.6, dtype: .float64)))
    let straight = rays([0, 0, -2], [0, 0, 1])
    func found(_ near: Double) -> DifferentiableVolumetricRendering.Surface {
      Self.exact.surface(of: shape, along: straight, in: interval(near, 3))
    }
    #expect(abs(found(0).distances.value - 1.3) < 1e-12)
    // From the hollow the next wall is met, from within a wall nothing.
    #expect(abs(found(1.7).distances.value - 2.5) < 1e-12)
    #expect(found(1.4).statuses == [.startsInside])
    #expect(found(2.8).statuses == [.miss])
    // A sample that is exactly on the surface counts as inside.
    var coarse = Self.exact
    coarse.samples = 21
    let exactly = coarse.surface(of: shape, along: straight, in: interval(0.3, 2.3))
    #expect(abs(exactly.distances.value - 1.3) < 1e-12)
    // Walls thinner than the spacing are passed.
    coarse.samples = 2
    #expect(
      coarse.surface(of: shape, along: straight, in: interval(0, 4)).statuses == [.miss])
  }

  @Test func secantConvergesFasterThanItsBracketShrinks() throws {
    let ball = SphereField(radius: 0.6, dtype: .float64)
    func error(_ refinement: DifferentiableVolumetricRendering.Refinement) -> Double {
      let method = DifferentiableVolumetricRendering(samples: 16, refinement: refinement)
      let surface = method.surface(
        of: ImplicitShape(ball), along: rays([0.3, 0.1, -2], [0, 0, 1]), in: interval(1, 3))
      return abs(ball.values(at: surface.positions).value)
    }
    #expect(error(.secant(iterations: 8)) < 1e-8)
    #expect(error(.bisection(iterations: 8)) > 1e-6)
    #expect(error(.bisection(iterations: 8)) < 0.14 / 256)
    #expect(error(.secant(iterations: 0)) < 0.05)
  }

  @Test func slopesOfGrazingRays() throws {
    // Distances fall by 1e-4 along the ray: the published floor turns a small negative slope round.
    func derivative(_ floor: SlopeFloor) -> Double {
      let method = DifferentiableVolumetricRendering(
        samples: 16, refinement: .bisection(iterations: 50), slopeFloor: floor)
      return gradient(at: Tensor(0, dtype: .float64)) { offset in
        let field = SteepPlane(
          normal: Tensor([1, 0, -1e-4]).unitVectors(), offset: offset, slope: 1)
        return method.surface(
          of: ImplicitShape(field), along: rays([0, 0, -0.5], [0, 0, 1]), in: interval(0, 1)
        ).distances.sum()
      }.value
    }
    #expect(abs(derivative(.angle(1e-6)) + 1e4) < 1)
    #expect(abs(derivative(.angle()) + 1e3) < 1e-6)
    #expect(abs(derivative(.published()) + 1e3) < 1e-6)
  }

  // MARK: Degenerate

  @Test(arguments: SurfaceScenes.views.indices)
  func anywhere(_ index: Int) throws {
    let (name, view) = SurfaceScenes.views[index]
    for method in [Self.exact, DifferentiableVolumetricRendering(slopeFloor: .published())] {
      let (output, gradients) = try method.evaluate(view)
      for (channel, image) in output.smoothChannels {
        #expect(image.isAllFinite, "\(name) \(channel)")
      }
      for (path, gradient) in gradients {
        #expect(gradient.isAllFinite, "\(name) \(path)")
      }
      if ["nothing in sight", "camera inside", "looking away", "not a number"].contains(name) {
        #expect(try (output[.color] - SurfaceScenes.background).abs().max().value < 1e-15)
      }
    }
  }

  @Test func sameBitsOnAnyNumberOfThreads() throws {
    let view = SurfaceScenes.view(
      SurfaceScenes.network(.occupancyLogit, dtype: .float32),
      camera: SurfaceScenes.camera(width: 40, height: 30))
    let method = DifferentiableVolumetricRendering()
    let results = try [1, 3, 3].map { threads in
      try LumiRuntime.withThreads(threads) { try method.evaluate(view) }
    }
    for result in results.dropFirst() {
      #expect(try result.output[.color].bits == results[0].output[.color].bits)
      for (name, gradient) in result.gradients {
        #expect(gradient.bits == results[0].gradients[name]!.bits)
      }
    }
  }

  @Test func badSettingsAreErrors() throws {
    let view = SurfaceScenes.view(SphereField(dtype: .float64))
    let wrong = [
      DifferentiableVolumetricRendering(threshold: 0), .init(threshold: 1), .init(samples: 1),
      .init(refinement: .secant(iterations: -1)), .init(channels: [.normal]),
    ]
    for method in wrong { #expect(throws: RenderError.self) { try method.render(view) } }
    var other = view
    other.scene.background = Tensor([0.1, 0.2])
    #expect(throws: RenderError.self) { try Self.exact.render(other) }
  }
}
