import LumiTensor

/// Stanford PLY. Points keep their columns. Of meshes, colours are stored in 8 bits, as programs
/// that read PLY expect, and texture coordinates go with the corners; materials are not stored.
enum PLYWriter {
  static func write(
    _ points: PointData, to path: String, format: PLYHeader.Format
  ) throws(FileError) {
    var bytes = Array((try header(points, format, path) + "end_header\n").utf8)
    appendRows(points, format, to: &bytes)
    try FileBytes.write(bytes, to: path)
  }

  static func write(_ mesh: MeshData, to path: String, binary: Bool) throws(FileError) {
    let format = binary ? PLYHeader.Format.littleEndian : .ascii
    let points = vertices(mesh)
    var lines = [
      "element face \(mesh.faceCount)", "property list uchar int vertex_indices", "end_header", "",
    ]
    if mesh.faceTexcoords != nil { lines.insert("property list uchar float texcoord", at: 2) }
    var bytes = Array((try header(points, format, path) + lines.joined(separator: "\n")).utf8)
    appendRows(points, format, to: &bytes)
    if binary { appendBinaryFaces(mesh, to: &bytes) } else { bytes += textFaces(mesh).utf8 }
    try FileBytes.write(bytes, to: path)
  }

  // MARK: - Points

  private static func header(
    _ points: PointData, _ format: PLYHeader.Format, _ file: String
  ) throws(FileError) -> String {
    let name =
      switch format {
      case .ascii: "ascii"
      case .littleEndian: "binary_little_endian"
      case .bigEndian: "binary_big_endian"
      }
    var lines = ["ply", "format \(name) 1.0", "element vertex \(points.count)"]
    for column in points.columns {
      try column.check(file)
      guard let type = column.type.plyName,
        column.lists == nil || column.lists?.countType.plyName != nil
      else {
        throw FileError(
          file: file, place: .part("column \(quoted(column.name))"), cause: .unsupported,
          message: "PLY has no \(column.type.rawValue)")
      }
      let list = column.width == 1 ? "" : "list \(column.plyCountType) "
      lines.append("property \(list)\(type) \(column.name)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func appendRows(
    _ points: PointData, _ format: PLYHeader.Format, to bytes: inout [UInt8]
  ) {
    if format == .ascii {
      appendText(points, to: &bytes)
    } else if points.columns.allSatisfy({ $0.width == 1 }) {
      appendStrided(points, bigEndian: format == .bigEndian, to: &bytes)
    } else {
      appendWithLists(points, bigEndian: format == .bigEndian, to: &bytes)
    }
  }

  private static func appendText(_ points: PointData, to bytes: inout [UInt8]) {
    var rows = points.columns.map { TextRows(texts: $0.texts(), column: $0) }
    for row in 0..<points.count {
      for column in rows.indices {
        if column > 0 { bytes.append(0x20) }
        rows[column].append(row, to: &bytes)
      }
      bytes.append(0x0a)
    }
  }

  /// Where a column's text goes on.
  private struct TextRows {
    let texts: [String]
    let column: PointColumn
    var next = 0

    mutating func append(_ row: Int, to bytes: inout [UInt8]) {
      let size = column.size(row)
      if column.width != 1 { bytes += "\(size)".utf8 }
      for place in next..<next + size {
        if place > next || column.width != 1 { bytes.append(0x20) }
        bytes += texts[place].utf8
      }
      next += size
    }
  }

  private static func appendStrided(
    _ points: PointData, bigEndian: Bool, to bytes: inout [UInt8]
  ) {
    let stride = points.columns.reduce(0) { $0 + $1.type.byteCount }
    var offset = bytes.count
    bytes += [UInt8](repeating: 0, count: stride * points.count)
    for column in points.columns {
      ColumnBytes(offset: offset, stride: stride, rows: points.count, bigEndian: bigEndian)
        .write(column.type, column.values, &bytes)
      offset += column.type.byteCount
    }
  }

  private static func appendWithLists(
    _ points: PointData, bigEndian: Bool, to bytes: inout [UInt8]
  ) {
    // Every column on its own, then row by row together.
    let packed = points.columns.map { column in
      let size = column.type.byteCount
      var block = [UInt8](repeating: 0, count: column.values.count * size)
      ColumnBytes(offset: 0, stride: size, rows: column.values.count, bigEndian: bigEndian)
        .write(column.type, column.values, &block)
      return block
    }
    var next = points.columns.map { _ in 0 }
    for row in 0..<points.count {
      for (index, column) in points.columns.enumerated() {
        let count = column.size(row)
        if column.width != 1 {
          let size = column.countScalar.byteCount
          let word = UInt64(count)
          for byte in 0..<size {
            bytes.append(UInt8(word >> UInt64(8 * (bigEndian ? size - 1 - byte : byte)) & 255))
          }
        }
        let length = count * column.type.byteCount
        bytes += packed[index][next[index]..<next[index] + length]
        next[index] += length
      }
    }
  }

  // MARK: - Meshes

  private static func vertices(_ mesh: MeshData) -> PointData {
    var points = PointData(count: mesh.vertexCount)
    points.append(["x", "y", "z"], .float32, mesh.vertices)
    if let normals = mesh.normals { points.append(["nx", "ny", "nz"], .float32, normals) }
    if let colors = mesh.colors { points.append(colors: colors) }
    return points
  }

  /// Corners and texture coordinates of every face.
  private static func visitFaces(
    _ mesh: MeshData, _ body: (_ corners: [Int32], _ texcoords: [Float]) -> Void
  ) {
    let faces = mesh.faces.scalars(as: Int32.self)
    let texcoords = mesh.texcoords?.scalars(as: Float.self) ?? []
    let corners = mesh.faceTexcoords?.scalars(as: Int32.self)
    for index in 0..<mesh.faceCount {
      let range = 3 * index..<3 * index + 3
      let pairs = corners?[range].flatMap { corner in
        corner < 0 ? [0, 0] : [texcoords[2 * Int(corner)], texcoords[2 * Int(corner) + 1]]
      }
      body(Array(faces[range]), pairs ?? [])
    }
  }

  private static func appendBinaryFaces(_ mesh: MeshData, to bytes: inout [UInt8]) {
    visitFaces(mesh) { corners, texcoords in
      bytes.append(3)
      for corner in corners { bytes.append(littleEndian: corner) }
      if !texcoords.isEmpty {
        bytes.append(UInt8(texcoords.count))
        for value in texcoords { bytes.append(littleEndian: value) }
      }
    }
  }

  private static func textFaces(_ mesh: MeshData) -> String {
    var text = ""
    visitFaces(mesh) { corners, texcoords in
      text += "3 " + corners.map { "\($0)" }.joined(separator: " ")
      if !texcoords.isEmpty {
        text += " \(texcoords.count) " + texcoords.map { "\($0)" }.joined(separator: " ")
      }
      text += "\n"
    }
    return text
  }
}

extension PointColumn {
  /// Numbers of one row.
  fileprivate func size(_ row: Int) -> Int { width ?? Int(lists!.sizes[row]) }
  /// Rows of several numbers that are no lists are written as lists.
  fileprivate var countScalar: FileScalar { lists?.countType ?? (width! < 256 ? .uint8 : .int32) }
  fileprivate var plyCountType: String { countScalar.plyName! }
}
