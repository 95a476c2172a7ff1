import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

@testable import LumiImplicit

/// Field probing as a renderer.
struct OccupancyFieldProbingPictureTests {
  typealias View = SceneView<ImplicitShape>

  static let channels: Set<RenderChannel> = [.color, .alpha, .depth]

  /// A small network with colours by place, direction and features.
  static var field: NeuralField {
    let encoding = PositionalEncoding(frequencies: 1)
    return NeuralField(
      .occupancyLogit, encoding: encoding,
      trunk: MultilayerPerceptron(
        widths: [9, 8, 4], activation: .tanh, seed: 21, dtype: .float64),
      head: MultilayerPerceptron(
        widths: [9, 6, 3], activation: .tanh, outputActivation: .sigmoid, seed: 22,
        dtype: .float64),
      headInputs: [.position, .direction, .features], dtype: .float64)
  }

  static func camera(
    from eye: SIMD3<Double> = [1.1, 0.7, 2.4], width: Int = 6, height: Int = 5
  ) -> Camera {
    .perspective(
      from: eye, verticalFieldOfView: radians(degrees: 42), width: width, height: height,
      dtype: .float64)
  }

  static func view(
    _ field: any ImplicitField = field, bounds: FieldBounds = .ball(radius: 0.9),
    camera: Camera = camera()
  ) -> View {
    View(
      scene: Scene(
        ImplicitShape(field, bounds: bounds), background: Tensor([0.15, 0.3, 0.2])),
      camera: camera)
  }

  static let methods: [OccupancyFieldProbing] = [
    OccupancyFieldProbing(anchors: .alongRays(9), channels: channels),
    OccupancyFieldProbing(anchors: .shared(count: 200, radius: 0.2), channels: channels),
  ]

  // MARK: Values

  @Test func pictureIsTheMaximumAlongTheRay() throws {
    let view = Self.view()
    let output = try Self.methods[0].render(view)
    let rays = PixelRays(of: view.camera)
    let interval = RayInterval(of: rays.rays, in: view.scene.shape.bounds)
      .intersection(rays.visible)
    let samples = RaySamples(along: rays.rays, in: interval, count: 9)
    let points = samples.positions.reshaped([-1, 3])
    let found = Self.field.samples(at: points, withGradients: false)
    let inside = found.values.sigmoid().reshaped([30, 9])
    let isHit = interval.isHit.expandingDims(at: 1)
    let weights = MaximumAggregation().weights(
      of: .where(isHit, inside, 0), lengths: samples.lengths)
    let along = rays.rays.directions.expandingDims(at: 1).broadcast(to: [30, 9, 3])
    let colors = Self.field.colors(
      at: points, samples: found, directions: along.reshaped([-1, 3]))
    let expected = RayPicture(
      weights, colors: colors.reshaped([30, 9, 3]),
      depths: samples.distances * rays.depthPerDistance.expandingDims(at: 1),
      background: view.scene.background, backgroundDepth: view.camera.far)
    #expect((try output[.alpha].flattened() - expected.alpha).largest < 1e-14)
    #expect((try output[.color].reshaped([30, 3]) - expected.color).largest < 1e-14)
    #expect((try output[.depth].flattened() - expected.depth).largest < 1e-11)
    #expect(interval.isHit.all().item(as: Bool.self) == false)
  }

  /// The largest of -d/s on a ray beside a sphere belongs to the nearest point.
  @Test func signedDistancesAreSoftSilhouettes() throws {
    let view = Self.view(
      SphereField(radius: 0.5, dtype: .float64), camera: Self.camera(width: 24, height: 20))
    let alpha = try OccupancyFieldProbing(
      anchors: .alongRays(400), softness: 0.05, channels: [.alpha]
    ).render(view)[.alpha].flattened()
    let rays = PixelRays(of: view.camera).rays
    let along = (rays.origins * rays.directions).sum(axis: 1, keepDims: true)
    let distance = (rays.origins - along * rays.directions).norm(axis: 1)
    let expected = Tensor.where(distance .< 0.9, ((0.5 - distance) / 0.05).sigmoid(), 0)
    #expect((alpha - expected).largest < 1e-3)
  }

  /// Balls around shared anchors show what is in them, up to their radius.
  @Test func sharedAnchorsApproachTheRays() throws {
    let view = Self.view(
      SphereField(radius: 0.5, dtype: .float64), camera: Self.camera(width: 24, height: 20))
    let dense = try OccupancyFieldProbing(softness: 1e-3, channels: [.alpha]).render(view)[.alpha]
    let overlaps = try [(300, 0.15), (20_000, 0.03)].map { count, radius in
      let alpha = try OccupancyFieldProbing(
        anchors: .shared(count: count, radius: radius), softness: 1e-3, channels: [.alpha]
      ).render(view)[.alpha]
      return hardIntersectionOverUnion(alpha, dense).value
    }
    #expect(overlaps[0] < overlaps[1] && overlaps[1] > 0.9, "\(overlaps)")
  }

  // MARK: Claims

  @Test(arguments: methods.indices)
  func shapeColourAndBackground(_ index: Int) throws {
    let names = Self.field.parameters.map { "field.\($0.path)" } + ["background"]
    let report = try Self.methods[index].check(Self.view(), names, tolerance: 1e-5)
    #expect(report.compared > 150)
  }

  @Test func cameraMovesAnchorsOnRays() throws {
    try Self.methods[0].check(
      Self.view(),
      ["camera.rotation", "camera.translation", "camera.focalLength", "camera.principalPoint"],
      steps: [1e-6, 1e-7], tolerance: 1e-5)
    let slope = try Self.methods[0].evaluate(Self.view()).gradients["camera.translation"]!
    #expect(slope.largest > 1e-3)
    // Shared ones stand still.
    var shared = Self.methods[1]
    shared.channels = [.alpha]
    let none = try shared.evaluate(Self.view()).gradients
    for (name, gradient) in none where name.hasPrefix("camera.") {
      #expect(gradient.largest == 0, "\(name)")
    }
    #expect(none["field.trunk.layers.1.bias"]!.largest > 1e-2)
  }

  @Test func distancesHaveTheirDerivatives() throws {
    let view = Self.view(SphereField(centre: [0.1, 0, 0], radius: 0.5, dtype: .float64))
    let method = OccupancyFieldProbing(
      anchors: .alongRays(12), softness: 0.1, channels: Self.channels)
    try method.check(
      view, ["field.centre", "field.radius", "camera.translation"], steps: [1e-6, 1e-7],
      tolerance: 1e-5)
  }

  // MARK: Robustness

  static let cameras: [(name: String, camera: Camera)] = [
    ("inside", camera(from: [0.1, 0.05, 0.2])), ("at the bounds", camera(from: [0, 0, 0.9])),
    ("far", camera(from: [0, 0, 500])), ("above", camera(from: [0, 4, 0])),
    ("one pixel", camera(width: 1, height: 1)),
  ]

  @Test(arguments: methods.indices, cameras.indices)
  func degenerateViewsAreFinite(_ method: Int, _ index: Int) throws {
    let (name, camera) = Self.cameras[index]
    for bounds in [FieldBounds.ball(radius: 0.9), .box(lower: [-1, -1, -1], upper: [1, 1, 1])] {
      let (output, gradients) = try Self.methods[method].evaluate(
        Self.view(bounds: bounds, camera: camera))
      for (channel, image) in output.smoothChannels {
        #expect(image.isAllFinite, "\(name) \(channel)")
      }
      for (path, gradient) in gradients { #expect(gradient.isAllFinite, "\(name) \(path)") }
    }
  }

  @Test(arguments: methods.indices)
  func whatLooksAwaySeesTheBackground(_ index: Int) throws {
    let away = Camera.perspective(
      lookingAt: [0, 0, 9], from: [0, 0, 4], verticalFieldOfView: 0.5, width: 4, height: 3,
      dtype: .float64)
    let view = Self.view(camera: away)
    let output = try Self.methods[index].render(view)
    #expect(try output[.alpha].largest == 0)
    #expect((try output[.color] - view.scene.background).largest < 1e-15)
    #expect((try output[.depth] - away.far).largest == 0)
  }

  @Test(arguments: methods.indices, [Double.nan, .infinity, 1e300])
  func hostileNumbersNeitherCrashNorHang(_ index: Int, _ value: Double) throws {
    var view = Self.view()
    view.scene = view.scene.mapParameters { path, tensor in
      path == "field.trunk.layers.0.weight" ? tensor * value : tensor
    }
    #expect(try Self.methods[index].evaluate(view).output[.alpha].shape == [5, 6])
    var turned = Self.view()
    turned.camera.translation = turned.camera.translation * value
    #expect(try Self.methods[index].evaluate(turned).output[.alpha].shape == [5, 6])
  }

  @Test func wrongScenesAndSettingsThrow() {
    func expect(
      _ parameter: String, _ method: OccupancyFieldProbing = Self.methods[0],
      _ change: (inout View) -> Void = { _ in }
    ) {
      var view = Self.view()
      change(&view)
      let error = #expect(throws: RenderError.self) { try method.render(view) }
      guard case .invalid(_, parameter, _, _)? = error else {
        Issue.record("\(parameter): \(String(describing: error))")
        return
      }
    }
    expect("field.quantity") { view in
      view.scene.shape.field = NeuralField(
        .density, trunk: MultilayerPerceptron(widths: [3, 1], seed: 1, dtype: .float64),
        dtype: .float64)
    }
    expect("bounds") { $0.scene.shape.bounds = .ball(radius: 0) }
    expect("background") { $0.scene.background = .zeros([4], dtype: .float64) }
    expect("camera") { $0.camera = $0.camera.mapParameters { $1.cast(to: .float32) } }
    expect("camera") { $0.camera.width = 0 }
    expect("softness", OccupancyFieldProbing(softness: 0))
    expect("softness", OccupancyFieldProbing(softness: .nan))
    expect("anchors", OccupancyFieldProbing(anchors: .alongRays(0)))
    expect("anchors", OccupancyFieldProbing(anchors: .shared(count: 0, radius: 1)))
    expect("radius", OccupancyFieldProbing(anchors: .shared(count: 9, radius: -1)))
    let error = #expect(throws: RenderError.self) {
      try OccupancyFieldProbing(channels: [.normal]).render(Self.view())
    }
    guard case .missingChannel? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// Enough rays for several blocks.
  @Test(arguments: methods.indices)
  func threadsChangeNoBit(_ index: Int) throws {
    var view = Self.view(camera: Self.camera(width: 70, height: 50))
    view = view.cast(to: .float32)
    view.scene.shape.field = NeuralField(
      .occupancyLogit,
      trunk: MultilayerPerceptron(widths: [3, 8, 1], activation: .tanh, seed: 23))
    var method = Self.methods[index]
    if index == 0 { method.anchors = .alongRays(90) }
    func bits(_ threads: Int) throws -> [String: [UInt64]] {
      try LumiRuntime.withThreads(threads) {
        let (output, gradients) = try method.evaluate(view)
        var result = gradients.mapValues(\.bits)
        for (name, image) in output.smoothChannels { result["image " + name] = image.bits }
        return result
      }
    }
    #expect(try bits(1) == bits(3))
  }
}
