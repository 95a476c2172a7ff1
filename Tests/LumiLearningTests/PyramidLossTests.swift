import Foundation
import LumiLearning
import LumiTensor
import Testing

struct PyramidLossTests {
  static func image(_ shape: [Int]) -> Tensor {
    var random = RandomGenerator(seed: 4)
    return random.uniform(shape, dtype: .float64)
  }

  @Test func levelsAreHalfAsLarge() {
    let pyramid = Self.image([17, 12, 3]).gaussianPyramid(levels: 9)
    #expect(pyramid.map(\.shape) == [[17, 12, 3], [8, 5, 3], [3, 2, 3]])
    #expect(Self.image([2, 9]).gaussianPyramid(levels: 3).count == 1)
  }

  /// Constants stay; a single 1 leaves the filter's weights.
  @Test func weightsAreThoseOfAGaussian() {
    let flat = Tensor.full([9, 9], 0.7, dtype: .float64).gaussianPyramid(levels: 3)
    for level in flat {
      #expect(level.scalars(as: Double.self).allSatisfy { abs($0 - 0.7) < 1e-14 })
    }
    var values = [Double](repeating: 0, count: 25)
    values[12] = 1  // row 2, column 2 of 5×5: a corner of all four windows
    let small = Tensor(values, shape: [5, 5]).gaussianPyramid(levels: 2)[1]
    let corner = exp(-1) / (1 + 4 * exp(-0.5) + 4 * exp(-1))
    for value in small.scalars(as: Double.self) { #expect(abs(value - corner) < 1e-14) }
  }

  @Test func lossIsTheMeanOverLevels() throws {
    let (a, b) = (Self.image([8, 7]), Self.image([8, 7]) * 0.5)
    let levels = zip(a.gaussianPyramid(levels: 2), b.gaussianPyramid(levels: 2))
    let expected = levels.map { (($0 - $1) * ($0 - $1)).mean().value }.reduce(0, +) / 2
    #expect(abs(Loss.pyramidSquaredError(a, b, levels: 2).value - expected) < 1e-14)
    try checkGradients(at: [a, b]) { Loss.pyramidSquaredError($0[0], $0[1], levels: 2) }
  }
}
