import LumiTensor
import Testing

@Suite struct SparseMatrixTests {
  private func dense(_ matrix: SparseMatrix) -> Tensor {
    var values = [Double](repeating: 0, count: matrix.rowCount * matrix.columnCount)
    for row in 0..<matrix.rowCount {
      for place in matrix.offsets[row]..<matrix.offsets[row + 1] {
        values[row * matrix.columnCount + Int(matrix.columns[place])] += matrix.values[place]
      }
    }
    return Tensor(values, shape: [matrix.rowCount, matrix.columnCount])
  }

  private func example(_ random: inout RandomGenerator) -> SparseMatrix {
    let rows = random.integers([40], below: 7).scalars(as: Int32.self)
    let columns = random.integers([40], below: 5).scalars(as: Int32.self)
    let values = random.normal([40], dtype: .float64).scalars(as: Double.self)
    return SparseMatrix(
      rowCount: 7, columnCount: 5,
      entries: (0..<40).map { .init(Int(rows[$0]), Int(columns[$0]), values[$0]) })
  }

  @Test func productsAgreeWithDenseOnes() throws {
    var random = RandomGenerator(seed: 81)
    let matrix = example(&random)
    #expect(matrix.columns.count < 40, "repeated entries add up")
    let x = random.normal([5, 2, 3], dtype: .float64)
    let expected = dense(matrix).matmul(x.reshaped([5, 6])).reshaped([7, 2, 3])
    #expect((matrix.times(x) - expected).abs().max().value < 1e-13)
    #expect((dense(matrix.transposed) - dense(matrix).transposed()).abs().max().value == 0)
    let single = matrix.times(x.cast(to: .float32))
    #expect(single.dtype == .float32)
    #expect((single.cast(to: .float64) - expected).abs().max().value < 1e-5)
    #expect(matrix.times(random.normal([5, 0])).shape == [7, 0])
    try checkGradients(at: [x]) { matrix.times($0[0]).square() }
    try checkGradients(at: [x]) { x in
      gradient(at: x[0]) { matrix.times($0).square().square().sum() }
    }
  }

  @Test func emptyMatricesWork() {
    let matrix = SparseMatrix(rowCount: 3, columnCount: 0, entries: [])
    #expect(matrix.times(.zeros([0, 2])).scalars(as: Float.self) == [0, 0, 0, 0, 0, 0])
  }
}

@Suite struct SparseCholeskyTests {
  /// A grid with extra random edges, a star, a path, dust and a complete graph: orders that nested
  /// dissection meets.
  static let graphs: [(String, Int, [Int32])] = {
    var random = RandomGenerator(seed: 82)
    var grid: [Int32] = []
    for row in 0..<Int32(15) {
      for column in 0..<Int32(20) {
        let own = row * 20 + column
        if column < 19 { grid += [own, own + 1] }
        if row < 14 { grid += [own, own + 20] }
      }
    }
    let extra = random.integers([60], below: 300).scalars(as: Int32.self)
    let complete = (0..<Int32(70)).flatMap { a in (0..<a).flatMap { [a, $0] } }
    return [
      ("grid", 300, grid), ("tangled grid", 300, grid + extra),
      ("star", 400, (1..<Int32(400)).flatMap { [0, $0] }),
      ("path", 500, (1..<Int32(500)).flatMap { [$0 - 1, $0] }), ("dust", 200, []),
      ("complete", 70, complete), ("two parts", 300, grid.filter { $0 < 140 || $0 >= 180 }),
      ("one", 1, []), ("none", 0, []),
    ]
  }()

  private func matrix(_ index: Int, identity: Double = 1, laplacian: Double = 3) -> SparseMatrix {
    let (_, count, ends) = Self.graphs[index]
    return .graphLaplacian(
      edges: Tensor(
        ends.count % 2 == 0 ? ends : Array(ends.dropLast()), shape: [ends.count / 2, 2]),
      count: count, identity: identity, laplacian: laplacian)
  }

  @Test(arguments: graphs.indices)
  func solutionsSolve(_ index: Int) throws {
    var random = RandomGenerator(seed: 83)
    let matrix = matrix(index)
    let factor = try SparseCholesky(matrix)
    let b = random.normal([matrix.rowCount, 3], dtype: .float64)
    let x = factor.solve(b)
    #expect(x.shape == b.shape)
    guard b.count > 0 else { return }
    #expect((matrix.times(x) - b).abs().max().value < 1e-11)
    #expect(factor.solve(b.cast(to: .float32)).dtype == .float32)
  }

  @Test func orderKeepsStarsAndPathsSparse() throws {
    // 2n - 1 entries are the least that a connected graph's factor can have; between two separators
    // a path has one more at every vertex.
    #expect(try SparseCholesky(matrix(2)).entryCount == 799)
    #expect(try SparseCholesky(matrix(3)).entryCount < 1600)
  }

  @Test func derivativesOfAnyOrder() throws {
    var random = RandomGenerator(seed: 84)
    let factor = try SparseCholesky(
      .graphLaplacian(
        edges: Tensor([[Int32(0), 1], [1, 2], [2, 3], [3, 0], [1, 3]]), count: 5, identity: 1,
        laplacian: 0.7))
    let b = random.normal([5, 2], dtype: .float64)
    try checkGradients(at: [b]) { factor.solve($0[0]).square() }
    try checkGradients(at: [b]) { b in
      gradient(at: b[0]) { factor.solve($0).square().square().sum() }
    }
  }

  @Test func whatCannotBeFactoredIsAnError() {
    #expect(throws: SparseError.notPositiveDefinite(row: 0, pivot: 0)) {
      try SparseCholesky(.graphLaplacian(edges: .zeros([0, 2], dtype: .int32), count: 1))
    }
    for (identity, laplacian) in [(-1.0, 0.0), (1, -5), (.nan, 1), (1, .infinity), (0, 0)] {
      #expect(throws: SparseError.self) {
        try SparseCholesky(matrix(0, identity: identity, laplacian: laplacian))
      }
    }
    #expect(throws: SparseError.notSquare(rows: 2, columns: 3)) {
      try SparseCholesky(SparseMatrix(rowCount: 2, columnCount: 3, entries: []))
    }
    #expect {
      try SparseCholesky(matrix(5), entryLimit: 1000)
    } throws: {
      if case SparseError.tooLarge(_, 1000) = $0 { true } else { false }
    }
  }

  @Test func doesNotDependOnThreads() throws {
    var random = RandomGenerator(seed: 85)
    let b = random.normal([300, 3])
    let bits = try [1, 4].map { threads in
      try LumiRuntime.withThreads(threads) {
        try SparseCholesky(matrix(1)).solve(b).scalars(as: Float.self).map(\.bitPattern)
      }
    }
    #expect(bits[0] == bits[1])
  }
}

@Suite struct SegmentTests {
  @Test func sumsAndMeansOfRuns() throws {
    let x = Tensor([[1.0, 2], [3, 4], [5, 6], [7, 8]])
    let offsets = [0, 1, 1, 4]
    #expect(x.segmentSums(offsets).scalars(as: Double.self) == [1, 2, 0, 0, 15, 18])
    #expect(x.segmentMeans(offsets).scalars(as: Double.self) == [1, 2, 0, 0, 5, 6])
    #expect(Tensor.zeros([0]).segmentMeans([0, 0]).scalars(as: Float.self) == [0])
    try checkGradients(at: [x]) { $0[0].segmentMeans(offsets).square() }
  }

  @Test func partsOfASplitHaveTheirGradients() throws {
    var random = RandomGenerator(seed: 86)
    let x = random.normal([5, 3], dtype: .float64)
    try checkGradients(at: [x]) { x in
      let parts = x[0].split(sizes: [2, 0, 3])
      return parts[0].square().sum() + parts[2].exp().sum()
    }
    // A part that nothing uses gives zeros.
    let slope = gradient(at: x) { $0.split(sizes: [1, 2], axis: 1)[1].sum() }
    #expect(slope.sum(axis: 0).scalars(as: Double.self) == [0, 5, 5])
    try checkGradients(at: [x]) { x in
      gradient(at: x[0]) { $0.split(sizes: [4, 1])[0].square().square().sum() }
    }
  }
}
