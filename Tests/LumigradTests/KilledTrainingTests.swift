import Foundation
import Lumigrad
import Testing

/// Real processes, ended by SIGKILL at moments that nobody chose.
@Suite(.timeLimit(.minutes(2)))
struct KilledTrainingTests {
  static let steps = 60

  /// What a training leaves in the end, when nobody disturbs it and after many kills.
  @Test(arguments: [UInt64(1), 2, 3])
  func killedTrainingsEndInTheSameBits(_ seed: UInt64) throws {
    var random = RandomGenerator(seed: seed)
    try withFolder { folder in
      let straight = try Probe("train", "\(folder)/straight", "\(Self.steps)", threads: 2)
      try straight.allow(steps: Self.steps)
      #expect(try straight.finish() == Self.steps)
      var (allowed, kills) = (0, 0)
      while true {
        // As many steps as it may make in its life; it waits when they are made, so it is alive
        // when the signal comes, but maybe in a later step or in the midst of a write.
        let reached = try CheckpointFolder("\(folder)/killed").steps().first ?? 0
        allowed = Int.random(in: 3...24, using: &random)
        guard reached + allowed < Self.steps else { break }
        let probe = try Probe(
          "train", "\(folder)/killed", "\(Self.steps)", threads: kills % 2 + 1)
        try probe.allow(steps: allowed)
        let last = try probe.wait(lines: Int.random(in: 1...allowed, using: &random))
        #expect(last > reached)
        usleep(UInt32.random(in: 0...3000, using: &random))
        #expect(probe.kill() == SIGKILL)
        kills += 1
      }
      #expect(kills >= 3)
      let last = try Probe("train", "\(folder)/killed", "\(Self.steps)", threads: 1)
      try last.allow(steps: Self.steps)
      #expect(try last.finish() == Self.steps)
      let name = "step-00000000\(Self.steps).safetensors"
      let ends = try ["straight", "killed"].map {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)/\(name)"))
      }
      // As one truth value: the framework would look for the difference byte by byte.
      let isEqual = ends[0] == ends[1]
      #expect(isEqual, "after \(kills) kills")
      // The comparison can fail: the step before is another file.
      let before = try CheckpointFolder("\(folder)/straight").file(step: Self.steps - 3)
      let differs = try Data(contentsOf: URL(fileURLWithPath: before)) != ends[0]
      #expect(differs)
      // The training went somewhere.
      let end = try Checkpoint(contentsOf: "\(folder)/killed/\(name)")
      #expect(try end.number("loss") < 0.3 && end.partNames.count == 4)
    }
  }

  /// A kill at any moment leaves the last checkpoint that was reported, whole.
  @Test func killedWritesLoseNothing() throws {
    var random = RandomGenerator(seed: 4)
    try withFolder { path in
      var reported = 0
      for _ in 0..<10 {
        let probe = try Probe("write", path, threads: 1)
        reported = try probe.wait(lines: Int.random(in: 1...3, using: &random))
        usleep(UInt32.random(in: 0...20_000, using: &random))
        #expect(probe.kill() == SIGKILL)
        let found = try CheckpointFolder(path).newest()
        let newest = try #require(found.checkpoint)
        #expect(newest.step >= reported && found.skipped.isEmpty)
        let values = try newest.tensors(of: "block")["values"]!
        #expect(values.min().value == Double(newest.step))
        #expect(values.max().value == Double(newest.step) && values.count == 1 << 20)
      }
      // The next write clears the remains of killed ones.
      try CheckpointFolder(path).save(Checkpoint(step: reported + 100))
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).count <= 2)
    }
  }
}

/// A child process that prints "step N" lines.
private final class Probe {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var pending: [UInt8] = []

  init(_ arguments: String..., threads: Int) throws {
    process.executableURL = Bundle.main.executableURL!.deletingLastPathComponent()
      .appendingPathComponent("TrainingProbe")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["LUMIGRAD_THREADS": "\(threads)"]) { $1 }
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  func allow(steps: Int) throws {
    try input.fileHandleForWriting.write(contentsOf: [UInt8](repeating: 10, count: steps))
  }

  /// The step of the n-th line from here.
  func wait(lines: Int) throws -> Int {
    var last = -1
    for _ in 0..<lines { last = try #require(try line(), "the probe ended by itself") }
    return last
  }

  /// Waits for the end by itself; the step of the last line.
  func finish() throws -> Int {
    var last = -1
    while let step = try line() { last = step }
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    return last
  }

  /// The signal that ended it.
  func kill() -> Int32 {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return process.terminationReason == .uncaughtSignal ? process.terminationStatus : 0
  }

  private func line() throws -> Int? {
    while !pending.contains(10) {
      guard let data = try output.fileHandleForReading.read(upToCount: 1), !data.isEmpty else {
        return nil
      }
      pending += data
    }
    let end = pending.firstIndex(of: 10)!
    let text = String(decoding: pending[..<end], as: UTF8.self)
    pending.removeSubrange(...end)
    let step: Int = try #require(Int(text.dropFirst(5)), "\(text)")
    return step
  }
}
