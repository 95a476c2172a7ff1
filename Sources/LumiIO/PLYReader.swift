/// Stanford PLY: ascii and binary of both byte orders, meshes and point clouds.
///
/// Read: vertex x y z, nx ny nz, red green blue alpha, u v (or s t, texture_u texture_v); face
/// vertex_indices and texcoord. Other elements and properties are walked over. Triangle strips
/// are not read. Not read through assimp, which hangs on damaged headers and makes triangles of
/// points.
enum PLYReader {
  static func read(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) -> MeshData
  {
    let header = try PLYHeader(bytes, file: file)
    var builder = MeshBuilder(file: file)
    var values = try PLYValues(bytes, header)
    for element in header.elements {
      try values.checkCount(element, limits)
      switch element.name {
      case "vertex": try readVertices(element, &values, &builder)
      case "face": try readFaces(element, &values, &builder)
      case "tristrips" where element.count > 0:
        throw builder.fail(.unsupported, at: .part("element tristrips"), "triangle strips")
      default:
        for index in 0..<element.count { _ = try values.row(element, index) }
      }
    }
    return try builder.finish()
  }

  private static func readVertices(
    _ element: PLYHeader.Element, _ values: inout PLYValues, _ builder: inout MeshBuilder
  ) throws(FileError) {
    guard builder.vertexCount == 0 else {
      throw builder.fail(.malformed, at: .part("element vertex"), "appears twice")
    }
    let position = element.indices(["x", "y", "z"])
    guard let position else {
      throw builder.fail(.missing, at: .part("element vertex"), "properties x, y, z expected")
    }
    let normal = element.indices(["nx", "ny", "nz"])
    let color =
      element.indices(["red", "green", "blue", "alpha"])
      ?? element.indices(["red", "green", "blue"])
    builder.colorChannels = color?.count ?? 3
    let texcoord =
      element.indices(["u", "v"]) ?? element.indices(["s", "t"])
      ?? element.indices(["texture_u", "texture_v"])
    for index in 0..<element.count {
      let row = try values.row(element, index)
      for axis in position {
        guard abs(row[axis]) <= Double(Float.greatestFiniteMagnitude) else {
          throw builder.fail(
            .notFinite, at: .part("vertex \(index)"),
            "\(element.properties[axis].name) must be finite as a float32, found \(row[axis])")
        }
        builder.positions.append(Float(row[axis]))
      }
      if let normal { builder.normals += normal.map { Float(row[$0]) } }
      if let color {
        builder.colors += color.map { Float(row[$0] / element.properties[$0].type.colorScale) }
      }
      if let texcoord { builder.texcoords += texcoord.map { Float(row[$0]) } }
    }
  }

  private static func readFaces(
    _ element: PLYHeader.Element, _ values: inout PLYValues, _ builder: inout MeshBuilder
  ) throws(FileError) {
    let names = element.properties.map(\.name)
    let list = names.firstIndex { $0 == "vertex_indices" || $0 == "vertex_index" }
    guard let list, element.properties[list].countType != nil else {
      guard element.count > 0 else { return }
      throw builder.fail(
        .missing, at: .part("element face"), "a list vertex_indices expected, found \(names)")
    }
    let wedge = names.firstIndex(of: "texcoord")
    let vertexTexcoords = !builder.texcoords.isEmpty
    for index in 0..<element.count {
      let row = try values.row(element, index, list: list, second: wedge)
      guard row.list.count >= 3 else {
        throw builder.fail(
          .malformed, at: .part("face \(index)"), "3 corners expected, found \(row.list.count)")
      }
      let corners = try row.list.map { value throws(FileError) in
        guard let corner = Int32(exactly: value), corner >= 0, corner < builder.vertexCount else {
          throw builder.fail(
            .outOfRange, at: .part("face \(index)"),
            "vertex index \(value), the file has \(builder.vertexCount)")
        }
        return corner
      }
      var texcoordCorners = vertexTexcoords ? corners : []
      if wedge != nil && !vertexTexcoords && row.second.count == 2 * corners.count {
        texcoordCorners = corners.indices.map { Int32(builder.texcoords.count / 2 + $0) }
        // Appended before the faces are checked, so that both stay in step.
        builder.texcoords += row.second.map { Float($0) }
      }
      builder.addPolygon(corners, texcoordCorners: texcoordCorners)
    }
  }
}
