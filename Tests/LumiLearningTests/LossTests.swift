import LumiLearning
import LumiTensor
import Testing

/// An irregular double pyramid over a triangle.
private enum Bipyramid {
  static let faces: [[Int32]] = [
    [0, 1, 3], [1, 2, 3], [2, 0, 3], [1, 0, 4], [2, 1, 4], [0, 2, 4],
  ]
  static let topology = MeshTopology(faces: faces)
  static let vertices = Tensor(
    [
      [1.0, 0.1, 0.05], [-0.45, 0.9, -0.1], [-0.6, -0.8, 0.2], [0.1, 0.05, 1.1], [-0.1, 0.2, -0.8],
    ])
}

@Suite struct ImageLossTests {
  @Test func valuesByHand() {
    let a = Tensor([[1.0, 2, 3], [4, 5, 6]])
    let b = Tensor([[1.0, 0, 6], [4, 5, 7]])
    #expect((Loss.meanSquaredError(a, b).value - 14.0 / 6).magnitude < 1e-15)
    #expect((Loss.meanAbsoluteError(a, b).value - 1).magnitude < 1e-15)
  }

  @Test func intersectionOverUnionByHand() {
    let p = Tensor([1.0, 0.5, 0, 0, 0, 0, 1, 1], shape: [2, 2, 2])
    let t = Tensor([1.0, 1, 0, 0, 1, 1, 0, 0], shape: [2, 2, 2])
    let soft = softIntersectionOverUnion(p, t, epsilon: 0).scalars(as: Double.self)
    #expect(soft == [0.75, 0])
    #expect((Loss.intersectionOverUnion(p, t, epsilon: 0).value - 0.625).magnitude < 1e-15)
    #expect(hardIntersectionOverUnion(p, t).scalars(as: Double.self) == [0.5, 0])
    #expect(hardIntersectionOverUnion(p, t, threshold: 0.4).scalars(as: Double.self) == [1, 0])
    #expect(softIntersectionOverUnion(p[0], t[0]).shape == [])
  }

  @Test func emptyImagesAreFinite() throws {
    let empty = Tensor.zeros([2, 3, 3])
    let result = valueAndGradient(at: empty) { Loss.intersectionOverUnion($0, empty) }
    #expect(result.value.value == 1)
    #expect(result.gradient.isAllFinite)
    #expect(hardIntersectionOverUnion(empty, empty).scalars(as: Float.self) == [1, 1])
  }

  @Test func gradients() throws {
    var random = RandomGenerator(seed: 41)
    let p = random.uniform([2, 3, 4], dtype: .float64)
    let t = random.uniform([2, 3, 4], dtype: .float64)
    try checkGradients(at: [p, t]) { Loss.intersectionOverUnion($0[0], $0[1]) }
    try checkGradients(at: [p, t]) { Loss.meanSquaredError($0[0], $0[1]) }
    try checkGradients(at: [p, t]) { Loss.meanAbsoluteError($0[0], $0[1]) }
  }
}

@Suite struct MeshLossTests {
  let vertices = Bipyramid.vertices
  let edges = Bipyramid.topology.edges
  let pairs = Bipyramid.topology.pairs
  let faces = Tensor(Bipyramid.faces)

  @Test func gradients() throws {
    let losses: [(String, (Tensor) -> Tensor)] = [
      ("squaredLaplacian", { Loss.squaredLaplacian(vertices: $0, edges: edges) }),
      ("laplacian", { Loss.laplacian(vertices: $0, faces: faces, edges: edges) }),
      ("flatten", { Loss.flatten(vertices: $0, pairs: pairs) }),
      ("edgeLength", { Loss.edgeLength(vertices: $0, edges: edges, target: 0.4) }),
      ("normalConsistency", { Loss.normalConsistency(vertices: $0, pairs: pairs) }),
    ]
    for (name, loss) in losses {
      try checkGradients(at: [vertices], names: [name]) { loss($0[0]) }
    }
  }

  /// Two triangles at an edge along z, opened to a given angle.
  func hinge(_ angle: Double) -> Tensor {
    Tensor([[0.0, 0, 0], [0, 0, 2], [3, 0, 0.7], [2 * cosine(angle), 2 * sine(angle), -0.4]])
  }
  private func cosine(_ x: Double) -> Double { Tensor(x, dtype: .float64).cos().value }
  private func sine(_ x: Double) -> Double { Tensor(x, dtype: .float64).sin().value }

  @Test(arguments: [Double.pi, 2.0, 1.0, 0.3])
  func flattenAndNormalConsistencyOfAHinge(_ angle: Double) {
    let pair = Tensor([[0, 1, 2, 3]] as [[Int32]])
    let c = cosine(angle)
    let flatten = Loss.flatten(vertices: hinge(angle), pairs: pair).value
    #expect((flatten - (c + 1) * (c + 1)).magnitude < 1e-14)
    let consistency = Loss.normalConsistency(vertices: hinge(angle), pairs: pair).value
    #expect((consistency - (1 + c)).magnitude < 1e-14)
  }

  @Test func squaredLaplacianByHand() {
    // A path 0 - 1 - 2 and a vertex apart.
    let points = Tensor([[0.0, 0, 0], [1, 0, 0], [5, 0, 0], [9, 9, 9]])
    let path = Tensor([[0, 1], [1, 2]] as [[Int32]])
    let value = Loss.squaredLaplacian(vertices: points, edges: path).value
    #expect((value - (1 + 2.25 + 16)).magnitude < 1e-14)
  }

  @Test func edgeLengthByHand() {
    let points = Tensor([[0.0, 0, 0], [3, 4, 0], [0, 0, 1]])
    let edges = Tensor([[0, 1], [2, 0]] as [[Int32]])
    #expect(Loss.edgeLength(vertices: points, edges: edges, target: 2).value == 5)
  }

  @Test func noEdgesGiveZero() {
    let edges = Tensor.zeros([0, 2], dtype: .int32)
    let pairs = Tensor.zeros([0, 4], dtype: .int32)
    let faces = Tensor.zeros([0, 3], dtype: .int32)
    for weights in [LaplacianWeights.uniform, .cotangent] {
      let result = valueAndGradient(at: vertices) {
        Loss.laplacian(vertices: $0, faces: faces, edges: edges, weights: weights)
      }
      #expect(result.value.value == 0)
      #expect(result.gradient.scalars(as: Double.self).allSatisfy { $0 == 0 })
    }
    let result = valueAndGradient(at: vertices) {
      Loss.edgeLength(vertices: $0, edges: edges) + Loss.flatten(vertices: $0, pairs: pairs)
        + Loss.normalConsistency(vertices: $0, pairs: pairs)
        + Loss.squaredLaplacian(vertices: $0, edges: edges)
    }
    #expect(result.value.value == 0)
    #expect(result.gradient.scalars(as: Double.self).allSatisfy { $0 == 0 })
  }

  /// Coincident vertices, zero-length edges, slivers, a collapsed mesh, and huge and tiny ones.
  @Test(arguments: [DType.float32, .float64])
  func degenerateMeshesHaveFiniteGradients(_ dtype: DType) {
    let collinear = Tensor([
      [0.0, 0, 0], [1, 0, 0], [0.5, 0, 0], [0.25, 0, 0], [2, 0, 0],
    ])
    let oneEdgeCollapsed = Tensor([
      [1.0, 0.1, 0], [1, 0.1, 0], [-0.6, -0.8, 0.2], [0.1, 0, 1.1], [-0.1, 0.2, -0.8],
    ])
    let sliver = Tensor([
      [1.0, 0, 0], [-1, 0, 0], [0, 1e-9, 0], [0.1, 0, 1e-12], [-0.1, 1e-20, 0],
    ])
    let cases = [
      collinear, oneEdgeCollapsed, sliver, Tensor.zeros([5, 3], dtype: .float64),
      vertices * 1e-15, vertices * 1e6,
    ]
    for points in cases {
      let result = valueAndGradient(at: points.cast(to: dtype), unreachable: .zeros) { v in
        let uniform = Loss.laplacian(vertices: v, faces: faces, edges: edges)
        let cotangent = Loss.laplacian(
          vertices: v, faces: faces, edges: edges, weights: .cotangent)
        return uniform + cotangent + Loss.squaredLaplacian(vertices: v, edges: edges)
          + Loss.flatten(vertices: v, pairs: pairs) + Loss.edgeLength(vertices: v, edges: edges)
          + Loss.normalConsistency(vertices: v, pairs: pairs)
      }
      #expect(result.value.isAllFinite)
      #expect(result.gradient.isAllFinite)
    }
  }

  @Test func flattenDoesNotDependOnScale() {
    let value = Loss.flatten(vertices: vertices, pairs: pairs).value
    let small = Loss.flatten(vertices: vertices * 1e-8, pairs: pairs).value
    #expect((small / value - 1).magnitude < 1e-12)
  }
}

@Suite struct ChamferTests {
  @Test(arguments: [(1, 1, 3), (40, 2500, 3), (300, 7, 2)])
  func nearestIsFoundExactly(_ n: Int, _ m: Int, _ dimensions: Int) {
    var random = RandomGenerator(seed: 51)
    for dtype in [DType.float32, .float64] {
      let x = random.normal([n, dimensions], dtype: dtype)
      let y = random.normal([m, dimensions], dtype: dtype)
      let all = (x.expandingDims(at: 1) - y.expandingDims(at: 0)).cast(to: .float64).square()
        .sum(axis: 2)
      let found = nearestNeighbours(of: x, in: y)
      #expect(found.dtype == .int32)
      let distances = all.takeAlong(found.reshaped([n, 1]), axis: 1).squeezed(axis: 1)
      #expect(distances.relativeDistance(to: all.min(axis: 1)) < 1e-6)
    }
  }

  @Test func tiesGoToTheFirst() {
    let y = Tensor([[1.0, 0, 0], [-1, 0, 0], [1, 0, 0]])
    let found = nearestNeighbours(of: Tensor([[0.0, 0, 0], [2, 0, 0]]), in: y)
    #expect(found.scalars(as: Int32.self) == [0, 0])
  }

  @Test func doesNotDependOnThreads() {
    var random = RandomGenerator(seed: 52)
    let x = random.normal([3000, 3])
    let y = random.normal([2000, 3])
    let values = [1, 2, 4, 7].map { threads in
      LumiRuntime.withThreads(threads) {
        let result = valueAndGradient(at: [x, y]) { Loss.chamfer($0[0], $0[1]) }
        return result.value.bits + result.gradients.flatMap(\.bits)
      }
    }
    for other in values { #expect(other == values[0]) }
  }

  @Test func gradientsAndCoincidentPoints() throws {
    var random = RandomGenerator(seed: 53)
    let x = random.normal([6, 3], dtype: .float64)
    let y = random.normal([9, 3], dtype: .float64)
    try checkGradients(at: [x, y]) { Loss.chamfer($0[0], $0[1]) }
    let same = valueAndGradient(at: x) { Loss.chamfer($0, x) }
    #expect(same.value.value == 0)
    #expect(same.gradient.scalars(as: Double.self).allSatisfy { $0 == 0 })
    let notANumber = Tensor([[Double.nan, 0, 0], [0, 0, 0]])
    #expect(nearestNeighbours(of: notANumber, in: x).scalars(as: Int32.self)[0] == 0)
  }
}
