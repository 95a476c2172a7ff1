import LumiTensor

extension Mesh {
  /// This mesh if renderers can use it; throws ``SceneError`` with the field and row of the first
  /// thing wrong: a shape or dtype, a number that is not finite, an index out of range.
  public func validated() throws -> Mesh {
    try checkNumbers("mesh.vertices", vertices, [nil, 3])
    try checkIndices("mesh.faces", faces, rows: nil, below: vertexCount)
    if let vertexNormals {
      try checkNumbers("mesh.vertexNormals", vertexNormals, [vertexCount, 3])
    }
    for (path, value) in material.parameters {
      try checkNumbers("mesh.material.\(path)", value, path == "shininess" ? [] : [3])
    }
    try checkAppearance()
    return self
  }

  private func checkAppearance() throws {
    switch appearance {
    case .uniform(let color): try checkNumbers("mesh.color", color, [nil])
    case .vertexColors(let colors):
      try checkNumbers("mesh.vertexColors", colors, [vertexCount, nil])
    case .faceColors(let colors): try checkNumbers("mesh.faceColors", colors, [faceCount, nil])
    case .faceTexels(let texels):
      try checkNumbers("mesh.faceTexels", texels, [faceCount, nil, nil])
      let number = texels.shape[1]
      let side = Int(Double(number).squareRoot().rounded())
      guard number > 0 && side * side == number else {
        throw SceneError(
          field: "mesh.faceTexels", expected: "a square number of texels a face",
          actual: "\(number)")
      }
    case .texture(let image, let coordinates, let corners):
      try checkNumbers("mesh.texture", image, [nil, nil, nil])
      guard image.count > 0 else {
        throw SceneError(
          field: "mesh.texture", expected: "an image with texels", actual: "\(image.shape)")
      }
      try checkNumbers("mesh.textureCoordinates", coordinates, [nil, 2])
      try checkIndices(
        "mesh.textureFaces", corners, rows: faceCount, below: coordinates.shape[0])
    }
    guard appearance.channels > 0 else {
      throw SceneError(field: "mesh.appearance", expected: "at least one channel", actual: "0")
    }
  }

  /// A floating-point tensor of the mesh's dtype, finite, with the given extents (nil is any).
  private func checkNumbers(_ field: String, _ value: Tensor, _ expected: [Int?]) throws {
    try checkExtents(field, value, expected, dtype)
    try checkFinite(field, value)
  }

  private func checkIndices(_ field: String, _ value: Tensor, rows: Int?, below: Int) throws {
    guard value.dtype == .int32, value.rank == 2, value.shape[1] == 3,
      rows == nil || value.shape[0] == rows
    else {
      throw SceneError(
        field: field, expected: "int32 [\(rows.map(String.init) ?? "any"), 3]",
        actual: "\(value.dtype) \(value.shape)")
    }
    let indices = value.scalars(as: Int32.self)
    guard let wrong = indices.firstIndex(where: { $0 < 0 || $0 >= below }) else { return }
    throw SceneError(
      field: field, index: wrong / 3, expected: "indices in 0..<\(below)",
      actual: "\(indices[wrong])")
  }
}
