import Foundation
import LumiScene
import LumiTensor
import Testing

struct MarchingCubesTests {
  typealias Point = SIMD3<Double>

  /// A grid of f at its own places.
  static func grid(
    _ counts: SIMD3<Int>, _ quantity: VoxelGrid.Quantity = .signedDistance,
    _ placement: VoxelGrid.Placement = .nodes, lower: Point = [-1, -1, -1],
    upper: Point = [1, 1, 1], of f: (Point) -> Double
  ) -> VoxelGrid {
    let shape = [counts.x, counts.y, counts.z]
    var grid = VoxelGrid(
      values: .zeros(shape, dtype: .float64), quantity: quantity, placement: placement,
      lower: lower, upper: upper)
    let places = grid.valuePositions().scalars(as: Double.self)
    let values = stride(from: 0, to: places.count, by: 3).map {
      f([places[$0], places[$0 + 1], places[$0 + 2]])
    }
    grid.values = Tensor(values, shape: shape)
    return grid
  }

  static func torus(_ p: Point) -> Double {
    let ring = (p.x * p.x + p.y * p.y).squareRoot() - 0.6
    return (ring * ring + p.z * p.z).squareRoot() - 0.25
  }

  /// Edges with exactly two faces in opposite directions, and one fan of faces around each vertex.
  static func isClosedManifold(_ mesh: Mesh) -> Bool {
    let topology = MeshTopology(mesh)
    guard topology.isWatertight else { return false }
    var following: [SIMD2<Int32>: Int32] = [:]
    var degree = [Int](repeating: 0, count: mesh.vertexCount)
    let faces = mesh.faces.scalars(as: Int32.self)
    for start in stride(from: 0, to: faces.count, by: 3) {
      for corner in 0..<3 {
        let vertex = faces[start + corner]
        following[[vertex, faces[start + (corner + 1) % 3]]] = faces[start + (corner + 2) % 3]
        degree[Int(vertex)] += 1
      }
    }
    // Walking around a vertex must meet all of its faces before it comes back.
    var isSeen = [Bool](repeating: false, count: mesh.vertexCount)
    for (key, _) in following where !isSeen[Int(key[0])] {
      isSeen[Int(key[0])] = true
      var (at, steps) = (key[1], 0)
      repeat {
        guard let next = following[[key[0], at]] else { return false }
        (at, steps) = (next, steps + 1)
      } while at != key[1] && steps <= degree[Int(key[0])]
      if steps != degree[Int(key[0])] { return false }
    }
    return isSeen.allSatisfy { $0 }
  }

  /// Every case of a cube, surrounded by empty values: alone, complemented, and as the corner of a
  /// larger grid. Outwards everywhere, or the volume would not be that of the filled part.
  @Test func allCasesCloseAndFaceOutwards() throws {
    for pattern in 0..<256 {
      for empty in [1.0, -1.0] {
        var values = [Double](repeating: empty, count: 64)
        for corner in 0..<8 where pattern >> corner & 1 == 1 {
          let (i, j, k) = (1 + corner >> 2, 1 + corner >> 1 & 1, 1 + corner & 1)
          values[(i * 4 + j) * 4 + k] = -empty
        }
        let grid = VoxelGrid(
          values: doubles(values, [4, 4, 4]), quantity: .signedDistance, placement: .nodes,
          lower: [0, 0, 0], upper: [3, 3, 3])
        let mesh = try grid.surface(closed: true)
        if pattern == 0 && empty == 1 {
          #expect(mesh.faceCount == 0 && mesh.vertexCount == 0)
          continue
        }
        #expect(Self.isClosedManifold(mesh), "pattern \(pattern)")
        let filled = pattern.nonzeroBitCount
        // A filled value alone is an octahedron of volume 1/6; more add at least as much each.
        let volume = mesh.volume().value
        if empty == 1 {
          #expect(volume >= Double(filled) / 6 - 1e-12 && volume <= Double(filled) * 1.5)
        } else {
          #expect(volume <= 27 - Double(filled) / 6 + 1e-12 && volume > 10)
        }
      }
    }
  }

  /// Random values meet ambiguous faces in every combination of neighbours.
  @Test(arguments: [DType.float32, .float64])
  func randomGridsAreManifold(_ dtype: DType) throws {
    var random = RandomGenerator(seed: 5)
    for round in 0..<6 {
      let grid = VoxelGrid(
        values: random.uniform([9, 7, 11], low: -1, high: 1, dtype: dtype),
        quantity: .signedDistance, placement: round % 2 == 0 ? .nodes : .cells)
      let closed = try grid.surface(closed: true)
      #expect(Self.isClosedManifold(closed))
      #expect(allFinite(closed.vertices))
      #expect(closed.volume().value > 0)
      let open = try grid.surface()
      let topology = MeshTopology(open)
      #expect(topology.nonManifoldEdges.shape[0] == 0)
      // Open edges lie on the outermost values.
      let counts = grid.counts &- 1
      let places = grid.gridPoints(open.vertices).scalars(as: Double.self)
      let boundary = topology.boundaryEdges.scalars(as: Int32.self)
      #expect(!boundary.isEmpty)
      for edge in stride(from: 0, to: boundary.count, by: 2) {
        let onBorder = (0..<3).contains { axis in
          [0, Double(counts[axis])].contains { border in
            (0..<2).allSatisfy {
              abs(places[3 * Int(boundary[edge + $0]) + axis] - border) < 1e-5
            }
          }
        }
        #expect(onBorder)
      }
    }
  }

  @Test func sphereHasItsMeasures() throws {
    let grid = Self.grid([33, 41, 37]) { ($0 * $0).sum().squareRoot() - 0.7 }
    let mesh = try grid.surface()
    let topology = MeshTopology(mesh)
    #expect(topology.isWatertight && topology.eulerCharacteristic == 2)
    let radii = mesh.vertices.norm(axis: -1)
    #expect(abs(radii.max().value - 0.7) < 1e-3 && abs(radii.min().value - 0.7) < 1e-3)
    #expect(abs(mesh.volume().value / (4 / 3 * .pi * 0.343) - 1) < 5e-3)
    #expect(abs(mesh.surfaceArea().value / (4 * .pi * 0.49) - 1) < 5e-3)
    let outward = mesh.computedVertexNormals().dot(mesh.vertices.normalized())
    #expect(outward.min().value > 0.99)
    // Another level is another sphere.
    let larger = try grid.surface(level: 0.2).vertices.norm(axis: -1)
    #expect(abs(larger.mean().value - 0.9) < 1e-3)
  }

  @Test func torusHasAHole() throws {
    let mesh = try Self.grid([40, 40, 24], of: Self.torus).surface()
    let topology = MeshTopology(mesh)
    #expect(topology.isWatertight && topology.eulerCharacteristic == 0)
    #expect(abs(mesh.volume().value / (2 * .pi * .pi * 0.6 * 0.0625) - 1) < 0.02)
  }

  /// Filled and empty, in whatever words: the same surface.
  @Test func quantitiesAgree() throws {
    let reference = try Self.grid([20, 20, 20], of: Self.torus).surface()
    let occupancy = Self.grid([20, 20, 20], .occupancy) { 0.5 - 0.3 * Self.torus($0) }
    let emptiness = Self.grid([20, 20, 20], .emptiness) { 0.5 + 0.3 * Self.torus($0) }
    let density = Self.grid([20, 20, 20], .density) { 7 - 3 * Self.torus($0) }
    let same = [
      try occupancy.surface(), try emptiness.surface(), try density.surface(level: 7),
    ]
    for mesh in same {
      #expect(mesh.faces.scalars(as: Int32.self) == reference.faces.scalars(as: Int32.self))
      #expect(difference(mesh.vertices, reference.vertices) < 1e-12)
    }
  }

  /// Caps lie on the box whatever the placement: a full grid becomes the box.
  @Test(arguments: VoxelGrid.Placement.allCases)
  func fullGridsCloseOnTheirBox(_ placement: VoxelGrid.Placement) throws {
    let grid = Self.grid([5, 4, 6], .occupancy, placement, lower: [0, 1, 2], upper: [2, 4, 6]) {
      _ in 1
    }
    #expect(try grid.surface().faceCount == 0)
    let mesh = try grid.surface(closed: true)
    #expect(Self.isClosedManifold(mesh))
    let (low, high) = mesh.boundingBox()
    #expect(low.scalars(as: Double.self) == [0, 1, 2])
    #expect(high.scalars(as: Double.self) == [2, 4, 6])
    // Nodes give the box itself; between cells and the box edges are bevelled by half a cell.
    let volume = mesh.volume().value
    #expect(placement == .nodes ? abs(volume - 24) < 1e-12 : volume > 21 && volume < 24)
  }

  @Test func gradientsOfVerticesAgree() throws {
    let grid = Self.grid([6, 5, 7], lower: [-1, -2, 0], upper: [1, 2, 1.5]) {
      ($0 * [1, 0.4, 1.2] - [0.1, 0, 0.9]).x * 1.3 + sin(3 * $0.y) * 0.3 + $0.z * $0.z - 0.8
    }
    for closed in [false, true] {
      try checkGradients(at: [grid.values], names: ["values"]) { parameters in
        var moved = grid
        moved.values = parameters[0]
        return try moved.surface(level: 0.05, closed: closed).vertices
      }
    }
  }

  @Test func secondDerivativesAgree() throws {
    let grid = Self.grid([4, 4, 4], of: Self.torus)
    try checkGradients(at: [grid.values], names: ["values"]) { parameters in
      try gradient(at: parameters[0]) { values in
        var moved = grid
        moved.values = values
        let mesh = try moved.surface(level: 0.2)
        return mesh.vertices.square().sum() + mesh.volume()
      }
    }
  }

  @Test func coloursGoAlongWithGradients() throws {
    var grid = Self.grid([5, 5, 5]) { ($0 * $0).sum().squareRoot() - 0.6 }
    // Colours that are linear in place are met exactly.
    grid.appearance = .colors(grid.valuePositions() * 0.5 + 0.5)
    let mesh = try grid.surface()
    guard case .vertexColors(let colors) = mesh.appearance else {
      Issue.record("no vertex colours")
      return
    }
    #expect(difference(colors, mesh.vertices * 0.5 + 0.5) < 1e-14)
    try checkGradients(at: [grid.values, grid.valuePositions().sin()]) { parameters in
      var moved = grid
      moved.values = parameters[0]
      moved.appearance = .colors(parameters[1])
      guard case .vertexColors(let colors) = try moved.surface().appearance else { fatalError() }
      return colors
    }
    // The mean of a function over the sphere is its constant part.
    let harmonics = Tensor.full([5, 5, 5, 2, 9], 1, dtype: .float64)
    grid.appearance = .sphericalHarmonics(harmonics)
    guard case .vertexColors(let means) = try grid.surface().appearance else { return }
    #expect(means.shape == [mesh.vertexCount, 2])
    #expect(difference(means, .full(means.shape, 0.28209479177387814, dtype: .float64)) < 1e-12)
  }

  @Test func valuesAtTheLevelAreEmptyAndHarmless() throws {
    var grid = Self.grid([5, 5, 5]) { max(abs($0.x), abs($0.y), abs($0.z)) - 0.5 }
    let mesh = try grid.surface()
    #expect(Self.isClosedManifold(mesh))
    #expect(abs(mesh.volume().value - 1.0 / 6) < 1e-12)
    let slope = try gradient(at: grid.values) { values in
      var moved = grid
      moved.values = values
      return try moved.surface().volume()
    }
    #expect(allFinite(slope))
    // Differences that are next to nothing are cut in the middle.
    grid.values = Tensor.where(grid.values .< 0, -1e-300, Tensor(1, dtype: .float64))
    grid.values = Tensor.where(grid.values .< 0, grid.values, Tensor(1e-300, dtype: .float64))
    let (vertices, flat) = try valueAndGradient(at: grid.values) { values in
      var moved = grid
      moved.values = values
      return try moved.surface().vertices.square().sum()
    }
    #expect(vertices.value.isFinite && allFinite(flat))
    grid.values = .zeros([5, 5, 5], dtype: .float64)
    #expect(try grid.surface(closed: true).faceCount == 0)
  }

  @Test func hugeAndSinglePrecisionValuesStayFinite() throws {
    for scale in [1e-30, 1, 1e30] {
      var grid = Self.grid([6, 6, 6], of: Self.torus)
      grid.values = (grid.values * scale).cast(to: .float32)
      grid.appearance = .uniform(.ones([3]))
      let (value, slope) = try valueAndGradient(at: grid.values) { values in
        var moved = grid
        moved.values = values
        return try moved.surface().vertices.square().sum()
      }
      #expect(value.value.isFinite && value.value > 1 && allFinite(slope))
    }
  }

  @Test func badInputThrows() throws {
    var grid = Self.grid([3, 3, 3]) { $0.x }
    var error = #expect(throws: SceneError.self) { try grid.surface(level: .nan) }
    #expect(error?.field == "level")
    var values = [Double](repeating: 1, count: 27)
    values[14] = .nan
    grid.values = doubles(values, [3, 3, 3])
    error = #expect(throws: SceneError.self) { try grid.surface() }
    #expect(error?.field == "voxels.values" && error?.index == 1)
    values[14] = -.infinity
    grid.values = doubles(values, [3, 3, 3])
    error = #expect(throws: SceneError.self) { try grid.surface() }
    #expect(error?.field == "voxels.values")
    grid.values = .zeros([3, 3], dtype: .float64)
    #expect(throws: SceneError.self) { try grid.surface() }
    let single = VoxelGrid(values: .ones([1, 1, 1]), quantity: .occupancy)
    #expect(try single.surface().faceCount == 0)
    #expect(Self.isClosedManifold(try single.surface(closed: true)))
  }

  /// What the tests above rely on must notice a hole, a turned face and two bodies that touch.
  @Test func theCheckOfMeshesCanFail() throws {
    var mesh = try Self.grid([6, 6, 6], of: Self.torus).surface(level: 0.1)
    #expect(Self.isClosedManifold(mesh))
    let faces = mesh.faces
    mesh.faces = faces.slice(axis: 0, from: 1, to: mesh.faceCount)
    #expect(!Self.isClosedManifold(mesh))
    mesh.faces = Tensor.concatenate([faces[0..<1].flipped(axis: 1), mesh.faces])
    #expect(!Self.isClosedManifold(mesh))
    let tetrahedra = Tensor(
      [0, 2, 1, 0, 1, 3, 1, 2, 3, 2, 0, 3, 0, 5, 4, 0, 4, 6, 4, 5, 6, 5, 0, 6] as [Int32],
      shape: [8, 3])
    #expect(!Self.isClosedManifold(Mesh(vertices: .zeros([7, 3]), faces: tetrahedra)))
    #expect(Self.isClosedManifold(Mesh(vertices: .zeros([4, 3]), faces: tetrahedra[0..<4])))
  }

  @Test func theNumberOfThreadsChangesNothing() throws {
    var random = RandomGenerator(seed: 9)
    let grid = VoxelGrid(
      values: random.uniform([20, 21, 22], low: -1, high: 1), quantity: .signedDistance)
    let (one, four) = (
      try LumiRuntime.withThreads(1) { try grid.surface() },
      try LumiRuntime.withThreads(4) { try grid.surface() }
    )
    #expect(one.faces.scalars(as: Int32.self) == four.faces.scalars(as: Int32.self))
    #expect(one.vertices.scalars(as: Float.self) == four.vertices.scalars(as: Float.self))
  }
}
