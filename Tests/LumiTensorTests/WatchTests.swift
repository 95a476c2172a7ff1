import LumiTensor
import Testing

/// Non-finite values, misuse and what the messages say.
@Suite struct WatchTests {
  @Test func theFirstBadOperationForwardIsNamed() throws {
    let x = Tensor([1.0, -1.0])
    let error = #expect(throws: NonFiniteError.self) {
      try requiringFiniteValues { (x + 1).log().exp().sum() }
    }
    #expect(error?.operation == "log" && error?.position == 1 && error?.shape == [2])
    #expect(try requiringFiniteValues { x.exp().sum() }.value > 0)
  }

  @Test func theFirstBadOperationBackwardIsNamed() throws {
    let error = #expect(throws: NonFiniteError.self) {
      try requiringFiniteValues { gradient(at: Tensor([4.0, 0.0])) { $0.sqrt().sum() } }
    }
    // The slope of a root at 0 divides by 0.
    #expect(error?.operation == "divide" && error?.position == 1)
    #expect(error?.gradientOf == "squareRoot")
    #expect("\(error!)".contains("divide in the gradient of squareRoot"))
  }

  @Test func customOperationsAreWatched() {
    let error = #expect(throws: NonFiniteError.self) {
      try requiringFiniteValues {
        customOperation("shade", inputs: [], outputs: [Tensor([1.0, .infinity])]) { _, _ in [] }
      }
    }
    #expect(error?.operation == "shade")
  }

  @Test func pullbacksWrittenByHandAreWatched() {
    let error = #expect(throws: NonFiniteError.self) {
      try requiringFiniteValues {
        gradient(at: Tensor([1.0, 2])) { x in
          customOperation("shade", inputs: [x], outputs: [Tensor([1.0, 2])]) { _, _ in
            [Tensor([0.0, .nan])]
          }[0].sum()
        }
      }
    }
    #expect(error?.operation == "shade" && error?.gradientOf == "shade" && error?.position == 1)
  }

  @Test func errorsOfTheBodyPass() {
    struct Stop: Error {}
    #expect(throws: Stop.self) { try requiringFiniteValues { throw Stop() } }
  }
}

/// Errors of the program stop it; each of these must, and with the operation's name.
@Suite struct MisuseTests {
  private static func message(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }

  @Test func shapesThatDoNotBroadcast() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = Tensor.ones([2, 3]) + Tensor.ones([4]) }
    #expect(Self.message(result).contains("add: shapes [2, 3] and [4] do not broadcast"))
  }

  @Test func unreachableParameters() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = gradient(at: [Tensor.ones([2]), Tensor.ones([3])]) { $0[0].sum() } }
    #expect(Self.message(result).contains("does not depend on parameter 1 of shape [3]"))
  }

  @Test func secondDerivativesThatDoNotExist() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = gradient(at: Tensor([1.0])) { x in
        gradient(at: x) { y in
          customOperation("splat", inputs: [y], outputs: [y.stoppingGradient()]) { cotangents, _ in
            [cotangents[0]]
          }[0].square().sum()
        }.sum()
      }
    }
    #expect(Self.message(result).contains("splat has no second derivative"))
  }

  @Test func pullbacksOfTheWrongShape() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = gradient(at: Tensor([1.0, 2.0])) { x in
        customOperation("splat", inputs: [x], outputs: [x.stoppingGradient()]) { cotangents, _ in
          [cotangents[0]!.sum()]
        }[0].sum()
      }
    }
    #expect(Self.message(result).contains("splat: its pullback gave float64 [] for input 0"))
  }

  @Test func checkpointsThatCaptureParameters() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = gradient(at: [Tensor([1.0]), Tensor([2.0])], unreachable: .zeros) { inputs in
        let scale = inputs[1] * 2
        return checkpoint([inputs[0]]) { [$0[0] * scale] }[0].sum()
      }
    }
    #expect(Self.message(result).contains("checkpoint: its body depends on a tensor"))
  }

  @Test func indicesOutOfRange() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = Tensor.ones([3, 2]).gather(Tensor([0, -1, 3] as [Int32])) }
    #expect(Self.message(result).contains("gather: index -1, expected 0..<3"))
  }

  @Test func fractionsBesideIntegers() async {
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2] as [Int32]) .> 0.5 }
  }
}
