import Foundation
import LumiIO
import LumiTensor

/// The latest checkpoints of one training, each in a file of its own: step-0000001200.safetensors.
///
/// An older one goes only after a newer one is on the disk, so a training that is killed while it
/// writes finds the one before. One program at a time may write to a folder.
public struct CheckpointFolder: Sendable {
  public let path: String
  /// How many files stay.
  public let kept: Int

  /// Makes the folder if it is not there.
  ///
  /// - Parameters:
  ///   - path: holds checkpoints of one training only. Other files in it stay untouched.
  ///   - kept: 1 or more.
  /// - Throws: the system's error if the folder cannot be made.
  public init(_ path: String, keeping kept: Int = 2) throws {
    require(kept >= 1, "CheckpointFolder: keeping \(kept), expected 1 or more")
    (self.path, self.kept) = (path, kept)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// Writes a checkpoint, then removes those before it beyond the number that stays. Later ones,
  /// of a training that was started again from an earlier one, stay until they are written anew.
  ///
  /// - Throws: `FileError` if it could not be written; all others are still there then.
  public func save(_ checkpoint: Checkpoint) throws {
    try checkpoint.write(to: file(step: checkpoint.step))
    let older = try steps().filter { $0 <= checkpoint.step }
    let superfluous = older.dropFirst(kept).map { file(step: $0) }
    // Remains of writes that were killed.
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    let remains = names.filter { Self.isRemains($0) }.map { "\(path)/\($0)" }
    // A file that somebody else removed meanwhile is gone, too.
    for file in superfluous + remains { try? FileManager.default.removeItem(atPath: file) }
  }

  /// The newest checkpoint that can be read, with the reasons why newer ones cannot.
  public struct Found: Sendable {
    /// Nil if there is none.
    public let checkpoint: Checkpoint?
    /// Newer files, the newest first.
    public let skipped: [Skipped]
  }

  /// A file that is broken or no checkpoint, and why.
  public struct Skipped: Sendable {
    public let file: String
    public let error: any Error
  }

  /// Looks for the newest checkpoint, past files that are broken.
  ///
  /// - Throws: the system's error if the folder cannot be listed.
  public func newest(limits: ReadLimits = .standard) throws -> Found {
    var skipped: [Skipped] = []
    for step in try steps() {
      do {
        let checkpoint = try Checkpoint(contentsOf: file(step: step), limits: limits)
        return Found(checkpoint: checkpoint, skipped: skipped)
      } catch {
        skipped.append(Skipped(file: file(step: step), error: error))
      }
    }
    return Found(checkpoint: nil, skipped: skipped)
  }

  /// The steps that there are files for, the newest first.
  public func steps() throws -> [Int] {
    try FileManager.default.contentsOfDirectory(atPath: path).compactMap(Self.step).sorted(by: >)
  }

  /// The path of a step's file, whether it exists or not.
  public func file(step: Int) -> String { "\(path)/\(Self.name(step))" }

  private static let suffix = ".safetensors"

  private static func name(_ step: Int) -> String {
    let digits = "\(step)"
    return "step-" + String(repeating: "0", count: max(10 - digits.count, 0)) + digits + suffix
  }

  private static func step(_ name: String) -> Int? {
    guard name.hasPrefix("step-"), name.hasSuffix(suffix),
      let step = Int(name.dropFirst(5).dropLast(suffix.count)), Self.name(step) == name
    else { return nil }
    return step
  }

  /// Whether it is the temporary file of a write that was killed.
  private static func isRemains(_ name: String) -> Bool {
    guard let mark = name.range(of: FileBytes.remainsMark) else { return false }
    return step(String(name[..<mark.lowerBound])) != nil
  }
}
