import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

@testable import LumiImplicit

/// Signed distances as volumes, by NeuS.
@Suite struct NeuSTests {
  private let even = NeuS(width: 0.08, sampling: .even(20), channels: [.color, .alpha, .depth])

  /// A ray at an angle onto the plane z = 0, which it meets at distance 1.
  private func fall(slope: Double = 1, far: Double = 2) -> (Scene<ImplicitShape>, PixelRays) {
    let plane = SteepPlane(
      normal: Tensor([0.0, 0, 1]), offset: Tensor(0, dtype: .float64), slope: slope)
    let direction = Tensor([0.6, 0, -0.8], shape: [1, 3])
    let shape = ImplicitShape(plane, bounds: .box(lower: [-9, -9, -9], upper: [9, 9, 9]))
    return (
      Scene(shape, background: SurfaceScenes.background),
      PixelRays(
        rays: CameraRays(origins: -direction, directions: direction),
        depthPerDistance: Tensor([1.0]),
        visible: RayInterval(near: Tensor([0.0]), far: Tensor([far])))
    )
  }

  // MARK: Closed forms

  /// On a plane the weight is the logistic density: its maximum is on the surface, whatever the width
  /// and however steep the field.
  @Test(arguments: [0.005, 0.03, 0.2], [0.5, 1, 3])
  func weightsPeakOnTheSurface(_ width: Double, _ slope: Double) {
    let (scene, rays) = fall(slope: slope)
    for opacity in [NeuS.Opacity.values, .slopes()] {
      // 2,001 pieces: the middle one holds the surface.
      let found = NeuS(width: width, sampling: .even(2001), opacity: opacity)
        .march(scene, along: rays)
      let peak = found.weights.samples.argmax(axis: 1).scalars(as: Int64.self)[0]
      #expect(peak == 1000, "\(opacity)")
    }
  }

  /// What passes is Φ at the end over Φ at the start, however many pieces there are.
  @Test(arguments: [1, 2, 50])
  func lightThatPassesAPlane(_ pieces: Int) {
    let (scene, rays) = fall(far: 1.05)
    let found = NeuS(width: 0.1, sampling: .even(pieces)).march(scene, along: rays)
    func logistic(_ f: Double) -> Double { 1 / (1 + exp(-f / 0.1)) }
    let passing = logistic(-0.05 * 0.8) / logistic(0.8)
    #expect(abs(found.weights.remainder.value - passing) < 1e-12)
    #expect(abs(found.alpha.value - (1 - passing)) < 1e-12)
  }

  /// On a plane the line through the middle is the field: both opacities are the same.
  @Test func slopesAndValuesAgreeOnPlanes() {
    let (scene, rays) = fall()
    func weights(_ opacity: NeuS.Opacity) -> Tensor {
      NeuS(width: 0.05, sampling: .even(40), opacity: opacity).march(scene, along: rays)
        .weights.samples
    }
    #expect((weights(.values) - weights(.slopes())).largest < 1e-12)
    // Before it is annealed, a slope also counts where the ray is at an angle: cos 0.8 becomes 0.9.
    #expect((weights(.values) - weights(.slopes(annealing: 0))).largest > 1e-3)
  }

  @Test func whatIsBehindASurfaceHasNoWeight() {
    let ball = SphereField(radius: 0.5, dtype: .float64)
    let rays = PixelRays(
      rays: CameraRays(
        origins: Tensor([0.1, 0, 2], shape: [1, 3]),
        directions: Tensor([0.0, 0, -1], shape: [1, 3])),
      depthPerDistance: Tensor([1.0]),
      visible: RayInterval(near: Tensor([0.0]), far: Tensor([100.0])))
    let found = NeuS(width: 0.01, sampling: .even(500)).march(
      Scene(ImplicitShape(ball), background: SurfaceScenes.background), along: rays)
    let front = 2 - (0.25 - 0.01).squareRoot()
    let weights = found.weights.samples.scalars(as: Double.self)
    let places = found.distances.scalars(as: Double.self)
    let near = weights.indices.filter { abs(places[$0] - front) < 0.1 }.map { weights[$0] }
    #expect(near.reduce(0, +) > 0.999)
    #expect(abs(found.depths.value - front) < 0.01)
    // Far inside, where Φ is 0 in any type, nothing is undefined.
    let deep = NeuS.weights(
      from: Tensor([10.0, -3000], shape: [1, 2]), to: Tensor([-3000.0, -3001], shape: [1, 2]),
      steepness: Tensor(1000, dtype: .float64))
    #expect(deep.samples.scalars(as: Double.self) == [1, 0])
  }

  @Test func samplesGatherAtTheSurface() {
    let (scene, rays) = fall()
    let found = NeuS(sampling: .refined(.init(samples: 16, steps: 4, added: 40)))
      .march(scene, along: rays)
    let places = found.distances.scalars(as: Double.self)
    #expect(places.count == 56 && places == places.sorted())
    #expect(places.filter { abs($0 - 1) < 0.05 }.count > 15)
  }

  // MARK: Central differences

  @Test(arguments: [NeuS.Opacity.values, .slopes(), .slopes(annealing: 0.4)])
  func everyParameter(_ opacity: NeuS.Opacity) throws {
    let view = SurfaceScenes.view(SoftField.variance(SurfaceScenes.network(), 0.25))
    let names = view.parameters.map(\.path)
    #expect(names.contains("field.variance"))
    var method = even
    method.opacity = opacity
    // Opacity has a kink where a ray comes closest.
    let report = try method.check(view, names, steps: [1e-5, 1e-6], tolerance: 1e-5)
    #expect(report.compared > 150)
    let gradients = try method.evaluate(view).gradients
    for name in ["field.variance", "camera.translation", "field.trunk.layers.0.weight"] {
      #expect(gradients[name]!.largest > 1e-3, "\(name)")
    }
  }

  /// Where samples go does not depend on colours: with them derivatives are whole.
  @Test func coloursWhereverSamplesAre() throws {
    let view = SurfaceScenes.view(SoftField.variance(SurfaceScenes.network()))
    try NeuS().check(
      view, ["field.head.layers.1.weight", "field.head.layers.1.bias", "background"],
      steps: [1e-4], tolerance: 1e-5)
  }

  // MARK: Degenerate

  @Test(arguments: SurfaceScenes.views.indices)
  func anywhere(_ index: Int) throws {
    let (name, view) = SurfaceScenes.views[index]
    guard name != "not a number" else { return }
    let methods = [
      NeuS(width: 1e-3, sampling: .refined(.init(samples: 8, steps: 3, added: 8))),
      NeuS(width: 1e-3, sampling: .refined(.init(samples: 8, steps: 0, added: 0))),
      NeuS(width: 1e-3, sampling: .even(7), opacity: .slopes(annealing: 0.5)),
    ]
    for var method in methods {
      method.channels = [.color, .alpha, .depth]
      let (output, gradients) = try method.evaluate(view)
      for (channel, image) in output.smoothChannels {
        #expect(image.isAllFinite, "\(name) \(channel)")
      }
      for (path, gradient) in gradients { #expect(gradient.isAllFinite, "\(name) \(path)") }
      if ["nothing in sight", "looking away", "constant outside"].contains(name) {
        #expect(try (output[.color] - SurfaceScenes.background).largest < 1e-6, "\(name)")
      }
    }
  }

  @Test func sameBitsOnAnyNumberOfThreads() throws {
    let view = SurfaceScenes.view(
      SoftField.variance(SurfaceScenes.network(dtype: .float32)),
      camera: SurfaceScenes.camera(width: 20, height: 16))
    let results = try [1, 3].map { threads in
      try LumiRuntime.withThreads(threads) { try NeuS().evaluate(view) }
    }
    #expect(try results[1].output[.color].bits == results[0].output[.color].bits)
    for (name, gradient) in results[1].gradients {
      #expect(gradient.bits == results[0].gradients[name]!.bits, "\(name)")
    }
  }

  @Test func badSettingsAreErrors() throws {
    let view = SurfaceScenes.view(SphereField(dtype: .float64))
    let wrong = [
      NeuS(width: 0), .init(sampling: .even(0)), .init(sampling: .refined(.init(samples: 1))),
      .init(sampling: .refined(.init(sharpness: 0))), .init(opacity: .slopes(annealing: 2)),
      .init(channels: [.normal]),
    ]
    for method in wrong { #expect(throws: RenderError.self) { try method.render(view) } }
    let logits = SurfaceScenes.view(SteepBall(ball: SphereField(dtype: .float64), slope: 1))
    #expect(throws: RenderError.self) { try even.render(logits) }
  }
}
