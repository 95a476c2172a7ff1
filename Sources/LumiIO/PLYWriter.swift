import LumiTensor

/// Stanford PLY. Colours are stored in 8 bits, as programs that read PLY expect; texture
/// coordinates go with the corners. Materials are not stored.
enum PLYWriter {
  static func write(_ mesh: MeshData, to path: String, binary: Bool) throws(FileError) {
    var bytes = Array(header(mesh, binary).utf8)
    bytes += binary ? binaryBody(mesh) : Array(textBody(mesh).utf8)
    try FileBytes.write(bytes, to: path)
  }

  private static func header(_ mesh: MeshData, _ binary: Bool) -> String {
    var lines = ["ply", "format \(binary ? "binary_little_endian" : "ascii") 1.0"]
    lines.append("element vertex \(mesh.vertexCount)")
    lines += ["x", "y", "z"].map { "property float \($0)" }
    if mesh.normals != nil { lines += ["nx", "ny", "nz"].map { "property float \($0)" } }
    if let colors = mesh.colors {
      lines += ["red", "green", "blue", "alpha"].prefix(colors.shape[1]).map {
        "property uchar \($0)"
      }
    }
    lines.append("element face \(mesh.faceCount)")
    lines.append("property list uchar int vertex_indices")
    if mesh.faceTexcoords != nil { lines.append("property list uchar float texcoord") }
    return (lines + ["end_header", ""]).joined(separator: "\n")
  }

  /// Floats and colour bytes of every vertex, then corners and texture coordinates of every face.
  private static func visit(
    _ mesh: MeshData, vertex: (_ floats: [Float], _ colors: [UInt8]) -> Void,
    face: (_ corners: [Int32], _ texcoords: [Float]) -> Void
  ) {
    let positions = mesh.vertices.scalars(as: Float.self)
    let normals = mesh.normals?.scalars(as: Float.self)
    let colors = mesh.colors?.scalars(as: Float.self)
    let channels = mesh.colors?.shape[1] ?? 0
    for index in 0..<mesh.vertexCount {
      var floats = Array(positions[3 * index..<3 * index + 3])
      if let normals { floats += normals[3 * index..<3 * index + 3] }
      let levels = colors?[channels * index..<channels * index + channels].map {
        // A NaN compares false with everything and ends as 0.
        UInt8(($0 > 0 ? min($0, 1) * 255 : 0).rounded())
      }
      vertex(floats, levels ?? [])
    }
    let faces = mesh.faces.scalars(as: Int32.self)
    let texcoords = mesh.texcoords?.scalars(as: Float.self) ?? []
    let corners = mesh.faceTexcoords?.scalars(as: Int32.self)
    for index in 0..<mesh.faceCount {
      let range = 3 * index..<3 * index + 3
      let pairs = corners?[range].flatMap { corner in
        corner < 0 ? [0, 0] : [texcoords[2 * Int(corner)], texcoords[2 * Int(corner) + 1]]
      }
      face(Array(faces[range]), pairs ?? [])
    }
  }

  private static func binaryBody(_ mesh: MeshData) -> [UInt8] {
    var bytes: [UInt8] = []
    visit(mesh) { floats, colors in
      for value in floats { bytes.append(littleEndian: value) }
      bytes += colors
    } face: { corners, texcoords in
      bytes.append(3)
      for corner in corners { bytes.append(littleEndian: corner) }
      if !texcoords.isEmpty {
        bytes.append(UInt8(texcoords.count))
        for value in texcoords { bytes.append(littleEndian: value) }
      }
    }
    return bytes
  }

  private static func textBody(_ mesh: MeshData) -> String {
    var text = ""
    visit(mesh) { floats, colors in
      text += (floats.map { "\($0)" } + colors.map { "\($0)" }).joined(separator: " ") + "\n"
    } face: { corners, texcoords in
      text += "3 " + corners.map { "\($0)" }.joined(separator: " ")
      if !texcoords.isEmpty {
        text += " \(texcoords.count) " + texcoords.map { "\($0)" }.joined(separator: " ")
      }
      text += "\n"
    }
    return text
  }
}
