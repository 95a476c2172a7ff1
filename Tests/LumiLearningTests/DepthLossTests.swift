import LumiLearning
import LumiTensor
import Testing

/// Structural similarity and the losses of self-supervised depth. Their values are also held by the
/// reference vectors "rgbd".
struct DepthLossTests {
  private static func image(_ seed: UInt64, _ height: Int = 5, _ width: Int = 6) -> Tensor {
    var random = RandomGenerator(seed: seed)
    return random.uniform([height, width, 2], dtype: .float64)
  }

  @Test func equalImagesAreSimilarAndInvertedOnesAreNot() {
    let image = Self.image(1)
    #expect((structuralSimilarity(image, image) - 1).abs().max().value < 1e-12)
    #expect(structuralSimilarity(image, 1 - image).max().value < 0.6)
    #expect(Loss.structuralDissimilarity(image, image).value < 1e-12)
    #expect(Loss.photometricError(image, image).max().value < 1e-12)
  }

  /// One window by hand: means, population variances and covariance of nine numbers.
  @Test func oneWindowByHand() {
    let a = Self.image(2, 3, 3).slice(axis: 2, from: 0, to: 1)
    let b = Self.image(3, 3, 3).slice(axis: 2, from: 0, to: 1)
    let (x, y) = (a.scalars(as: Double.self), b.scalars(as: Double.self))
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / 9 }
    let (mx, my) = (mean(x), mean(y))
    let vx = mean(x.map { ($0 - mx) * ($0 - mx) })
    let vy = mean(y.map { ($0 - my) * ($0 - my) })
    let both = mean(zip(x, y).map { ($0 - mx) * ($1 - my) })
    let expected =
      (2 * mx * my + 1e-4) * (2 * both + 9e-4) / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4))
    #expect(abs(structuralSimilarity(a, b).value - expected) < 1e-10)
  }

  @Test func gradients() throws {
    let (a, b) = (Self.image(4), Self.image(5))
    try checkGradients(at: [a]) { Loss.structuralDissimilarity($0[0], b) }
    try checkGradients(at: [a]) { Loss.photometricError($0[0], b) }
    let disparity = Self.image(6).slice(axis: 2, from: 0, to: 1).squeezed(axis: 2)
    try checkGradients(at: [disparity, a]) {
      Loss.edgeAwareSmoothness(of: $0[0], image: $0[1])
    }
    try checkGradients(at: [disparity]) { Loss.secondOrderSmoothness(of: $0[0]) }
    try checkGradients(at: [a]) {
      let error = Loss.photometricError($0[0], b)
      let other = Loss.photometricError(b * 0.9, b)
      return Loss.minimumReprojection(
        [error, other], visible: [.ones(like: error), .ones(like: error)],
        unmoved: [.full([5, 6], 0.3, dtype: .float64)])
    }
  }

  /// An edge of the disparity costs less where the image has one; a ramp bends nowhere.
  @Test func smoothnessKnowsEdgesAndRamps() {
    let step = Tensor([0.0, 0, 1, 1, 0, 0, 1, 1], shape: [2, 4])
    let plain = Loss.edgeAwareSmoothness(of: step, image: .zeros([2, 4, 1], dtype: .float64))
    let edge = Loss.edgeAwareSmoothness(of: step, image: step.expandingDims(at: 2))
    #expect(abs(plain.value - 1.0 / 3) < 1e-12)
    #expect(abs(edge.value - plain.value / 2.718281828459045) < 1e-12)
    let ramp = Tensor.arange(4, dtype: .float64).broadcast(to: [4, 4])
    #expect(Loss.secondOrderSmoothness(of: ramp).value < 1e-12)
    #expect(Loss.secondOrderSmoothness(of: ramp.square()).value > 1)
  }

  @Test func onlyVisiblePixelsThatMoveCount() {
    let errors = [
      Tensor([0.1, 0.5, 0.3], shape: [1, 3]), Tensor([0.2, 0.4, 0.9], shape: [1, 3]),
    ]
    let visible = [Tensor([1.0, 1, 1], shape: [1, 3]), Tensor([1.0, 0, 1], shape: [1, 3])]
    #expect(abs(Loss.minimumReprojection(errors, visible: visible).value - 0.3) < 1e-12)
    let unmoved = [Tensor([1.0, 0.5, 1], shape: [1, 3])]
    let loss = Loss.minimumReprojection(errors, visible: visible, unmoved: unmoved)
    #expect(abs(loss.value - 0.2) < 1e-12)
    let nowhere = [Tensor.zeros([1, 3], dtype: .float64)]
    #expect(Loss.minimumReprojection([errors[0]], visible: nowhere).value == 0)
  }
}
