import LumiLearning
import LumiTensor
import Testing

@Suite struct BatchNormalizationTests {
  static func batch(_ shape: [Int]) -> Tensor {
    var random = RandomGenerator(seed: 71)
    return random.normal(shape, mean: 3, deviation: 2, dtype: .float64)
  }

  @Test func trainingNormalisesEveryChannel() {
    let x = Self.batch([3, 4, 5, 2])
    let layer = BatchNormalization(channels: 2, epsilon: 1e-12, dtype: .float64)
    let rows = layer.training(on: x).output.reshaped([60, 2])
    #expect(rows.mean(axis: 0).abs().max().value < 1e-14)
    #expect((rows.variance(axis: 0) - 1).abs().max().value < 1e-10)
  }

  @Test func runningStatisticsMoveTowardsTheBatch() throws {
    var layer = BatchNormalization(channels: 1, momentum: 0.25, dtype: .float64)
    layer = layer.training(on: Tensor([1.0, 2, 3, 6], shape: [4, 1])).updated
    // Mean 3 and variance 14/3 (of 4 - 1), from 0 and 1.
    #expect(layer.runningMean.value == 0.75)
    #expect((layer.runningVariance.value - (0.75 + 0.25 * 14 / 3)).magnitude < 1e-15)
    for _ in 0..<200 {
      layer = layer.training(on: Tensor([1.0, 2, 3, 6], shape: [4, 1])).updated
    }
    #expect((layer.runningMean.value - 3).magnitude < 1e-12)
    let value = layer(Tensor([3.0, 4], shape: [2, 1]))
    #expect(value[0, 0].value.magnitude < 1e-12)
    #expect((value[1, 0].value - 1 / (14.0 / 3 + 1e-5).squareRoot()).magnitude < 1e-12)
  }

  @Test func evaluationBeforeTrainingIsNearlyTheIdentity() {
    let x = Self.batch([4, 3])
    let layer = BatchNormalization(channels: 3, dtype: .float64)
    #expect(layer(x).relativeDistance(to: x) < 1e-5)
  }

  @Test func buffersAreNoParameters() throws {
    let layer = BatchNormalization(channels: 2)
    #expect(layer.parameters.map(\.path) == ["gain", "bias"])
    #expect(layer.buffers.map(\.path) == ["runningMean", "runningVariance"])
    #expect(layer.state.keys.sorted() == ["bias", "gain", "runningMean", "runningVariance"])
    let trained = layer.training(on: Self.batch([9, 2]).cast(to: .float32)).updated
    let restored = try layer.restoring(trained.state)
    #expect(restored.runningMean.bits == trained.runningMean.bits)
    #expect(
      try layer.adoptingBuffers(of: trained).runningVariance.bits == trained.runningVariance.bits)
    #expect(throws: ParameterError.self) {
      try layer.replacingBuffers(["runningMean": Tensor.zeros([3])])
    }
    #expect(throws: ParameterError.self) { try layer.restoring(["mean": Tensor.zeros([2])]) }
  }

  /// A step of training as users write it: statistics leave the gradient's scope without a tape.
  @Test func statisticsFollowATrainingStep() throws {
    var model = BatchNormalization(channels: 2, dtype: .float64)
    var seen = model
    let x = Self.batch([8, 2])
    let gradients = try valueAndGradient(of: model) { layer in
      let (output, updated) = layer.training(on: x)
      seen = updated
      return (output * x).sum()
    }.gradients
    #expect(gradients.keys.sorted() == ["bias", "gain"])
    var optimizer = SGD(learningRate: .constant(0.1))
    try optimizer.update(&model, gradients: gradients)
    model = try model.adoptingBuffers(of: seen)
    #expect(model.runningMean.relativeDistance(to: x.mean(axis: 0) * 0.1) < 1e-15)
    #expect(model.gain.relativeDistance(to: 1 - gradients["gain"]! * 0.1) < 1e-15)
  }

  @Test func oneElementPerChannelIsFinite() {
    let layer = BatchNormalization(channels: 3, dtype: .float64)
    let x = Self.batch([1, 1, 1, 3])
    let slope = gradient(at: x) { x in
      let (output, updated) = layer.training(on: x)
      #expect(output.stoppingGradient().abs().max().value == 0)
      #expect(
        updated.runningVariance.relativeDistance(to: .full([3], 0.9, dtype: .float64)) < 1e-15)
      return output.sum()
    }
    #expect(slope.isAllFinite)
  }

  @Test func gradientsMatchDifferences() throws {
    let layer = BatchNormalization(channels: 2, dtype: .float64)
    let x = Self.batch([2, 2, 1, 2])
    try checkGradients(at: [x, layer.gain + 1, layer.bias]) { values in
      var moved = layer
      (moved.gain, moved.bias) = (values[1], values[2])
      return moved.training(on: values[0]).output.tanh() + moved(values[0]).tanh()
    }
    try checkGradients(at: [x]) { outer in
      gradient(at: outer[0]) { layer.training(on: $0).output.tanh().square().sum() }
    }
  }
}
