import Foundation
import Lumigrad

/// One or more numbers a step, to print, to save as CSV and to draw.
public struct Curve: Sendable {
  public let columns: [String]
  public private(set) var rows: [[Double]] = []

  /// The first column is the step.
  public init(columns: [String]) { self.columns = columns }

  public mutating func append(_ row: [Double]) {
    precondition(row.count == columns.count, "Curve: \(row.count) values for \(columns)")
    rows.append(row)
  }

  public func values(_ column: String) -> [Double] {
    let index = columns.firstIndex(of: column)!
    return rows.map { $0[index] }
  }

  public func writeCSV(to path: String) throws {
    let lines =
      [columns.joined(separator: ",")]
      + rows.map { $0.map { String(format: "%.6g", $0) }.joined(separator: ",") }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: path, atomically: true, encoding: .utf8)
  }

  /// Columns over the first one, from 0 at the bottom to `top`, with ten lines of a grid.
  public func plot(_ drawn: [(column: String, color: SIMD3<Float>)], top: Double) -> Canvas {
    let (width, height) = (480, 240)
    var canvas = Canvas(width: width, height: height)
    for tenth in 0...10 {
      let y = Double(height - 1) * Double(tenth) / 10
      canvas.drawLine(from: [0, y], to: [Double(width - 1), y], color: Palette.grid)
    }
    let last = max(rows.last?[0] ?? 1, 1)
    for (column, color) in drawn {
      let points = zip(values(columns[0]), values(column)).map { step, value in
        SIMD2(step / last * Double(width - 1), (1 - value / top) * Double(height - 1))
      }
      for (start, end) in zip(points, points.dropFirst()) {
        canvas.drawLine(from: start, to: end, color: color)
        canvas.drawLine(from: start + [0, 1], to: end + [0, 1], color: color)
      }
    }
    return canvas
  }
}

/// Makes a folder and those above it.
public func makeFolder(_ path: String) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}
