import Foundation
import Lumigrad
import Testing

@Suite struct CheckpointTests {
  private struct Pair: Parameterized {
    var a = Tensor([1, 2] as [Float])
    var b = Tensor([[3.0]])
    var n = Tensor([Int64(1) << 40])
    func mapParameters(_ transform: (String, Tensor) throws -> Tensor) rethrows -> Pair {
      Pair(a: try transform("a", a), b: try transform("b.c", b), n: try transform("n", n))
    }
  }

  private func bytes(_ tensor: Tensor) -> [UInt8] { NPYFile.encode(tensor) }

  @Test func everythingReturnsToTheBit() throws {
    try withFolder { folder in
      let pair = Pair(
        a: Tensor([Float(bitPattern: 0x7fc0_0001), -0.0]), b: Tensor([[Double.pi]]))
      var random = RandomGenerator(seed: 7, stream: 2)
      _ = random.next()
      var adam = Adam(learningRate: 0.1)
      var values = ["a": Tensor([1.0])]
      try adam.update(&values, gradients: ["a": Tensor([0.3])])
      var average = ExponentialMovingAverage()
      try average.update(values)
      var checkpoint = Checkpoint(step: 41)
      try checkpoint.store(pair, as: "model")
      try checkpoint.store(random, as: "random")
      try checkpoint.store(adam, as: "optimizer")
      try checkpoint.store(average, as: "average")
      let numbers = [0.1, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .nan]
      for (index, number) in numbers.enumerated() { try checkpoint.store(number, as: "n/\(index)") }
      try checkpoint.write(to: "\(folder)/x.safetensors")

      let read = try Checkpoint(contentsOf: "\(folder)/x.safetensors")
      #expect(read.step == 41 && read.partNames == ["average", "model", "optimizer", "random"])
      var other = Pair()
      try read.load(&other, from: "model")
      for (new, old) in zip(other.parameters, pair.parameters) {
        #expect(bytes(new.value) == bytes(old.value), "\(new.path)")
      }
      var generator = RandomGenerator(seed: 1)
      try read.restore(&generator, from: "random")
      #expect(generator.next() == random.next() && generator.next() == random.next())
      var rule = Adam(learningRate: 0.1)
      try read.restore(&rule, from: "optimizer")
      #expect(rule.step == 1 && bytes(rule.firstMoments["a"]!) == bytes(adam.firstMoments["a"]!))
      var mean = ExponentialMovingAverage()
      try read.restore(&mean, from: "average")
      #expect(mean.step == 1 && bytes(mean.averages["a"]!) == bytes(average.averages["a"]!))
      for (index, number) in numbers.enumerated() {
        #expect(try read.number("n/\(index)").bitPattern == number.bitPattern)
      }
      // Any program that reads safetensors finds the parameters under their names.
      let content = try SafetensorsFile.read("\(folder)/x.safetensors")
      #expect(content.tensors["model/b.c"]?.shape == [1, 1])
      #expect(content.metadata["step"] == "41")
    }
  }

  @Test func whatDoesNotFitIsNamed() throws {
    var checkpoint = Checkpoint(step: 0)
    try checkpoint.store(Pair(), as: "model")
    try checkpoint.store(RandomGenerator(seed: 3), as: "random")
    var pair = Pair()
    #expect(throws: CheckpointError.missingPart("net", known: ["model", "random"])) {
      try checkpoint.load(&pair, from: "net")
    }
    #expect(throws: CheckpointError.missingPart("loss", known: [])) {
      _ = try checkpoint.number("loss")
    }
    pair.a = .zeros([3])
    #expect(throws: CheckpointError.shape(parameter: "model/a", expected: [3], actual: [2])) {
      try checkpoint.load(&pair, from: "model", strict: false)
    }
    pair.a = .zeros([2], dtype: .float64)
    #expect(
      throws: CheckpointError.dtype(parameter: "model/a", expected: .float64, actual: .float32)
    ) { try checkpoint.load(&pair, from: "model") }
    #expect(pair.a.scalars(as: Double.self) == [0, 0] && pair.b.value == 3)
    var adam = Adam()
    let error = #expect(throws: CheckpointError.self) {
      try checkpoint.restore(&adam, from: "random")
    }
    #expect("\(error!)".hasPrefix("checkpoint: \"random\": saved state: \"step\" is missing"))
    #expect(throws: CheckpointError.name("model", reason: "is in use")) {
      try checkpoint.store(Pair(), as: "model")
    }
    for name in ["", "a/b"] {
      #expect(throws: CheckpointError.self) { try checkpoint.store(Pair(), as: name) }
    }
    try checkpoint.store(1, as: "loss")
    #expect(throws: CheckpointError.name("loss", reason: "is in use")) {
      try checkpoint.store(2, as: "loss")
    }
  }

  @Test func partialLoadingReportsNames() throws {
    var checkpoint = Checkpoint(step: 0)
    try checkpoint.store(MultilayerPerceptron(widths: [2, 4, 3], seed: 1), as: "model")
    let source = try checkpoint.tensors(of: "model")
    var larger = MultilayerPerceptron(widths: [2, 4, 3, 1], seed: 2)
    let before = larger.layers[2].weight
    #expect(
      throws: CheckpointError.names(
        part: "model", missing: ["layers.2.bias", "layers.2.weight"], unexpected: [])
    ) { try checkpoint.load(&larger, from: "model") }
    #expect(bytes(larger.layers[0].weight) != bytes(source["layers.0.weight"]!))
    let added = try checkpoint.load(&larger, from: "model", strict: false)
    #expect(added.missing == ["layers.2.bias", "layers.2.weight"] && added.unexpected.isEmpty)
    #expect(bytes(larger.layers[0].weight) == bytes(source["layers.0.weight"]!))
    #expect(bytes(larger.layers[2].weight) == bytes(before))
    var smaller = Linear(weight: .zeros([3, 2]), bias: .zeros([3]))
    let error = #expect(throws: CheckpointError.self) {
      try checkpoint.load(&smaller, from: "model")
    }
    let text = "\(error!)"
    #expect(
      text.contains("lacks \"bias\", \"weight\"") && text.contains("unknown \"layers.0.bias\""))
  }

  @Test func otherFilesAreNoCheckpoints() throws {
    try withFolder { folder in
      let path = "\(folder)/x.safetensors"
      let good = [
        "format": "lumigrad-checkpoint-1", "step": "1", "parts": #"["a"]"#, "numbers": "{}",
      ]
      let bad: [([String: Tensor], [String: String])] = [
        ([:], [:]), ([:], good.merging(["format": "lumigrad-checkpoint-9"]) { $1 }),
        ([:], good.merging(["step": "-1"]) { $1 }), ([:], good.merging(["step": "x"]) { $1 }),
        ([:], good.merging(["parts": "{}"]) { $1 }), ([:], good.merging(["numbers": "[1]"]) { $1 }),
        ([:], good.merging(["numbers": #"{"x":"zz"}"#]) { $1 }),
        (["b/w": Tensor([1.0])], good), (["a": Tensor([1.0])], good),
      ]
      for (tensors, metadata) in bad {
        try SafetensorsFile.write(tensors, metadata: metadata, to: path)
        #expect(throws: CheckpointError.self, "\(metadata)") { try Checkpoint(contentsOf: path) }
      }
      try SafetensorsFile.write(["a/w": Tensor([1.0])], metadata: good, to: path)
      #expect(try Checkpoint(contentsOf: path).step == 1)
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
      #expect(throws: FileError.self) { try Checkpoint(contentsOf: path) }
    }
  }
}

@Suite struct CheckpointFolderTests {
  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func theLastStayAndOthersFilesToo() throws {
    try withFolder { path in
      let folder = try CheckpointFolder("\(path)/run", keeping: 3)
      #expect(try folder.newest().checkpoint == nil)
      let strangers = ["step-1.safetensors", "notes.txt", "step-0000000001.safetensors.backup"]
      for name in strangers { try Data().write(to: URL(fileURLWithPath: "\(path)/run/\(name)")) }
      try Data().write(
        to: URL(fileURLWithPath: "\(path)/run/step-0000000004.safetensors.partial.Ab3dE5"))
      for step in [5, 10, 15, 20, 12_345_678_901] { try folder.save(Checkpoint(step: step)) }
      #expect(try folder.steps() == [12_345_678_901, 20, 15])
      #expect(Set(try names("\(path)/run")).isSuperset(of: strangers))
      #expect(try names("\(path)/run").count == 6)
      // Started again from before: the later ones are not this run's to remove.
      try folder.save(Checkpoint(step: 10))
      #expect(try folder.steps() == [12_345_678_901, 20, 15, 10])
    }
  }

  @Test func brokenOnesAreSkippedAndNamed() throws {
    try withFolder { path in
      let folder = try CheckpointFolder(path, keeping: 5)
      for step in 1...4 { try folder.save(Checkpoint(step: step)) }
      let whole = try Data(contentsOf: URL(fileURLWithPath: folder.file(step: 4)))
      try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: folder.file(step: 4)))
      try SafetensorsFile.write([:], to: folder.file(step: 3))
      let found = try folder.newest()
      #expect(found.checkpoint?.step == 2)
      #expect(found.skipped.map(\.file) == [folder.file(step: 4), folder.file(step: 3)])
      #expect(found.skipped[0].error is FileError && found.skipped[1].error is CheckpointError)
    }
  }

  @Test func aWriteThatFailsRemovesNothing() throws {
    try withFolder { path in
      let folder = try CheckpointFolder(path, keeping: 1)
      try folder.save(Checkpoint(step: 1))
      // A folder of the file's name cannot be replaced by a file.
      try FileManager.default.createDirectory(
        atPath: folder.file(step: 2), withIntermediateDirectories: false)
      let error = #expect(throws: FileError.self) { try folder.save(Checkpoint(step: 2)) }
      #expect(error?.cause == .unwritable)
      #expect(try folder.newest().checkpoint?.step == 1)
    }
  }
}

@Suite struct TrainingTests {
  private func fresh(seed: UInt64 = 1, widths: [Int] = [1, 4, 1]) -> Training<
    MultilayerPerceptron, Adam
  > {
    Training(
      model: MultilayerPerceptron(widths: widths, seed: 1), optimizer: Adam(learningRate: 0.01),
      average: ExponentialMovingAverage(decay: 0.5), seed: seed)
  }

  private func step(_ run: inout Training<MultilayerPerceptron, Adam>) throws {
    let x = run.random.normal([8, 1])
    let gradients = try valueAndGradient(of: run.model) { $0(x).square().mean() }.gradients
    try run.optimizer.update(&run.model, gradients: gradients)
    try run.average!.update(run.model)
    run.numbers["sum"] = (run.numbers["sum"] ?? 0) + x.sum().value
  }

  /// An error in a step loses the steps since the last checkpoint and nothing else.
  @Test func anErrorInAStepLeavesTheCheckpoints() throws {
    struct Stop: Error {}
    try withFolder { path in
      let folder = try CheckpointFolder(path)
      var straight = fresh()
      try straight.run(steps: 11, step)
      var broken = fresh()
      #expect(throws: Stop.self) {
        try broken.run(steps: 11, checkpoints: folder, every: 4) { run in
          if run.step == 6 { throw Stop() }
          try step(&run)
        }
      }
      #expect(try folder.steps() == [4])
      try Data([1]).write(to: URL(fileURLWithPath: folder.file(step: 6)))
      var resumed = fresh(seed: 99)
      try resumed.run(steps: 11, checkpoints: folder, every: 4, step)
      #expect(resumed.skippedCheckpoints.map(\.file) == [folder.file(step: 6)])
      #expect(resumed.step == 11 && resumed.numbers == straight.numbers)
      let pairs = zip(straight.model.parameters, resumed.model.parameters)
      for (a, b) in pairs { #expect(NPYFile.encode(a.value) == NPYFile.encode(b.value)) }
      #expect(try folder.steps() == [11, 8])
      // Finished trainings make no more steps, longer ones go on.
      try resumed.run(steps: 11, checkpoints: folder) { _ in throw Stop() }
      var longer = fresh()
      try longer.run(steps: 12, checkpoints: folder, step)
      #expect(longer.step == 12)
    }
  }

  @Test func anotherTrainingsCheckpointChangesNothing() throws {
    try withFolder { path in
      let folder = try CheckpointFolder(path)
      var first = fresh()
      try first.run(steps: 2, checkpoints: folder, step)
      var other = fresh(widths: [1, 5, 1])
      let before = other.model.layers[0].weight
      #expect(
        throws: CheckpointError.shape(
          parameter: "model/layers.0.weight", expected: [5, 1], actual: [4, 1])
      ) { try other.run(steps: 3, checkpoints: folder, step) }
      #expect(NPYFile.encode(other.model.layers[0].weight) == NPYFile.encode(before))
      #expect(other.step == 0 && other.optimizer.step == 0)
    }
  }
}
