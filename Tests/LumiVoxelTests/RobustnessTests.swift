import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Testing

struct RobustnessTests {
  // MARK: Degenerate scenes give finite pictures and gradients

  static func expectFinite(_ method: Method, _ view: View) throws {
    let (output, gradients) = try method.renderer.evaluate(view)
    for (name, image) in output.smoothChannels { #expect(image.isAllFinite, "\(method) \(name)") }
    for (name, gradient) in gradients { #expect(gradient.isAllFinite, "\(method) \(name)") }
  }

  @Test(arguments: Method.allCases, [0.0, 1])
  func uniformGrids(_ method: Method, _ value: Double) throws {
    var view = method.view
    view.scene.shape.values = .full(view.scene.shape.values.shape, value, dtype: .float64)
    try Self.expectFinite(method, view)
  }

  @Test(arguments: Method.allCases)
  func smallestGrid(_ method: Method) throws {
    var grid = method.grid
    let side = grid.placement == .nodes ? 2 : 1
    grid.values = .full([side, side, side], 0.4, dtype: .float64)
    grid.appearance = .colors(.full([side, side, side, 3], 0.7, dtype: .float64))
    if grid.warp != nil { grid.warp = .zeros([1, 1, 1, 3], dtype: .float64) }
    try Self.expectFinite(method, Scenes.view(grid))
    grid.values = grid.values * -1
    try Self.expectFinite(method, Scenes.view(grid))
  }

  static let cameras: [(name: String, camera: Camera)] = [
    ("inside", Scenes.camera(from: [0.1, 0.05, 0.2])),
    ("on a face", Scenes.camera(from: [0, 0, 0.9])),
    ("far", Scenes.camera(from: [0, 0, 500])),
    ("along an axis", Scenes.camera(from: [0, 0, 3], width: 6, height: 6)),
    ("through cell corners", Scenes.camera(from: [3, 3, 3], width: 5, height: 5)),
    ("above", Scenes.camera(from: [0, 4, 0])),
    ("one pixel", Scenes.camera(width: 1, height: 1)),
    (
      "looking away",
      .perspective(
        lookingAt: [0, 0, 9], from: [0, 0, 4], verticalFieldOfView: 0.5, width: 4, height: 3,
        dtype: .float64)
    ),
    (
      "orthographic",
      .orthographic(from: [0.3, 0.2, 3], visibleHeight: 2, width: 6, height: 4, dtype: .float64)
    ),
    (
      "parallel to faces",
      .orthographic(from: [0, 0, 3], visibleHeight: 2, width: 5, height: 5, dtype: .float64)
    ),
    (
      "before the near depth",
      .perspective(
        from: [0, 0, 3], verticalFieldOfView: 0.5, width: 4, height: 3, near: 20, far: 30,
        dtype: .float64)
    ),
  ]

  @Test(arguments: Method.allCases, cameras.indices)
  func anywhere(_ method: Method, _ position: Int) throws {
    try Self.expectFinite(method, Scenes.view(method.grid, camera: Self.cameras[position].camera))
  }

  /// Nothing is seen where nothing is.
  @Test(arguments: Method.allCases)
  func lookingAwayShowsTheBackground(_ method: Method) throws {
    for name in ["looking away", "before the near depth"] {
      let camera = Self.cameras.first { $0.name == name }!.camera
      let output = try method.renderer.render(Scenes.view(method.grid, camera: camera))
      #expect(try output[.alpha].largest == 0, "\(name)")
      #expect(try (output[.color] - Scenes.background).largest < 1e-15)
    }
  }

  /// Hostile values neither crash nor hang.
  @Test(arguments: Method.allCases, [Double.nan, .infinity, -.infinity, 1e300, -1e300])
  func hostileValues(_ method: Method, _ value: Double) throws {
    var view = method.view
    var values = view.scene.shape.values.scalars(as: Double.self)
    for at in stride(from: 1, to: values.count, by: 3) { values[at] = value }
    view.scene.shape.values = Tensor(values, shape: view.scene.shape.values.shape)
    let output = try method.renderer.render(view)
    #expect(try output[.alpha].shape == [5, 7])
    _ = try method.renderer.evaluate(view)
  }

  // MARK: Wrong scenes throw

  @Test(arguments: Method.allCases)
  func wrongScenesThrow(_ method: Method) throws {
    let view = method.view
    func expect(_ parameter: String, _ change: (inout View) -> Void) {
      var wrong = view
      change(&wrong)
      do {
        _ = try method.renderer.render(wrong)
        Issue.record("\(method) drew a wrong \(parameter)")
      } catch RenderError.invalid(_, let named, _, _) {
        #expect(named == parameter)
      } catch let error as SceneError {
        #expect(error.field == parameter)
      } catch {
        Issue.record("\(error)")
      }
    }
    let other = VoxelGrid.Quantity.allCases.first { quantity in
      quantity != view.scene.shape.quantity
        && (quantity == .signedDistance) != (method == .sdfDiff)
    }!
    expect("voxels.quantity") {
      $0.scene.shape.quantity = method == .sdfDiff ? other : .signedDistance
    }
    expect("background") { $0.scene.background = .zeros([4], dtype: .float64) }
    expect("light.0.intensity") {
      $0.scene.lights = [.ambient(intensity: .ones([2], dtype: .float64))]
    }
    expect("camera") { $0.camera = $0.camera.cast(to: .float32) }
    expect("camera") { $0.camera.width = 0 }
    expect("voxels.values") { $0.scene.shape.values = .zeros([3, 3], dtype: .float64) }
    expect("voxels.upper") { $0.scene.shape.upper = $0.scene.shape.lower }
    if method != .warped && method != .neuralVolumes {
      expect("voxels.warp") { $0.scene.shape.warp = .zeros([2, 2, 2, 3], dtype: .float64) }
    }
  }

  @Test func wrongSettingsThrow() {
    func expect(_ parameter: String, _ renderer: any Renderer<VoxelGrid>, _ method: Method) {
      let error = #expect(throws: RenderError.self) { try renderer.render(method.view) }
      guard case .invalid(_, parameter, _, _)? = error else {
        Issue.record("\(parameter): \(String(describing: error))")
        return
      }
    }
    expect("planes", PerspectiveTransformer(planes: 0), .perspectiveTransformer)
    expect("depths", PerspectiveTransformer(depths: -1...2), .perspectiveTransformer)
    expect("backgroundDepth", RayConsistency(backgroundDepth: .nan), .rayConsistency)
    expect("samples", PlatonicRenderer(samples: 0), .absorption)
    expect("medium", PlatonicRenderer(.absorption(factor: .nan)), .absorption)
    expect("step", NeuralVolumes(step: 0), .neuralVolumes)
    expect("step", NeuralVolumes(step: 1e-12), .neuralVolumes)
    expect("samples", RadianceGrid(samples: 0), .radianceGrid)
  }

  @Test func wrongPlacementsThrow() {
    var nodes = Method.rayConsistency.view
    nodes.scene.shape.placement = .nodes
    #expect(throws: RenderError.self) { try RayConsistency().render(nodes) }
    var cells = Method.sdfDiff.view
    cells.scene.shape.placement = .cells
    #expect(throws: RenderError.self) { try SDFDiff().render(cells) }
  }

  @Test(arguments: Method.allCases)
  func unknownChannelsThrow(_ method: Method) {
    let strange: Set<RenderChannel> = [.faceIndex]
    let renderer: any Renderer<VoxelGrid>
    switch method {
    case .perspectiveTransformer: renderer = PerspectiveTransformer(channels: strange)
    case .rayConsistency: renderer = RayConsistency(channels: strange)
    case .visualHull, .absorption, .emission: renderer = PlatonicRenderer(channels: strange)
    case .neuralVolumes, .warped: renderer = NeuralVolumes(channels: strange)
    case .sdfDiff: renderer = SDFDiff(channels: strange)
    case .radianceGrid: renderer = RadianceGrid(channels: strange)
    }
    let error = #expect(throws: RenderError.self) { try renderer.render(method.view) }
    guard case .missingChannel? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  // MARK: Same bits

  /// Enough rays for several blocks and threads.
  @Test(arguments: Method.allCases)
  func threadsChangeNoBit(_ method: Method) throws {
    var view = method.view
    view.camera = view.camera.enlarged(by: 30)
    view = view.cast(to: .float32)
    func bits(_ threads: Int) throws -> [String: [UInt64]] {
      try LumiRuntime.withThreads(threads) {
        let (output, gradients) = try method.renderer.evaluate(view)
        var result = gradients.mapValues(\.bits)
        for (name, image) in output.smoothChannels { result["image " + name] = image.bits }
        return result
      }
    }
    #expect(try bits(1) == bits(3))
  }

  /// Blocks of rays are a matter of memory alone: a picture in several equals its parts.
  @Test func blocksChangeNothing() throws {
    var view = Method.visualHull.view
    let renderer = PlatonicRenderer(.visualHull, samples: 20_000)
    let whole = try renderer.evaluate(view)
    // 13 rays a block, 35 pixels; the upper rows alone fit into one.
    view.camera.height = 1
    let row = try renderer.evaluate(view)
    #expect(try (whole.output[.color][0..<1] - row.output[.color]).largest == 0)
    try renderer.check(
      Method.visualHull.view, ["background", "camera.translation"], tolerance: 1e-5)
  }
}
