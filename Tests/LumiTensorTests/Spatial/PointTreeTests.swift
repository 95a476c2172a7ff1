import LumiTensor
import Testing

/// Searches in C against their readable twin and against all pairs.
@Suite struct PointTreeTests {
  private func expectEqual(
    _ a: (indices: Tensor, squaredDistances: Tensor), _ b: (indices: Tensor, squared: Tensor),
    _ name: String
  ) {
    #expect(a.indices.scalars(as: Int32.self) == b.indices.scalars(as: Int32.self), "\(name)")
    let (first, second) = (
      a.squaredDistances.scalars(as: Double.self), b.squared.scalars(as: Double.self)
    )
    #expect(first == second, "\(name)")
  }

  @Test(arguments: NearestNeighbourTests.clouds.indices)
  func everyLevelAgreesWithTheTwinToTheBit(_ index: Int) {
    var random = RandomGenerator(seed: 71)
    let (name, make) = NearestNeighbourTests.clouds[index]
    // Around full leaves and full nodes.
    for size in [1, 7, 8, 9, 64, 65, 700] {
      let (x, y) = (make(90, &random), make(size, &random))
      for count in [1, 3, 12] {
        let twin = NearestNeighbours.readable(of: x, in: y, count: count)
        for level in LumiRuntime.KernelLevel.available {
          LumiRuntime.withKernelLevel(level) {
            expectEqual(
              nearestNeighbours(of: x, in: y, count: count), twin, "\(name) \(size) \(level)")
          }
        }
      }
    }
  }

  @Test func mutualNeighboursAreThoseOfBothSearches() {
    var random = RandomGenerator(seed: 72)
    for (n, m) in [(20, 30), (700, 500)] {
      let (x, y) = (random.normal([n, 3]), random.normal([m, 3]))
      let both = mutualNearestNeighbours(x, y)
      #expect(
        both.ofX.scalars(as: Int32.self) == nearestNeighbours(of: x, in: y).scalars(as: Int32.self))
      #expect(
        both.ofY.scalars(as: Int32.self) == nearestNeighbours(of: y, in: x).scalars(as: Int32.self))
    }
  }

  @Test(arguments: NearestNeighbourTests.clouds.indices)
  func radiusListsHoldWhatAllPairsSay(_ index: Int) {
    var random = RandomGenerator(seed: 73)
    let (name, make) = NearestNeighbourTests.clouds[index]
    let (x, y) = (make(60, &random), make(333, &random))
    let squared = (x.expandingDims(at: 1) - y.expandingDims(at: 0)).square().sum(axis: 2)
    let distances = squared.scalars(as: Double.self)
    for radius in [0, 1e-3, 0.3, 1, 1e9] {
      let found = radiusNeighbours(of: x, in: y, radius: radius)
      let indices = found.indices.scalars(as: Int32.self)
      #expect(found.offsets.count == 61 && found.offsets[60] == indices.count)
      #expect(found.queries.shape == found.indices.shape)
      for row in 0..<60 {
        let near = (0..<333).filter { distances[row * 333 + $0] <= radius * radius }
        let expected = near.sorted {
          (distances[row * 333 + $0], $0) < (distances[row * 333 + $1], $1)
        }
        let list = indices[found.offsets[row]..<found.offsets[row + 1]].map { Int($0) }
        #expect(list == expected, "\(name) \(radius)")
      }
    }
  }

  @Test func radiusListsOfBadPointsAreEmpty() {
    let y = Tensor([[Double.nan, 0, 0], [3, 0, 0], [.infinity, 0, 0], [1, 0, 0]])
    let found = radiusNeighbours(of: Tensor([[0.0, 0, 0], [0, .nan, 0]]), in: y, radius: 1e300)
    #expect(found.offsets == [0, 2, 2] && found.indices.scalars(as: Int32.self) == [3, 1])
    let none = radiusNeighbours(of: .zeros([2, 3]), in: .zeros([0, 3]), radius: 1)
    #expect(none.offsets == [0, 0, 0] && none.queries.count == 0)
    #expect(radiusNeighbours(of: .zeros([0, 3]), in: .ones([2, 3]), radius: 1).offsets == [0])
  }

  @Test func radiusListsDoNotDependOnThreads() {
    var random = RandomGenerator(seed: 74)
    let x = random.normal([1500, 3])
    let found = [1, 5].map { threads in
      LumiRuntime.withThreads(threads) { radiusNeighbours(of: x, in: x, radius: 0.2) }
    }
    #expect(found[0].offsets == found[1].offsets)
    #expect(found[0].indices.scalars(as: Int32.self) == found[1].indices.scalars(as: Int32.self))
  }

  @Test func farthestPointsAreThoseOfTheDefinition() {
    var random = RandomGenerator(seed: 75)
    let x = random.normal([60, 3], dtype: .float64)
    let chosen = farthestPoints(of: x, count: 20, first: 4).scalars(as: Int32.self).map { Int($0) }
    let all = (x.expandingDims(at: 1) - x.expandingDims(at: 0)).square().sum(axis: 2)
      .scalars(as: Double.self)
    #expect(chosen[0] == 4 && Set(chosen).count == 20)
    for step in 1..<20 {
      func nearest(_ item: Int) -> Double { chosen[..<step].map { all[item * 60 + $0] }.min()! }
      #expect(nearest(chosen[step]) == (0..<60).map(nearest).max())
    }
    let bad = Tensor([[Double.nan, 0, 0], [1, 1, 1], [1, 1, 1], [2, 0, 0]])
    #expect(farthestPoints(of: bad, count: 4).scalars(as: Int32.self) == [1, 3, 2])
    #expect(farthestPoints(of: .zeros([0, 3]), count: 3).count == 0)
  }
}

@Suite struct SymmetricEigenTests {
  @Test(arguments: [1, 2, 3, 4, 6])
  func valuesAndVectorsRebuildTheMatrix(_ size: Int) {
    var random = RandomGenerator(seed: 76)
    for dtype in [DType.float64, .float32] {
      let half = random.normal([5, size, size], dtype: dtype)
      let matrix = half + half.transposed()
      let (values, vectors) = matrix.symmetricEigen()
      let tolerance = dtype == .float64 ? 1e-12 : 1e-5
      let rebuilt = (vectors * values.expandingDims(at: -2)).matmul(vectors.transposed())
      #expect((rebuilt - matrix).abs().max().value < tolerance)
      let unit = vectors.transposed().matmul(vectors) - Tensor.eye(size, dtype: dtype)
      #expect(unit.abs().max().value < tolerance)
      for row in values.scalars(as: Double.self).chunked(size) { #expect(row == row.sorted()) }
    }
  }

  @Test func derivativesAgreeWithDifferences() throws {
    var random = RandomGenerator(seed: 77)
    let matrix = random.normal([2, 3, 3], dtype: .float64)
    let weights = random.normal([2, 3, 3], dtype: .float64)
    try checkGradients(at: [matrix]) { $0[0].symmetricEigen().values }
    try checkGradients(at: [matrix]) { ($0[0].symmetricEigen().vectors * weights) }
    // Second derivatives.
    try checkGradients(at: [matrix], tolerance: 1e-5) { inputs in
      let (_, gradient) = valueAndGradient(at: [inputs[0]]) {
        ($0[0].symmetricEigen().vectors * weights).square().sum()
      }
      return gradient[0]
    }
  }

  @Test func equalValuesAndBadNumbersEnd() {
    let (_, gradient) = valueAndGradient(at: [Tensor.eye(3, dtype: .float64)]) {
      let (values, vectors) = $0[0].symmetricEigen()
      return values.sum() + vectors.sum()
    }
    #expect(gradient[0].scalars(as: Double.self) == [1, 0, 0, 0, 1, 0, 0, 0, 1])
    let bad = Tensor([.nan, 1, 1, 1] as [Double], shape: [2, 2]).symmetricEigen()
    #expect(bad.values.shape == [2])
  }
}

extension Array {
  fileprivate func chunked(_ size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<$0 + size]) }
  }
}
