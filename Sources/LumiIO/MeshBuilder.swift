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
  /// Filled from the first polygon on that is not a triangle.
  private var polygonSizes: [Int32] = []
  private var polygonCorners: [Int32] = []
  private var polygonTexcoords: [Int32] = []
  /// A polygon that is too long to cut.
  private var uncut: (polygon: Int32, corners: Int)?
  var materials: [MeshMaterial] = []
  var warnings: [String] = []

  init(file: String) { self.file = file }

  var vertexCount: Int { positions.count / 3 }

  /// Adds one polygon, cut into triangles. `texcoordCorners` is empty, or one index a corner.
  mutating func addPolygon(
    _ corners: [Int32], texcoordCorners: [Int32] = [], material: Int32 = -1
  ) {
    let texcoords =
      texcoordCorners.isEmpty ? [Int32](repeating: -1, count: corners.count) : texcoordCorners
    keep(corners, texcoords)
    if corners.count == 3 {
      add([0, 1, 2], corners, texcoords, material)
    } else {
      for triangle in triangles(of: corners) { add(triangle, corners, texcoords, material) }
    }
    polygonCount += 1
  }

  private mutating func add(
    _ triangle: SIMD3<Int32>, _ corners: [Int32], _ texcoords: [Int32], _ material: Int32
  ) {
    for corner in 0..<3 {
      faces.append(corners[Int(triangle[corner])])
      faceTexcoords.append(texcoords[Int(triangle[corner])])
    }
    faceMaterials.append(material)
    facePolygons.append(polygonCount)
  }

  /// Corner numbers; the fan of a polygon that cannot be cut, which ``finish()`` refuses.
  private mutating func triangles(of corners: [Int32]) -> [SIMD3<Int32>] {
    var places: [SIMD3<Double>] = []
    for corner in corners {
      let start = 3 * Int(corner)
      // Indices from outside are checked when the mesh is finished.
      guard corner >= 0 && start + 2 < positions.count else {
        return PolygonTriangulation.fan(corners.count)
      }
      places.append(
        SIMD3(
          Double(positions[start]), Double(positions[start + 1]), Double(positions[start + 2])))
    }
    if let triangles = PolygonTriangulation.triangles(of: places) { return triangles }
    uncut = uncut ?? (polygonCount, corners.count)
    return PolygonTriangulation.fan(corners.count)
  }

  /// Remembers a polygon as it is, once there is one that is not a triangle.
  private mutating func keep(_ corners: [Int32], _ texcoords: [Int32]) {
    if polygonSizes.isEmpty {
      if corners.count == 3 { return }
      polygonSizes = [Int32](repeating: 3, count: Int(polygonCount))
      (polygonCorners, polygonTexcoords) = (faces, faceTexcoords)
    }
    polygonSizes.append(Int32(corners.count))
    polygonCorners += corners
    polygonTexcoords += texcoords
  }

  func fail(
    _ cause: FileError.Cause, at place: FileError.Place = .file, _ message: String
  ) -> FileError {
    FileError(file: file, place: place, cause: cause, message: message)
  }

  /// Checks every index and number once more, whoever read them, and packs the tensors.
  func finish() throws(FileError) -> MeshData {
    guard vertexCount > 0 else { throw fail(.missing, "no vertices") }
    if let uncut {
      throw fail(
        .limitExceeded, at: .part("face \(uncut.polygon)"),
        """
        \(uncut.corners) corners that the first of them does not see whole, the limit is \
        \(PolygonTriangulation.cornerLimit)
        """)
    }
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
    let polygons = polygonSizes.isEmpty ? nil : self.polygons(textured: textured)
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
      facePolygons: polygons == nil ? nil : Tensor(facePolygons, shape: [faceCount]),
      polygons: polygons, warnings: notes)
  }

  private func polygons(textured: Bool) -> MeshPolygons {
    MeshPolygons(
      sizes: Tensor(polygonSizes), corners: Tensor(polygonCorners),
      texcoords: textured ? Tensor(polygonTexcoords) : nil)
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
