import LumiTensor

/// Collects what a mesh reader finds and turns it into a checked ``MeshData``.
struct MeshBuilder {
  let file: String
  var positions: [Float] = []
  var normals: [Float] = []
  var colors: [Float] = []
  var colorChannels = 3
  var texcoords: [Float] = []
  var faces: [Int32] = []
  var faceTexcoords: [Int32] = []
  var faceMaterials: [Int32] = []
  var facePolygons: [Int32] = []
  var polygonCount: Int32 = 0
  var materials: [MeshMaterial] = []
  var warnings: [String] = []

  init(file: String) { self.file = file }

  var vertexCount: Int { positions.count / 3 }

  /// Adds one polygon as a fan. `texcoordCorners` is empty, or one index a corner.
  mutating func addPolygon(
    _ corners: [Int32], texcoordCorners: [Int32] = [], material: Int32 = -1
  ) {
    for corner in 1..<corners.count - 1 {
      faces += [corners[0], corners[corner], corners[corner + 1]]
      faceTexcoords +=
        texcoordCorners.isEmpty
        ? [-1, -1, -1]
        : [texcoordCorners[0], texcoordCorners[corner], texcoordCorners[corner + 1]]
      faceMaterials.append(material)
      facePolygons.append(polygonCount)
    }
    polygonCount += 1
  }

  func fail(
    _ cause: FileError.Cause, at place: FileError.Place = .file, _ message: String
  ) -> FileError {
    FileError(file: file, place: place, cause: cause, message: message)
  }

  /// Checks every index and number once more, whoever read them, and packs the tensors.
  func finish() throws(FileError) -> MeshData {
    guard vertexCount > 0 else { throw fail(.missing, "no vertices") }
    if let bad = positions.firstIndex(where: { !$0.isFinite }) {
      throw fail(
        .notFinite, at: .part("vertex \(bad / 3)"),
        "coordinate \(bad % 3) must be finite, found \(positions[bad])")
    }
    try checkIndices(faces, below: vertexCount, from: 0, "vertex")
    try checkIndices(faceTexcoords, below: texcoords.count / 2, from: -1, "texture coordinate")
    try checkIndices(faceMaterials, below: materials.count, from: -1, "material")
    let faceCount = faces.count / 3
    let vertexNormals = normals.count == positions.count && normals.allSatisfy(\.isFinite)
    let vertexColors =
      colors.count == vertexCount * colorChannels && colors.allSatisfy(\.isFinite)
    let textured = !texcoords.isEmpty && faceTexcoords.contains { $0 >= 0 }
    let triangulated = Int(polygonCount) != faceCount
    var notes = warnings
    if !normals.isEmpty && !vertexNormals { notes.append("normals are incomplete; left out") }
    if !colors.isEmpty && !vertexColors { notes.append("colours are incomplete; left out") }
    if let bad = texcoords.firstIndex(where: { !$0.isFinite }) {
      throw fail(.notFinite, at: .part("texture coordinate \(bad / 2)"), "found \(texcoords[bad])")
    }
    return MeshData(
      vertices: Tensor(positions, shape: [vertexCount, 3]),
      faces: Tensor(faces, shape: [faceCount, 3]),
      normals: vertexNormals ? Tensor(normals, shape: [vertexCount, 3]) : nil,
      colors: vertexColors ? Tensor(colors, shape: [vertexCount, colorChannels]) : nil,
      texcoords: textured ? Tensor(texcoords, shape: [texcoords.count / 2, 2]) : nil,
      faceTexcoords: textured ? Tensor(faceTexcoords, shape: [faceCount, 3]) : nil,
      materials: materials,
      faceMaterials: materials.isEmpty ? nil : Tensor(faceMaterials, shape: [faceCount]),
      facePolygons: triangulated ? Tensor(facePolygons, shape: [faceCount]) : nil,
      warnings: notes)
  }

  private func checkIndices(
    _ indices: [Int32], below count: Int, from least: Int32, _ what: String
  ) throws(FileError) {
    guard let bad = indices.firstIndex(where: { $0 < least || Int($0) >= count }) else { return }
    throw fail(
      .outOfRange, at: .part("face \(bad / 3)"),
      "\(what) index \(indices[bad]), the file has \(count)")
  }
}
