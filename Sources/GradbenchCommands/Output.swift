import Foundation
import Glibc
import Lumigrad

/// What is under way: a bar that redraws itself on a terminal, a line a step elsewhere.
struct Progress: Sendable {
  private let isTerminal = isatty(STDERR_FILENO) == 1

  /// A step of a benchmark, with the time that is left.
  func show(_ progress: BenchmarkProgress) {
    let left = progress.remainingSeconds.map { ", about \(Self.duration($0)) left" } ?? ""
    show(done: progress.done, of: progress.total, progress.name + left)
  }

  func show(done: Int, of total: Int, _ name: String) {
    let text: String
    if isTerminal {
      let width = 24
      let filled = total > 0 ? done * width / total : 0
      let bar =
        String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      text = "\r\u{1B}[K[\(bar)] \(done)/\(total) \(name)"
    } else {
      text = "[\(done)/\(total)] \(name)\n"
    }
    FileHandle.standardError.write(Data(text.utf8))
  }

  func end() {
    if isTerminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
  }
}

enum Report {
  /// Indented JSON with sorted keys.
  static func json(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  /// Writes JSON to a file as a whole or not at all.
  static func write(_ value: some Encodable, to path: String) throws {
    try (json(value) + Data("\n".utf8)).write(to: URL(fileURLWithPath: path), options: .atomic)
  }

  static func number(_ value: Double?, _ format: String = "%.3g") -> String {
    value.map { String(format: format, $0) } ?? "-"
  }
}
