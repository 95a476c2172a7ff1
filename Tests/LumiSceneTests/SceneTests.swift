import LumiScene
import LumiTensor
import Testing

private func exampleScene() -> Scene<Mesh> {
  var mesh = Mesh.cube(texture: .full([2, 2, 3], 0.5, dtype: .float64), dtype: .float64)
  mesh.vertexNormals = mesh.computedVertexNormals()
  let ones = Tensor.ones([3], dtype: .float64)
  return Scene(
    mesh,
    lights: [
      .ambient(intensity: ones * 0.3), .directional(direction: ones, intensity: ones),
      .point(position: ones * 4, intensity: ones, falloff: .inverseSquare),
      .sphericalHarmonics(coefficients: .ones([9, 3], dtype: .float64)),
    ])
}

@Test func scenesNameTheirParameters() {
  #expect(
    exampleScene().parameters.map(\.path) == [
      "mesh.vertices", "mesh.vertexNormals", "mesh.texture", "mesh.textureCoordinates",
      "mesh.material.ambient", "mesh.material.diffuse", "mesh.material.specular",
      "mesh.material.emission", "mesh.material.shininess", "light.0.intensity",
      "light.1.direction", "light.1.intensity", "light.2.position", "light.2.intensity",
      "light.3.coefficients", "background",
    ])
  #expect(
    exampleCamera(.brown).parameters.map(\.path) == [
      "rotation", "translation", "focalLength", "principalPoint", "skew", "distortion",
    ])
  #expect(
    exampleCamera(.thinLens).parameters.map(\.path).suffix(2) == ["aperture", "focusDistance"])
}

@Test(arguments: [
  (MeshAppearance.uniform(.ones([3])), "color"), (.vertexColors(.ones([8, 3])), "vertexColors"),
  (.faceColors(.ones([12, 3])), "faceColors"), (.faceTexels(.ones([12, 4, 3])), "faceTexels"),
])
func appearancesNameTheirParameter(appearance: MeshAppearance, path: String) {
  #expect(appearance.parameters.map(\.path) == [path])
  #expect(appearance.channels == 3)
}

@Test func everyParameterCanBeReplaced() throws {
  let scene = exampleScene()
  for (path, value) in scene.parameters {
    let changed = try scene.replacing([path: value + 1])
    for (other, found) in changed.parameters {
      let before = try scene.parameter(other)
      #expect(difference(found, other == path ? before + 1 : before) == 0, "\(path), \(other)")
    }
  }
  #expect(throws: ParameterError.self) { try scene.replacing(["mesh.vertex": .ones([8, 3])]) }
  #expect(throws: ParameterError.self) { try scene.replacing(["mesh.vertices": .ones([7, 3])]) }
}

@Test func derivativesByName() throws {
  let scene = exampleScene()
  let names = ["mesh.vertices", "light.2.position"]
  let (_, gradients) = try valueAndGradient(of: scene, withRespectTo: names) { scene in
    guard case .point(let position, _, _) = scene.lights[2] else { throw SceneChanged() }
    return scene.shape.volume() * position.square().sum()
  }
  #expect(gradients.keys.sorted() == names.sorted())
  #expect(difference(gradients["light.2.position"]!, .full([3], 8, dtype: .float64)) < 1e-12)
}

private struct SceneChanged: Error {}

@Test func defaults() {
  let material = Material()
  #expect(material.shininess.value == 64)
  #expect(material.diffuse.scalars(as: Float.self) == [1, 1, 1])
  #expect(material.specular.scalars(as: Float.self) == [0, 0, 0])
  let scene = Scene(Mesh.cube())
  #expect(scene.background.scalars(as: Float.self) == [0, 0, 0])
  #expect(scene.lights.isEmpty && scene.dtype == .float32)
}
