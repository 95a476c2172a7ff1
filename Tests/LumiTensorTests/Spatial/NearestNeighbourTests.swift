import LumiTensor
import Testing

@Suite struct NearestNeighbourTests {
  /// Squared distances [N, M] in double precision.
  private func allPairs(_ x: Tensor, _ y: Tensor) -> Tensor {
    let (a, b) = (x.cast(to: .float64), y.cast(to: .float64))
    return (a.expandingDims(at: 1) - b.expandingDims(at: 0)).square().sum(axis: 2)
  }

  /// Clouds that a tree can stumble over: flat, clustered, all at one place, far from the origin.
  static let clouds: [(String, @Sendable (Int, inout RandomGenerator) -> Tensor)] = [
    ("uniform", { $1.uniform([$0, 3], dtype: .float64) }),
    (
      "plane",
      { count, random in
        Tensor.concatenate(
          [random.uniform([count, 2], dtype: .float64), .zeros([count, 1], dtype: .float64)],
          axis: 1)
      }
    ),
    (
      "clusters",
      { count, random in
        let centres = random.normal([7, 3], deviation: 100, dtype: .float64)
        return centres.gather(random.integers([count], below: 7))
          + random.normal([count, 3], deviation: 1e-3, dtype: .float64)
      }
    ),
    ("one place", { count, _ in Tensor.full([count, 3], 0.25, dtype: .float64) }),
    ("far", { $1.uniform([$0, 3], dtype: .float64) + 1e6 }),
    ("grid", { count, random in random.integers([count, 3], below: 4).cast(to: .float64) }),
  ]

  @Test(arguments: clouds.indices)
  func treeAgreesWithAllPairs(_ index: Int) {
    var random = RandomGenerator(seed: 61)
    let (name, make) = Self.clouds[index]
    let (x, y) = (make(150, &random), make(400, &random))
    let exact = allPairs(x, y)
    for count in [1, 5] {
      let found = nearestNeighbours(of: x, in: y, count: count)
      // A stable sort, so that of equally near points the first counts.
      let sorted = exact.argsort(axis: 1).slice(axis: 1, from: 0, to: count)
      #expect(found.indices.shape == [150, count] && found.indices.dtype == .int32)
      #expect(
        found.indices.scalars(as: Int32.self) == sorted.scalars(as: Int32.self), "\(name)")
      #expect(
        (found.squaredDistances - exact.takeAlong(sorted, axis: 1)).abs().max().value == 0,
        "\(name)")
    }
  }

  /// Above 2¹⁸ pairs the tree is taken; both ways name a point at the same distance.
  @Test(arguments: [1, 2, 3])
  func bothWaysAgree(_ dimensions: Int) {
    var random = RandomGenerator(seed: 62)
    for dtype in [DType.float32, .float64] {
      let x = random.normal([700, dimensions], dtype: dtype)
      let y = random.normal([600, dimensions], dtype: dtype)
      let fast = nearestNeighbours(of: x, in: y)
      let slow = NearestNeighbours.ofAllPairs(x, y)
      let exact = allPairs(x, y)
      func distances(_ found: Tensor) -> Tensor {
        exact.takeAlong(found.reshaped([700, 1]), axis: 1)
      }
      #expect((distances(fast) - distances(slow)).abs().max().value < 1e-6)
      #expect((distances(fast) - exact.min(axis: 1, keepDims: true)).abs().max().value < 1e-15)
    }
  }

  @Test func pointsThatAreNotFiniteAreNeitherFoundNorFind() {
    let y = Tensor([[Double.nan, 0, 0], [3, 0, 0], [.infinity, 0, 0], [1, 0, 0]])
    let found = nearestNeighbours(of: Tensor([[0.0, 0, 0], [0, .nan, 0]]), in: y, count: 3)
    #expect(found.indices.scalars(as: Int32.self) == [3, 1, 0, 0, 0, 0])
    let distances = found.squaredDistances.scalars(as: Double.self)
    #expect(distances[0] == 1 && distances[1] == 9)
    #expect(distances[2...].allSatisfy { $0 == .infinity })
  }

  @Test func noQueriesGiveNoRows() {
    let found = nearestNeighbours(of: Tensor.zeros([0, 3]), in: .ones([2, 3]), count: 4)
    #expect(found.indices.shape == [0, 4] && found.squaredDistances.shape == [0, 4])
    let closest = ClosestTriangles(
      of: .zeros([0, 3]), vertices: .zeros([0, 3]), faces: .zeros([0, 3], dtype: .int32))
    #expect(closest.indices.shape == [0] && closest.barycentrics.shape == [0, 3])
  }

  @Test func doesNotDependOnThreads() {
    var random = RandomGenerator(seed: 63)
    let x = random.normal([2000, 3])
    let found = [1, 3, 7].map { threads in
      LumiRuntime.withThreads(threads) {
        nearestNeighbours(of: x, in: x, count: 4).indices.scalars(as: Int32.self)
      }
    }
    #expect(found[0] == found[1] && found[0] == found[2])
  }
}

@Suite struct ClosestTriangleTests {
  /// The closest point by a search over the triangle, without regard to how it is found.
  private func searched(_ p: SIMD3<Double>, _ t: [SIMD3<Double>]) -> Double {
    var best = Double.infinity
    let steps = 60
    for i in 0...steps {
      for j in 0...steps - i {
        let (u, v) = (Double(i) / Double(steps), Double(j) / Double(steps))
        let d = p - (t[0] * (1 - u - v) + t[1] * u + t[2] * v)
        best = min(best, (d * d).sum())
      }
    }
    return best
  }

  @Test func distanceIsTheLeastOverTheTriangle() {
    var random = RandomGenerator(seed: 64)
    for trial in 0..<60 {
      let values = random.normal([4, 3], dtype: .float64).scalars(as: Double.self)
      var corners = (0..<4).map { SIMD3(values[3 * $0], values[3 * $0 + 1], values[3 * $0 + 2]) }
      if trial % 4 == 1 { corners[2] = corners[1] * 2 - corners[0] }  // A needle.
      if trial % 4 == 2 { (corners[1], corners[2]) = (corners[0], corners[0]) }  // A point.
      let triangle = Triangle3(corners[0], corners[1], corners[2])
      let (squared, weights) = triangle.closest(to: corners[3])
      let least = searched(corners[3], Array(corners[..<3]))
      #expect(squared <= least + 1e-12 && squared >= least - 0.2 * (1 + least))
      #expect(weights.min() >= 0 && abs(weights.sum() - 1) < 1e-12)
      let place = corners[0] * weights.x + corners[1] * weights.y + corners[2] * weights.z
      let d = corners[3] - place
      #expect(abs((d * d).sum() - squared) < 1e-12 * (1 + squared))
    }
  }

  private func soup(_ count: Int, _ random: inout RandomGenerator) -> (Tensor, Tensor) {
    let centres = random.uniform([count, 1, 3], dtype: .float64)
    let shapes = random.normal([count, 3, 3], deviation: 0.05, dtype: .float64)
    let faces = Tensor.arange(3 * count).reshaped([count, 3])
    return ((centres + shapes).reshaped([3 * count, 3]), faces)
  }

  @Test func treesAgreeWithAllPairs() {
    var random = RandomGenerator(seed: 65)
    let (vertices, faces) = soup(300, &random)
    let points = random.uniform([200, 3], low: -0.3, high: 1.3, dtype: .float64)
    let corners = points3(vertices)
    let queries = points3(points)
    func squared(_ point: Int, _ face: Int) -> Double {
      Triangle3(corners[3 * face], corners[3 * face + 1], corners[3 * face + 2])
        .closest(to: queries[point]).squared
    }
    let toFaces = ClosestTriangles(of: points, vertices: vertices, faces: faces)
    for (point, face) in toFaces.indices.scalars(as: Int32.self).enumerated() {
      let all = (0..<300).map { squared(point, $0) }
      #expect(all[Int(face)] == all.min())
    }
    let toPoints = ClosestTriangles(ofFaces: faces, vertices: vertices, points: points)
    for (face, point) in toPoints.indices.scalars(as: Int32.self).enumerated() {
      let all = (0..<200).map { squared($0, face) }
      #expect(all[Int(point)] == all.min())
    }
  }
}
