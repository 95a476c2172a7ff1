import Foundation
import LumiLearning
import LumiTensor
import Testing

@Suite struct LongShortTermMemoryTests {
  static func cell(inputs: Int, units: Int, seed: UInt64 = 41) -> LongShortTermMemoryCell {
    var random = RandomGenerator(seed: seed)
    return LongShortTermMemoryCell(inputs: inputs, units: units, dtype: .float64, using: &random)
  }

  static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  @Test func singleStepByHand() {
    var cell = Self.cell(inputs: 1, units: 1)
    cell.inputWeight = Tensor([0.5, -1.0, 2, 0.25], shape: [4, 1])
    cell.hiddenWeight = Tensor([1.0, 0.5, -0.5, 2], shape: [4, 1])
    cell.inputBias = Tensor([0.1, 0.2, 0.3, 0.4])
    cell.hiddenBias = Tensor([0.0, 1, 0, -1])
    let state = LongShortTermMemoryCell.State(
      hidden: Tensor([0.3], shape: [1, 1]), cell: Tensor([-0.8], shape: [1, 1]))
    let next = cell(Tensor([0.7], shape: [1, 1]), state)
    let input = Self.sigmoid(0.5 * 0.7 + 0.3 + 0.1)
    let forget = Self.sigmoid(-0.7 + 0.15 + 1.2)
    let candidate = tanh(1.4 - 0.15 + 0.3)
    let output = Self.sigmoid(0.175 + 0.6 - 0.6)
    let kept = forget * -0.8 + input * candidate
    #expect((next.cell.value - kept).magnitude < 1e-15)
    #expect((next.hidden.value - output * tanh(kept)).magnitude < 1e-15)
  }

  @Test func startsAsPublished() {
    let cell = Self.cell(inputs: 64, units: 16)
    let forget = [Double](repeating: 0, count: 16) + [Double](repeating: 1, count: 16)
    let expected = forget + [Double](repeating: 0, count: 32)
    #expect(cell.inputBias.scalars(as: Double.self) == expected)
    #expect(cell.hiddenBias.scalars(as: Double.self) == expected)
    let product = cell.hiddenWeight.matmul(cell.hiddenWeight, transposingLeft: true)
    #expect(product.relativeDistance(to: .eye(16, dtype: .float64)) < 1e-14)
    #expect((cell.inputWeight.variance().value * 32 - 1).magnitude < 0.1)
  }

  @Test func gradientsThroughTimeMatchDifferences() throws {
    let cell = Self.cell(inputs: 3, units: 2)
    var random = RandomGenerator(seed: 42)
    let x = random.normal([2, 4, 3], dtype: .float64)
    let names = cell.parameters.map(\.path)
    try checkGradients(at: [x] + cell.parameters.map(\.value), names: ["x"] + names) { values in
      let moved = try cell.replacing(Dictionary(uniqueKeysWithValues: zip(names, values[1...])))
      var state = moved.initialState([4])
      for time in 0..<2 { state = moved(values[0][time], state) }
      return Tensor.concatenate([state.hidden, state.cell], axis: -1)
    }
  }

  @Test func secondDerivativesMatchDifferences() throws {
    let cell = Self.cell(inputs: 2, units: 2)
    var random = RandomGenerator(seed: 43)
    let state = LongShortTermMemoryCell.State(
      hidden: random.normal([3, 2], dtype: .float64), cell: random.normal([3, 2], dtype: .float64))
    try checkGradients(at: [random.normal([3, 2], dtype: .float64), cell.inputWeight]) { values in
      var moved = cell
      moved.inputWeight = values[1]
      return gradient(at: values[0]) { moved($0, state).hidden.square().sum() }
    }
  }
}

@Suite struct OrthogonalMatrixTests {
  @Test(arguments: [(5, 3), (3, 5), (4, 4), (1, 6), (0, 3)])
  func lengthsAndAngles(_ rows: Int, _ columns: Int) {
    var random = RandomGenerator(seed: 44)
    let matrix = orthogonalMatrix(
      rows: rows, columns: columns, gain: 2, using: &random, dtype: .float64)
    #expect(matrix.shape == [rows, columns])
    let product =
      rows < columns
      ? matrix.matmul(matrix, transposingRight: true)
      : matrix.matmul(matrix, transposingLeft: true)
    let expected = Tensor.eye(min(rows, columns), dtype: .float64) * 4
    #expect(product.relativeDistance(to: expected) < 1e-14)
  }
}

@Suite struct LinearResidualBlockTests {
  static func block(
    inputs: Int, hidden: Int? = nil, outputs: Int? = nil
  ) -> LinearResidualBlock {
    var random = RandomGenerator(seed: 45)
    return LinearResidualBlock(
      inputs: inputs, hidden: hidden, outputs: outputs, dtype: .float64, using: &random)
  }

  @Test func startsAsItsShortcut() {
    var random = RandomGenerator(seed: 46)
    let x = random.normal([6, 4], dtype: .float64)
    #expect(Self.block(inputs: 4)(x).relativeDistance(to: x) == 0)
    let wider = Self.block(inputs: 4, outputs: 7)
    #expect(wider(x).relativeDistance(to: wider.shortcut!(x)) == 0)
    #expect(wider.first.weight.shape == [4, 4])
  }

  @Test func gradientsMatchDifferences() throws {
    var block = Self.block(inputs: 4, hidden: 5, outputs: 3)
    var random = RandomGenerator(seed: 47)
    block.second.weight = random.normal([3, 5], dtype: .float64)
    let names = block.parameters.map(\.path)
    #expect(
      names
        == ["first.weight", "first.bias", "second.weight", "second.bias", "shortcut.weight"])
    let x = random.normal([2, 4], dtype: .float64)
    let expected =
      block.shortcut!(x) + block.second(linear(x.relu(), weight: block.first.weight).relu())
    #expect(block(x).relativeDistance(to: expected) < 1e-14)
    try checkGradients(at: [x] + block.parameters.map(\.value), names: ["x"] + names) { values in
      try block.replacing(Dictionary(uniqueKeysWithValues: zip(names, values[1...])))(values[0])
    }
  }
}
