import LumiTensor

/// Points as lines of numbers, without a header.
///
/// Rules: numbers are separated by blanks or tabs; a line that starts with # or //, the rest of a
/// line after #, and empty lines are comments; lines may end in CR LF; a first line of one integer
/// alone is the number of points and must be right. Every line has as many numbers as the first.
/// Without names for the columns, three numbers are x y z. Three more are a normal if all of them
/// have the length 0 or 1 ± 0.01, not all 0; else a colour, in 0...255 if all are written as integers,
/// else in 0...1. Nine numbers are x y z and one of each, in either order.
enum XYZFile {
  static func read(
    _ bytes: [UInt8], columns names: [String]?, file: String, limits: ReadLimits
  ) throws(FileError) -> PointData {
    guard !bytes.isEmpty else {
      throw FileError(file: file, cause: .truncated, message: "the file is empty")
    }
    var lines = Lines(bytes, file: file)
    let values = try lines.values(limits)
    let width = lines.width
    if let names {
      guard names.count == width || values.isEmpty else {
        throw FileError(
          file: file, cause: .malformed,
          message: "\(width) numbers a line, expected \(names.count): \(names)")
      }
      return table(values, names.map { ($0, .float64) }, width)
    }
    guard values.isEmpty || [3, 6, 9].contains(width) else {
      throw FileError(
        file: file, cause: .unsupported,
        message: "\(width) numbers a line; name the columns, or give 3, 6 or 9")
    }
    var columns: [(String, FileScalar)] = position
    for start in stride(from: 3, to: width, by: 3) {
      let triples = stride(from: start, to: values.count, by: width).map { values[$0..<$0 + 3] }
      if isNormals(triples) {
        columns += ["nx", "ny", "nz"].map { ($0, .float64) }
      } else {
        let type = try colorType(triples, integers: lines.onlyIntegers[start / 3 - 1], file)
        columns += ["red", "green", "blue"].map { ($0, type) }
      }
    }
    guard Set(columns.map(\.0)).count == columns.count else {
      throw FileError(
        file: file, cause: .malformed, message: "two normals or two colours; name the columns")
    }
    return table(values, columns, max(width, 3))
  }

  private static let position = ["x", "y", "z"].map { ($0, FileScalar.float64) }

  private static func isNormals(_ triples: [ArraySlice<Double>]) -> Bool {
    var longest = 0.0
    for triple in triples {
      let squared = triple.reduce(0) { $0 + $1 * $1 }
      guard squared == 0 || abs(squared.squareRoot() - 1) <= 0.01 else { return false }
      longest = max(longest, squared)
    }
    return longest > 0
  }

  private static func colorType(
    _ triples: [ArraySlice<Double>], integers: Bool, _ file: String
  ) throws(FileError) -> FileScalar {
    let most: Double = integers ? 255 : 1
    for (row, triple) in triples.enumerated() {
      guard triple.allSatisfy({ (0...most).contains($0) }) else {
        throw FileError(
          file: file, place: .part("point \(row)"), cause: .outOfRange,
          message: "\(Array(triple)) is neither a unit normal nor a colour in 0...\(Int(most))")
      }
    }
    return integers ? .uint8 : .float32
  }

  private static func table(
    _ values: [Double], _ columns: [(name: String, type: FileScalar)], _ width: Int
  ) -> PointData {
    let count = width > 0 ? values.count / width : 0
    return PointData(
      columns: columns.enumerated().map { place, column in
        let numbers = (0..<count).map { values[$0 * width + place] }
        return PointColumn(column.name, column.type, Tensor(numbers))
      }, count: count)
  }

  /// All numbers of a file, and what the rules need to know of how they were written.
  private struct Lines {
    private var cursor: TextCursor
    private(set) var width = 0
    /// Of the two triples after the position: no number has a point or an exponent.
    private(set) var onlyIntegers = [true, true]

    init(_ bytes: [UInt8], file: String) {
      cursor = TextCursor(file: file, bytes: bytes)
      cursor.comment = UInt8(ascii: "#")
    }

    mutating func values(_ limits: ReadLimits) throws(FileError) -> [Double] {
      var values: [Double] = []
      var claimed: Int?
      var numbersOfLine: [Double] = []
      while true {
        cursor.skipSpace()
        if cursor.atEnd { break }
        numbersOfLine.removeAll(keepingCapacity: true)
        let isFirst = values.isEmpty && claimed == nil
        if try !readLine(&numbersOfLine) { continue }
        if isFirst && numbersOfLine.count == 1, let count = Int(exactly: numbersOfLine[0]) {
          claimed = count
          continue
        }
        if width == 0 { width = numbersOfLine.count }
        guard numbersOfLine.count == width else {
          throw cursor.error(
            .malformed, "\(numbersOfLine.count) numbers, the first point has \(width)")
        }
        values += numbersOfLine
        guard values.count <= limits.elements else {
          throw cursor.error(.limitExceeded, "more than \(limits.elements) numbers")
        }
      }
      if let claimed, claimed != values.count / max(width, 1) {
        throw cursor.error(
          claimed > values.count / max(width, 1) ? .truncated : .malformed,
          "\(values.count / max(width, 1)) points, the first line says \(claimed)")
      }
      return values
    }

    /// False for a comment.
    private mutating func readLine(_ numbers: inout [Double]) throws(FileError) -> Bool {
      if cursor.startsWith("//") {
        cursor.nextLine()
        return false
      }
      while !cursor.lineEnds() {
        guard numbers.count < 64 else { throw cursor.error(.malformed, "more than 64 numbers") }
        let (value, isInteger) = try cursor.numberAndForm("a number")
        if !isInteger && (3..<9).contains(numbers.count) {
          onlyIntegers[numbers.count / 3 - 1] = false
        }
        numbers.append(value)
      }
      return true
    }
  }

  // MARK: - Writing

  /// A comment with the columns, then x y z, and the colour in 0...255 and the normal where there
  /// are any.
  static func write(_ points: PointData, to path: String) throws(FileError) {
    guard let positions = points.positions(dtype: .float64) else {
      throw FileError(file: path, cause: .missing, message: "columns x, y, z expected")
    }
    let isSingle = ["x", "y", "z"].allSatisfy { points.column($0)?.type == .float32 }
    let places = positions.scalars(as: Double.self)
    let levels = points.colors()?.scalars(as: Double.self).map(colorLevel)
    let normals = points.normals(dtype: .float64)?.scalars(as: Double.self)
    let names = "# x y z" + (levels == nil ? "" : " r g b") + (normals == nil ? "" : " nx ny nz")
    var bytes = Array("\(names)\n".utf8)
    for row in 0..<points.count {
      var words = places[3 * row..<3 * row + 3].map { isSingle ? "\(Float($0))" : "\($0)" }
      if let levels { words += levels[3 * row..<3 * row + 3].map { "\($0)" } }
      if let normals { words += normals[3 * row..<3 * row + 3].map { "\(Float($0))" } }
      bytes += words.joined(separator: " ").utf8
      bytes.append(0x0a)
    }
    try FileBytes.write(bytes, to: path)
  }
}
