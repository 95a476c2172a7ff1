import Foundation
import Glibc
import Lumigrad

/// What is under way: a bar that redraws itself on a terminal, a line a step elsewhere.
struct Progress {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let total: Int
  private var done = 0

  init(total: Int) { self.total = total }

  mutating func begin(_ name: String) {
    let text: String
    if isTerminal {
      let width = 24
      let filled = total > 0 ? done * width / total : 0
      let bar =
        String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      text = "\r\u{1B}[K[\(bar)] \(done)/\(total) \(name)"
    } else {
      text = "[\(done + 1)/\(total)] \(name)\n"
    }
    FileHandle.standardError.write(Data(text.utf8))
    done += 1
  }

  func end() {
    if isTerminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }
}

enum Report {
  /// Rows under a header in aligned columns.
  static func table(_ header: [String], _ rows: [[String]]) -> String {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
        .joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }.joined(separator: "\n")
  }

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
