import LumiTensor

/// The Point Cloud Library's PCD: ascii, binary and binary_compressed.
///
/// Numbers are little-endian, as on the machines that write them; the format does not say. Fields
/// named "_" are padding and are left out.
enum PCDFile {
  static func read(
    _ bytes: [UInt8], file: String, limits: ReadLimits
  ) throws(FileError) -> PointData {
    let header = try PCDHeader(bytes, file: file, limits: limits)
    let columns =
      switch header.encoding {
      case .ascii: try readText(header)
      case .binary: try readBinary(header, bytes)
      case .compressed: try readCompressed(header, bytes)
      }
    var data = PointData(columns: columns, count: header.count)
    data.gridHeight = header.height
    data.viewpoint = header.viewpoint
    return data
  }

  private static func readText(_ header: PCDHeader) throws(FileError) -> [PointColumn] {
    var cursor = header.body
    let numbers = header.fields.reduce(0) { $0 + $1.width }
    guard header.count <= (cursor.remaining + 1) / (2 * numbers) else {
      throw cursor.error(
        .truncated, "\(header.count) points of \(numbers) numbers, \(cursor.remaining) bytes left")
    }
    var builders = header.fields.map { ColumnBuilder($0.type) }
    for point in 0..<header.count {
      cursor.skipSpace()
      guard !cursor.atEnd else {
        throw cursor.error(.truncated, "the file ends after \(point) of \(header.count) points")
      }
      for (index, field) in header.fields.enumerated() {
        for _ in 0..<field.width {
          guard builders[index].append(try cursor.number("field \(quoted(field.name))")) else {
            throw cursor.error(
              .outOfRange, "field \(quoted(field.name)) is no \(field.type.rawValue)")
          }
        }
      }
      guard cursor.lineEnds() else {
        throw cursor.error(.malformed, "more than \(numbers) numbers on the line")
      }
    }
    return columns(header) { index, field in
      builders[index].tensor(field.width == 1 ? [header.count] : [header.count, field.width])
    }
  }

  private static func readBinary(
    _ header: PCDHeader, _ bytes: [UInt8]
  ) throws(FileError) -> [PointColumn] {
    let start = header.body.position
    // No overflow: the row has at most 2²³ bytes, and counts are limited.
    let (need, overflow) = header.count.multipliedReportingOverflow(by: header.rowBytes)
    guard !overflow, need <= bytes.count - start else {
      throw header.fail(
        .truncated, "DATA",
        "\(header.count) points of \(header.rowBytes) bytes, \(bytes.count - start) bytes are left")
    }
    var offset = start
    let offsets = header.fields.map { field in
      defer { offset += field.byteCount }
      return offset
    }
    return columns(header) { index, field in
      ColumnBytes(
        offset: offsets[index], stride: header.rowBytes, rows: header.count, width: field.width
      ).read(field.type, bytes)
    }
  }

  /// Two lengths, then all of the first field, all of the second, and so on, compressed together.
  private static func readCompressed(
    _ header: PCDHeader, _ bytes: [UInt8]
  ) throws(FileError) -> [PointColumn] {
    var cursor = ByteCursor(file: header.file, bytes: bytes, position: header.body.position)
    let (packed, claimed) = (try cursor.integer(UInt32.self), try cursor.integer(UInt32.self))
    let (need, overflow) = header.count.multipliedReportingOverflow(by: header.rowBytes)
    guard !overflow, need == Int(claimed) else {
      throw header.fail(
        .outOfRange, "DATA",
        "\(claimed) bytes unpacked, expected \(header.count) points of \(header.rowBytes) bytes")
    }
    guard let unpacked = LZF.decompress(try cursor.take(Int(packed)), count: need) else {
      throw header.fail(.malformed, "DATA", "damaged compressed data")
    }
    var offset = 0
    let offsets = header.fields.map { field in
      defer { offset += field.byteCount * header.count }
      return offset
    }
    return columns(header) { index, field in
      ColumnBytes(
        offset: offsets[index], stride: field.byteCount, rows: header.count, width: field.width
      ).read(field.type, unpacked)
    }
  }

  private static func columns(
    _ header: PCDHeader, _ values: (Int, PCDHeader.Field) -> Tensor
  ) -> [PointColumn] {
    header.fields.enumerated().filter { !$1.isPadding }
      .map { PointColumn($1.name, $1.type, values($0, $1)) }
  }

  // MARK: - Writing

  static func write(
    _ points: PointData, to path: String, encoding: PCDHeader.Encoding
  ) throws(FileError) {
    for column in points.columns {
      try column.check(path)
      guard column.lists == nil else {
        throw FileError(
          file: path, place: .part("column \(quoted(column.name))"), cause: .unsupported,
          message: "PCD has no lists of different lengths")
      }
    }
    guard !points.columns.isEmpty else {
      throw FileError(file: path, cause: .missing, message: "PCD needs a column")
    }
    var bytes = Array(header(points, encoding).utf8)
    switch encoding {
    case .ascii: appendText(points, to: &bytes)
    case .binary: bytes += block(points, fieldByField: false)
    case .compressed:
      let plain = block(points, fieldByField: true)
      let packed = LZF.compress(plain)
      guard let size = UInt32(exactly: packed.count), let whole = UInt32(exactly: plain.count)
      else {
        throw FileError(
          file: path, cause: .limitExceeded,
          message: "\(plain.count) bytes do not fit PCD's 32 bits")
      }
      bytes.append(littleEndian: size)
      bytes.append(littleEndian: whole)
      bytes += packed
    }
    try FileBytes.write(bytes, to: path)
  }

  private static func header(_ points: PointData, _ encoding: PCDHeader.Encoding) -> String {
    func line(_ keyword: String, _ word: (PointColumn) -> String) -> String {
      keyword + " " + points.columns.map(word).joined(separator: " ")
    }
    let height = max(points.gridHeight, 1)
    let lines = [
      "# .PCD v.7 - Point Cloud Data file format", "VERSION .7", line("FIELDS", \.name),
      line("SIZE") { "\($0.type.byteCount)" }, line("TYPE", \.type.pcdKind),
      line("COUNT") { "\($0.width!)" },
      "WIDTH \(points.count % height == 0 ? points.count / height : points.count)",
      "HEIGHT \(points.count % height == 0 ? height : 1)",
      "VIEWPOINT " + points.viewpoint.map { "\($0)" }.joined(separator: " "),
      "POINTS \(points.count)", "DATA \(encoding.rawValue)", "",
    ]
    return lines.joined(separator: "\n")
  }

  private static func appendText(_ points: PointData, to bytes: inout [UInt8]) {
    let columns = points.columns.map { (texts: $0.texts(), width: $0.width!) }
    for row in 0..<points.count {
      let words = columns.flatMap { $0.texts[row * $0.width..<(row + 1) * $0.width] }
      bytes += words.joined(separator: " ").utf8
      bytes.append(0x0a)
    }
  }

  private static func block(_ points: PointData, fieldByField: Bool) -> [UInt8] {
    let sizes = points.columns.map { $0.type.byteCount * $0.width! }
    let row = sizes.reduce(0, +)
    var bytes = [UInt8](repeating: 0, count: row * points.count)
    var offset = 0
    for (column, size) in zip(points.columns, sizes) {
      ColumnBytes(
        offset: offset, stride: fieldByField ? size : row, rows: points.count, width: column.width!
      ).write(column.type, column.values, &bytes)
      offset += fieldByField ? size * points.count : size
    }
    return bytes
  }
}
