import LumiScene
import LumiTensor
import Testing

struct DistanceTransformTests {
  static func grid(_ isFilled: [Bool], _ shape: [Int]) -> VoxelGrid {
    VoxelGrid(
      values: doubles(isFilled.map { $0 ? 1 : 0 }, shape), quantity: .occupancy,
      lower: [0, 0, 0], upper: [Double(shape[0]) * 0.5, Double(shape[1]), Double(shape[2]) * 0.7])
  }

  /// The distance to every box of the other kind, one by one.
  static func readable(_ isFilled: [Bool], _ shape: [Int], _ spacing: SIMD3<Double>) -> [Double] {
    func place(_ at: Int) -> SIMD3<Double> {
      SIMD3(
        Double(at / (shape[1] * shape[2])), Double(at / shape[2] % shape[1]),
        Double(at % shape[2]))
    }
    return isFilled.indices.map { own in
      var least = Double.infinity
      for other in isFilled.indices where isFilled[other] != isFilled[own] {
        let way = place(own) - place(other)
        let rest = SIMD3(
          max(abs(way.x) - 0.5, 0), max(abs(way.y) - 0.5, 0), max(abs(way.z) - 0.5, 0))
        least = min(least, (rest * rest * spacing * spacing).sum())
      }
      return isFilled[own] ? -least.squareRoot() : least.squareRoot()
    }
  }

  @Test(arguments: [0.01, 0.1, 0.5, 0.95])
  func agreesWithAllPairs(_ share: Double) throws {
    var random = RandomGenerator(seed: 11)
    for shape in [[7, 9, 8], [1, 12, 5], [30, 1, 1], [2, 2, 2]] {
      var filled = random.uniform(shape).scalars(as: Double.self).map { $0 < share }
      filled[0] = true
      filled[filled.count - 1] = false
      let grid = Self.grid(filled, shape)
      let distances = try grid.distanceTransformed()
      #expect(distances.quantity == .signedDistance && distances.placement == .cells)
      let expected = Self.readable(filled, shape, grid.spacing)
      #expect(difference(distances.values, doubles(expected, shape)) < 1e-12)
    }
  }

  @Test func aHalfSpaceHasItsDistances() throws {
    let grid = Self.grid((0..<64).map { $0 / 16 < 2 }, [4, 4, 4])
    let distances = try grid.distanceTransformed().values
    #expect(distances[.all, 1, 2].scalars(as: Double.self) == [-0.75, -0.25, 0.25, 0.75])
  }

  @Test func uniformGridsHaveTheDiagonal() throws {
    for isFilled in [true, false] {
      let grid = Self.grid([Bool](repeating: isFilled, count: 24), [2, 3, 4])
      let distances = try grid.distanceTransformed().values
      let diagonal = (1.0 + 9 + 2.8 * 2.8).squareRoot()
      #expect(difference(distances, .full([2, 3, 4], isFilled ? -diagonal : diagonal)) < 1e-6)
    }
  }

  /// A ball there and back: the cells are the same, the surface is within a cell of the ball.
  @Test func occupancySurvivesTheRoundTrip() throws {
    let ball = MarchingCubesTests.grid([24, 20, 28], .occupancy, .cells) {
      ($0 * $0).sum() < 0.49 ? 1 : 0
    }
    let distances = try ball.distanceTransformed()
    let hard = try distances.occupancy(width: 1e-3, profile: .linear)
    #expect(difference(hard.values, ball.values) == 0)
    let soft = try distances.occupancy(width: 0.1)
    #expect(try soft.validated().quantity == .occupancy)
    #expect(difference((soft.values .> 0.5).cast(to: .float64), ball.values) == 0)
    let radii = try soft.surface().vertices.norm(axis: -1)
    #expect(abs(radii.max().value - 0.7) < 0.1 && abs(radii.min().value - 0.7) < 0.1)
    // Distances are distances: they change by no more than the way.
    let steps = (distances.values[1..<24] - distances.values[0..<23]).abs().max().value
    #expect(steps <= ball.spacing.x + 1e-12)
    // Signed distances can be measured anew.
    let again = try distances.distanceTransformed()
    #expect(difference(again.values, distances.values) < 1e-12)
  }

  @Test func gradientsOfOccupancyAgree() throws {
    let grid = MarchingCubesTests.grid([4, 5, 6], of: MarchingCubesTests.torus)
    for profile in VoxelGrid.EdgeProfile.allCases {
      try checkGradients(at: [grid.values], names: ["values"]) { parameters in
        var moved = grid
        moved.values = parameters[0]
        return try moved.occupancy(width: 0.4, profile: profile).values
      }
    }
  }

  @Test func pointsOfGrids() throws {
    var grid = Self.grid([true, false, false, true, true, false], [1, 2, 3])
    grid.appearance = .colors(grid.valuePositions() * 2)
    let cloud = try grid.filledPoints()
    let expected = doubles([0.25, 0.5, 0.35, 0.25, 1.5, 0.35, 0.25, 1.5, 1.05], [3, 3])
    #expect(difference(cloud.points, expected) < 1e-12)
    #expect(difference(cloud.appearance.colors(count: 3), expected * 2) < 1e-12)
    grid.quantity = .emptiness
    #expect(try grid.filledPoints().count == 3)
    #expect(try grid.filledPoints(level: -1).count == 0)
    let sphere = MarchingCubesTests.grid([20, 20, 20]) { ($0 * $0).sum().squareRoot() - 0.6 }
    var random = RandomGenerator(seed: 1)
    let surface = try sphere.surfacePoints(500, using: &random)
    #expect(surface.count == 500)
    #expect((surface.points.norm(axis: 1) - 0.6).abs().max().value < 0.01)
    let normals = try #require(surface.normals)
    #expect(normals.dot(surface.points.normalized()).min().value > 0.95)
    #expect(throws: SceneError.self) { try sphere.surfacePoints(5, level: 9, using: &random) }
  }

  @Test func badInputThrows() throws {
    var grid = Self.grid([true, false], [1, 1, 2])
    #expect(throws: SceneError.self) { try grid.distanceTransformed(level: .infinity) }
    #expect(throws: SceneError.self) { try grid.occupancy(width: 1) }
    grid.quantity = .signedDistance
    for width in [0, -1, .nan, .infinity] {
      #expect(throws: SceneError.self) { try grid.occupancy(width: width) }
    }
    grid.values = doubles([.nan, 1], [1, 1, 2])
    #expect(throws: SceneError.self) { try grid.distanceTransformed() }
    #expect(throws: SceneError.self) { try grid.filledPoints() }
  }
}
