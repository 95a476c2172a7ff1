import LumiTensor
import Testing

/// The checker itself: it must fail for wrong gradients and say where.
@Suite struct CheckGradientsTests {
  private let point = Tensor([0.5, -1.5, 2.0, 1.0], shape: [2, 2])

  /// sin with a derivative of the caller's making.
  private func sine(
    _ x: Tensor, _ slope: @escaping (_ exact: Tensor) -> Tensor
  ) -> Tensor {
    customOperation("sine", inputs: [x], outputs: [x.stoppingGradient().sin()]) { cotangents, _ in
      [slope(cotangents[0]! * x.stoppingGradient().cos())]
    }[0]
  }

  private func mismatch(_ slope: @escaping (Tensor) -> Tensor) -> GradientReport? {
    do {
      try checkGradients(at: [Tensor(scalar: 3.0), point], names: ["scale", "angle"]) {
        $0[0] * sine($0[1], slope)
      }
      return nil
    } catch let error as GradientMismatch {
      return error.report
    } catch { return nil }
  }

  @Test func rightGradientsPass() throws {
    #expect(mismatch { $0 } == nil)
    let report = try checkGradients(at: [point]) { $0[0].sin() }
    #expect(report.compared == 4 && report.passes && report.worst!.relativeError < 1e-8)
  }

  @Test func wrongGradientsFail() throws {
    for (label, wrong) in [
      ("zero", { Tensor.zeros(like: $0) }), ("sign", { -$0 }), ("doubled", { $0 * 2 }),
      ("a thousandth too large", { $0 * 1.001 }), ("NaN", { $0 * .nan }),
    ] as [(String, (Tensor) -> Tensor)] {
      let report = mismatch(wrong)
      #expect(report?.worst?.parameter == "angle", "\(label)")
      #expect(report?.passes == false, "\(label)")
    }
  }

  @Test(arguments: 0..<4) func oneWrongEntryIsNamed(_ entry: Int) throws {
    let report = try #require(
      mismatch { exact in
        exact + Tensor((0..<4).map { $0 == entry ? 0.01 : 0 }, shape: [2, 2])
      })
    #expect(report.worst?.parameter == "angle" && report.worst?.position == entry)
    #expect("\(report)".contains("angle[\(entry)]"))
  }

  @Test func aSmallGradientBesideALargeValueIsNotNoise() {
    // The slope is a millionth of the value, and a missing one must still show.
    #expect(throws: GradientMismatch.self) {
      try checkGradients(at: [Tensor(scalar: 1.0)]) { 1000 + $0[0].stoppingGradient() * 1e-3 }
    }
  }

  @Test func nothingToCompareDoesNotPass() {
    #expect(throws: GradientMismatch.self) {
      try checkGradients(at: [Tensor.zeros([0], dtype: .float64)]) { $0[0].sum() }
    }
  }

  @Test func float32ParametersAreCheckedInFloat64() throws {
    try checkGradients(at: [Tensor([1.0, 2.0] as [Float])]) { inputs in
      #expect(inputs[0].dtype == .float64)
      return inputs[0].square()
    }
  }
}
