import Foundation
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

@testable import LumiImplicit

/// Signed distances as volumes, by VolSDF.
@Suite struct VolSDFTests {
  private let even = VolSDF(
    beta: 0.08, sampling: .even(20), channels: [.color, .alpha, .depth])

  /// A ray that meets the plane z = 0 from above, and the plane.
  private func fall(_ start: Double, onto slope: Double = 1) -> (Scene<ImplicitShape>, PixelRays) {
    let plane = SteepPlane(
      normal: Tensor([0.0, 0, 1]), offset: Tensor(0, dtype: .float64), slope: slope)
    let direction = Tensor([0.6, 0, -0.8], shape: [1, 3])
    let rays = PixelRays(
      rays: CameraRays(origins: direction * -start, directions: direction),
      depthPerDistance: Tensor([1.0]),
      visible: RayInterval(near: Tensor([0.0]), far: Tensor([100.0])))
    let shape = ImplicitShape(
      plane, bounds: .box(lower: [-9, -9, -9], upper: [9, 9, 9]))
    return (Scene(shape, background: SurfaceScenes.background), rays)
  }

  // MARK: Closed forms

  @Test func densityIsLaplaces() {
    let width = Tensor(0.1, dtype: .float64)
    let distances = Tensor([-0.3, -0.05, 0, 0.05, 0.3])
    let (density, slope) = valueAndGradient(at: distances) {
      VolSDF.density($0, width: width).sum()
    }
    let each = VolSDF.density(distances, width: width).scalars(as: Double.self)
    let expected: [Double] = [
      10 - 5 * exp(-3), 10 - 5 * exp(-0.5), 5, 5 * exp(-0.5), 5 * exp(-3),
    ]
    for (found, known) in zip(each, expected) { #expect(abs(found - known) < 1e-12) }
    #expect(abs(density.value - expected.reduce(0, +)) < 1e-12)
    // At the surface, too: -1/(2β²).
    let slopes: [Double] = [-50 * exp(-3), -50 * exp(-0.5), -50, -50 * exp(-0.5), -50 * exp(-3)]
    for (found, known) in zip(slope.scalars(as: Double.self), slopes) {
      #expect(abs(found - known) < 1e-10)
    }
    let far = VolSDF.density(Tensor([-1e6, 1e6]), width: width).scalars(as: Double.self)
    #expect(far == [10, 0])
  }

  /// ∫Ψ(t/β)/β dt from far above to t behind the surface is t/β + ½exp(-t/β), slanted by the angle.
  @Test func lightThatPassesAPlane() {
    let beta = 0.05
    for behind in [0.01, 0.04, 0.1] {
      let (scene, start) = fall(1)
      let rays = PixelRays(
        rays: start.rays, depthPerDistance: start.depthPerDistance,
        visible: RayInterval(near: Tensor([0.0]), far: Tensor([1 + behind])))
      let depth = behind * 0.8 / beta
      let passing = exp(-(depth + 0.5 * exp(-depth)) / 0.8)
      for sampling in [VolSDF.Sampling.even(4000), .bounded(.init(last: 4000, kept: 0))] {
        let found = VolSDF(beta: beta, sampling: sampling).march(scene, along: rays)
        // Rectangles between samples by weight are coarse at both ends.
        let error = abs(found.alpha.value - (1 - passing))
        #expect(error < (sampling == .even(4000) ? 1e-5 : 2e-3), "\(sampling) \(behind)")
      }
    }
  }

  /// The weight's maximum is where σ' = σ²: -β log(3 - √5) behind the surface, not on it.
  @Test func weightsPeakBehindTheSurface() {
    let (scene, rays) = fall(1)
    let beta = 0.05
    let straight = PixelRays(
      rays: CameraRays(
        origins: Tensor([0.0, 0, 1], shape: [1, 3]),
        directions: Tensor([0.0, 0, -1], shape: [1, 3])),
      depthPerDistance: rays.depthPerDistance,
      visible: RayInterval(near: Tensor([0.0]), far: Tensor([2.0])))
    let found = VolSDF(beta: beta, sampling: .even(8000)).march(scene, along: straight)
    let peak = found.weights.samples.argmax(axis: 1).scalars(as: Int64.self)[0]
    let place = found.distances.scalars(as: Double.self)[Int(peak)] - 1
    #expect(abs(place + beta * log(3 - 5.0.squareRoot())) < 3e-4)
  }

  // MARK: Samples

  /// The bound is one: no opacity that the rectangle rule gives is further from the true one.
  @Test(arguments: [0.01, 0.05, 0.2])
  func opacityIsWithinItsBound(_ beta: Double) {
    let shape = ImplicitShape(SphereField(radius: 0.5, dtype: .float64))
    let rays = PixelRays(of: SurfaceScenes.camera(width: 12, height: 9)).rays
    let interval = RayInterval(of: rays, in: shape.bounds)
    let placement = SamplePlacement(shape, rays, interval)
    let rows = Tensor.arange(rays.origins.shape[0])
    let width = Tensor(beta, dtype: .float64)
    func opacity(_ count: Int) -> (placed: PlacedValues, opacity: Tensor) {
      let places = placement.even(count)
      let placed = PlacedValues(
        distances: places, values: placement.values(at: places, rows: rows))
      let free = placed.lengths * placed.earlier(VolSDF.density(placed.values, width: width))
      return (placed, 1 - (-free.cumsum(axis: 1)).exp())
    }
    let coarse = opacity(33)
    let fine = opacity(32 * 64 + 1)
    let truth = fine.opacity.slice(axis: 1, from: 63, to: 32 * 64, by: 64)
    let bound = OpacityBound(coarse.placed, widths: width.reshaped([1, 1]))
    let excess = (coarse.opacity - truth).abs() - bound.errors
    #expect(excess.max().value < 0.02 * bound.errors.max().value + 1e-3)
    #expect((coarse.opacity - truth).abs().max().value > 1e-3)
  }

  @Test func surfacesAreNoNearerThanTheBoundSays() {
    var random = RandomGenerator(seed: 3)
    // A wall at a random place: distances from it, seen at an angle.
    let count = 500
    let height = random.uniform([count, 1], low: 0.01, high: 1, dtype: .float64)
    let cosine = random.uniform([count, 1], low: -1, high: 1, dtype: .float64)
    let length = random.uniform([count, 1], low: 0.001, high: 0.5, dtype: .float64)
    let other = height - cosine * length
    let nearest = OpacityBound.nearestSurface(length, height, other)
    let meets = other .<= 0
    #expect(Tensor.where(meets, nearest, 0).abs().max().value == 0)
    let least = Tensor.minimum(height, other)
    #expect(Tensor.where(meets, 0, nearest - least).max().value < 1e-12)
    // Where there is nothing but the two balls, it is exact: a point abreast of the middle.
    let point = OpacityBound.nearestSurface(
      Tensor([0.6], shape: [1, 1]), Tensor([0.5], shape: [1, 1]), Tensor([0.5], shape: [1, 1]))
    #expect(abs(point.value - 0.4) < 1e-12)
  }

  @Test func samplesGatherAtTheSurface() {
    let (scene, rays) = fall(2)
    let placement = SamplePlacement(
      scene.shape, rays.rays,
      RayInterval(of: rays.rays, in: scene.shape.bounds).intersection(rays.visible))
    let algorithm = OpacityBoundSampling(
      tolerance: 0.1, first: 32, perStep: 32, steps: 5, bisections: 10, last: 64, kept: 16)
    let found = algorithm.distances(placement, offsets: nil, beta: 0.01)
    #expect(found.shape == [1, 80])
    let places = found.scalars(as: Double.self)
    #expect(places == places.sorted())
    #expect(places.filter { abs($0 - 2) < 0.1 }.count > 40)
    // A wide surface is good enough at once, and has samples all along.
    let wide = algorithm.distances(placement, offsets: nil, beta: 2).scalars(as: Double.self)
    #expect(wide.filter { abs($0 - 2) < 0.1 }.count < 20)
  }

  // MARK: Central differences

  @Test func everyParameter() throws {
    let view = SurfaceScenes.view(SoftField.beta(SurfaceScenes.network(), 0.09))
    let names = view.parameters.map(\.path)
    #expect(names.contains("field.beta"))
    let report = try even.check(view, names, steps: [1e-4, 1e-5], tolerance: 1e-5)
    #expect(report.compared > 150)
    let gradients = try even.evaluate(view).gradients
    for name in ["field.beta", "camera.translation", "field.trunk.layers.0.weight"] {
      #expect(gradients[name]!.largest > 1e-3, "\(name)")
    }
  }

  /// Where samples go does not depend on colours: with them derivatives are whole.
  @Test(arguments: [VolSDF.Sampling.bounded(), .importance(first: 16, second: 16)])
  func coloursWhereverSamplesAre(_ sampling: VolSDF.Sampling) throws {
    let view = SurfaceScenes.view(SoftField.beta(SurfaceScenes.network(), 0.05))
    try VolSDF(sampling: sampling).check(
      view, ["field.head.layers.1.weight", "field.head.layers.1.bias", "background"],
      steps: [1e-4], tolerance: 1e-5)
  }

  @Test func outlinesHaveGradientsOnBothSides() throws {
    let camera = SurfaceScenes.camera(from: [0, 0, 3], width: 24, height: 24)
    func slope(_ radius: Double, _ target: Double) throws -> Double {
      let method = VolSDF(beta: 0.05, sampling: .even(64), channels: [.alpha])
      let goal = try method.render(
        SurfaceScenes.view(SphereField(radius: target, dtype: .float64), camera: camera))[.alpha]
      return try valueAndGradient(
        of: SurfaceScenes.view(SphereField(radius: radius, dtype: .float64), camera: camera),
        withRespectTo: ["field.radius"]
      ) { (try method.render($0)[.alpha] - goal).square().mean() }.gradients["field.radius"]!.value
    }
    #expect(try slope(0.6, 0.5) > 1e-2)
    #expect(try slope(0.4, 0.5) < -1e-2)
  }

  @Test func eikonalLossIsThatOfTheSlope() throws {
    var random = RandomGenerator(seed: 5)
    let gradients = random.normal([4, 5, 3], dtype: .float64)
    let known = gradients.scalars(as: Double.self)
    var sum = 0.0
    for row in 0..<20 {
      let length = (0..<3).reduce(0) { $0 + known[3 * row + $1] * known[3 * row + $1] }
      sum += pow(length.squareRoot() - 1, 2) / 20
    }
    #expect(abs(Loss.eikonal(gradients).value - sum) < 1e-12)
    let scene = Scene(ImplicitShape(SphereField(radius: 0.5, dtype: .float64)))
    let rays = PixelRays(of: SurfaceScenes.camera())
    let found = even.march(scene, along: rays, withGradients: true)
    #expect(found.gradients!.shape == [48, 20, 3])
    #expect(Loss.eikonal(found.gradients!).value < 1e-20)
  }

  // MARK: Degenerate

  @Test(arguments: SurfaceScenes.views.indices)
  func anywhere(_ index: Int) throws {
    let (name, view) = SurfaceScenes.views[index]
    guard name != "not a number" else { return }
    let samplings: [VolSDF.Sampling] = [
      .bounded(.init(samples: 16, last: 8, kept: 4)), .importance(first: 8, second: 4), .even(7),
    ]
    for sampling in samplings {
      let method = VolSDF(beta: 1e-3, sampling: sampling, channels: [.color, .alpha, .depth])
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
      SoftField.beta(SurfaceScenes.network(dtype: .float32), 0.03),
      camera: SurfaceScenes.camera(width: 20, height: 16))
    let results = try [1, 3].map { threads in
      try LumiRuntime.withThreads(threads) { try VolSDF().evaluate(view) }
    }
    #expect(try results[1].output[.color].bits == results[0].output[.color].bits)
    for (name, gradient) in results[1].gradients {
      #expect(gradient.bits == results[0].gradients[name]!.bits, "\(name)")
    }
  }

  @Test func badSettingsAreErrors() throws {
    let view = SurfaceScenes.view(SphereField(dtype: .float64))
    let wrong = [
      VolSDF(beta: 0), .init(sampling: .even(0)), .init(sampling: .importance(first: 1, second: 1)),
      .init(sampling: .bounded(.init(tolerance: 0))), .init(sampling: .bounded(.init(steps: 0))),
      .init(channels: [.normal]),
    ]
    for method in wrong { #expect(throws: RenderError.self) { try method.render(view) } }
    let logits = SurfaceScenes.view(SteepBall(ball: SphereField(dtype: .float64), slope: 1))
    #expect(throws: RenderError.self) { try even.render(logits) }
  }
}
