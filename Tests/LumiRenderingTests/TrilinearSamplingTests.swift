import LumiRendering
import LumiTensor
import Testing

struct TrilinearSamplingTests {
  static func random(_ shape: [Int], _ seed: UInt64, _ low: Double = -1, _ high: Double = 1)
    -> Tensor
  {
    var random = RandomGenerator(seed: seed)
    return random.uniform(shape, low: low, high: high, dtype: .float64)
  }

  static let grid = random([4, 3, 5, 2], 1)

  /// Points in and around the grid, none on a node.
  static let points = random([40, 3], 2, -1.7, 5.7)

  /// The same, slowly and readably: a product of tents over all nodes.
  static func twin(_ grid: Tensor, _ points: Tensor, _ border: GridBorder) -> [Double] {
    let (values, places) = (grid.scalars(as: Double.self), points.scalars(as: Double.self))
    let (shape, channels) = (grid.shape, grid.shape[3])
    var result: [Double] = []
    for n in 0..<points.shape[0] {
      var p = Array(places[3 * n..<3 * n + 3])
      if border == .clamped {
        p = (0..<3).map { min(max(p[$0], 0), Double(shape[$0] - 1)) }
      }
      for c in 0..<channels {
        var sum = 0.0
        for i in 0..<shape[0] {
          for j in 0..<shape[1] {
            for k in 0..<shape[2] {
              let tents = zip(p, [i, j, k]).map { max(0, 1 - abs($0 - Double($1))) }
              let at = ((i * shape[1] + j) * shape[2] + k) * channels + c
              sum += tents[0] * tents[1] * tents[2] * values[at]
            }
          }
        }
        result.append(sum)
      }
    }
    return result
  }

  @Test(arguments: [GridBorder.zeros, .clamped], [DType.float32, .float64])
  func agreesWithTents(_ border: GridBorder, _ dtype: DType) {
    let found = sampleTrilinear(
      Self.grid.cast(to: dtype), at: Self.points.cast(to: dtype), border: border)
    #expect(found.shape == [40, 2])
    let exact = Self.twin(Self.grid, Self.points, border)
    #expect(exact.contains { $0 != 0 })
    for (a, b) in zip(found.scalars(as: Double.self), exact) {
      #expect(abs(a - b) < (dtype == .float32 ? 2e-6 : 1e-14))
    }
  }

  @Test(arguments: [GridBorder.zeros, .clamped])
  func derivativesAgreeWithDifferences(_ border: GridBorder) throws {
    try checkGradients(at: [Self.grid, Self.points], steps: [1e-6], tolerance: 1e-7) {
      sampleTrilinear($0[0], at: $0[1], border: border)
    }
  }

  @Test func nodesGiveTheirValues() {
    let nodes = Tensor([0.0, 0, 0, 3, 2, 4, 1, 2, 3], shape: [3, 3])
    for border in [GridBorder.zeros, .clamped] {
      let found = sampleTrilinear(Self.grid, at: nodes, border: border)
      #expect(found[0].scalars(as: Double.self) == Self.grid[0, 0, 0].scalars(as: Double.self))
      #expect(found[1].scalars(as: Double.self) == Self.grid[3, 2, 4].scalars(as: Double.self))
      #expect(found[2].scalars(as: Double.self) == Self.grid[1, 2, 3].scalars(as: Double.self))
    }
  }

  @Test func fadesToZeroWithinOneInterval() {
    let grid = Tensor.ones([2, 2, 2, 1], dtype: .float64)
    let xs = [-1.5, -1, -0.75, 0, 0.5, 1, 1.25, 2, 9]
    let points = Tensor(xs.flatMap { [$0, 0.5, 0.5] }, shape: [xs.count, 3])
    let faded = sampleTrilinear(grid, at: points).scalars(as: Double.self)
    #expect(faded == [0, 0, 0.25, 1, 1, 1, 0.75, 0, 0])
    let clamped = sampleTrilinear(grid, at: points, border: .clamped).scalars(as: Double.self)
    #expect(clamped == [Double](repeating: 1, count: xs.count))
  }

  @Test func cellsGoOnBeyondTheirCorners() throws {
    let cells = Tensor([1, 0, 2, 0, 1, 3] as [Int32], shape: [2, 3])
    let points = Tensor([2.5, -0.5, 2.25, -1, 1.5, 4.5], shape: [2, 3])
    // x·y + z is trilinear: the function of a cell is the function itself anywhere.
    let values = (0..<60).map { n in
      let (i, j, k) = (n / 15, n / 5 % 3, n % 5)
      return Double(i * j + k)
    }
    let grid = Tensor(values, shape: [4, 3, 5, 1])
    let found = sampleTrilinear(grid, at: points, in: cells).scalars(as: Double.self)
    #expect(abs(found[0] - (2.5 * -0.5 + 2.25)) < 1e-14)
    #expect(abs(found[1] - (-1 * 1.5 + 4.5)) < 1e-14)
    try checkGradients(at: [Self.grid, points], steps: [1e-5], tolerance: 1e-8) {
      sampleTrilinear($0[0], at: $0[1], in: cells)
    }
  }

  @Test(arguments: [GridBorder.zeros, .clamped])
  func coordinatesWithoutBoundsAreOutside(_ border: GridBorder) {
    let far = [Double.infinity, -Double.infinity, 1e300, -1e300]
    let points = Tensor(far.flatMap { [$0, 1, 1] }, shape: [far.count, 3])
    let (value, gradients) = valueAndGradient(at: [Self.grid, points]) {
      sampleTrilinear($0[0], at: $0[1], border: border).sum()
    }
    #expect(value.value.isFinite)
    #expect(gradients[0].isAllFinite)
    #expect(gradients[1].scalars(as: Double.self).allSatisfy { $0 == 0 } || border == .clamped)
    #expect(gradients[1].isAllFinite)
  }

  @Test func notANumberStaysOne() {
    let points = Tensor([1, Double.nan, 1, 1, 1, 1], shape: [2, 3])
    let found = sampleTrilinear(Self.grid, at: points)
    #expect(found[0].scalars(as: Double.self).allSatisfy { $0.isNaN })
    #expect(found[1].isAllFinite)
  }

  @Test func oneValueIsAGrid() {
    let grid = Tensor([3.0], shape: [1, 1, 1, 1])
    let points = Tensor([0.0, 0, 0, 0.5, 0, 0], shape: [2, 3])
    #expect(sampleTrilinear(grid, at: points).scalars(as: Double.self) == [3, 1.5])
    #expect(sampleTrilinear(grid, at: points, border: .clamped).scalars(as: Double.self) == [3, 3])
    let none = sampleTrilinear(grid, at: .zeros([0, 3], dtype: .float64))
    #expect(none.shape == [0, 1])
  }

  /// Enough points for several blocks and bands.
  @Test func threadsChangeNoBit() {
    let points = Self.random([20_000, 3], 3, -1, 5)
    func bits(_ threads: Int) -> [[UInt64]] {
      LumiRuntime.withThreads(threads) {
        let (value, gradients) = valueAndGradient(at: [Self.grid, points]) {
          sampleTrilinear($0[0], at: $0[1]).square().sum()
        }
        return ([value] + gradients).map { $0.scalars(as: Double.self).map(\.bitPattern) }
      }
    }
    #expect(bits(1) == bits(5))
  }
}
