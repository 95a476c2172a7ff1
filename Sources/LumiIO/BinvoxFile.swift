import LumiTensor

/// The content of a binvox file (P. Min, 2004; the format's version 1).
///
/// Cells are cubes; the longest side of the box is `scale` long and starts at `translate`.
public struct BinvoxGrid: Sendable {
  /// bool [X, Y, Z]: which cells are filled.
  public var filled: Tensor
  /// The box's corner with the smallest coordinates.
  public var translate: SIMD3<Double>
  /// The longest side of the box in world units, above 0.
  public var scale: Double

  public init(
    filled: Tensor, translate: SIMD3<Double> = [0, 0, 0], scale: Double = 1
  ) {
    self.filled = filled
    self.translate = translate
    self.scale = scale
  }

  /// The box's corner with the largest coordinates.
  public var upper: SIMD3<Double> {
    let counts = SIMD3(filled.shape[0], filled.shape[1], filled.shape[2])
    return translate + SIMD3<Double>(counts) * (scale / Double(counts.max()))
  }
}

/// Binvox: a header of text, then runs of equal cells.
///
/// In the file y runs fastest, then z, then x, and `dim` states the extents as x, z, y. The format was
/// made for cubes; of other shapes programs disagree, here they follow the same order.
public enum BinvoxFile {
  /// - Throws: ``FileError``.
  public static func read(
    _ path: String, limits: ReadLimits = .standard
  ) throws(FileError) -> BinvoxGrid {
    try decode(FileBytes.read(path, limits: limits), file: path, limits: limits)
  }

  /// Reads a file that is already in memory; `file` is its name in errors.
  public static func decode(
    _ bytes: [UInt8], file: String, limits: ReadLimits = .standard
  ) throws(FileError) -> BinvoxGrid {
    let header = try BinvoxHeader(bytes, file: file, limits: limits)
    return BinvoxGrid(
      filled: try header.cells(bytes), translate: header.translate, scale: header.scale)
  }

  /// - Throws: ``FileError``; the old file stays as it was.
  public static func write(_ grid: BinvoxGrid, to path: String) throws(FileError) {
    let shape = grid.filled.shape
    guard shape.count == 3, shape.allSatisfy({ $0 > 0 }), grid.filled.dtype == .bool else {
      throw FileError(
        file: path, place: .part("filled"), cause: .unwritable,
        message: "bool [X, Y, Z] with cells expected, found \(grid.filled.dtype) \(shape)")
    }
    let numbers = [grid.translate.x, grid.translate.y, grid.translate.z, grid.scale]
    guard numbers.allSatisfy({ $0.isFinite }), grid.scale > 0 else {
      throw FileError(
        file: path, place: .part("box"), cause: .unwritable,
        message: "a finite translation and a scale above 0 expected, found \(numbers)")
    }
    try FileBytes.write(encode(grid), to: path)
  }

  /// The bytes that ``write(_:to:)`` writes, for a grid that it accepts.
  public static func encode(_ grid: BinvoxGrid) -> [UInt8] {
    let (shape, move) = (grid.filled.shape, grid.translate)
    var bytes = Array(
      """
      #binvox 1
      dim \(shape[0]) \(shape[2]) \(shape[1])
      translate \(move.x) \(move.y) \(move.z)
      scale \(grid.scale)
      data

      """.utf8)
    let cells = grid.filled.transposed(0, 2, 1).scalars(as: Bool.self)
    var start = 0
    while start < cells.count {
      var end = start + 1
      while end < cells.count && end - start < 255 && cells[end] == cells[start] { end += 1 }
      bytes += [cells[start] ? 1 : 0, UInt8(end - start)]
      start = end
    }
    return bytes
  }
}

/// What the text at the start of a binvox file says.
private struct BinvoxHeader {
  let file: String
  /// Along x, z, y.
  private(set) var extents: [Int] = []
  private(set) var translate = SIMD3<Double>()
  private(set) var scale = 1.0
  private(set) var dataOffset = 0
  private var count: Int { extents.reduce(1, *) }

  init(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) {
    self.file = file
    var cursor = TextCursor(file: file, bytes: bytes)
    guard cursor.word() == "#binvox" else {
      throw cursor.error(bytes.count < 7 ? .truncated : .malformed, "#binvox expected")
    }
    let version = try cursor.integer("version")
    guard version == 1 else {
      throw cursor.error(.unsupported, "version \(version); 1 is read")
    }
    while true {
      cursor.skipSpace()
      guard let keyword = cursor.word() else {
        throw cursor.error(.truncated, "the line data is missing")
      }
      if keyword == "data" { break }
      try entry(keyword, &cursor)
      guard cursor.lineEnds() else {
        throw cursor.error(.malformed, "more than \(quoted(keyword)) needs")
      }
    }
    cursor.nextLine()
    dataOffset = cursor.position
    guard !extents.isEmpty else { throw cursor.error(.missing, "the line dim is missing") }
    try checkSize(bytes.count - dataOffset, limits)
  }

  private mutating func entry(
    _ keyword: String, _ cursor: inout TextCursor
  ) throws(FileError) {
    switch keyword {
    case "dim":
      extents = []
      for _ in 0..<3 {
        let extent = try cursor.integer("extent")
        guard extent > 0 else { throw cursor.error(.outOfRange, "an extent of \(extent)") }
        extents.append(extent)
      }
    case "translate":
      for axis in 0..<3 { translate[axis] = try cursor.finite("translation") }
    case "scale":
      scale = try cursor.finite("scale")
      guard scale > 0 else { throw cursor.error(.outOfRange, "a scale of \(scale)") }
    default: throw cursor.error(.unsupported, "the keyword \(quoted(keyword))")
    }
  }

  private func checkSize(_ available: Int, _ limits: ReadLimits) throws(FileError) {
    var product = 1
    for extent in extents {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow && next <= limits.elements else {
        throw fail(.limitExceeded, "dim \(extents), the limit is \(limits.elements) cells")
      }
      product = next
    }
    // A run of two bytes holds 255 cells at most.
    guard product <= available / 2 * 255 else {
      throw fail(.truncated, "dim \(extents), but \(available) bytes are left")
    }
  }

  private func fail(_ cause: FileError.Cause, _ message: String) -> FileError {
    FileError(file: file, place: .part("header"), cause: cause, message: message)
  }

  func cells(_ bytes: [UInt8]) throws(FileError) -> Tensor {
    var cursor = ByteCursor(file: file, bytes: bytes, position: dataOffset)
    var cells = [Bool](repeating: false, count: count)
    var at = 0
    while at < count {
      let place = cursor.position
      let value = try cursor.integer(UInt8.self)
      let run = Int(try cursor.integer(UInt8.self))
      guard value <= 1, run > 0, run <= count - at else {
        throw FileError(
          file: file, place: .byte(place), cause: value <= 1 ? .outOfRange : .malformed,
          message: "a run of \(run) cells of value \(value), \(count - at) cells are left")
      }
      if value == 1 { for cell in at..<at + run { cells[cell] = true } }
      at += run
    }
    guard cursor.remaining == 0 else {
      throw FileError(
        file: file, place: .byte(cursor.position), cause: .malformed,
        message: "\(cursor.remaining) bytes after the last cell")
    }
    return Tensor(cells, shape: extents).transposed(0, 2, 1)
  }
}
