import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

@testable import LumiImplicit

struct SceneRepresentationNetworkTests {
  typealias View = SceneView<SceneRepresentationNetwork>

  static let renderer = SceneRepresentationRenderer(seed: 4, channels: [.color, .depth])

  static func network(
    stepCount: Int = 3, seed: UInt64 = 31, dtype: DType = .float64
  ) -> SceneRepresentationNetwork {
    SceneRepresentationNetwork(
      features: 8, fieldLayers: 2, units: 3, generatorLayers: 1, stepCount: stepCount, seed: seed,
      dtype: dtype)
  }

  static func camera(width: Int = 5, height: Int = 4, dtype: DType = .float64) -> Camera {
    .perspective(
      from: [0.6, 0.4, 1.8], verticalFieldOfView: 0.9, width: width, height: height, dtype: dtype)
  }

  static func view(_ network: SceneRepresentationNetwork = network()) -> View {
    View(scene: Scene(network), camera: camera())
  }

  static func march(
    _ network: SceneRepresentationNetwork, _ camera: Camera = camera()
  ) -> (march: SceneRepresentationNetwork.March, rays: PixelRays) {
    let rays = PixelRays(of: camera)
    let starts = SceneRepresentationNetwork.initialDepths(
      rays.depthPerDistance.count, dtype: network.dtype)
    return (network.march(along: rays, from: starts), rays)
  }

  // MARK: Closed forms

  @Test func raysBeginWhereTheyAreTold() {
    let starts = SceneRepresentationNetwork.initialDepths(20_000, dtype: .float64)
    #expect(abs(starts.mean().value - 0.05) < 2e-5)
    #expect(abs(starts.variance().value.squareRoot() - 5e-4) < 2e-5)
    let (march, _) = Self.march(Self.network(stepCount: 0))
    #expect(march.depths.count == 1)
    #expect(
      (march.depth - SceneRepresentationNetwork.initialDepths(20, dtype: .float64)).largest < 1e-15)
  }

  @Test func withoutStepsNothingMoves() {
    var network = Self.network()
    network.step.weight = network.step.weight * 0
    let (march, _) = Self.march(network)
    #expect(march.depths.count == 4)
    for depth in march.depths { #expect((depth - march.depths[0]).largest < 1e-14) }
    #expect((Self.camera().cameraPoints(march.points)[.all, 2] - march.depth).largest < 1e-14)
  }

  @Test func equalStepsGrowByTheCosine() {
    var network = Self.network(stepCount: 6)
    network.step.weight = network.step.weight * 0
    network.step.bias = Tensor([0.3])
    let (march, rays) = Self.march(network)
    for (count, depth) in march.depths.enumerated() {
      let expected = march.depths[0] + 0.3 * Double(count) * rays.depthPerDistance
      #expect((depth - expected).largest < 1e-14)
    }
    // Corners of the image are seen at an angle.
    #expect(rays.depthPerDistance.min().value < 0.95)
  }

  /// World and camera turned together: the same picture.
  @Test func turnedWorldsLookAlike() throws {
    let turn = Rotation.exponential(Tensor([0.4, -0.7, 0.2]))
    let view = Self.view()
    var turned = view
    var network = view.scene.shape
    network.field.layers[0].weight = network.field.layers[0].weight.matmul(turn.transposed())
    turned.scene.shape = network
    turned.camera.rotation = view.camera.rotation.matmul(turn.transposed())
    let (a, b) = (try Self.renderer.render(view), try Self.renderer.render(turned))
    for channel in [RenderChannel.color, .depth] {
      #expect((try a[channel] - b[channel]).largest < 1e-12)
    }
    turned.scene.shape = view.scene.shape
    #expect((try a[.color] - Self.renderer.render(turned)[.color]).largest > 1e-3)
  }

  @Test func startsAsPublished() {
    let network = SceneRepresentationNetwork(seed: 5)
    #expect(network.stepCount == 10 && network.field.layers.count == 4)
    #expect(network.generator.layers.count == 5 && network.cell.units == 16)
    #expect(network.field.layers.allSatisfy { $0.weight.shape[0] == 256 })
    #expect(network.step.weight.shape == [1, 16] && network.step.weight.largest <= 0.25)
    #expect(Scene(network).parameters.map(\.path).contains("network.cell.hiddenWeight"))
  }

  // MARK: Derivatives

  @Test func networksAndCamera() throws {
    let view = Self.view()
    let names =
      view.scene.shape.parameters.map { "network.\($0.path)" }
      + ["camera.rotation", "camera.translation", "camera.focalLength", "camera.principalPoint"]
    let report = try Self.renderer.check(view, names, steps: [1e-5, 1e-6, 1e-7], tolerance: 1e-5)
    #expect(report.compared > 250)
  }

  @Test func adjointsAreBoundedAtTheState() throws {
    let x = Tensor([0.3, -0.2, 0.1])
    let slope = gradient(at: x) { ($0.boundingAdjoint(10) * Tensor([3.0, -40, 1e9])).sum() }
    #expect(slope.scalars(as: Double.self) == [3, -10, 10])
    // Values pass as they are, and second derivatives go through.
    #expect((x.boundingAdjoint(10) - x).largest == 0)
    let second = gradient(at: x) { x in
      gradient(at: x) { ($0.boundingAdjoint(10).square() * $0).sum() }.sum()
    }
    #expect((second - x * 6).largest < 1e-14)
    func slopesOfCell(_ bound: Double?, _ scale: Double) throws -> Tensor {
      let network = Self.network()
      return try valueAndGradient(of: network.cell) { cell in
        var moved = network
        moved.cell = cell
        moved.adjointBound = bound
        return Self.march(moved).march.depth.sum() * scale
      }.gradients["inputWeight"]!
    }
    let plain = try slopesOfCell(nil, 1)
    #expect((try slopesOfCell(10, 1) - plain).largest == 0)
    let scaled = try slopesOfCell(nil, 1e4)
    #expect((scaled - plain * 1e4).largest < 1e-9 * scaled.largest)
    #expect(try slopesOfCell(10, 1e4).largest < 0.2 * scaled.largest)
  }

  @Test func lossesHaveTheirPublishedWeights() {
    let (a, b) = (Tensor([[0.5, -1], [0, 1]]), Tensor([[0.25, -1], [0, 0.5]]))
    let image = SceneRepresentationNetwork.imageLoss(a, b).value
    #expect(abs(image - 200 * (0.0625 + 0.25) / 4) < 1e-12)
    let depth = SceneRepresentationNetwork.depthPenalty(Tensor([-0.5, 2, 0, -0.1])).value
    #expect(abs(depth - 10 * 0.26 / 4) < 1e-12)
    #expect(abs(SceneRepresentationNetwork.codePrior(Tensor([3.0, 4])).value - 12.5) < 1e-12)
  }

  // MARK: Learning

  /// Four pictures of a ball in two colours.
  @Test func oneSceneIsOverfitted() throws {
    let cameras = [SIMD3(0.0, 0, 2), [2, 0, 0], [0, 1.5, 1.5], [-1.2, -1, 1.2]].map {
      Camera.perspective(from: $0, verticalFieldOfView: 0.6, width: 8, height: 8)
    }
    let ball = Scene(
      ImplicitShape(SphereField(centre: [0.15, 0, 0], radius: 0.35)),
      background: Tensor([Float(0.1), 0.2, 0.6]))
    let targets = try cameras.map {
      try OccupancyFieldProbing(channels: [.color]).render(ball, from: $0)[.color]
    }
    let target = Tensor.concatenate(targets.map { $0.reshaped([64, 3]) }) * 2 - 1
    let rays = PixelRays(of: cameras, pixels: .arange(256))
    let starts = SceneRepresentationNetwork.initialDepths(256, dtype: .float32)
    func loss(_ network: SceneRepresentationNetwork) -> Tensor {
      let march = network.march(along: rays, from: starts)
      return SceneRepresentationNetwork.imageLoss(network.colors(at: march.points), target)
        + SceneRepresentationNetwork.depthPenalty(march.depth)
    }
    var network = SceneRepresentationNetwork(
      features: 32, fieldLayers: 2, generatorLayers: 1, adjointBound: 10, seed: 32)
    let first = loss(network).value
    var adam = Adam(learningRate: .cosine(initial: 3e-3, final: 3e-4, steps: 150))
    for _ in 0..<150 {
      try adam.update(&network, gradients: valueAndGradient(of: network, loss).gradients)
    }
    let last = loss(network).value
    #expect(last < 0.1 * first, "\(first) to \(last)")
  }

  // MARK: Robustness

  @Test func blocksAndThreadsChangeNoBit() throws {
    let view = View(
      scene: Scene(Self.network(dtype: .float32)),
      camera: Self.camera(width: 40, height: 30, dtype: .float32))
    func bits(_ threads: Int, numbersPerBlock: Int? = nil) throws -> [String: [UInt64]] {
      var renderer = Self.renderer
      if let numbersPerBlock { renderer.numbersPerBlock = numbersPerBlock }
      return try LumiRuntime.withThreads(threads) {
        let (output, gradients) = try renderer.evaluate(view)
        var result = gradients.mapValues(\.bits)
        for (name, image) in output.smoothChannels { result["image " + name] = image.bits }
        return result
      }
    }
    #expect(try bits(1) == bits(3))
    #expect(try bits(1, numbersPerBlock: 1 << 16) == bits(3, numbersPerBlock: 1 << 16))
    // Blocks add up in another order.
    let whole = try Self.renderer.evaluate(view)
    var split = Self.renderer
    split.numbersPerBlock = 1 << 16
    let parts = try split.evaluate(view)
    #expect((try whole.output[.color] - parts.output[.color]).largest < 1e-5)
    for (name, slope) in whole.gradients {
      #expect((slope - parts.gradients[name]!).largest <= 1e-3 * max(slope.largest, 1), "\(name)")
    }
  }

  @Test func degenerateNetworksAndViewsAreFinite() throws {
    // All features alike: the normalisation divides by √ε.
    var flat = Self.view(Self.network().mapParameters { $1 * 0 })
    var single = Self.view()
    single.camera = Self.camera(width: 1, height: 1)
    var fisheye = Self.view()
    fisheye.camera.model = .fisheye
    fisheye.camera.distortion = .zeros([4], dtype: .float64)
    fisheye.camera.focalLength = Tensor([0.8, 0.8])
    for view in [flat, single, fisheye] {
      let (output, gradients) = try Self.renderer.evaluate(view)
      #expect(output.smoothChannels.allSatisfy { $0.image.isAllFinite })
      #expect(gradients.values.allSatisfy { $0.isAllFinite })
    }
    for value in [Double.nan, .infinity, 1e300] {
      flat.scene.shape = Self.network().mapParameters { $1 * value }
      #expect(try Self.renderer.evaluate(flat).output[.color].shape == [4, 5, 3])
    }
  }

  @Test func whatDoesNotFitThrows() {
    func expect(_ parameter: String, _ change: (inout View) -> Void) {
      var view = Self.view()
      change(&view)
      let error = #expect(throws: RenderError.self) { try Self.renderer.render(view) }
      guard case .invalid(_, parameter, _, _)? = error else {
        Issue.record("\(parameter): \(String(describing: error))")
        return
      }
    }
    expect("background") { $0.scene.background = .zeros([2], dtype: .float64) }
    expect("camera") { $0.camera = $0.camera.mapParameters { $1.cast(to: .float32) } }
    expect("camera") { $0.camera.height = 0 }
    expect("network.stepCount") { $0.scene.shape.stepCount = -1 }
    expect("network.adjointBound") { $0.scene.shape.adjointBound = 0 }
    expect("network.field") {
      $0.scene.shape.field = LayerNormalizedPerceptron(widths: [4, 8], seed: 1, dtype: .float64)
    }
    expect("network.cell") {
      $0.scene.shape.field = LayerNormalizedPerceptron(widths: [3, 7], seed: 1, dtype: .float64)
    }
    expect("network.step") { $0.scene.shape.step.weight = .zeros([2, 3], dtype: .float64) }
    expect("network.generator") {
      $0.scene.shape.generator = LayerNormalizedPerceptron(
        widths: [9, 8], outputs: 3, seed: 1, dtype: .float64)
    }
    expect("network.generator.head") {
      $0.scene.shape.generator = LayerNormalizedPerceptron(
        widths: [8, 8], seed: 1, dtype: .float64)
    }
    expect("network.field.layers.1.bias") {
      $0.scene.shape.field.layers[1].bias = .zeros([8], dtype: .float32)
    }
    let error = #expect(throws: RenderError.self) {
      try SceneRepresentationRenderer(channels: [.alpha]).render(Self.view())
    }
    guard case .missingChannel? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
