import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Testing

struct ClosestApproachTests {
  static let field = Scenes.sphere(radius: 1.2, nodes: 33)

  static func rays(_ origins: [Double], _ directions: [Double]) -> CameraRays {
    CameraRays(
      origins: Tensor(origins, shape: [origins.count / 3, 3]),
      directions: Tensor(directions, shape: [origins.count / 3, 3]))
  }

  /// Lines past a sphere at 1.5 and 1.2, and through it at 0.5; one that misses the box, one that
  /// goes away from it, one that begins in it, one along a face.
  @Test func linesAreAsFarAsTheyAre() {
    let approach = ClosestApproach(
      of: Self.rays(
        [-5, 1.5, 0, -5, 1.2, 0, -5, 0, 0.5, -5, 2.5, 0, 5, 0, 0, 1.5, 0, 0, -5, 2, 0],
        [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0]), to: Self.field)
    let expected = Tensor([0.3, 0, -0.7, 48.0.squareRoot(), 48.0.squareRoot(), 0.3, 0.8])
    #expect((approach.distances - expected).largest < 0.01)
    #expect(
      approach.isInBox.scalars(as: Bool.self) == [true, true, true, false, false, true, true])
    #expect(approach.positions[0, 1].value == 1.5)
  }

  /// Never far below nor above the least of very many samples, on values that are no distance too.
  @Test func agreesWithDenseSampling() {
    var random = RandomGenerator(seed: 4)
    let origins = random.normal([200, 3], dtype: .float64).unitVectors() * 4
    let targets = random.uniform([200, 3], low: -1.8, high: 1.8, dtype: .float64)
    let rays = CameraRays(origins: origins, directions: (targets - origins).unitVectors())
    let bounds = Self.field.bounds
    let interval = RayInterval(of: rays, inBoxFrom: bounds.lower, to: bounds.upper)
    let samples = RaySamples(along: rays, in: interval, count: 2000)
    let values = sampleTrilinear(
      Self.field.values.expandingDims(at: 3),
      at: Self.field.gridPoints(samples.positions.reshaped([-1, 3])), border: .clamped)
    let least = values.reshaped([200, 2000]).min(axis: 1)
    let approach = ClosestApproach(of: rays, to: Self.field)
    #expect((approach.distances - least).largest < 0.02)
    let fine = ClosestApproach(of: rays, to: Self.field, step: 0.02)
    #expect((fine.distances - least).largest < 1e-3)
  }

  /// The derivative is that of the value where it is least, for rays inside and outside.
  @Test func derivatives() throws {
    let grid = Scenes.sphere(nodes: 7)
    let rays = Self.rays([-5, 1.45, 0.3, -5, 0.2, 0.4, -5, 3, 0], [1, 0, 0, 1, 0, 0, 1, 0, 0])
    let slope = gradient(at: grid.values) { values in
      var moved = grid
      moved.values = values
      return ClosestApproach(of: rays, to: moved).distances.sum()
    }
    #expect(abs(slope.sum().value - 2) < 1e-12)
    try checkGradients(at: [grid.values]) { x in
      var moved = grid
      moved.values = x[0]
      return ClosestApproach(of: rays, to: moved, step: 0.05).distances
    }
  }

  @Test func hostileRaysEnd() {
    var grid = Scenes.sphere(nodes: 5)
    let rays = Self.rays(
      [.nan, 0, 0, 1e300, 0, 0, 0, .infinity, 0, 0, 0, 0, -1e20, 0, 0],
      [1, 0, 0, -1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0])
    let approach = ClosestApproach(of: rays, to: grid)
    #expect(approach.distances.isAllFinite)
    grid.values = grid.values / 0
    #expect(ClosestApproach(of: rays, to: grid).distances.count == 5)
    #expect(ClosestApproach(of: Self.rays([], []), to: Self.field).distances.count == 0)
  }
}

struct MultiResolutionTests {
  @Test func publishedSchedule() {
    let schedule = MultiResolutionSchedule(steps: 10)
    #expect(schedule.levels.map(\.counts.x) == [8, 16, 24, 32, 40, 48, 56, 64])
    #expect(schedule.totalSteps == 80)
    #expect(schedule.levels[0].learningRate == 0.01)
    #expect(abs(schedule.levels[7].learningRate - 0.008131) < 1e-6)
  }

  /// Every level gets what the one before it left, on its own number of nodes.
  @Test func levelsFollowEachOther() {
    let schedule = MultiResolutionSchedule(resolutions: [5, 9, 9], steps: 1)
    var seen: [SIMD3<Int>] = []
    let grid = schedule.run(from: Scenes.sphere(nodes: 3)) { grid, level in
      #expect(grid.counts == level.counts)
      seen.append(grid.counts)
      grid.values = grid.values + 1
    }
    #expect(seen == [[5, 5, 5], [9, 9, 9], [9, 9, 9]])
    let corner = Scenes.sphere(nodes: 3).values.scalars(as: Double.self)[0]
    #expect(abs(grid.values.scalars(as: Double.self)[0] - corner - 3) < 1e-12)
    #expect(MultiResolutionSchedule([]).run(from: grid) { _, _ in }.counts == grid.counts)
  }
}

/// A torus from SDFDiff's pictures: the paper's energy and its claim that coarse to fine is better.
struct SDFDiffReconstructionTests {
  static let nodes = 32

  static func torus(nodes: Int) -> VoxelGrid {
    var grid = Scenes.sphere(nodes: nodes, dtype: .float32)
    let p = grid.valuePositions()
    func axis(_ k: Int) -> Tensor { p.slice(axis: 3, from: k, to: k + 1).squeezed(axis: 3) }
    let ring = (axis(0).square() + axis(1).square()).sqrt() - 1
    grid.values = (ring.square() + axis(2).square()).sqrt() - 0.45
    return grid
  }

  static let cameras: [Camera] = {
    var eyes: [SIMD3<Double>] = []
    for x in [-1.0, 1] {
      eyes += [[5 * x, 0, 0], [0.1, 5 * x, 0], [0, 0, 5 * x]]
      for y in [-1.0, 1] {
        for z in [-1.0, 1] { eyes.append(SIMD3(x, y, z) * 5 / 3.0.squareRoot()) }
      }
    }
    return eyes.map {
      .perspective(from: $0, verticalFieldOfView: .pi / 3, width: 48, height: 48)
    }
  }()

  static func image(_ grid: VoxelGrid, _ camera: Camera) throws -> Tensor {
    var grid = grid
    grid.appearance = .uniform(.ones([1]))
    return try SDFDiff(channels: [.color]).render(
      Scene(grid, background: .zeros([1])), from: camera)[.color]
  }

  static func fitted(_ schedule: MultiResolutionSchedule) throws -> VoxelGrid {
    let targets = try cameras.map { try image(torus(nodes: 64), $0) }
    let start = Scenes.sphere(radius: 1.6, nodes: schedule.levels[0].counts.x, dtype: .float32)
    var view = 0
    return try schedule.run(from: start) { grid, level in
      var adam = Adam(learningRate: .constant(level.learningRate), epsilon: 1e-2)
      for _ in 0..<level.steps {
        let before = grid
        let slope = try gradient(at: grid.values) { values in
          var moved = before
          moved.values = values
          let error = (try image(moved, cameras[view]) - targets[view]).abs().sum()
          return error * (256.0 * 256 / (48 * 48)) + moved.eikonalLoss() + moved.laplacianLoss()
        }
        try adam.update(&grid, gradients: ["values": slope])
        view = (view + 5) % cameras.count
      }
    }
  }

  /// Mean distance from the found surface to the torus and from the torus to the found surface, in
  /// spacings of the finest grid.
  static func chamfer(_ grid: VoxelGrid) throws -> Double {
    var random = RandomGenerator(seed: 1)
    let found = try grid.surface().sampleSurface(4000, using: &random).points
    let exact = try torus(nodes: 128).surface().sampleSurface(4000, using: &random).points
    func mean(_ a: Tensor, _ b: Tensor) -> Double {
      (a - b.gather(nearestNeighbours(of: a, in: b))).norm(axis: 1).mean().value
    }
    return (mean(found, exact) + mean(exact, found)) / 2 / (4 / Double(nodes - 1))
  }

  @Test func coarseToFineFindsTheTorus() throws {
    let steps = 480
    let fine = try Self.chamfer(
      Self.fitted(MultiResolutionSchedule(resolutions: [8, 16, 24, 32], steps: steps / 4)))
    let single = try Self.chamfer(
      Self.fitted(MultiResolutionSchedule(resolutions: [Self.nodes], steps: steps)))
    #expect(fine < 0.8, "coarse to fine: \(fine) spacings")
    #expect(fine < single * 0.7, "coarse to fine \(fine), fine at once \(single)")
  }
}
