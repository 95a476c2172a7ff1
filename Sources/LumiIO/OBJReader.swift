import Foundation

/// Wavefront OBJ: polygons with texture coordinates, normals, vertex colours and MTL materials.
///
/// Not read through assimp, which gives every corner its own vertex in the order of use: the
/// file's numbering, which templates and per-vertex attributes refer to, would be lost. Lines,
/// points, curves, groups and smoothing are skipped.
struct OBJReader {
  private var cursor: TextCursor
  private var builder: MeshBuilder
  private let limits: ReadLimits
  private var storedNormals: [Float] = []
  /// The normal that each vertex was used with: -1 none yet, -2 several.
  private var normalOfVertex: [Int32] = []
  private var coloredVertices = 0
  private var materialIndex: [String: Int32] = [:]
  private var material: Int32 = -1
  private var corners: [Int32] = []
  private var texcoordCorners: [Int32] = []

  static func read(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) -> MeshData
  {
    var reader = OBJReader(bytes, file, limits)
    return try reader.read()
  }

  private init(_ bytes: [UInt8], _ file: String, _ limits: ReadLimits) {
    cursor = TextCursor(file: file, bytes: bytes)
    cursor.joinsLines = true
    cursor.comment = UInt8(ascii: "#")
    builder = MeshBuilder(file: file)
    self.limits = limits
  }

  private mutating func read() throws(FileError) -> MeshData {
    while !cursor.atEnd {
      if let keyword = cursor.word() { try readStatement(keyword) }
      cursor.nextLine()
    }
    try gatherNormals()
    if coloredVertices < builder.vertexCount { builder.colors = [] }
    return try builder.finish()
  }

  private mutating func readStatement(_ keyword: String) throws(FileError) {
    switch keyword {
    case "v": try readVertex()
    case "vt": try readTexcoord()
    case "vn":
      for axis in 0..<3 {
        storedNormals.append(Float(try cursor.finite("normal \("xyz".at(axis))")))
      }
    case "f": try readFace()
    case "usemtl": useMaterial(cursor.restOfLine())
    case "mtllib": try readLibrary(cursor.restOfLine())
    default: break
    }
    guard builder.positions.count <= 3 * limits.elements, builder.faces.count <= 3 * limits.elements
    else { throw cursor.error(.limitExceeded, "more than \(limits.elements) vertices or faces") }
  }

  /// `v x y z [w] [r g b]`: four numbers are a homogeneous weight, six a colour.
  private mutating func readVertex() throws(FileError) {
    for axis in 0..<3 {
      builder.positions.append(Float(try cursor.finite("vertex \("xyz".at(axis))")))
    }
    normalOfVertex.append(-1)
    var extra: [Float] = []
    while extra.count < 4 && !cursor.lineEnds() {
      extra.append(Float(try cursor.finite("vertex attribute")))
    }
    builder.colors += extra.count >= 3 ? Array(extra.suffix(3)) : [0, 0, 0]
    if extra.count >= 3 { coloredVertices += 1 }
  }

  private mutating func readTexcoord() throws(FileError) {
    let u = Float(try cursor.finite("texture coordinate u"))
    let v = cursor.lineEnds() ? 0 : Float(try cursor.finite("texture coordinate v"))
    builder.texcoords += [u, v]
  }

  private mutating func readFace() throws(FileError) {
    corners.removeAll(keepingCapacity: true)
    texcoordCorners.removeAll(keepingCapacity: true)
    while !cursor.lineEnds() { try readCorner() }
    guard corners.count >= 3 else {
      throw cursor.error(.malformed, "a face needs 3 corners, found \(corners.count)")
    }
    builder.addPolygon(corners, texcoordCorners: texcoordCorners, material: material)
  }

  /// `vertex`, `vertex/texcoord`, `vertex//normal` or `vertex/texcoord/normal`.
  private mutating func readCorner() throws(FileError) {
    let vertex = try index(below: builder.vertexCount, "vertex")
    var texcoord: Int32 = -1
    if cursor.accept(0x2f) {
      if !cursor.accept(0x2f) {
        // Some exporters write "1/" for a corner without texture coordinate.
        if !cursor.atWordEnd {
          texcoord = try index(below: builder.texcoords.count / 2, "texture coordinate")
        }
        if cursor.accept(0x2f) { try readNormalIndex(of: vertex) }
      } else {
        try readNormalIndex(of: vertex)
      }
    }
    guard cursor.atWordEnd else {
      throw cursor.error(.malformed, "a face corner goes on with \(quoted(cursor.word() ?? ""))")
    }
    corners.append(vertex)
    texcoordCorners.append(texcoord)
  }

  private mutating func readNormalIndex(of vertex: Int32) throws(FileError) {
    if cursor.atWordEnd { return }
    let normal = try index(below: storedNormals.count / 3, "normal")
    let known = normalOfVertex[Int(vertex)]
    if known == -1 {
      normalOfVertex[Int(vertex)] = normal
    } else if known >= 0 && known != normal && !sameNormal(known, normal) {
      normalOfVertex[Int(vertex)] = -2
    }
  }

  private func sameNormal(_ a: Int32, _ b: Int32) -> Bool {
    (0..<3).allSatisfy { storedNormals[3 * Int(a) + $0] == storedNormals[3 * Int(b) + $0] }
  }

  /// A 1-based index, or a negative one that counts back from the last element.
  private mutating func index(below count: Int, _ what: String) throws(FileError) -> Int32 {
    guard let number = cursor.leadingInteger() else {
      throw cursor.error(.malformed, "\(what) index expected, found \(quoted(cursor.word() ?? ""))")
    }
    let index = number < 0 ? count + number : number - 1
    guard index >= 0 && index < count else {
      throw cursor.error(.outOfRange, "\(what) index \(number), \(count) are defined so far")
    }
    return Int32(index)
  }

  /// Normals become per-vertex only if no vertex is used with two of them.
  private mutating func gatherNormals() throws(FileError) {
    guard normalOfVertex.contains(where: { $0 != -1 }) else { return }
    guard normalOfVertex.allSatisfy({ $0 >= 0 }) else {
      builder.warnings.append("normals differ between a vertex's corners or are missing; left out")
      return
    }
    builder.normals = normalOfVertex.flatMap { normal in
      (0..<3).map { storedNormals[3 * Int(normal) + $0] }
    }
  }

  private mutating func useMaterial(_ name: String) {
    if let known = materialIndex[name] {
      material = known
      return
    }
    material = Int32(builder.materials.count)
    materialIndex[name] = material
    builder.materials.append(MeshMaterial(name: name))
    builder.warnings.append("material \(quoted(name)) is not defined; a white one stands in")
  }

  private mutating func readLibrary(_ name: String) throws(FileError) {
    guard let path = SiblingFile.path(name, beside: cursor.file) else {
      builder.warnings.append("material library \(quoted(name)) is missing")
      return
    }
    let library = try MTLReader.read(path, limits: limits)
    builder.warnings += library.warnings
    for entry in library.materials where materialIndex[entry.name] == nil {
      materialIndex[entry.name] = Int32(builder.materials.count)
      builder.materials.append(entry)
    }
  }
}

extension String {
  /// The character at an offset, for messages.
  fileprivate func at(_ offset: Int) -> Character { self[index(startIndex, offsetBy: offset)] }
}
