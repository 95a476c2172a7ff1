import Testing

@testable import LumiTensor

struct RayNeighbourTests {
  private static func rays(_ count: Int, _ random: inout RandomGenerator) -> (Tensor, Tensor) {
    let origins = random.normal([count, 3], deviation: 1.5, dtype: .float64)
    let lengths = random.uniform([count, 1], low: 0.1, high: 4, dtype: .float64)
    return (origins, random.normal([count, 3], dtype: .float64).unitVectors() * lengths)
  }

  @Test(arguments: NearestNeighbourTests.clouds.indices)
  func listsHoldWhatAllPairsSay(_ index: Int) {
    var random = RandomGenerator(seed: 81)
    let (name, make) = NearestNeighbourTests.clouds[index]
    var points = make(500, &random)
    if points.shape[1] < 3 {
      points = points.padded(axis: 1, before: 0, after: 3 - points.shape[1])
    }
    let (origins, directions) = Self.rays(60, &random)
    for radius in [0, 1e-3, 0.1, 0.5, 1e9] {
      let found = rayNeighbours(
        origins: origins, directions: directions, points: points, radius: radius)
      let expected = RayNeighbours.ofAllPairs(
        origins: origins, directions: directions, points: points, radius: radius)
      #expect(found.offsets == expected.offsets, "\(name) \(radius)")
      #expect(
        found.indices.scalars(as: Int32.self) == expected.indices.scalars(as: Int32.self),
        "\(name) \(radius)")
    }
  }

  /// Rays along axes, through points and along faces of the tree's boxes.
  @Test func axisParallelRaysLoseNothing() {
    let side = Tensor.arange(6, dtype: .float64)
    let grid = Tensor.stack(
      [
        side.reshaped([6, 1, 1]).broadcast(to: [6, 6, 6]),
        side.reshaped([1, 6, 1]).broadcast(to: [6, 6, 6]), side.broadcast(to: [6, 6, 6]),
      ], axis: -1
    ).reshaped([216, 3])
    let origins = Tensor([[-1.0, 2, 3], [2, 9, 2.5], [3, 3, 0], [-1, -1, -1], [2, 2, 2]])
    let directions = Tensor([[1.0, 0, 0], [0, -2, 0], [0, 0, 0.5], [1, 1, 1], [-1, 0, 0]])
    for (radius, counts) in [
      (0.0, [6, 0, 5, 6, 2]), (0.5, [6, 12, 5, 6, 2]), (1, [30, 12, 25, 40, 10]),
    ] {
      let found = rayNeighbours(
        origins: origins, directions: directions, points: grid, radius: radius)
      let lengths = zip(found.offsets, found.offsets.dropFirst()).map { $1 - $0 }
      let expected = RayNeighbours.ofAllPairs(
        origins: origins, directions: directions, points: grid, radius: radius)
      #expect(found.offsets == expected.offsets)
      // What lies beside the origin is not ahead of it.
      #expect(lengths[0...2] == counts[0...2] && lengths[4] == counts[4], "\(radius): \(lengths)")
    }
  }

  @Test func hostileInputMeetsNothing() {
    let points = Tensor([[Double.nan, 0, 0], [3, 0, 0], [.infinity, 0, 0], [1e300, 0, 0]])
    let origins = Tensor([[0.0, 0, 0], [0, 0, 0], [.nan, 0, 0], [0, 0, 0], [9, 0, 0]])
    let directions = Tensor([
      [1.0, 0, 0], [0, 0, 0], [1, 0, 0], [.infinity, 0, 0], [1e-200, 0, 0],
    ])
    let found = rayNeighbours(
      origins: origins, directions: directions, points: points, radius: 1)
    #expect(found.offsets == [0, 2, 2, 2, 2, 2])
    #expect(found.indices.scalars(as: Int32.self) == [1, 3])
    let none = rayNeighbours(
      origins: origins, directions: directions, points: .zeros([0, 3], dtype: .float64), radius: 1)
    #expect(none.offsets == [0, 0, 0, 0, 0, 0])
    let noRays = Tensor.zeros([0, 3], dtype: .float64)
    #expect(
      rayNeighbours(origins: noRays, directions: noRays, points: points, radius: 1).offsets == [0])
  }

  @Test func listsDoNotDependOnThreads() {
    var random = RandomGenerator(seed: 82)
    let points = random.normal([3000, 3], dtype: .float64)
    let (origins, directions) = Self.rays(900, &random)
    let found = [1, 5].map { threads in
      LumiRuntime.withThreads(threads) {
        rayNeighbours(origins: origins, directions: directions, points: points, radius: 0.2)
      }
    }
    #expect(found[0].offsets == found[1].offsets)
    #expect(found[0].indices.scalars(as: Int32.self) == found[1].indices.scalars(as: Int32.self))
  }
}
