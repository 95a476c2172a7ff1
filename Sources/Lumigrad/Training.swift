import LumiLearning
import LumiTensor

/// A training that can stop at any moment and go on to the same bits: a model with all that changes
/// from step to step.
///
/// ```swift
/// var training = Training(model: network, optimizer: Adam(learningRate: 1e-3), seed: 7)
/// try training.run(steps: 10_000, checkpoints: CheckpointFolder("run")) { run in
///   let rays = pickRays(using: &run.random)
///   let (loss, gradients) = try valueAndGradient(of: run.model) { renderingLoss($0, rays) }
///   try run.optimizer.update(&run.model, gradients: gradients)
///   run.numbers["loss"] = loss.value
/// }
/// ```
///
/// A step may depend only on what is in here and on data that do not change: then a second run of
/// the same program continues where the last checkpoint of the first ends, as if nothing had
/// happened. Random numbers come from ``random``. More optimizers or models than one store
/// themselves in a ``Checkpoint``.
public struct Training<Model: Parameterized, Rule: Optimizer> {
  public var model: Model
  public var optimizer: Rule
  /// Averages of the model's parameters, for steps that update them; nil for none.
  public var average: ExponentialMovingAverage?
  public var random: RandomGenerator
  /// Numbers to remember, such as a running loss.
  public var numbers: [String: Double] = [:]
  /// How many steps have been made.
  public private(set) var step = 0
  /// Files newer than the one that the last run continued from, which could not be read.
  public private(set) var skippedCheckpoints: [CheckpointFolder.Skipped] = []

  public init(
    model: Model, optimizer: Rule, average: ExponentialMovingAverage? = nil, seed: UInt64
  ) {
    (self.model, self.optimizer, self.average) = (model, optimizer, average)
    random = RandomGenerator(seed: seed)
  }

  /// Makes one step after the other until there have been `steps`.
  ///
  /// - Parameters:
  ///   - steps: in all, those before a checkpoint included.
  ///   - checkpoints: where to continue from and to save to; nil keeps nothing.
  ///   - interval: steps from one checkpoint to the next, 1 or more; the last step is saved, too.
  ///   - body: one step. An error ends the run; the steps since the last checkpoint are made again
  ///     by the next.
  /// - Throws: what `body` throws, ``CheckpointError`` if the newest readable checkpoint is of
  ///   another training, `FileError` if one cannot be written.
  public mutating func run(
    steps: Int, checkpoints: CheckpointFolder? = nil, every interval: Int = 100,
    _ body: (inout Self) throws -> Void
  ) throws {
    require(interval >= 1, "Training.run: a checkpoint every \(interval) steps, expected 1 or more")
    if let found = try checkpoints?.newest() {
      skippedCheckpoints = found.skipped
      if let newest = found.checkpoint, newest.step > step { try restore(newest) }
    }
    while step < steps {
      try body(&self)
      step += 1
      if let checkpoints, step % interval == 0 || step == steps {
        try checkpoints.save(checkpoint())
      }
    }
  }

  /// Everything as it is.
  public func checkpoint() throws -> Checkpoint {
    var result = Checkpoint(step: step)
    try result.store(model, as: "model")
    try result.storeBuffers(ofAny: model, as: "buffers")
    try result.store(optimizer, as: "optimizer")
    if let average { try result.store(average, as: "average") }
    try result.store(random, as: "random")
    for (name, number) in numbers { try result.store(number, as: name) }
    return result
  }

  /// Continues from a checkpoint.
  ///
  /// - Throws: ``CheckpointError`` if it does not fit. Nothing has changed then.
  public mutating func restore(_ checkpoint: Checkpoint) throws {
    var copy = self
    try checkpoint.load(&copy.model, from: "model")
    try checkpoint.loadBuffers(ofAny: &copy.model, from: "buffers")
    try checkpoint.restore(&copy.optimizer, from: "optimizer")
    if copy.average != nil { try checkpoint.restore(&copy.average!, from: "average") }
    try checkpoint.restore(&copy.random, from: "random")
    copy.numbers = checkpoint.numbers
    copy.step = checkpoint.step
    self = copy
  }
}
