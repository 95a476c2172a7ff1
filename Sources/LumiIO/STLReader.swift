/// Stereolithography files, ascii and binary, read through assimp. They hold loose triangles:
/// equal positions become one vertex, -0 and 0 included. Facet normals and colours are left out.
///
/// The check in front walks every facet, because assimp neither names the place of a fault nor
/// refuses coordinates that are not finite.
enum STLReader {
  static func read(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) -> MeshData
  {
    if try !checkBinary(bytes, file, limits) { try checkText(bytes, file) }
    var loose = MeshBuilder(file: file)
    try AssimpImport.append(bytes, hint: "stl", to: &loose, materialCount: 0)
    return try merged(loose).finish()
  }

  /// A binary file is told by its length: many of them start with "solid", too.
  private static func checkBinary(
    _ bytes: [UInt8], _ file: String, _ limits: ReadLimits
  ) throws(FileError) -> Bool {
    var cursor = ByteCursor(file: file, bytes: bytes)
    guard bytes.count >= 84 else { return false }
    cursor.position = 80
    let count = Int(try cursor.integer(UInt32.self))
    guard bytes.count == 84 + 50 * count else {
      let solid = bytes.starts(with: Array("solid".utf8))
      if solid { return false }
      throw FileError(
        file: file, place: .byte(80), cause: .truncated,
        message: "\(count) facets need \(84 + 50 * count) bytes, the file has \(bytes.count)")
    }
    guard count <= limits.elements else {
      throw FileError(
        file: file, place: .byte(80), cause: .limitExceeded,
        message: "\(count) facets, the limit is \(limits.elements)")
    }
    for facet in 0..<count {
      _ = try cursor.take(12)
      for corner in 0..<9 {
        let value = try cursor.float()
        guard value.isFinite else {
          throw FileError(
            file: file, place: .part("facet \(facet), vertex \(corner / 3)"), cause: .notFinite,
            message: "found \(value)")
        }
      }
      _ = try cursor.take(2)
    }
    return true
  }

  private static func checkText(_ bytes: [UInt8], _ file: String) throws(FileError) {
    var cursor = TextCursor(file: file, bytes: bytes)
    cursor.skipSpace()
    guard cursor.word() == "solid" else {
      throw cursor.error(bytes.isEmpty ? .truncated : .malformed, "\"solid\" expected")
    }
    cursor.nextLine()
    while true {
      cursor.skipSpace()
      guard let word = cursor.word() else {
        throw cursor.error(.truncated, "\"endsolid\" expected")
      }
      switch word {
      case "facet": try checkFacet(&cursor)
      case "endsolid":
        cursor.nextLine()
        cursor.skipSpace()
        if cursor.atEnd { return }
        guard cursor.word() == "solid" else { throw cursor.error(.malformed, "\"solid\" expected") }
        cursor.nextLine()
      default: throw cursor.error(.malformed, "\"facet\" expected, found \(quoted(word))")
      }
    }
  }

  private static func checkFacet(_ cursor: inout TextCursor) throws(FileError) {
    try expect("normal", &cursor)
    for _ in 0..<3 {
      // Some exporters write NaN normals for facets without area; they are not used.
      _ = try cursor.number("normal")
    }
    try expect("outer", &cursor)
    try expect("loop", &cursor)
    for _ in 0..<3 {
      try expect("vertex", &cursor)
      for _ in 0..<3 { _ = try cursor.finite("vertex coordinate") }
    }
    try expect("endloop", &cursor)
    try expect("endfacet", &cursor)
  }

  private static func expect(_ word: String, _ cursor: inout TextCursor) throws(FileError) {
    cursor.skipSpace()
    let found = cursor.word()
    guard found == word else {
      throw cursor.error(
        found == nil ? .truncated : .malformed,
        "\"\(word)\" expected, found \(quoted(found ?? "the file's end"))")
    }
  }

  private static func merged(_ loose: MeshBuilder) -> MeshBuilder {
    var builder = MeshBuilder(file: loose.file)
    var known: [SIMD3<Float>: Int32] = [:]
    func index(_ vertex: Int32) -> Int32 {
      guard vertex != .max else { return .max }
      let base = 3 * Int(vertex)
      let position = SIMD3(
        loose.positions[base], loose.positions[base + 1], loose.positions[base + 2])
      if let found = known[position] { return found }
      known[position] = Int32(known.count)
      builder.positions += [position.x, position.y, position.z]
      return Int32(known.count - 1)
    }
    for face in stride(from: 0, to: loose.faces.count, by: 3) {
      builder.addPolygon((0..<3).map { index(loose.faces[face + $0]) })
    }
    return builder
  }
}
