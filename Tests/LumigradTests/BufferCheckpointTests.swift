import Lumigrad
import Testing

@Suite struct BufferCheckpointTests {
  private func fresh(seed: UInt64 = 1) -> Training<BatchNormalization, Adam> {
    Training(
      model: BatchNormalization(channels: 3), optimizer: Adam(learningRate: 0.01), seed: seed)
  }

  private func step(_ run: inout Training<BatchNormalization, Adam>) throws {
    let x = run.random.normal([8, 3], mean: 2)
    var seen = run.model
    let gradients = try valueAndGradient(of: run.model) { model in
      let (output, updated) = model.training(on: x)
      seen = updated
      return (output * x).square().mean()
    }.gradients
    try run.optimizer.update(&run.model, gradients: gradients)
    run.model = try run.model.adoptingBuffers(of: seen)
  }

  /// Running statistics are part of what a training goes on from.
  @Test func resumedStatisticsHaveTheSameBits() throws {
    try withFolder { path in
      let folder = try CheckpointFolder(path)
      var straight = fresh()
      try straight.run(steps: 7, step)
      var first = fresh()
      try first.run(steps: 4, checkpoints: folder, step)
      var resumed = fresh(seed: 9)
      try resumed.run(steps: 7, checkpoints: folder, step)
      for (name, value) in straight.model.state {
        #expect(NPYFile.encode(value) == NPYFile.encode(resumed.model.state[name]!), "\(name)")
      }
      #expect(straight.model.runningMean.abs().min().value > 0.5)
    }
  }

  @Test func buffersThatDoNotFitChangeNothing() throws {
    var checkpoint = Checkpoint(step: 0)
    try checkpoint.store(buffersOf: BatchNormalization(channels: 2), as: "narrow")
    try checkpoint.store(buffersOf: BatchNormalization(channels: 3, dtype: .float64), as: "double")
    try checkpoint.store(
      buffersOf: FourierFeatures(inputs: 1, features: 2, deviation: 1, seed: 1), as: "other")
    var model = fresh().model
    for part in ["narrow", "double", "other", "missing"] {
      #expect(throws: CheckpointError.self) { try checkpoint.loadBuffers(&model, from: part) }
    }
    #expect(model.runningVariance.scalars(as: Float.self) == [1, 1, 1])
  }
}
