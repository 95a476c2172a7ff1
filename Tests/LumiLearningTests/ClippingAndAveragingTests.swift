import Foundation
import LumiLearning
import LumiTensor
import Testing

@Suite struct GradientClippingTests {
  @Test func globalNormIsOneForAll() {
    var gradients = ["a": Tensor([3, 0] as [Float]), "b": Tensor([4.0]), "c": Tensor.zeros([0])]
    #expect(GradientClipping.byGlobalNorm(&gradients, limit: 5) == 5)
    #expect(gradients["a"]!.scalars(as: Double.self) == [3, 0])
    #expect(GradientClipping.byGlobalNorm(&gradients, limit: 1) == 5)
    #expect((gradients["a"]!.scalars(as: Double.self)[0] - 0.6).magnitude < 1e-7)
    #expect((gradients["b"]!.value - 0.8).magnitude < 1e-15)
    #expect(gradients["a"]!.dtype == .float32 && gradients["b"]!.dtype == .float64)
    #expect((GradientClipping.globalNorm(gradients) - 1).magnitude < 1e-7)
    #expect(GradientClipping.globalNorm([:]) == 0)
  }

  /// Squares that overflow, in float32 and in float64.
  @Test func hugeGradientsAreScaled() {
    var gradients = ["a": Tensor([3e200, -4e200]), "b": Tensor([1e38] as [Float])]
    let norm = GradientClipping.byGlobalNorm(&gradients, limit: 1)
    #expect((norm / 5e200 - 1).magnitude < 1e-14)
    #expect((gradients["a"]!.scalars(as: Double.self)[1] + 0.8).magnitude < 1e-14)
    var small = ["b": Tensor([1e38, 1e38] as [Float])]
    #expect((GradientClipping.byGlobalNorm(&small, limit: 2) / 1.414213562e38 - 1).magnitude < 1e-6)
    #expect((small["b"]!.scalars(as: Double.self)[0] - 1.414213562).magnitude < 1e-6)
  }

  @Test func valuesAreLimitedOneByOne() {
    var gradients = ["a": Tensor([3, -0.5, -9] as [Float]), "b": Tensor([0.25])]
    #expect(GradientClipping.byValue(&gradients, limit: 1) == 9)
    #expect(gradients["a"]!.scalars(as: Double.self) == [1, -0.5, -1])
    #expect(gradients["b"]!.value == 0.25)
  }

  /// Clipping must not hide what the optimizer reports.
  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func whatIsNotFiniteStays(_ value: Float) throws {
    let start = ["a": Tensor([1, value]), "b": Tensor([9] as [Float])]
    for clip in [
      { (g: inout [String: Tensor]) in GradientClipping.byGlobalNorm(&g, limit: 1) },
      { (g: inout [String: Tensor]) in GradientClipping.byValue(&g, limit: 1) },
    ] {
      var gradients = start
      let norm = clip(&gradients)
      #expect(value.isNaN ? norm.isNaN : norm == .infinity)
      var adam = Adam()
      #expect(throws: OptimizerError.self) {
        _ = try adam.updated(start.mapValues { .zeros(like: $0) }, gradients: gradients)
      }
    }
  }
}

@Suite struct ExponentialMovingAverageTests {
  private func values(_ x: Double) -> [String: Tensor] {
    ["p": Tensor([x, 2 * x]), "count": Tensor([Int32(3)])]
  }

  /// With pₜ = t: without correction dᵗ⁻¹ p₁ + (1 - d) Σ dᵗ⁻ⁱ pᵢ from i = 2, with it the weighted mean
  /// Σ dᵗ⁻ⁱ pᵢ / Σ dᵗ⁻ⁱ.
  @Test func closedForm() throws {
    let d = 0.75
    var plain = ExponentialMovingAverage(decay: d)
    var corrected = ExponentialMovingAverage(decay: d, correctsBias: true)
    for t in 1...12 {
      try plain.update(values(Double(t)))
      try corrected.update(values(Double(t)))
      let weights = (1...t).map { pow(d, Double(t - $0)) }
      let sum = zip(weights, 1...t).reduce(0) { $0 + $1.0 * Double($1.1) }
      let first = pow(d, Double(t - 1))
      let a = plain.averages["p"]!.scalars(as: Double.self)
      #expect((a[0] - (first + (1 - d) * (sum - first))).magnitude < 1e-13)
      let b = corrected.averages["p"]!.scalars(as: Double.self)
      #expect((b[0] - sum / weights.reduce(0, +)).magnitude < 1e-13)
      #expect((b[1] - 2 * b[0]).magnitude < 1e-13)
    }
    #expect(plain.averages.keys.sorted() == ["p"], "integers are not averaged")
  }

  @Test func appliesToAModelAndResumes() throws {
    var model = MultilayerPerceptron(widths: [2, 3, 1], seed: 4)
    var average = ExponentialMovingAverage(decay: 0.9, correctsBias: true)
    #expect(
      try average.applied(to: model).parameters[0].value.bits == model.parameters[0].value.bits)
    try average.update(model)
    let first = try average.applied(to: model)
    for (a, b) in zip(first.parameters, model.parameters) {
      #expect(a.value.relativeDistance(to: b.value) < 1e-6)
    }
    var copy = ExponentialMovingAverage(decay: 0.9, correctsBias: true)
    try copy.restore(average.state)
    model = model.mapParameters { _, value in value * 2 }
    try average.update(model)
    try copy.update(model)
    let pairs = zip(
      try average.applied(to: model).parameters, try copy.applied(to: model).parameters)
    for (a, b) in pairs { #expect(a.value.bits == b.value.bits) }
  }

  @Test func otherParametersAreNamed() throws {
    var average = ExponentialMovingAverage()
    try average.update(values(1))
    #expect(throws: ParameterError.unknown("q", known: ["p"])) {
      try average.update(["p": Tensor([1.0, 2.0]), "q": Tensor([1.0])])
    }
    #expect(throws: ParameterError.unknown("p", known: [])) { try average.update([:]) }
    #expect(throws: ParameterError.shape("p", expected: [2], actual: [1])) {
      try average.update(["p": Tensor([1.0])])
    }
    #expect(throws: OptimizerError.dtype(parameter: "p", expected: .float64, actual: .float32)) {
      try average.update(["p": Tensor([1, 2] as [Float])])
    }
    #expect(average.step == 1)
    for state in [[:], ["step": Tensor([Int64(1)], shape: []), "firstMoment.p": Tensor([1.0])]] {
      #expect(throws: OptimizerError.self) { try average.restore(state) }
    }
    #expect(average.step == 1)
  }
}
