import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Testing

struct RadiancePruningTests {
  static let renderer = RadianceGrid(samples: 60, channels: RadianceScenes.all)

  static func scene(_ grid: VoxelGrid) -> Scene<VoxelGrid> {
    Scene(grid, background: Scenes.background)
  }

  static func share(_ kept: Tensor) -> Double { kept.cast(to: .float64).mean().value }

  /// In a homogeneous cube seen head on, weights fall by depth as they should.
  @Test func weightsOfACube() throws {
    let grid = RadianceScenes.constant(0.8, [Double](repeating: 0, count: 9))
    let camera = Camera.orthographic(
      from: [0, 0, 4], visibleHeight: 2, width: 8, height: 8, dtype: .float64)
    let scene = Scene(grid, background: Tensor([0.0]))
    let weights = try RadianceGrid(samples: 40).maximumWeights(of: scene, from: [camera])
    let step = 0.05
    let first = 1 - exp(-0.8 * step)
    // The nearest sample of a node is its own plane's, or the first beyond the plane before it.
    let expected = [first * exp(-0.8), first, first]
    for (z, weight) in expected.enumerated() {
      #expect((weights.slice(axis: 2, from: z, to: z + 1) - weight).largest < 1e-6, "\(z)")
    }
    var away = camera
    away.translation = away.translation + Tensor([50.0, 0, 0])
    #expect(try RadianceGrid().maximumWeights(of: scene, from: [away]).largest == 0)
  }

  /// No pixel changes by more than the number of samples beside what went, times the threshold,
  /// times the largest colour.
  @Test(arguments: [1e-4, 1e-2])
  func pruningChangesLittle(_ threshold: Double) throws {
    let grid = RadianceScenes.ball()
    let cameras = RadianceScenes.cameras.map { $0.enlarged(by: 3) }
    let scene = Self.scene(grid)
    let weights = try Self.renderer.maximumWeights(of: scene, from: cameras)
    let kept = grid.kept(by: weights, above: threshold)
    #expect(Self.share(kept) > 0.05 && Self.share(kept) < 0.75, "\(Self.share(kept))")
    let pruned = Self.scene(grid.pruned(keeping: kept))
    let largestColor = 0.5 + 0.5 * 9
    for camera in cameras {
      let (before, after) = (
        try Self.renderer.render(scene, from: camera),
        try Self.renderer.render(pruned, from: camera)
      )
      let bound = 60 * threshold
      #expect(try (before[.alpha] - after[.alpha]).largest <= bound)
      #expect(try (before[.color] - after[.color]).largest <= bound * largestColor)
      // Far below it in fact.
      #expect(try (before[.color] - after[.color]).largest <= 10 * threshold)
    }
  }

  /// A threshold that takes what is seen does change the picture.
  @Test func pruningTooMuchShows() throws {
    let grid = RadianceScenes.ball()
    let scene = Self.scene(grid)
    let kept = grid.kept(by: .zeros(like: grid.values), above: 0)
    #expect(Self.share(kept) == 0)
    let pruned = Self.scene(grid.pruned(keeping: kept))
    let camera = RadianceScenes.cameras[0]
    let difference =
      try Self.renderer.render(scene, from: camera)[.alpha]
      - Self.renderer.render(pruned, from: camera)[.alpha]
    #expect(difference.largest > 0.9)
  }

  /// Two values above 0 among values below, of which one alone counts as seen: its neighbour stays,
  /// and so do that one's neighbours, without which it would be a larger blob.
  @Test func valuesBelowZeroStayBesideDensity() throws {
    let side = 7
    var values = [Double](repeating: -2, count: side * side * side)
    var measure = [Double](repeating: 0, count: values.count)
    let middle = (3 * side + 3) * side + 3
    (values[middle], values[middle + 1], measure[middle]) = (40, 40, 1)
    var grid = RadianceScenes.ball(side)
    grid.values = Tensor(values, shape: [side, side, side])
    let kept = grid.kept(by: Tensor(measure, shape: [side, side, side]), above: 0.5)
    #expect((Self.share(kept) * Double(values.count)).rounded() == 36)
    let camera = RadianceScenes.cameras[0].enlarged(by: 3)
    let before = try Self.renderer.render(Self.scene(grid), from: camera)[.color]
    let after = try Self.renderer.render(Self.scene(grid.pruned(keeping: kept)), from: camera)
    #expect(try (before - after[.color]).largest < 1e-12)
    let bare = grid.pruned(keeping: grid.values .> 0)
    let grown = try Self.renderer.render(Self.scene(bare), from: camera)[.color]
    #expect((before - grown).largest > 0.01)
  }

  // MARK: Sparse grids

  static func sparse() throws -> (dense: VoxelGrid, sparse: SparseRadianceGrid, kept: Tensor) {
    let grid = RadianceScenes.ball()
    let weights = try renderer.maximumWeights(of: scene(grid), from: RadianceScenes.cameras)
    let kept = grid.kept(by: weights, above: 1e-3)
    return (grid.pruned(keeping: kept), try SparseRadianceGrid(grid, keeping: kept), kept)
  }

  @Test func sparseGridsDrawTheSame() throws {
    let (dense, sparse, kept) = try Self.sparse()
    #expect(Double(sparse.storedCount) == (Self.share(kept) * Double(kept.count)).rounded())
    #expect(sparse.byteCount < dense.values.count * 28 * 8 * 3 / 4)
    #expect((sparse.dense().values - dense.values).largest == 0)
    let background = Scenes.background
    for camera in RadianceScenes.cameras {
      let a = try Self.renderer.evaluate(
        View(scene: Scene(dense, background: background), camera: camera))
      let view = SceneView(scene: Scene(sparse, background: background), camera: camera)
      let b = try Self.renderer.render(view.scene, from: camera)
      for channel in RadianceScenes.all {
        #expect(try (a.output[channel] - b[channel]).largest < 1e-12, "\(channel)")
      }
      let gradients = try valueAndGradient(of: view, unreachable: .zeros) {
        try Self.renderer.render($0.scene, from: $0.camera).weightedSum()
      }.gradients
      let places = sparse.storedPlaces
      for (name, width) in [("voxels.values", 1), ("voxels.sphericalHarmonics", 27)] {
        let expected = a.gradients[name]!.reshaped([dense.values.count, width]).gather(places)
        let actual = gradients[name]!.reshaped([sparse.storedCount, width])
        #expect(expected.largest > 1e-3)
        #expect((actual - expected).largest < 1e-10, "\(name)")
      }
      let slope = a.gradients["camera.translation"]!
      #expect((gradients["camera.translation"]! - slope).largest < 1e-9)
    }
  }

  @Test func sparseBatchesAndDerivatives() throws {
    let view = RadianceScenes.view()
    let kept = view.scene.shape.values .> 0.4
    let sparse = try SparseRadianceGrid(view.scene.shape, keeping: kept)
    let renderer = RadianceGrid(samples: 9)
    let pixels = Tensor([Int32(30), 100, 31, 85, 60])
    let report = try checkGradients(
      at: [sparse.densities, sparse.coefficients, RadianceScenes.cameras[0].translation],
      steps: [1e-5, 1e-6], tolerance: 1e-5
    ) { inputs in
      var changed = Scene(sparse, background: Scenes.background)
      (changed.shape.densities, changed.shape.coefficients) = (inputs[0], inputs[1])
      var cameras = RadianceScenes.cameras
      cameras[0].translation = inputs[2]
      return try renderer.render(changed, pixels: pixels, of: cameras)[.color]
    }
    #expect(report.compared > 100)
  }

  @Test func gridsWithNothingStored() throws {
    let grid = RadianceScenes.ball(5)
    let none = Tensor.full([5, 5, 5], 0, dtype: .float64) .> 1
    let sparse = try SparseRadianceGrid(grid, keeping: none)
    #expect(sparse.storedCount == 0)
    let output = try RadianceGrid().render(
      Scene(sparse, background: Scenes.background), from: RadianceScenes.cameras[0])
    #expect(try output[.alpha].largest == 0)
    #expect(try (output[.color] - Scenes.background).largest == 0)
    #expect(sparse.dense().values.largest == 0)
  }

  @Test(arguments: VoxelGrid.Placement.allCases)
  func resamplingKeepsGaps(_ placement: VoxelGrid.Placement) throws {
    let (dense, _, kept) = try Self.sparse()
    var placed = dense
    placed.placement = placement
    let sparse = try SparseRadianceGrid(placed, keeping: kept)
    let counts = SIMD3(22, 29, 25)
    let fine = sparse.resampled(to: counts)
    let expected = placed.resampled(to: counts)
    #expect(Double(fine.storedCount) < 0.9 * Double(expected.values.count))
    guard case .sphericalHarmonics(let a) = fine.dense().appearance,
      case .sphericalHarmonics(let b) = expected.appearance
    else {
      Issue.record("no harmonics")
      return
    }
    // In a grid of cells outermost values repeat here and fade there; all of them are empty.
    #expect((fine.dense().values - expected.values).largest < 1e-12)
    #expect((a - b).largest < 1e-12)
  }

  @Test func otherGridsCannotBeSparse() {
    var grid = RadianceScenes.ball(5)
    let all = Tensor.zeros([5, 5, 5]) .< 1
    func expect(_ field: String, _ kept: Tensor) {
      let error = #expect(throws: SceneError.self) { try SparseRadianceGrid(grid, keeping: kept) }
      #expect(error?.field == field)
    }
    expect("kept", Tensor.zeros([5, 5, 4]) .< 1)
    expect("kept", .zeros([5, 5, 5]))
    grid.quantity = .occupancy
    expect("voxels.quantity", all)
    grid.quantity = .density
    grid.appearance = .uniform(.ones([3], dtype: .float64))
    expect("voxels.appearance", all)
  }

  @Test func wrongSparseScenesThrow() throws {
    let (_, sparse, _) = try Self.sparse()
    let camera = RadianceScenes.cameras[0]
    func expect(_ name: String, _ scene: Scene<SparseRadianceGrid>, _ camera: Camera) {
      let error = #expect(throws: RenderError.self) {
        try RadianceGrid().render(scene, from: camera)
      }
      guard case .invalid(_, name, _, _)? = error else {
        Issue.record("\(name): \(String(describing: error))")
        return
      }
    }
    let scene = Scene(sparse, background: Scenes.background)
    expect("camera", scene, camera.cast(to: .float32))
    expect("background", Scene(sparse, background: .zeros([2], dtype: .float64)), camera)
    var wrong = scene
    wrong.shape.densities = .zeros([4], dtype: .float64)
    expect("voxels.sphericalHarmonics", wrong, camera)
  }

  // MARK: Neighbours

  @Test func neighboursAreTheNextAlongEachAxis() throws {
    let shape = [4, 3, 5]
    var grid = Scenes.grid(.density)
    let kept = Tensor.zeros(shape) .< 1
    grid.appearance = .sphericalHarmonics(.zeros(shape + [3, 9], dtype: .float64))
    let sparse = try SparseRadianceGrid(grid, keeping: kept)
    var (a, b) = (RandomGenerator(seed: 3), RandomGenerator(seed: 3))
    let rows = grid.randomNeighbours(500, &a)
    #expect(
      rows.scalars(as: Int64.self) == sparse.randomNeighbours(500, &b).scalars(as: Int64.self))
    let numbers = rows.scalars(as: Int64.self).map(Int.init)
    var seen = Set<Int>()
    for at in stride(from: 0, to: numbers.count, by: 4) {
      let place = numbers[at]
      seen.insert(place)
      let (i, j, k) = (place / 15, place / 5 % 3, place % 5)
      #expect(numbers[at + 1] == (i < 3 ? place + 15 : place))
      #expect(numbers[at + 2] == (j < 2 ? place + 5 : place))
      #expect(numbers[at + 3] == (k < 4 ? place + 1 : place))
    }
    #expect(seen.count == 60)
    // With gaps, neighbours that are not stored are the place itself.
    let few = try SparseRadianceGrid(grid, keeping: grid.values .> 0.5)
    let gaps = few.randomNeighbours(200, &a).scalars(as: Int64.self)
    #expect(gaps.allSatisfy { 0 <= $0 && $0 < Int64(few.storedCount) })
  }
}
