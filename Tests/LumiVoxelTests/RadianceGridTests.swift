import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Testing

/// Grids with colours by direction that tests share.
enum RadianceScenes {
  static let all: Set<RenderChannel> = [.color, .alpha, .depth]

  /// Random densities, some below 0, and coefficients that make some colours negative.
  static func view(_ placement: VoxelGrid.Placement = .cells) -> View {
    var grid = Scenes.grid(.density, placement)
    grid.values = Scenes.random(grid.values.shape, 21, low: -0.6, high: 2)
    grid.appearance = .sphericalHarmonics(
      Scenes.random(grid.values.shape + [3, 9], 22, low: -0.8, high: 0.8))
    return Scenes.view(grid)
  }

  static func constant(_ density: Double, _ coefficients: [Double]) -> VoxelGrid {
    let rows = Tensor(coefficients, shape: [1, 1, 1, coefficients.count / 9, 9])
    return VoxelGrid(
      values: .full([3, 3, 3], density, dtype: .float64), quantity: .density, placement: .nodes,
      appearance: .sphericalHarmonics(rows.broadcast(to: [3, 3, 3, coefficients.count / 9, 9])))
  }

  /// A ball that is opaque inside and below 0 outside, on nodes of the box.
  static func ball(_ side: Int = 15) -> VoxelGrid {
    var grid = VoxelGrid(
      values: .zeros([side, side, side], dtype: .float64), quantity: .density, placement: .nodes)
    let distance = grid.valuePositions().norm(axis: 3)
    grid.values = ((0.6 - distance) * 120).clamped(min: -3, max: 30)
    grid.appearance = .sphericalHarmonics(
      Scenes.random([side, side, side, 3, 9], 23, low: -0.5, high: 0.5))
    return grid
  }

  static let cameras: [Camera] = [
    Scenes.camera(from: [2.4, 1.1, 2.2], width: 9, height: 7),
    Scenes.camera(from: [-2.6, 0.4, 1.9], width: 6, height: 8),
  ]
}

struct RadianceGridTests {
  /// A homogeneous cube of one colour a direction: Beer and Lambert.
  @Test(arguments: [0.0, 0.7, 5])
  func homogeneousCubes(_ density: Double) throws {
    var coefficients = Scenes.random([27], 24, low: -0.9, high: 0.9).scalars(as: Double.self)
    coefficients[18] = -4  // one channel below 0 from everywhere
    for other in 19..<27 { coefficients[other] *= 0.1 }
    let grid = RadianceScenes.constant(density, coefficients)
    let view = Scenes.view(grid)
    let output = try RadianceGrid(samples: 5, channels: RadianceScenes.all).render(view)
    let rays = PixelRays(of: view.camera)
    let interval = RayInterval(of: rays.rays, inBoxFrom: grid.bounds.lower, to: grid.bounds.upper)
    let length = Tensor.where(interval.isHit, interval.far - interval.near.clamped(min: 0), 0)
    let passing = (length * -density).exp()
    let basis = sphericalHarmonics(rays.rays.directions)
    let plain = basis.matmul(Tensor(coefficients, shape: [3, 9]), transposingRight: true) + 0.5
    #expect(plain.min().value < 0)
    let color = plain.clamped(min: 0) * (1 - passing.expandingDims(at: 1))
    let exact = color + passing.expandingDims(at: 1) * Scenes.background
    #expect(try (output[.color].reshaped([-1, 3]) - exact).largest < 1e-12)
    #expect(try (output[.alpha].flattened() - (1 - passing)).largest < 1e-12)
    #expect(length.max().value > 1)
  }

  /// Rectified after the look-up: from -1 to 1 along the ray, half of the box is empty. Rectified at
  /// the values, twice as much would be absorbed.
  @Test func densitiesAreRectifiedBetweenValues() throws {
    let grid = VoxelGrid(
      values: Tensor([-1.0, 1], shape: [1, 1, 2]).broadcast(to: [2, 2, 2]), quantity: .density,
      placement: .nodes)
    let camera = Camera.orthographic(
      from: [0, 0, 4], visibleHeight: 1, width: 3, height: 2, dtype: .float64)
    let alpha = try RadianceGrid(samples: 400).render(Scene(grid), from: camera)[.alpha]
    #expect((alpha - (1 - exp(-0.5))).largest < 1e-5)
  }

  @Test(arguments: VoxelGrid.Placement.allCases)
  func gradients(_ placement: VoxelGrid.Placement) throws {
    let renderer = RadianceGrid(samples: 9, channels: RadianceScenes.all)
    let view = RadianceScenes.view(placement)
    let report = try renderer.check(
      view, ["voxels.values", "voxels.sphericalHarmonics", "background"])
    #expect(report.compared > 1500)
    try renderer.check(
      view,
      ["camera.rotation", "camera.translation", "camera.focalLength", "camera.principalPoint"],
      steps: [1e-6, 1e-7], tolerance: 1e-5)
    let slopes = try renderer.evaluate(view).gradients
    #expect(slopes["camera.translation"]!.largest > 1e-3)
    #expect(slopes["voxels.sphericalHarmonics"]!.largest > 1e-3)
  }

  /// The definition: one tensor operation after another.
  static func readable(_ view: View, samples count: Int) -> [RenderChannel: Tensor] {
    let (grid, rays) = (view.scene.shape, PixelRays(of: view.camera))
    let interval = RayInterval(of: rays.rays, inBoxFrom: grid.bounds.lower, to: grid.bounds.upper)
    let samples = RaySamples(
      along: rays.rays, in: interval.intersection(rays.visible), count: count)
    let points = grid.gridPoints(samples.positions).reshaped([-1, 3])
    let density = sampleTrilinear(grid.values.expandingDims(at: 3), at: points)
      .reshaped(samples.lengths.shape).clamped(min: 0)
    let along = rays.rays.directions.expandingDims(at: 1).broadcast(to: samples.positions.shape)
    let colors = grid.colors(at: points, seenAlong: along.reshaped([-1, 3]))
    let weights = EmissionAbsorption().weights(of: density, lengths: samples.lengths)
    let depths = samples.distances * rays.depthPerDistance.expandingDims(at: 1)
    let size = [view.camera.height, view.camera.width]
    return [
      .color: weights.composite(
        (colors + 0.5).clamped(min: 0).reshaped(samples.lengths.shape + [-1]),
        background: view.scene.background
      ).reshaped(size + [-1]), .alpha: (1 - weights.remainder).reshaped(size),
      .depth: weights.composite(depths, background: view.camera.far).reshaped(size),
    ]
  }

  @Test(arguments: VoxelGrid.Placement.allCases, [DType.float64, .float32])
  func readableTwin(_ placement: VoxelGrid.Placement, _ dtype: DType) throws {
    var view = RadianceScenes.view(placement)
    view.camera = view.camera.enlarged(by: 3)
    view = view.cast(to: dtype)
    let tolerance = dtype == .float64 ? 1e-11 : 2e-4
    let renderer = RadianceGrid(samples: 25, channels: RadianceScenes.all)
    let (output, gradients) = try renderer.evaluate(view)
    let twin = try valueAndGradient(of: view, unreachable: .zeros) { view in
      RenderOutput(
        method: "", height: view.camera.height, width: view.camera.width,
        images: Self.readable(view, samples: 25)
      ).weightedSum()
    }.gradients
    for (channel, image) in Self.readable(view, samples: 25) {
      let scale = max(1, image.largest)
      #expect(try (output[channel] - image).largest < tolerance * scale, "\(channel)")
    }
    for (name, gradient) in twin where gradient.largest > 0 {
      #expect((gradients[name]! - gradient).largest < tolerance * gradient.largest, "\(name)")
    }
    #expect(twin["voxels.sphericalHarmonics"]!.largest > 1e-3)
  }

  @Test func tooManyChannelsThrow() {
    var view = RadianceScenes.view()
    let shape = view.scene.shape.values.shape
    view.scene.background = .zeros([33], dtype: .float64)
    view.scene.shape.appearance = .sphericalHarmonics(.zeros(shape + [33, 9], dtype: .float64))
    let error = #expect(throws: RenderError.self) { try RadianceGrid().render(view) }
    guard case .invalid(_, "voxels.appearance", _, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func oneColourForAll() throws {
    var view = RadianceScenes.view()
    view.scene.shape.appearance = .uniform(Tensor([0.8, 0.1, 0.4]))
    let output = try RadianceGrid().render(view)
    let alpha = try output[.alpha].expandingDims(at: 2)
    let exact = alpha * Tensor([0.8, 0.1, 0.4]) + (1 - alpha) * Scenes.background
    #expect(try (output[.color] - exact).largest < 1e-12)
    try RadianceGrid(samples: 9).check(view, ["voxels.color", "voxels.values"])
  }

  @Test func nothingShowsTheBackground() throws {
    var view = RadianceScenes.view()
    view.scene.shape.values = .full(view.scene.shape.values.shape, -0.4, dtype: .float64)
    let (output, gradients) = try RadianceGrid().evaluate(view)
    #expect(try output[.alpha].largest == 0)
    #expect(try (output[.color] - Scenes.background).largest == 0)
    #expect(gradients["voxels.values"]!.largest == 0)
  }

  /// What stops light at once shows its first sample, without infinities.
  @Test(arguments: [1e9, 1e300, .infinity])
  func opaqueGrids(_ density: Double) throws {
    let grid = RadianceScenes.constant(density, [Double](repeating: 0.1, count: 27))
    for dtype in [DType.float64, .float32] {
      let view = Scenes.view(grid).cast(to: dtype)
      let (output, gradients) = try RadianceGrid(channels: RadianceScenes.all).evaluate(view)
      let alpha = try output[.alpha].scalars(as: Double.self)
      #expect(alpha.contains(1) && alpha.allSatisfy { $0 == 0 || $0 == 1 })
      for (_, image) in output.smoothChannels { #expect(image.isAllFinite) }
      for (name, gradient) in gradients { #expect(gradient.isAllFinite, "\(name)") }
    }
  }

  // MARK: Batches of pixels

  @Test func pixelsOfSeveralViews() throws {
    let scene = RadianceScenes.view().scene
    let cameras = RadianceScenes.cameras
    let renderer = RadianceGrid(samples: 9, channels: RadianceScenes.all)
    var random = RandomGenerator(seed: 5)
    let count = PixelRays.pixelCount(of: cameras)
    #expect(count == 9 * 7 + 6 * 8)
    let order = random.permutation(count).slice(axis: 0, from: 0, to: 40)
    let batch = try renderer.render(scene, pixels: order, of: cameras)
    let images = try cameras.map { try renderer.render(scene, from: $0) }
    for channel in [RenderChannel.color, .alpha, .depth] {
      let rows = try images.map { try $0[channel].reshaped([$0.height * $0.width, -1]) }
      let expected = Tensor.concatenate(rows).gather(order)
      let actual = try batch[channel].reshaped([40, -1])
      #expect((actual - expected).largest < 1e-13, "\(channel)")
    }
    // The same pixel twice, and cameras without a pixel.
    let twice = try renderer.render(scene, pixels: Tensor([Int32(70), 70]), of: cameras)[.color]
    #expect((twice[0, 0] - twice[0, 1]).largest == 0)
  }

  @Test func pixelsHaveDerivativesOfTheirCameras() throws {
    let scene = RadianceScenes.view().scene
    let cameras = RadianceScenes.cameras
    let pixels = Tensor([Int64(30), 100, 31, 85, 60])
    try checkGradients(
      at: cameras.map(\.translation), steps: [1e-6, 1e-7], tolerance: 1e-5
    ) { moved in
      var changed = cameras
      for index in 0..<2 { changed[index].translation = moved[index] }
      return try RadianceGrid(samples: 9).render(scene, pixels: pixels, of: changed)[.color]
    }
  }

  @Test func wrongBatchesThrow() {
    let scene = RadianceScenes.view().scene
    func expect(_ name: String, _ pixels: Tensor, _ cameras: [Camera]) {
      let error = #expect(throws: RenderError.self) {
        try RadianceGrid().render(scene, pixels: pixels, of: cameras)
      }
      guard case .invalid(_, name, _, _)? = error else {
        Issue.record("\(name): \(String(describing: error))")
        return
      }
    }
    let one = Tensor([Int32(0)])
    expect("cameras", one, [])
    expect("camera", one, RadianceScenes.cameras.map { $0.cast(to: .float32) })
    expect("pixels", Tensor([Int32(111)]), RadianceScenes.cameras)
    expect("pixels", Tensor([Int32(-1)]), RadianceScenes.cameras)
    expect("pixels", Tensor([0.0]), RadianceScenes.cameras)
    expect("pixels", Tensor([Int32](), shape: [0]), RadianceScenes.cameras)
    expect("pixels", Tensor([Int32(0)], shape: [1, 1]), RadianceScenes.cameras)
  }
}
