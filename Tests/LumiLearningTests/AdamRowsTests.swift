import LumiLearning
import LumiTensor
import Testing

@Suite struct AdamRowsTests {
  /// Rows 0 and 2 are used in turn, row 1 never. A used row moves as if the others did not exist,
  /// except that t counts all updates.
  @Test(arguments: [DType.float32, .float64])
  func onlyUsedRowsMove(_ dtype: DType) throws {
    var random = RandomGenerator(seed: 8)
    let start = random.normal([3, 2, 2], dtype: dtype)
    var adam = Adam(learningRate: 0.1, weightDecay: 0.1)
    adam.sparseParameters = ["cameras"]
    var dense = Adam(learningRate: 0.1, weightDecay: 0.1)
    var (parameters, whole) = (["cameras.pose": start], ["cameras.pose": start])
    for step in 0..<4 {
      let used = step % 2 == 0 ? 0 : 2
      let before = parameters["cameras.pose"]!
      let gradient = random.normal([2, 2], dtype: dtype)
      let padded = gradient.expandingDims(at: 0).padded(axis: 0, before: used, after: 2 - used)
      try adam.update(&parameters, gradients: ["cameras.pose": padded])
      try dense.update(&whole, gradients: ["cameras.pose": padded])
      let after = parameters["cameras.pose"]!
      for row in 0..<3 {
        let isEqual =
          after[.index(row)].scalars(as: Double.self)
          == before[.index(row)].scalars(as: Double.self)
        #expect(isEqual == (row != used), "step \(step), row \(row)")
      }
    }
    // Row 0 was used at t = 1 and 3: its first move is the dense rule's, its second moment has
    // decayed once less than there.
    let second = adam.secondMoments["cameras.pose"]!.scalars(as: Double.self)
    let denseSecond = dense.secondMoments["cameras.pose"]!.scalars(as: Double.self)
    #expect(zip(second, denseSecond).prefix(4).allSatisfy { $0 > $1 })
    #expect(second[4..<8].allSatisfy { $0 == 0 })
    #expect(whole["cameras.pose"]!.scalars(as: Double.self)[4] != start.scalars(as: Double.self)[4])
  }

  /// If every row is used, sparse and dense are one.
  @Test func allRowsUsedIsTheDenseRule() throws {
    var random = RandomGenerator(seed: 9)
    let start = random.normal([5, 3])
    var sparse = Adam(learningRate: 0.05)
    sparse.sparseParameters = ["codes"]
    var dense = Adam(learningRate: 0.05)
    var (a, b) = (["codes": start], ["codes": start])
    for _ in 0..<3 {
      let gradients = ["codes": random.normal([5, 3])]
      try sparse.update(&a, gradients: gradients)
      try dense.update(&b, gradients: gradients)
    }
    #expect(a["codes"]!.bits == b["codes"]!.bits)
    #expect(sparse.state.mapValues(\.shape) == dense.state.mapValues(\.shape))
  }

  @Test func nothingUsedAndWrongNames() throws {
    var adam = Adam(learningRate: 0.1, weightDecay: 0.5)
    adam.sparseParameters = ["codes"]
    var values = ["codes": Tensor([1.0, 2.0]), "scale": Tensor(3.0, dtype: .float64)]
    try adam.update(&values, gradients: ["codes": Tensor([0.0, 0.0])])
    #expect(values["codes"]!.scalars(as: Double.self) == [1, 2])
    adam.sparseParameters = ["code"]
    #expect(throws: ParameterError.unknown("code", known: ["codes", "scale"])) {
      try adam.update(&values, gradients: ["codes": Tensor([1.0, 0.0])])
    }
    adam.sparseParameters = ["scale"]
    #expect(throws: ParameterError.shape("scale", expected: [1], actual: [])) {
      try adam.update(&values, gradients: ["scale": Tensor(1.0, dtype: .float64)])
    }
    #expect(adam.step == 1)
  }
}
