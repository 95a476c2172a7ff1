import Foundation
import LumiLearning
import LumiTensor
import Testing

@Suite struct ClassificationLossTests {
  let labels = Tensor([Int32(2), 0])

  @Test func equalLogitsCostTheLogarithmOfTheirNumber() {
    let loss = Loss.crossEntropy(.full([2, 4], 3, dtype: .float64), labels: labels)
    #expect(abs(loss.value - log(4)) < 1e-14)
  }

  /// Softmax (1, 2, 3)/6 and (5, 1, 2)/8: -(log ½ + log ⅝)/2.
  @Test func valueByHand() {
    let logits = Tensor([1.0, 2, 3, 5, 1, 2], shape: [2, 3]).log()
    let loss = Loss.crossEntropy(logits, labels: labels).value
    #expect(abs(loss + (log(0.5) + log(0.625)) / 2) < 1e-14)
  }

  @Test func gradients() throws {
    var random = RandomGenerator(seed: 19)
    let logits = random.normal([2, 5], deviation: 2, dtype: .float64)
    try checkGradients(at: [logits]) { Loss.crossEntropy($0[0], labels: labels) }
    // The derivative is (softmax - one-hot)/N; each row adds up to 0.
    let slope = gradient(at: logits) { Loss.crossEntropy($0, labels: labels) }
    let oneHot = Tensor([0.0, 0, 1, 0, 0, 1, 0, 0, 0, 0], shape: [2, 5])
    let expected = (logits.softmax(axis: 1) - oneHot) / 2
    #expect((slope - expected).abs().max().value < 1e-15)
  }

  @Test func hugeLogitsStayFinite() {
    let logits = Tensor([Float(3e38), 0, -3e38, 1e5, -1e5, 0], shape: [2, 3])
    let result = valueAndGradient(at: logits) {
      Loss.crossEntropy($0, labels: Tensor([Int32(0), 1]))
    }
    #expect(result.value.value == 1e5)
    #expect(result.gradient.isFinite().all().item(as: Bool.self))
  }

  @Test func accuracyCountsTheFirstOfEqualsAndTakesBothIndexTypes() {
    let logits = Tensor([Float(1), 3, 2, 5, 5, 0, 0, 1, 9, 4, 3, 3], shape: [4, 3])
    #expect(classificationAccuracy(logits, labels: Tensor([Int32(1), 0, 2, 1])).value == 0.75)
    #expect(classificationAccuracy(logits, labels: Tensor([Int64(0), 1, 0, 2])).value == 0)
  }
}
