import Foundation

/// Rows under a header in aligned columns of plain text.
public struct TextTable: Sendable {
  public var header: [String]
  public var rows: [[String]]

  /// - Parameters:
  ///   - header: one title a column.
  ///   - rows: as many cells each as the header has.
  public init(_ header: [String], _ rows: [[String]]) {
    self.header = header
    self.rows = rows
  }

  public var text: String {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      let line = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}

/// How the report writes figures.
enum Figure {
  /// Three significant digits; "-" for nothing.
  static func number(_ value: Double?) -> String { value.map { short($0) } ?? "-" }

  /// A share in per cent.
  static func percent(_ value: Double?) -> String {
    value.map { $0.isFinite ? String(format: "%.0f%%", $0 * 100) : "\($0)" } ?? "-"
  }

  /// A count.
  static func whole(_ value: Double?) -> String {
    value.map { $0.isFinite ? String(format: "%.0f", $0) : "\($0)" } ?? "-"
  }

  /// A cosine or another figure from -1 to 1.
  static func fixed(_ value: Double?) -> String {
    value.map { String(format: "%.3f", $0) } ?? "-"
  }
}
