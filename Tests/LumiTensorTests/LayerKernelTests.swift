import CLumiKernels
import Foundation
import Testing

struct ActivationCase: Sendable, CustomTestStringConvertible {
  let name: String
  let activation: Int
  let beta: Float
  let value: @Sendable (Double) -> Double
  let slope: @Sendable (Double) -> Double
  var testDescription: String { name }
}

private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

private let activationCases: [ActivationCase] = [
  ActivationCase(
    name: "none", activation: LUMI_ACTIVATION_NONE, beta: 0, value: { $0 }, slope: { _ in 1 }),
  ActivationCase(
    name: "relu", activation: LUMI_ACTIVATION_RELU, beta: 0,
    value: { max($0, 0) }, slope: { $0 > 0 ? 1 : 0 }),
  ActivationCase(
    name: "softplus", activation: LUMI_ACTIVATION_SOFTPLUS, beta: 10,
    value: { max($0, 0) + log1p(exp(-abs(10 * $0))) / 10 }, slope: { sigmoid(10 * $0) }),
  ActivationCase(
    name: "sigmoid", activation: LUMI_ACTIVATION_SIGMOID, beta: 0,
    value: { sigmoid($0) }, slope: { sigmoid($0) * (1 - sigmoid($0)) }),
  ActivationCase(
    name: "tanh", activation: LUMI_ACTIVATION_TANH, beta: 0,
    value: { tanh($0) }, slope: { 1 - tanh($0) * tanh($0) }),
  ActivationCase(
    name: "sine", activation: LUMI_ACTIVATION_SINE, beta: 30,
    value: { sin(30 * $0) }, slope: { 30 * cos(30 * $0) }),
]

@Suite struct LayerKernelTests {
  private let rows = 7
  private let columns = 37

  private var preActivations: [Float] {
    (0..<(rows * columns)).map { Float(($0 * 7919) % 1000) * 0.008 - 4 }
  }

  @Test(arguments: activationCases, availableLevels)
  func biasAndActivation(_ testCase: ActivationCase, _ level: Int32) {
    let z = preActivations
    let bias = (0..<columns).map { Float($0) * 0.02 - 0.3 }
    for hasBias in [true, false] {
      var y = z
      withLevel(level) {
        if hasBias {
          lumi_bias_activation_f32(
            Int32(testCase.activation), rows, columns, bias, testCase.beta, &y)
        } else {
          lumi_bias_activation_f32(
            Int32(testCase.activation), rows, columns, nil, testCase.beta, &y)
        }
      }
      for i in z.indices {
        let input = hasBias ? z[i] + bias[i % columns] : z[i]
        #expect(ulpError(y[i], testCase.value(Double(input))) <= 4)
      }
    }
  }

  @Test(arguments: activationCases, availableLevels)
  func gradientMatchesTheSlope(_ testCase: ActivationCase, _ level: Int32) {
    let z = preActivations
    let cotangent = z.indices.map { Float($0 % 11) - 4.5 }
    var gradient = [Float](repeating: 0, count: z.count)
    withLevel(level) {
      if testCase.activation == LUMI_ACTIVATION_SINE {
        lumi_sine_gradient_f32(z.count, z, cotangent, testCase.beta, &gradient)
      } else {
        var output = z
        let kind = Int32(testCase.activation)
        lumi_bias_activation_f32(kind, rows, columns, nil, testCase.beta, &output)
        lumi_activation_gradient_f32(kind, z.count, output, cotangent, testCase.beta, &gradient)
      }
    }
    for i in z.indices {
      let expected = Double(cotangent[i]) * testCase.slope(Double(z[i]))
      // Slopes from a rounded output lose digits where the function is flat: a few ulp of 1.
      let scale = testCase.activation == LUMI_ACTIVATION_SINE ? Double(testCase.beta) : 1
      #expect(abs(Double(gradient[i]) - expected) <= 5e-7 * scale * abs(Double(cotangent[i])))
    }
  }

  @Test func sineGradientMayOverwriteItsCotangent() {
    let z = preActivations
    var separate = [Float](repeating: 0, count: z.count)
    lumi_sine_gradient_f32(z.count, z, z, 30, &separate)
    var shared = z
    shared.withUnsafeMutableBufferPointer { buffer in
      let pointer = buffer.baseAddress!
      lumi_sine_gradient_f32(z.count, pointer, pointer, 30, pointer)
    }
    #expect(shared == separate)
  }

  @Test(arguments: availableLevels)
  func adamFollowsItsFormula(_ level: Int32) {
    let count = 53
    let rate = 0.01
    let decay = 0.1
    let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8)
    var parameter = (0..<count).map { Float($0) * 0.1 - 2 }
    var m = [Float](repeating: 0, count: count)
    var v = m
    var expected = parameter.map(Double.init)
    var expectedM = [Double](repeating: 0, count: count)
    var expectedV = expectedM
    for step in 1...20 {
      let gradient = (0..<count).map { Float(sin(Double($0 * step))) }
      let corrections = (1 - pow(beta1, Double(step)), 1 - pow(beta2, Double(step)))
      withLevel(level) {
        lumi_adam_f32(
          count, &parameter, gradient, &m, &v, Float(rate), Float(beta1), Float(beta2),
          Float(epsilon), Float(decay), Float(corrections.0), Float(corrections.1))
      }
      for i in 0..<count {
        let g = Double(gradient[i])
        expectedM[i] = beta1 * expectedM[i] + (1 - beta1) * g
        expectedV[i] = beta2 * expectedV[i] + (1 - beta2) * g * g
        let direction =
          (expectedM[i] / corrections.0) / ((expectedV[i] / corrections.1).squareRoot() + epsilon)
        expected[i] -= rate * decay * expected[i] + rate * direction
      }
    }
    for i in 0..<count { #expect(abs(Double(parameter[i]) - expected[i]) < 2e-5) }
  }
}
