import Foundation
import LumiLearning
import LumiTensor
import Testing

struct VolumeLossTests {
  /// A line of values and a plane of them: rows 0…5 are (i, j), three along j.
  static let neighbours = Tensor(
    [Int32(0), 3, 1, 0, 1, 4, 2, 1, 2, 5, 2, 2, 4, 4, 5, 4], shape: [4, 4])

  @Test func totalVariationOfAPlane() throws {
    // 2 i + 3 j, and its negative half: differences 2 and 3 where both are there.
    let plain = Tensor([0.0, 3, 6, 2, 5, 8])
    let values = Tensor.stack([plain, plain * -0.5], axis: 1)
    let whole = 13.0.squareRoot()
    let exact = (whole + whole + 2 + 3) / 4 * 1.5
    let value = Loss.totalVariation(values, neighbours: Self.neighbours).value
    #expect(abs(value - exact) < 1e-14)
    var random = RandomGenerator(seed: 8)
    try checkGradients(at: [random.uniform([6, 2], dtype: .float64)]) {
      Loss.totalVariation($0[0], neighbours: Self.neighbours)
    }
  }

  @Test func constantsHaveNoVariation() {
    let (value, slope) = valueAndGradient(at: Tensor.full([6, 3], 0.4, dtype: .float64)) {
      Loss.totalVariation($0, neighbours: Self.neighbours)
    }
    #expect(value.value == 0)
    #expect(slope.scalars(as: Double.self).allSatisfy { $0 == 0 })
  }

  @Test func cauchySparsity() throws {
    let densities = Tensor([-2.0, 0, 0.5, 3])
    let exact = (log(1.5) + log(19)) / 4
    #expect(abs(Loss.cauchySparsity(densities).value - exact) < 1e-14)
    try checkGradients(at: [Tensor([-2.0, 0.1, 0.5, 3])]) { Loss.cauchySparsity($0[0]) }
  }

  @Test func opacityBeta() throws {
    let exact = (log(0.1) + log(1.1) + 2 * log(0.6)) / 2
    #expect(abs(Loss.opacityBeta(Tensor([0.0, 0.5])).value - exact) < 1e-14)
    let edge = gradient(at: Tensor([0.0, 1])) { Loss.opacityBeta($0) }
    #expect(edge.isAllFinite)
    // Descent leads away from mixtures.
    #expect(edge.scalars(as: Double.self)[0] > 0 && edge.scalars(as: Double.self)[1] < 0)
    try checkGradients(at: [Tensor([0.2, 0.5, 0.9])]) { Loss.opacityBeta($0[0]) }
  }
}
