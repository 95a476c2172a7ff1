/// Geomview OFF with optional colours (COFF) and normals (NOFF), ASCII.
///
/// Not read through assimp, whose OFF reader aborts the process on files that claim too much.
enum OFFReader {
  static func read(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) -> MeshData
  {
    var cursor = TextCursor(file: file, bytes: bytes)
    cursor.comment = UInt8(ascii: "#")
    cursor.skipSpace()
    let start = cursor
    var hasNormals = false
    var hasColors = false
    if let keyword = cursor.word(), keyword.hasSuffix("OFF") {
      guard ["OFF", "COFF", "NOFF", "CNOFF"].contains(keyword) else {
        throw cursor.error(.unsupported, "\(quoted(keyword)); OFF, COFF, NOFF, CNOFF are read")
      }
      hasColors = keyword.hasPrefix("C")
      hasNormals = keyword.hasSuffix("NOFF")
    } else {
      // The keyword is optional.
      cursor = start
    }
    cursor.skipSpace()
    if let word = cursor.peekWord(), word == "BINARY" {
      throw cursor.error(.unsupported, "binary OFF")
    }
    let vertexCount = try count("vertex count", &cursor, limits)
    let faceCount = try count("face count", &cursor, limits)
    // The edge count is often wrong and nobody needs it.
    if !cursor.lineEnds() { _ = try cursor.integer("edge count") }
    var builder = MeshBuilder(file: file)
    for _ in 0..<vertexCount {
      try readVertex(&cursor, &builder, hasNormals, hasColors)
    }
    for _ in 0..<faceCount { try readFace(&cursor, &builder, vertexCount) }
    return try builder.finish()
  }

  /// A count that the rest of the file can hold, at two bytes an element.
  private static func count(
    _ what: String, _ cursor: inout TextCursor, _ limits: ReadLimits
  ) throws(FileError) -> Int {
    cursor.skipSpace()
    let count = try cursor.integer(what)
    guard count >= 0 else { throw cursor.error(.outOfRange, "\(what) \(count)") }
    guard count <= limits.elements else {
      throw cursor.error(.limitExceeded, "\(what) \(count), the limit is \(limits.elements)")
    }
    guard count <= cursor.remaining / 2 else {
      throw cursor.error(.truncated, "\(what) \(count), but \(cursor.remaining) bytes are left")
    }
    return count
  }

  private static func readVertex(
    _ cursor: inout TextCursor, _ builder: inout MeshBuilder, _ hasNormals: Bool,
    _ hasColors: Bool
  ) throws(FileError) {
    cursor.skipSpace()
    for _ in 0..<3 { builder.positions.append(Float(try cursor.finite("vertex coordinate"))) }
    if hasNormals {
      for _ in 0..<3 { builder.normals.append(Float(try cursor.finite("normal"))) }
    }
    if hasColors {
      // Whole numbers are bytes, fractions are 0...1; alpha, if any, is skipped with the line.
      var whole = true
      var color: [Float] = []
      for _ in 0..<3 {
        whole = whole && !(cursor.peekWord() ?? "").contains(".")
        color.append(Float(try cursor.finite("colour")))
      }
      builder.colors += whole ? color.map { $0 / 255 } : color
      cursor.nextLine()
    }
  }

  private static func readFace(
    _ cursor: inout TextCursor, _ builder: inout MeshBuilder, _ vertexCount: Int
  ) throws(FileError) {
    cursor.skipSpace()
    let corners = try cursor.integer("corner count")
    guard corners >= 3 && corners <= cursor.remaining else {
      throw cursor.error(.outOfRange, "a face with \(corners) corners")
    }
    var polygon: [Int32] = []
    for _ in 0..<corners {
      let index = try cursor.integer("vertex index")
      guard index >= 0 && index < vertexCount else {
        throw cursor.error(.outOfRange, "vertex index \(index), the file has \(vertexCount)")
      }
      polygon.append(Int32(index))
    }
    builder.addPolygon(polygon)
    // What follows on the line is a face colour.
    cursor.nextLine()
  }
}

extension TextCursor {
  /// The next word of this line without moving past it.
  func peekWord() -> String? {
    var copy = self
    return copy.word()
  }
}
