// Small trainings for tests that kill them. `train` waits for a line on standard input before every
// step and prints the step behind it; `write` saves checkpoints as fast as it can and prints each.
//
//   TrainingProbe train FOLDER STEPS
//   TrainingProbe write FOLDER

import Foundation
import Lumigrad

func say(_ text: String) {
  FileHandle.standardOutput.write(Data("\(text)\n".utf8))
}

/// Everything that changes from step to step takes part: momentum, schedule, average, random
/// numbers in blocks and in halves of blocks, a running number.
func train(_ folder: CheckpointFolder, steps: Int) throws {
  var training = Training(
    model: MultilayerPerceptron(widths: [2, 64, 64, 1], activation: .tanh, seed: 3),
    optimizer: Adam.adamW(
      learningRate: .warmUp(steps: 8, then: .cosine(initial: 0.01, final: 1e-4, steps: steps))),
    average: ExponentialMovingAverage(decay: 0.9, correctsBias: true), seed: 11)
  try training.run(steps: steps, checkpoints: folder, every: 3) { run in
    guard readLine() != nil else { exit(3) }
    let scale = Double(run.random.next() >> 11) * 0x1p-53
    let x = run.random.uniform([256, 2], low: -1, high: 1)
    let y = x[.all, .range(0..<1)] * x[.all, .range(1..<2)] * scale
    let result = try valueAndGradient(of: run.model) { Loss.meanSquaredError($0(x), y) }
    var gradients = result.gradients
    GradientClipping.byGlobalNorm(&gradients, limit: 0.5)
    try run.optimizer.update(&run.model, gradients: gradients)
    try run.average!.update(run.model)
    run.numbers["loss"] = 0.9 * (run.numbers["loss"] ?? 1) + 0.1 * result.value.value
    say("step \(run.step + 1)")
  }
}

/// Every element of a checkpoint's one tensor is its step.
func write(_ folder: CheckpointFolder) throws -> Never {
  struct Block: Parameterized {
    var values: Tensor
    func mapParameters(_ transform: (String, Tensor) throws -> Tensor) rethrows -> Block {
      Block(values: try transform("values", values))
    }
  }
  var step = (try folder.steps().first ?? 0) + 1
  while true {
    var checkpoint = Checkpoint(step: step)
    try checkpoint.store(Block(values: .full([1 << 20], Double(step))), as: "block")
    try folder.save(checkpoint)
    say("step \(step)")
    step += 1
  }
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { exit(2) }
let folder = try CheckpointFolder(arguments[2], keeping: 2)
switch arguments[1] {
case "train": try train(folder, steps: Int(arguments[3])!)
case "write": try write(folder)
default: exit(2)
}
