import LumiLearning
import LumiTensor
import Testing

@Suite struct PointMeshTests {
  static let vertices = Tensor([
    [1.0, 0.1, 0.05], [-0.45, 0.9, -0.1], [-0.6, -0.8, 0.2], [0.1, 0.05, 1.1], [-0.1, 0.2, -0.8],
  ])
  static let faces = Tensor([
    [Int32(0), 1, 3], [1, 2, 3], [2, 0, 3], [1, 0, 4], [2, 1, 4], [0, 2, 4],
  ])
  static var points: Tensor {
    var random = RandomGenerator(seed: 101)
    return random.normal([25, 3], dtype: .float64)
  }

  /// The least distance over a fine net of places on all faces: from above, and near.
  @Test func valuesAgreeWithASearch() {
    let steps = 40
    let net = (0...steps).flatMap { i in
      (0...steps - i).map { j -> [Double] in
        let (u, v) = (Double(i) / Double(steps), Double(j) / Double(steps))
        return [1 - u - v, u, v]
      }
    }
    let weights = Tensor(net)  // [K, 3]
    let places = weights.matmul(
      Self.vertices.gather(Self.faces).transposed(1, 0, 2).reshaped([3, 18])
    )
    .reshaped([net.count, 6, 3])
    let difference =
      Self.points.reshaped([25, 1, 1, 3]) - places.reshaped([1, net.count, 6, 3])
    let all = difference.square().sum(axis: -1)  // [25, K, 6]
    let toFaces = squaredDistancesToFaces(
      points: Self.points, vertices: Self.vertices, faces: Self.faces)
    let toPoints = squaredDistancesToPoints(
      vertices: Self.vertices, faces: Self.faces, points: Self.points)
    for (exact, searched) in [
      (toFaces, all.min(axis: 2).min(axis: 1)), (toPoints, all.min(axis: 1).min(axis: 0)),
    ] {
      let excess = searched - exact
      #expect(excess.min().value > -1e-12 && excess.max().value < 0.02)
    }
    let sum = Loss.pointMesh(points: Self.points, vertices: Self.vertices, faces: Self.faces)
    #expect(abs(sum.value - toFaces.mean().value - toPoints.mean().value) < 1e-14)
  }

  @Test func valuesByHand() {
    let triangle = Tensor([[0.0, 0, 0], [2, 0, 0], [0, 2, 0]])
    let face = Tensor([[Int32(0), 1, 2]])
    // Over the inside, beyond an edge, beyond a corner, on the long edge's far side.
    let points = Tensor([[0.5, 0.5, 3.0], [1, -2, 0], [-3, -4, 0], [2, 2, 1]])
    let found = squaredDistancesToFaces(points: points, vertices: triangle, faces: face)
    #expect(found.scalars(as: Double.self) == [9, 4, 25, 3])
    #expect(Loss.faceToPoint(vertices: triangle, faces: face, points: points).value == 3)
  }

  @Test func gradients() throws {
    try checkGradients(at: [Self.points, Self.vertices], names: ["points", "vertices"]) {
      squaredDistancesToFaces(points: $0[0], vertices: $0[1], faces: Self.faces)
    }
    try checkGradients(at: [Self.points, Self.vertices], names: ["points", "vertices"]) {
      squaredDistancesToPoints(vertices: $0[1], faces: Self.faces, points: $0[0])
    }
    try checkGradients(at: [Self.points, Self.vertices]) {
      Loss.pointMesh(points: $0[0], vertices: $0[1], faces: Self.faces)
    }
  }

  @Test func degenerateMeshes() throws {
    // A needle, a point, a face twice, a vertex without a face, points twice and on the surface.
    let vertices = Tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [50, 50, 50]])
    let faces = Tensor([[Int32(0), 1, 2], [1, 1, 1], [0, 1, 3], [0, 1, 3]])
    let points = Tensor([[1.5, 1.0, 0], [1.5, 1.0, 0], [0.2, 0.2, 0], [0, 0, 0]])
    let result = valueAndGradient(at: [points, vertices]) {
      Loss.pointMesh(points: $0[0], vertices: $0[1], faces: faces)
    }
    #expect(result.value.isAllFinite && result.gradients.allSatisfy(\.isAllFinite))
    #expect(result.gradients[1][4].abs().max().value == 0)
    let alone = squaredDistancesToFaces(points: points, vertices: vertices, faces: faces[0..<2])
    #expect(alone.scalars(as: Double.self)[0] == 1)
  }

  @Test func emptySetsGiveZero() {
    let none = Tensor.zeros([0, 3], dtype: .float64)
    let noFaces = Tensor.zeros([0, 3], dtype: .int32)
    #expect(Loss.pointMesh(points: none, vertices: Self.vertices, faces: Self.faces).value == 0)
    #expect(Loss.pointMesh(points: Self.points, vertices: none, faces: noFaces).value == 0)
    #expect(Loss.pointMesh(points: none, vertices: none, faces: noFaces).value == 0)
  }

  @Test func numbersThatAreNotFiniteDoNotStopTheProgram() {
    let points = Tensor([[Double.nan, 0, 0], [0, 0, 0]])
    let vertices = Tensor([[0.0, 0, 1], [.infinity, 0, 0], [0, 1, 1], [1, 0, 1]])
    let faces = Tensor([[Int32(0), 1, 2], [0, 3, 2]])
    let found = squaredDistancesToFaces(points: points, vertices: vertices, faces: faces)
    #expect(found.scalars(as: Double.self)[0].isNaN)
    #expect(found.scalars(as: Double.self)[1] == 1)
  }

  @Test func doesNotDependOnThreads() {
    var random = RandomGenerator(seed: 102)
    let vertices = random.normal([900, 3])
    let faces = Tensor.arange(900).reshaped([300, 3])
    let points = random.normal([1000, 3])
    let bits = [1, 4, 7].map { threads in
      LumiRuntime.withThreads(threads) {
        let result = valueAndGradient(at: [points, vertices]) {
          Loss.pointMesh(points: $0[0], vertices: $0[1], faces: faces)
        }
        return result.value.bits + result.gradients.flatMap(\.bits)
      }
    }
    #expect(bits[0] == bits[1] && bits[0] == bits[2])
  }
}

/// Losses of packed batches against the same losses mesh by mesh.
@Suite struct PackedLossTests {
  /// A bipyramid, a lone triangle and a mesh without faces.
  static let parts: [(vertices: Tensor, faces: [[Int32]])] = [
    (
      PointMeshTests.vertices,
      [[0, 1, 3], [1, 2, 3], [2, 0, 3], [1, 0, 4], [2, 1, 4], [0, 2, 4]]
    ),
    (Tensor([[0.0, 0, 0], [1, 0.2, 0], [0.1, 1, 0.5]]), [[0, 1, 2]]),
    (Tensor([[3.0, 3, 3]]), []),
  ]

  @Test func packedLossesAreThoseOfEachMesh() throws {
    var (edges, pairs, faces) = ([Tensor](), [Tensor](), [Tensor]())
    var (edgeOffsets, pairOffsets, vertexOffsets) = ([0], [0], [0])
    var expected: [[Double]] = [[], [], [], []]
    for (vertices, list) in Self.parts {
      let topology = MeshTopology(faces: list)
      let own = Tensor(list.flatMap { $0 }, shape: [list.count, 3])
      let ownEdges = topology.edges.reshaped([topology.edges.shape[0], 2])
      let ownPairs = topology.pairs.reshaped([topology.pairs.shape[0], 4])
      expected[0].append(
        Loss.edgeLength(vertices: vertices, edges: ownEdges, target: 0.3).value)
      expected[1].append(
        Loss.laplacian(vertices: vertices, faces: own, edges: ownEdges).value)
      expected[2].append(
        Loss.laplacian(vertices: vertices, faces: own, edges: ownEdges, weights: .cotangent).value)
      expected[3].append(Loss.normalConsistency(vertices: vertices, pairs: ownPairs).value)
      let shift = Tensor(Double(vertexOffsets.last!), dtype: .int32)
      edges.append(ownEdges + shift)
      pairs.append(ownPairs + shift)
      faces.append(own + shift)
      edgeOffsets.append(edgeOffsets.last! + ownEdges.shape[0])
      pairOffsets.append(pairOffsets.last! + ownPairs.shape[0])
      vertexOffsets.append(vertexOffsets.last! + vertices.shape[0])
    }
    let vertices = Tensor.concatenate(Self.parts.map(\.vertices))
    let (allEdges, allFaces) = (Tensor.concatenate(edges), Tensor.concatenate(faces))
    let allPairs = Tensor.concatenate(pairs)
    let losses: [(Tensor) -> Tensor] = [
      { Loss.edgeLength(vertices: $0, edges: allEdges, offsets: edgeOffsets, target: 0.3) },
      { Loss.laplacian(vertices: $0, faces: allFaces, edges: allEdges, offsets: vertexOffsets) },
      {
        Loss.laplacian(
          vertices: $0, faces: allFaces, edges: allEdges, offsets: vertexOffsets,
          weights: .cotangent)
      },
      { Loss.normalConsistency(vertices: $0, pairs: allPairs, offsets: pairOffsets) },
    ]
    for (index, loss) in losses.enumerated() {
      let found = loss(vertices)
      #expect(found.shape == [3])
      for (a, b) in zip(found.scalars(as: Double.self), expected[index]) {
        #expect(abs(a - b) < 1e-14, "loss \(index)")
      }
      if index != 2 { try checkGradients(at: [vertices]) { loss($0[0]) } }
    }
  }

  @Test func cloudsOfDifferentSizes() throws {
    var random = RandomGenerator(seed: 103)
    let (xOffsets, yOffsets) = ([0, 1, 9, 14], [0, 6, 8, 20])
    let x = random.normal([14, 3], dtype: .float64)
    let y = random.normal([20, 3], dtype: .float64)
    let found = Loss.chamfer(x, offsets: xOffsets, y, offsets: yOffsets)
    for cloud in 0..<3 {
      let own = Loss.chamfer(
        x[xOffsets[cloud]..<xOffsets[cloud + 1]], y[yOffsets[cloud]..<yOffsets[cloud + 1]])
      #expect(abs(found[cloud].value - own.value) < 1e-14)
    }
    try checkGradients(at: [x, y]) {
      Loss.chamfer($0[0], offsets: xOffsets, $0[1], offsets: yOffsets)
    }
  }
}
