import Foundation
import LumiIO
import LumiTensor
import Testing

struct MeshFileTests {
  private func positions(_ mesh: MeshData) -> [Float] { mesh.vertices.scalars(as: Float.self) }
  private func faces(_ mesh: MeshData) -> [Int32] { mesh.faces.scalars(as: Int32.self) }

  private func obj(_ text: String) throws -> MeshData {
    try MeshFile.decode(Array(text.utf8), format: .obj, file: "/nowhere/a.obj")
  }

  /// Signed volume by the divergence theorem: checks winding and geometry at once.
  private func volume(_ mesh: MeshData) -> Float {
    let p = positions(mesh)
    let f = faces(mesh).map { 3 * Int($0) }
    return stride(from: 0, to: f.count, by: 3).reduce(0) { sum, face in
      let (a, b, c) = (f[face], f[face + 1], f[face + 2])
      let x = p[a] * (p[b + 1] * p[c + 2] - p[b + 2] * p[c + 1])
      let y = p[a + 1] * (p[b + 2] * p[c] - p[b] * p[c + 2])
      let z = p[a + 2] * (p[b] * p[c + 1] - p[b + 1] * p[c])
      return sum + (x + y + z) / 6
    }
  }

  @Test(arguments: [
    "cube.off", "cube.ply", "cube-ascii.ply", "cube.stl", "cube-ascii.stl", "cube.glb",
  ])
  func readsTheCube(name: String) throws {
    let mesh = try MeshFile.read(fixture(name))
    #expect(mesh.vertexCount == 8 && mesh.faceCount == 12)
    #expect(positions(mesh).allSatisfy { abs($0) == 0.5 })
    #expect(abs(volume(mesh) - 1) < 1e-6)
    if name.contains("ply") || name.contains("glb") {
      let colors = try #require(mesh.colors)
      #expect(colors.shape == [8, 4])
      let values = colors.scalars(as: Float.self)
      for vertex in 0..<8 {
        for axis in 0..<3 {
          #expect(values[4 * vertex + axis] == positions(mesh)[3 * vertex + axis] + 0.5)
        }
      }
    }
  }

  @Test(arguments: ["moved.glb", "moved.gltf"])
  func nodeTransformsAreApplied(name: String) throws {
    let mesh = try MeshFile.read(fixture(name))
    #expect(mesh.vertexCount == 8 && abs(volume(mesh) - 1) < 1e-4)
    let p = positions(mesh)
    let cube = positions(try MeshFile.read(fixture("cube.glb")))
    for vertex in 0..<8 {
      #expect(abs(p[3 * vertex] - (10 - cube[3 * vertex + 1])) < 1e-5)
      #expect(abs(p[3 * vertex + 1] - cube[3 * vertex]) < 1e-5)
    }
  }

  @Test func objKeepsNumberingSeamsAndPolygons() throws {
    let mesh = try obj(
      """
      v 0 0 0 # a comment
      v 1 0 0
      v 1 1 0
      v 0 1 0
      v 0 0 0
      vt 0 0
      vt 1 0.5
      f 1/1 2/2 \\
        3/1 4/2
      f -5 -3 -4
      """)
    #expect(mesh.vertexCount == 5)
    #expect(faces(mesh) == [0, 1, 2, 0, 2, 3, 0, 2, 1])
    #expect(
      mesh.faceTexcoords?.scalars(as: Int32.self) == [0, 1, 0, 0, 0, 1, -1, -1, -1])
    #expect(mesh.facePolygons?.scalars(as: Int32.self) == [0, 0, 1])
    #expect(mesh.texcoords?.scalars(as: Float.self) == [0, 0, 1, 0.5])
  }

  @Test(arguments: [
    ("v 0 0 nan\n", "notFinite", 1), ("v 0 0 0\nv 1 inf 0\n", "notFinite", 2),
    ("v 0 0 1e39\n", "notFinite", 1), ("v 0 0\n", "malformed", 1),
    ("v 0 0 0\nf 1 2 3\n", "outOfRange", 2), ("v 0 0 0\nf 1 1 0\n", "outOfRange", 2),
    ("v 0 0 0\nf 1 1 -2\n", "outOfRange", 2), ("v 0 0 0\nf 1 1\n", "malformed", 2),
    ("v 0 0 0\nf 1 1 99999999999999999999\n", "malformed", 2),
    ("v 0 0 0\nf 1/1 1/1 1/1\n", "outOfRange", 2), ("v 0 0 0\nf 1//1 1 1\n", "outOfRange", 2),
    ("v 0 0 0\nf 1 1 1x\n", "malformed", 2),
  ])
  func badStatementsAreNamed(text: String, cause: String, line: Int) {
    let error = #expect(throws: FileError.self) { try obj(text) }
    #expect(error?.cause.rawValue == cause && error?.place == .line(line))
  }

  @Test func missingAndRecursiveMaterialsAreWarnings() throws {
    try withFolder { folder in
      let path = "\(folder)/a.obj"
      let text = "mtllib a.obj\nmtllib none.mtl\nv 0 0 0\nusemtl ghost\nf 1 1 1\n"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      let mesh = try MeshFile.read(path)
      #expect(mesh.materials.map(\.name) == ["ghost"] && mesh.warnings.count == 2)
      let library = "newmtl a\nmap_Kd -s 1 1 1 no such.png\nnewmtl b\nmap_Kd /dev/zero\n"
      try Data(library.utf8).write(to: URL(fileURLWithPath: "\(folder)/b.mtl"))
      try Data("mtllib b.mtl\nv 0 0 0\n".utf8).write(to: URL(fileURLWithPath: path))
      let other = try MeshFile.read(path)
      #expect(other.materials[0].texturePath == "no such.png")
      #expect(other.materials.allSatisfy { $0.texture == nil } && other.warnings.count == 2)
    }
  }

  @Test(arguments: [
    "element vertex 4000000000\nproperty float x\nproperty float y\nproperty float z\n",
    "element vertex 200000000\nproperty float x\nproperty float y\nproperty float z\n",
    "element vertex -1\nproperty float x\n", "element vertex 99999999\n",
    "element vertex 1\nproperty float x\n",
    "element vertex 0\nelement face 4\nproperty list uchar int vertex_indices\n",
  ])
  func lyingPLYHeadersAreRefused(elements: String) {
    for format in ["ascii", "binary_little_endian"] {
      let text = "ply\nformat \(format) 1.0\n\(elements)end_header\n1 2 3\n"
      #expect(throws: FileError.self) {
        try MeshFile.decode(Array(text.utf8), format: .ply, file: "a.ply")
      }
    }
  }

  @Test func plyErrorsNameTheElement() {
    let header =
      "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\n"
      + "property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    for (body, place) in [
      ("0 0 0\n0 nan 0\n3 0 0 0\n", "vertex 1"), ("0 0 0\n0 0 0\n3 0 1 2\n", "face 0"),
      ("0 0 0\n0 0 0\n3 0 1 -1\n", "face 0"), ("0 0 0\n0 0 0\n-3 0 1 1\n", "face 0"),
      ("0 0 0\n0 0 0\n2 0 1\n", "face 0"),
    ] {
      let error = #expect(throws: FileError.self) {
        try MeshFile.decode(Array((header + body).utf8), format: .ply, file: "a.ply")
      }
      #expect(error?.place == .part(place))
    }
  }

  @Test func cyclicNodesAreRefused() throws {
    let text = String(decoding: try fixtureBytes("moved.gltf"), as: UTF8.self)
    let document = try JSONValue.parse(Array(text.utf8), file: "a")
    var members = try #require(document.object)
    members["nodes"] = .array([.object(["children": .array([.number(0)])])])
    members["scenes"] = .array([.object(["nodes": .array([.number(0)])])])
    members["scene"] = .number(0)
    let bytes = try JSONSerialization.data(withJSONObject: plain(.object(members)))
    let error = #expect(throws: FileError.self) {
      try MeshFile.decode(Array(bytes), format: .gltf, file: fixture("a.gltf"))
    }
    #expect(error?.place == .part("nodes[0]"))
  }

  private func plain(_ value: JSONValue) -> Any {
    switch value {
    case .null: NSNull()
    case .bool(let flag): flag
    case .number(let number): number
    case .string(let string): string
    case .array(let values): values.map(plain)
    case .object(let members): members.mapValues(plain)
    }
  }

  // MARK: - Writing

  @Test(arguments: ["obj", "ply", "text.ply", "glb", "gltf"])
  func roundTrip(ending: String) throws {
    let mesh = seamedSquare()
    try withFolder { folder in
      let path = "\(folder)/square.\(ending)"
      if ending == "text.ply" {
        try MeshFile.writeTextPLY(mesh, to: path)
      } else {
        try MeshFile.write(mesh, to: path)
      }
      let copy = try MeshFile.read(path)
      #expect(copy.warnings.isEmpty && copy.faceCount == 2)
      // Compared corner by corner, because glTF renumbers at seams.
      #expect(corners(copy, copy.vertices, copy.faces) == corners(mesh, mesh.vertices, mesh.faces))
      let texcoords = try #require(copy.texcoords)
      #expect(
        corners(copy, texcoords, try #require(copy.faceTexcoords))
          == corners(mesh, mesh.texcoords!, mesh.faceTexcoords!))
      #expect(
        corners(copy, try #require(copy.normals), copy.faces)
          == corners(mesh, mesh.normals!, mesh.faces))
      #expect(
        corners(copy, try #require(copy.colors), copy.faces)
          == corners(mesh, mesh.colors!, mesh.faces))
      if !ending.hasPrefix("g") { #expect(copy.vertexCount == 4) }
      guard !ending.hasSuffix("ply") else { return }
      checkMaterials(copy, mesh, phong: ending == "obj")
    }
  }

  private func checkMaterials(_ copy: MeshData, _ mesh: MeshData, phong: Bool) {
    #expect(copy.faceMaterials?.scalars(as: Int32.self) == [0, 1])
    for (a, b) in zip(copy.materials, mesh.materials) {
      #expect(a.name == b.name && a.diffuse == b.diffuse && a.emission == b.emission)
      #expect(a.opacity == b.opacity)
      #expect(
        a.texture?.pixels.scalars(as: Float.self) == b.texture?.pixels.scalars(as: Float.self))
      if phong { #expect(a.specular == b.specular && a.shininess == b.shininess) }
    }
    #expect(copy.materials.count == 2)
  }

  /// The first 2 or 3 values of every corner's row.
  private func corners(_ mesh: MeshData, _ table: Tensor, _ indices: Tensor) -> [[Float]] {
    let width = table.shape[1]
    let values = table.scalars(as: Float.self)
    return indices.scalars(as: Int32.self).map { index in
      Array(values[width * Int(index)..<width * Int(index) + min(width, 3)])
    }
  }

  @Test(arguments: ["ply", "glb", "gltf", "obj"])
  func pointCloudsRoundTrip(ending: String) throws {
    let points = MeshData(
      vertices: Tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1] as [Float], shape: [4, 3]),
      faces: Tensor([] as [Int32], shape: [0, 3]),
      normals: Tensor([0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1] as [Float], shape: [4, 3]))
    try withFolder { folder in
      let path = "\(folder)/points.\(ending)"
      try MeshFile.write(points, to: path)
      let copy = try MeshFile.read(path)
      #expect(copy.faceCount == 0 && positions(copy) == positions(points))
      if ending != "obj" {
        #expect(copy.normals?.scalars(as: Float.self) == points.normals?.scalars(as: Float.self))
      }
    }
  }
}

/// Files of other people's exporters, which are not in the repository.
@Suite(.enabled(if: dataFolder != nil, "set LUMIGRAD_DATA to the shared data folder"))
struct SharedDataTests {
  @Test(
    arguments: [
      ("softras-plane/sphere_642.obj", 642, 1280), ("softras-plane/sphere_1352.obj", 1352, 2700),
      ("meshes/spot/spot_triangulated.obj", 2930, 5856), ("meshes/teapot.obj", nil, nil),
      ("meshes/cow.obj", nil, nil), ("meshes/fandisk.obj", nil, nil),
      ("meshes/suzanne.obj", nil, nil), ("meshes/rocker-arm.obj", nil, nil),
      ("meshes/stanford-bunny.obj", nil, nil), ("neural-renderer/teapot.obj", nil, nil),
    ] as [(String, Int?, Int?)])
  func objCountsAreTheFiles(name: String, vertices: Int?, faces: Int?) throws {
    let path = try #require(dataFolder) + "/" + name
    let mesh = try MeshFile.read(path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let lines = text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("v ") }
    #expect(mesh.vertexCount == lines.count)
    if let vertices { #expect(mesh.vertexCount == vertices) }
    if let faces { #expect(mesh.faceCount == faces) }
    let last = lines[lines.count - 1].split(separator: " ").dropFirst().prefix(3).map { Float($0)! }
    #expect(mesh.vertices.scalars(as: Float.self).suffix(3) == last[...])
    try checkWhole(mesh)
  }

  @Test func spotHasItsTexture() throws {
    let mesh = try MeshFile.read(try #require(dataFolder) + "/meshes/spot/spot_triangulated.obj")
    #expect(mesh.warnings.isEmpty && mesh.materials.count == 1)
    #expect(mesh.materials[0].texture?.pixels.shape == [1024, 1024, 3])
    #expect(mesh.faceTexcoords?.shape == [5856, 3])
  }

  @Test(arguments: [("bunny-8000", 8171), ("armadillo", 19980), ("seated_figure", 20089)])
  func pointCloudsHaveNormals(name: String, count: Int) throws {
    let cloud = try MeshFile.read(try #require(dataFolder) + "/pointclouds/\(name).ply")
    #expect(cloud.vertexCount == count && cloud.faceCount == 0)
    let normals = try #require(cloud.normals).scalars(as: Float.self)
    // Of one length in every file, though not of length 1 in the bunny.
    let lengths = stride(from: 0, to: normals.count, by: 3).map { index in
      normals[index..<index + 3].reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    #expect(lengths.min()! > 0.99 && lengths.max()! < 1.01 * lengths.min()!)
  }

  @Test func camerasAndViews() throws {
    let folder = try #require(dataFolder)
    let orbit = try OrbitView.read("\(folder)/softras-plane/camera.npy")
    let views = try NPYFile.read("\(folder)/softras-plane/source.npy")
    #expect(orbit.count == 120 && views.tensor.shape == [120, 4, 64, 64])
    #expect(views.storedType == "u1" && views.tensor.dtype == .int32)
    let temple = try CalibratedView.read("\(folder)/templeSparseRing/templeSR_par.txt")
    #expect(temple.count == 16 && temple[0].intrinsics[0] == 1520.4)
    for view in temple {
      let image = try ImageFile.read("\(folder)/templeSparseRing/\(view.imageName)")
      #expect(image.width == 640 && image.height == 480 && image.channels == 3)
    }
  }
}
