import Foundation
import LumiScene
import LumiTensor
import Testing

struct MeshVoxelTests {
  typealias Point = SIMD3<Double>

  static func box(_ p: Point, half: Point) -> Double {
    let d = SIMD3(abs(p.x), abs(p.y), abs(p.z)) - half
    let outside = SIMD3(max(d.x, 0), max(d.y, 0), max(d.z, 0))
    return (outside * outside).sum().squareRoot() + min(d.max(), 0)
  }

  static func worst(_ grid: VoxelGrid, _ truth: (Point) -> Double) -> Double {
    let places = grid.valuePositions().scalars(as: Double.self)
    let values = grid.values.scalars(as: Double.self)
    return values.indices.map { row in
      abs(values[row] - truth([places[3 * row], places[3 * row + 1], places[3 * row + 2]]))
    }.max()!
  }

  static func cube(half: Point) -> Mesh {
    var cube = Mesh.cube().cast(to: .float64)
    let (low, high) = cube.boundingBox()
    cube.vertices = (cube.vertices - low) / (high - low) * 2 - 1
    cube.vertices = cube.vertices * doubles([half.x, half.y, half.z])
    return cube
  }

  @Test(arguments: VoxelGrid.Placement.allCases)
  func boxesHaveTheirDistances(_ placement: VoxelGrid.Placement) throws {
    let half = Point(0.5, 0.3, 0.7)
    let grid = try VoxelGrid(
      signedDistancesTo: Self.cube(half: half), counts: [12, 13, 11], lower: [-1, -1, -1.2],
      upper: [1, 0.9, 1], placement: placement)
    #expect(grid.quantity == .signedDistance && grid.placement == placement)
    #expect(Self.worst(grid) { Self.box($0, half: half) } < 1e-12)
  }

  @Test func spheresAndToriHaveTheirDistances() throws {
    var sphere = Mesh.icosphere(subdivisions: 4).cast(to: .float64)
    sphere.vertices = sphere.vertices * 0.7
    let round = try VoxelGrid(signedDistancesTo: sphere, counts: [17, 17, 17])
    #expect(Self.worst(round) { ($0 * $0).sum().squareRoot() - 0.7 } < 1.5e-3)
    let mesh = try MarchingCubesTests.grid([64, 64, 40], of: MarchingCubesTests.torus).surface()
    let ring = try VoxelGrid(signedDistancesTo: mesh, counts: [16, 16, 16])
    #expect(Self.worst(ring, MarchingCubesTests.torus) < 3e-3)
  }

  @Test func gridsSurviveTheRoundTrip() throws {
    let grid = MarchingCubesTests.grid([32, 32, 24], of: MarchingCubesTests.torus)
    let again = try VoxelGrid(signedDistancesTo: try grid.surface(), counts: grid.counts)
    // A cell is 0.065 to 0.087 wide.
    #expect(difference(again.values, grid.values) < 0.009)
    let (first, second) = (try grid.surface(), try again.surface())
    #expect(abs(second.volume().value / first.volume().value - 1) < 0.01)
    let distances = try first.signedDistances(to: second.vertices)
    #expect(distances.abs().max().value < 0.01)
  }

  @Test func gradientsOfDistancesAgree() throws {
    let mesh = Mesh.icosphere(subdivisions: 1).cast(to: .float64)
    var random = RandomGenerator(seed: 3)
    let points = random.uniform([24, 3], low: -1.4, high: 1.4, dtype: .float64)
    let wobble = random.uniform(mesh.vertices.shape, low: -0.05, high: 0.05, dtype: .float64)
    try checkGradients(at: [points, mesh.vertices + wobble], names: ["points", "vertices"]) {
      var moved = mesh
      moved.vertices = $0[1]
      return try moved.signedDistances(to: $0[0])
    }
    try checkGradients(at: [mesh.vertices + wobble], names: ["vertices"]) { parameters in
      var moved = mesh
      moved.vertices = parameters[0]
      return try VoxelGrid(
        signedDistancesTo: moved, counts: [4, 3, 4], lower: [-1.1, -1.2, -1.3],
        upper: [1.2, 1.3, 1.25]
      ).values
    }
  }

  /// On the surface the offset is 0; the derivative is the normal all the same.
  @Test func pointsOnTheSurfaceMoveWithTheNormal() throws {
    let cube = Self.cube(half: [1, 1, 1])
    let points = doubles([1, 0.2, 0.3, 0.5, 0.1, -1], [2, 3])
    let (value, slope) = try valueAndGradient(at: points) {
      try cube.signedDistances(to: $0).sum()
    }
    #expect(abs(value.value) < 1e-15)
    #expect(difference(slope, doubles([1, 0, 0, 0, 0, -1], [2, 3])) < 1e-15)
  }

  /// A box without a lid: the inside stays inside, away from the hole.
  @Test func openMeshesAreDecidedByWinding() throws {
    var cube = Self.cube(half: [1, 1, 1])
    let normals = cube.faceNormals().scalars(as: Double.self)
    let kept = (0..<cube.faceCount).filter { normals[3 * $0 + 2] < 0.5 }.map { Int32($0) }
    cube.faces = cube.faces.gather(Tensor(kept))
    #expect(kept.count == 10 && !MeshTopology(cube).isWatertight)
    let points = doubles([0, 0, 0, 0, 0, -0.9, 0, 0, 1.5, 0, 0, -1.5], [4, 3])
    let distances = try cube.signedDistances(to: points).scalars(as: Double.self)
    #expect(distances[0] == -1 && abs(distances[1] + 0.1) < 1e-12)
    #expect(distances[2] > 1 && abs(distances[3] - 0.5) < 1e-12)
  }

  @Test func coloursComeFromTheClosestPoint() throws {
    var cube = Self.cube(half: [1, 1, 1])
    cube.appearance = .vertexColors(cube.vertices * 0.5 + 0.5)
    let grid = try VoxelGrid(
      signedDistancesTo: cube, counts: [3, 3, 3], lower: [-2, -2, -2], upper: [2, 2, 2])
    guard case .colors(let colors) = grid.appearance else {
      Issue.record("no colours")
      return
    }
    #expect(difference(colors[2, 1, 1], doubles([1, 0.5, 0.5])) < 1e-12)
    #expect(difference(colors[2, 2, 0], doubles([1, 1, 0])) < 1e-12)
  }

  @Test func solidsFillTheirCells() throws {
    let cube = Self.cube(half: [0.5, 0.5, 0.5])
    let grid = try VoxelGrid(solid: cube, counts: [8, 8, 8])
    #expect(grid.values.sum().value == 64)
    // A cell is 0.25 wide: a cube of half side 0.45 covers 80% of the outer cells.
    let smaller = Self.cube(half: [0.45, 0.45, 0.45])
    let fine = try VoxelGrid(solid: smaller, counts: [8, 8, 8], samples: 5)
    #expect(abs(fine.values[3, 2, 4].value - 0.8) < 1e-12)
    #expect(abs(fine.values[2, 2, 2].value - 0.512) < 1e-12)
    #expect(fine.values[3, 3, 3].value == 1 && fine.values[1, 3, 3].value == 0)
    #expect(abs(fine.values.sum().value / 64 - 0.729) < 1e-12)
    var sphere = Mesh.icosphere(subdivisions: 3)
    sphere.vertices = sphere.vertices * 0.8
    let ball = try VoxelGrid(solid: sphere, counts: [24, 24, 24], samples: 3)
    let volume = ball.values.sum().value / 1728
    #expect(abs(volume / sphere.volume().value - 1) < 3e-3)
    _ = try ball.validated()
  }

  @Test func badInputThrows() throws {
    let cube = Mesh.cube()
    var empty = cube
    empty.faces = Tensor([] as [Int32], shape: [0, 3])
    #expect(throws: SceneError.self) { try VoxelGrid(signedDistancesTo: empty, counts: [4, 4, 4]) }
    #expect(try VoxelGrid(solid: empty, counts: [4, 4, 4]).values.sum().value == 0)
    for counts in [
      SIMD3(4, 1, 4), [4, -4, 4], [0, 4, 4], [.max, 4, 4], [1 << 21, 1 << 21, 1 << 21],
    ] {
      let error = #expect(throws: SceneError.self) {
        try VoxelGrid(signedDistancesTo: cube, counts: counts)
      }
      #expect(error?.field == "counts")
    }
    #expect(throws: SceneError.self) {
      try VoxelGrid(solid: cube, counts: [4, 4, 4], lower: [0, 0, 0], upper: [1, 0, 1])
    }
    #expect(throws: SceneError.self) { try VoxelGrid(solid: cube, counts: [4, 4, 4], samples: 0) }
    var broken = cube
    broken.faces = broken.faces + 7
    #expect(throws: SceneError.self) { try VoxelGrid(solid: broken, counts: [4, 4, 4]) }
    #expect(throws: SceneError.self) {
      try cube.signedDistances(to: Tensor([.nan, 0, 0] as [Float], shape: [1, 3]))
    }
    // A mesh without area has a distance and no inside.
    var flat = cube
    flat.vertices = flat.vertices * 0
    let distances = try flat.signedDistances(to: Tensor([1, 2, 2] as [Float], shape: [1, 3]))
    #expect(distances.value == 3)
  }
}
