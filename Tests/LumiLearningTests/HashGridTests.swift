import LumiLearning
import LumiTensor
import Testing

@Suite struct HashGridTests {
  /// Five levels of which the last three are hashed.
  static let layout = HashGridLayout(
    levels: 5, featuresPerLevel: 2, logTableSize: 8, baseResolution: 2, finestResolution: 32)

  static func grid(
    _ layout: HashGridLayout = layout, dtype: DType = .float64
  ) -> HashGrid {
    HashGrid(layout: layout, spread: 1, seed: 51, dtype: dtype)
  }

  static func points(_ count: Int, dimensions: Int = 3, dtype: DType = .float64) -> Tensor {
    var random = RandomGenerator(seed: 52)
    return random.uniform([count, dimensions], low: 0.02, high: 0.98, dtype: dtype)
  }

  @Test func sizesOfThePaper() {
    let layout = HashGridLayout()
    #expect(layout.features == 32)
    #expect(layout.resolutions.first == 16 && layout.resolutions.last == 2048)
    // b = (2048/16)^(1/15) = 1.38; 17³ and 23³, … nodes fit into 2^19 rows up to 79 cells.
    #expect(layout.resolutions[1] == 22)
    #expect(layout.rows[0] == 17 * 17 * 17)
    #expect(layout.isHashed == layout.resolutions.map { ($0 + 1) * ($0 + 1) * ($0 + 1) > 1 << 19 })
    #expect(layout.rows.last == 1 << 19)
    #expect(HashGrid(layout: layout, seed: 1).table.shape == [layout.rows.reduce(0, +), 2])
    #expect(Self.layout.resolutions == [2, 4, 8, 16, 32])
    #expect(Self.layout.isHashed == [false, false, true, true, true])
    let one = HashGridLayout(levels: 1, baseResolution: 7, finestResolution: 7)
    #expect(one.resolutions == [7])
  }

  @Test func rowsByHand() {
    #expect(Self.layout.row(level: 0, node: [1, 2, 0]) == 9 + 6)
    #expect(Self.layout.row(level: 1, node: [0, 0, 4]) == 27 + 4)
    // (3·1) xor (5·2654435761 mod 2^32) xor (7·805459861 mod 2^32), last 8 bits.
    let hash = (3 ^ (5 * 2_654_435_761) ^ (7 * 805_459_861)) & 255
    #expect(Self.layout.row(level: 3, node: [3, 5, 7]) == Self.layout.firstRows[3] + hash)
  }

  /// 729 nodes share 256 rows, and use most of them.
  @Test func nodesCollideEvenly() {
    let nodes = (0..<729).map { [$0 / 81, $0 / 9 % 9, $0 % 9] }
    let rows = Set(nodes.map { Self.layout.row(level: 2, node: $0) })
    #expect(rows.count > 200)
    #expect(rows.allSatisfy { (Self.layout.firstRows[2]..<Self.layout.firstRows[3]).contains($0) })
  }

  @Test func nodesShowTheirRows() {
    let grid = Self.grid()
    let value = grid(Tensor([0.25, 0.5, 1.0]))
    let rows = Self.layout.resolutions.indices.map { level in
      let side = Self.layout.resolutions[level]
      // Not a node of the coarsest grid: between two of them.
      return level == 0 ? nil : Self.layout.row(level: level, node: [side / 4, side / 2, side])
    }
    for (level, row) in rows.enumerated() {
      guard let row else { continue }
      #expect(value[2 * level..<2 * level + 2].relativeDistance(to: grid.table[row]) < 1e-14)
    }
    let sides = [0, 1].map { grid.table[Self.layout.row(level: 0, node: [$0, 1, 2])] }
    #expect(value[0..<2].relativeDistance(to: (sides[0] + sides[1]) / 2) < 1e-14)
  }

  @Test func linearInTheTable() {
    let grid = Self.grid()
    var ones = grid
    ones.table = Tensor.ones(like: grid.table)
    #expect(ones(Self.points(50)).relativeDistance(to: .ones([50, 10], dtype: .float64)) < 1e-14)
  }

  @Test func continuousAcrossBordersOfCells() {
    let grid = Self.grid()
    // 5/8 is a border of the three finest grids, along every axis in turn.
    for axis in 0..<3 {
      var below = [0.3, 0.41, 0.77]
      var above = below
      below[axis] = 0.625 - 1e-9
      above[axis] = 0.625 + 1e-9
      let step = (grid(Tensor(below)) - grid(Tensor(above))).abs().max().value
      #expect(step < 1e-6)
      #expect(step > 0)
    }
  }

  @Test func outsideTheBorderRepeats() {
    let grid = HashGrid(
      layout: Self.layout, lower: [-1, -1, -1], upper: [1, 1, 3], spread: 1, seed: 51,
      dtype: .float64)
    let outside = Tensor([-9, 0.3, 5, -1, 0.3, 3], shape: [2, 3])
    let value = grid(outside)
    #expect(value[0].relativeDistance(to: value[1]) == 0)
    let middle = Self.grid()(Tensor([0.5, 0.65, 0.25]))
    #expect(grid(Tensor([0.0, 0.3, 0])).relativeDistance(to: middle) < 1e-13)
    let slope = gradient(at: outside[0..<1]) { grid($0).sum() }
    #expect(slope[0, 0].value == 0 && slope[0, 2].value == 0 && slope[0, 1].value != 0)
    #expect(grid(Tensor([Double.nan, 0, 0])).isNaN().all().item(as: Bool.self))
    #expect(grid(Tensor([-Double.infinity, 0, 0])).isAllFinite)
    #expect(grid(Tensor.zeros([0, 3], dtype: .float64)).shape == [0, 10])
  }

  @Test(arguments: [2, 3])
  func gradientsMatchDifferences(_ dimensions: Int) throws {
    let layout = HashGridLayout(
      dimensions: dimensions, levels: 3, featuresPerLevel: 3, logTableSize: 4, baseResolution: 2,
      finestResolution: 7)
    let grid = Self.grid(layout)
    try checkGradients(at: [Self.points(4, dimensions: dimensions), grid.table]) { values in
      var moved = grid
      moved.table = values[1]
      return moved(values[0])
    }
  }

  /// The eikonal term's gradient: a second derivative by points and table, and mixed ones by
  /// points twice.
  @Test func secondDerivativesMatchDifferences() throws {
    let layout = HashGridLayout(
      levels: 3, featuresPerLevel: 2, logTableSize: 4, baseResolution: 2, finestResolution: 7)
    let grid = Self.grid(layout)
    var random = RandomGenerator(seed: 53)
    let mix = random.normal([1, 6], dtype: .float64)
    try checkGradients(at: [Self.points(4), grid.table]) { values in
      var moved = grid
      moved.table = values[1]
      let slope = gradient(at: values[0]) { (moved($0) * mix).sum() }
      return (slope.norm(axis: -1) - 1).square()
    }
    let mixed = gradient(at: Self.points(4)) { x in
      gradient(at: x) { (grid($0) * mix).sum() }[.all, 0].sum()
    }
    #expect(mixed[.all, 0].abs().max().value < 1e-12)
    #expect(mixed[.all, 1].abs().min().value > 0)
  }

  static let layouts: [HashGridLayout] = [
    layout,
    HashGridLayout(
      dimensions: 2, levels: 4, featuresPerLevel: 1, logTableSize: 5, baseResolution: 1,
      finestResolution: 19),
    HashGridLayout(
      levels: 2, featuresPerLevel: 5, logTableSize: 6, baseResolution: 3, finestResolution: 9),
    HashGridLayout(
      levels: 1, featuresPerLevel: 4, logTableSize: 12, baseResolution: 8, finestResolution: 8),
  ]

  /// Values, first and second derivatives, with points outside and on borders among them.
  @Test(arguments: layouts, LumiRuntime.KernelLevel.available)
  func kernelsAgreeWithTensorOperations(
    _ layout: HashGridLayout, _ level: LumiRuntime.KernelLevel
  ) {
    var random = RandomGenerator(seed: 54)
    let inside = Self.points(60, dimensions: layout.dimensions)
    let border = random.integers([20, layout.dimensions], below: 4).cast(to: .float64) / 2 - 0.25
    let points = Tensor.concatenate([inside, border])
    let table = Self.grid(layout).table
    let mix = random.normal([80, layout.features], dtype: .float64)
    func evaluate(
      _ encode: (Tensor, Tensor, HashGridLayout) -> Tensor
    ) -> [Tensor] {
      let first = gradient(at: [points, table]) {
        (encode($0[0], $0[1], layout).square() * mix).sum()
      }
      let second = gradient(at: [points, table]) { outer in
        let slopes = gradient(at: [outer[0], outer[1]]) {
          (encode($0[0], $0[1], layout).square() * mix).sum()
        }
        return slopes[0].square().sum() + slopes[1].square().sum()
      }
      return [encode(points, table, layout)] + first + second
    }
    let fast = LumiRuntime.withKernelLevel(level) { evaluate(fusedHashGrid) }
    for (a, b) in zip(fast, evaluate(composedHashGrid)) {
      #expect(a.relativeDistance(to: b) < 1e-12)
      #expect(b.abs().max().value > 0)
    }
  }

  @Test func thirdDerivativesFallBackToTensorOperations() {
    let grid = Self.grid()
    let third = gradient(at: Self.points(5)) { x in
      gradient(at: x) { y in
        gradient(at: y) { (grid($0).square()).sum() }.square().sum()
      }.square().sum()
    }
    #expect(third.isAllFinite)
    #expect(third.abs().max().value > 0)
  }

  @Test func singlePrecisionFollowsDouble() {
    let exact = Self.grid()
    var single = Self.grid(dtype: .float32)
    single.table = exact.table.cast(to: .float32)
    let points = Self.points(300)
    let a = gradient(at: points.cast(to: .float32)) { single($0).square().sum() }
    let b = gradient(at: points) { exact($0).square().sum() }
    #expect(a.cast(to: .float64).relativeDistance(to: b) < 1e-4)
  }

  @Test func bitsDoNotDependOnThreads() {
    let grid = Self.grid(dtype: .float32)
    let points = Self.points(5000, dtype: .float32)
    func results(_ threads: Int) -> [[UInt32]] {
      LumiRuntime.withThreads(threads) {
        gradient(at: [points, grid.table]) { values in
          var moved = grid
          moved.table = values[1]
          return moved(values[0]).square().sum()
        }.map(\.bits)
      }
    }
    let alone = results(1)
    #expect(results(3) == alone)
  }
}
