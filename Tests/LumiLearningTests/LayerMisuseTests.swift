import LumiLearning
import LumiTensor
import Testing

/// Shapes that do not fit stop the program with the operation and the shapes.
@Suite struct LayerMisuseTests {
  private static func expect(_ result: ExitTest.Result?, says words: [String]) {
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    for word in words { #expect(message.contains(word), "\(message.prefix(500))") }
  }

  @Test func windowLargerThanTheImage() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = convolution(Tensor.zeros([1, 2, 9, 1]), weight: Tensor.zeros([4, 3, 3, 1]))
    }
    Self.expect(result, says: ["convolution", "window of 3", "[1, 2, 9, 1]"])
  }

  @Test func hashGridInTheWrongDimension() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let layout = HashGridLayout(levels: 1, baseResolution: 2, finestResolution: 2)
      _ = HashGrid(layout: layout, seed: 1)(Tensor.zeros([5, 2]))
    }
    Self.expect(result, says: ["HashGrid", "[5, 2]", "[..., 3]"])
  }

  @Test func recurrentStateOfAnotherBatch() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var random = RandomGenerator(seed: 1)
      let cell = LongShortTermMemoryCell(inputs: 2, units: 3, using: &random)
      _ = cell(Tensor.zeros([4, 2]), cell.initialState([5]))
    }
    Self.expect(result, says: ["LongShortTermMemoryCell", "[4, 2]", "[5, 3]"])
  }
}
