import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct TrilinearSplattingTests {
  static func random(_ shape: [Int], _ seed: UInt64, _ low: Double, _ high: Double) -> Tensor {
    var random = RandomGenerator(seed: seed)
    return random.uniform(shape, low: low, high: high, dtype: .float64)
  }

  /// What the splat says it is: ⟨splat(v), g⟩ = ⟨v, sample(g)⟩, also for points outside.
  @Test func isTheTransposeOfTheLookUp() {
    let points = Self.random([50, 3], 1, -2, 6)
    let (values, grid) = (Self.random([50, 2], 2, -1, 1), Self.random([4, 5, 3, 2], 3, -1, 1))
    let splat = splatTrilinear(values, at: points, shape: [4, 5, 3])
    #expect(splat.shape == [4, 5, 3, 2])
    let (left, right) = (splat * grid, values * sampleTrilinear(grid, at: points))
    #expect(abs(left.sum().value - right.sum().value) < 1e-12)
    #expect(left.abs().sum().value > 1)
  }

  @Test func sharesAreTrilinear() {
    let points = Tensor([1.25, 0.5, 2, 0, 0, 0, -0.75, 1, 1], shape: [3, 3])
    let splat = splatTrilinear(.ones([3, 1], dtype: .float64), at: points, shape: [3, 2, 4])
    #expect(splat[1, 0, 2, 0].value == 0.375 && splat[2, 1, 2, 0].value == 0.125)
    #expect(splat[0, 0, 0, 0].value == 1)
    // Three quarters of the last one are outside.
    #expect(splat[0, 1, 1, 0].value == 0.25 && splat.sum().value == 2.25)
  }

  @Test func gradientsAgree() throws {
    let points = Self.random([12, 3], 4, -0.9, 3.9)
    try checkGradients(at: [Self.random([12, 2], 5, -1, 1), points], names: ["values", "points"]) {
      splatTrilinear($0[0], at: $0[1], shape: [4, 3, 4]).square()
    }
  }

  @Test func cloudsBecomeOccupancy() throws {
    var cloud = PointCloud(
      points: Self.random([9, 3], 6, -0.9, 0.9),
      appearance: .colors(Self.random([9, 3], 7, 0, 1)), opacities: Self.random([9], 8, 0.1, 0.4))
    let grid = try VoxelGrid(splatting: cloud, counts: [5, 4, 6])
    _ = try grid.validated()
    #expect(grid.quantity == .occupancy && grid.values.max().value > 0.1)
    try checkGradients(
      at: [cloud.points, cloud.opacities!, cloud.appearance.colors(count: 9)],
      names: ["points", "opacities", "colours"]
    ) { parameters in
      let moved = PointCloud(
        points: parameters[0], appearance: .colors(parameters[2]), opacities: parameters[1])
      let grid = try VoxelGrid(splatting: moved, counts: [3, 4, 3])
      guard case .colors(let colors) = grid.appearance else { fatalError() }
      return Tensor.concatenate([grid.values.reshaped([-1]), colors.reshaped([-1])])
    }
    // A colour that all points share is the colour of what they reach.
    cloud.appearance = .colors(.full([9, 3], 0.25, dtype: .float64))
    guard case .colors(let colors) = try VoxelGrid(splatting: cloud, counts: [5, 4, 6]).appearance
    else { return }
    let reached = (grid.values .> 0).cast(to: .float64).expandingDims(at: 3)
    #expect((colors - reached * 0.25).abs().max().value < 1e-12)
    // Points that lie on each other fill no more than all.
    let heap = PointCloud(points: .zeros([20, 3]))
    #expect(try VoxelGrid(splatting: heap, counts: [3, 3, 3]).values.max().value == 1)
    let none = PointCloud(points: .zeros([0, 3]))
    #expect(try VoxelGrid(splatting: none, counts: [3, 3, 3]).values.max().value == 0)
  }

  @Test func theNumberOfThreadsChangesNothing() {
    let (values, points) = (Self.random([9000, 3], 1, -1, 1), Self.random([9000, 3], 2, -1, 8))
    let runs = [1, 4].map { threads in
      LumiRuntime.withThreads(threads) {
        splatTrilinear(values, at: points, shape: [8, 8, 8]).scalars(as: Double.self)
      }
    }
    #expect(runs[0] == runs[1])
  }

  @Test func badInputThrows() {
    let cloud = PointCloud(points: Tensor([.nan, 0, 0] as [Float], shape: [1, 3]))
    #expect(throws: SceneError.self) { try VoxelGrid(splatting: cloud, counts: [3, 3, 3]) }
    let good = PointCloud(points: .zeros([1, 3]))
    #expect(throws: SceneError.self) { try VoxelGrid(splatting: good, counts: [3, 0, 3]) }
    #expect(throws: SceneError.self) {
      try VoxelGrid(splatting: good, counts: [3, 3, 3], lower: [0, 0, 0], upper: [0, 1, 1])
    }
  }
}
