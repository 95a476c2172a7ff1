import LumiScene
import LumiTensor
import Testing

private struct BadMesh: Sendable {
  let field: String
  let index: Int?
  let mesh: Mesh

  init(_ field: String, _ index: Int? = nil, _ change: (inout Mesh) -> Void) {
    var mesh = Mesh.cube(dtype: .float64)
    change(&mesh)
    self.field = field
    self.index = index
    self.mesh = mesh
  }
}

private func numbers(
  _ shape: [Int], _ value: Double = 0.5, at row: Int? = nil, _ wrong: Double = .nan
)
  -> Tensor
{
  var values = [Double](repeating: value, count: shape.reduce(1, *))
  if let row { values[row * shape.dropFirst().reduce(1, *)] = wrong }
  return Tensor(values, shape: shape)
}

private func cubeFaces(_ position: Int, _ index: Int32) -> Tensor {
  var faces = Mesh.cube().faces.scalars(as: Int32.self)
  faces[position] = index
  return Tensor(faces, shape: [12, 3])
}

private let badMeshes: [BadMesh] = [
  BadMesh("mesh.vertices", 5) { $0.vertices = numbers([8, 3], at: 5) },
  BadMesh("mesh.vertices", 7) { $0.vertices = numbers([8, 3], at: 7, -.infinity) },
  BadMesh("mesh.vertices") { $0.vertices = numbers([24]) },
  BadMesh("mesh.vertices") { $0.vertices = numbers([8, 2]) },
  BadMesh("mesh.vertices") { $0.vertices = Tensor.zeros([8, 3], dtype: .int32) },
  BadMesh("mesh.faces", 3) { $0.faces = cubeFaces(11, 8) },
  BadMesh("mesh.faces", 0) { $0.faces = cubeFaces(0, -1) },
  BadMesh("mesh.faces", 11) { $0.faces = cubeFaces(35, .max) },
  BadMesh("mesh.faces") { $0.faces = $0.faces.cast(to: .int64) },
  BadMesh("mesh.faces") { $0.faces = $0.faces.reshaped([9, 4]) },
  BadMesh("mesh.faces", 0) { $0.vertices = numbers([0, 3]) },
  BadMesh("mesh.vertexNormals") { $0.vertexNormals = numbers([7, 3]) },
  BadMesh("mesh.vertexNormals", 2) { $0.vertexNormals = numbers([8, 3], at: 2) },
  BadMesh("mesh.material.diffuse", 1) { $0.material.diffuse = numbers([3], at: 1) },
  BadMesh("mesh.material.specular") { $0.material.specular = numbers([4]) },
  BadMesh("mesh.material.shininess") { $0.material.shininess = Tensor(1, dtype: .float32) },
  BadMesh("mesh.color") { $0.appearance = .uniform(numbers([1, 3])) },
  BadMesh("mesh.appearance") { $0.appearance = .uniform(numbers([0])) },
  BadMesh("mesh.vertexColors") { $0.appearance = .vertexColors(numbers([9, 3])) },
  BadMesh("mesh.vertexColors", 6) { $0.appearance = .vertexColors(numbers([8, 4], at: 6)) },
  BadMesh("mesh.faceColors") { $0.appearance = .faceColors(numbers([8, 3])) },
  BadMesh("mesh.faceTexels") { $0.appearance = .faceTexels(numbers([12, 5, 3])) },
  BadMesh("mesh.faceTexels") { $0.appearance = .faceTexels(numbers([12, 0, 3])) },
  BadMesh("mesh.texture") { $0.appearance = texture(image: numbers([0, 4, 3])) },
  BadMesh("mesh.texture", 1) { $0.appearance = texture(image: numbers([4, 4, 3], at: 1)) },
  BadMesh("mesh.textureCoordinates", 2) {
    $0.appearance = texture(coordinates: numbers([4, 2], at: 2, .infinity))
  },
  BadMesh("mesh.textureCoordinates") { $0.appearance = texture(coordinates: numbers([4, 3])) },
  BadMesh("mesh.textureFaces", 1) { $0.appearance = texture(coordinates: numbers([7, 2])) },
  BadMesh("mesh.textureFaces") {
    $0.appearance = texture(faces: Tensor.zeros([11, 3], dtype: .int32))
  },
]

private func texture(
  image: Tensor = numbers([4, 4, 3]), coordinates: Tensor = numbers([8, 2]),
  faces: Tensor = cubeFaces(11, 7)
) -> MeshAppearance {
  .texture(image: image, coordinates: coordinates, faces: faces)
}

@Test(arguments: badMeshes.indices)
func validationNamesFieldAndIndex(index: Int) {
  let bad = badMeshes[index]
  let error = #expect(throws: SceneError.self) { try bad.mesh.validated() }
  #expect(error?.field == bad.field)
  #expect(error?.index == bad.index)
}

@Test func validationAcceptsEveryAppearance() throws {
  for appearance in [
    MeshAppearance.uniform(numbers([4])), .vertexColors(numbers([8, 1])),
    .faceColors(numbers([12, 3])), .faceTexels(numbers([12, 9, 3])), texture(),
  ] {
    var mesh = Mesh.cube(dtype: .float64)
    mesh.appearance = appearance
    mesh.vertexNormals = numbers([8, 3])
    #expect(throws: Never.self) { try mesh.validated() }
  }
}

@Test func validationSaysWhatItFound() {
  let error = #expect(throws: SceneError.self) {
    var mesh = Mesh.cube()
    mesh.faces = cubeFaces(11, 8)
    return try mesh.validated()
  }
  #expect(error?.description == "mesh.faces[3]: expected indices in 0..<8, found 8")
}

@Test func randomMeshesNeverCrashValidation() {
  var random = RandomGenerator(seed: 77)
  var accepted = 0
  for _ in 0..<300 {
    let count = Int(random.next() % 6)
    let faceCount = Int(random.next() % 5)
    var mesh = Mesh(
      vertices: random.normal([count, 3]),
      faces: random.integers([faceCount, 3], below: 7) - Tensor(1, dtype: .int32))
    if random.next() % 4 == 0 { mesh.vertices = mesh.vertices / 0 }
    if random.next() % 3 == 0 { mesh.appearance = .vertexColors(random.uniform([4, 3])) }
    guard let valid = try? mesh.validated() else { continue }
    accepted += 1
    let topology = MeshTopology(valid)
    #expect(allFinite(valid.computedVertexNormals()))
    #expect(allFinite(valid.uniformLaplacian(topology)))
    #expect(allFinite(valid.cotangentLaplacian()))
  }
  #expect(accepted > 10 && accepted < 290)
}
