import LumiTensor
import Testing

private struct Scene: Parameterized {
  var position = Tensor([1.0, 2.0, 3.0])
  var scale = Tensor(scalar: 2.0)
  var faces = Tensor([0, 1, 2] as [Int32])

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Scene {
    var result = self
    result.position = try transform("mesh.position", position)
    result.scale = try transform("mesh.scale", scale)
    result.faces = try transform("mesh.faces", faces)
    return result
  }
}

@Suite struct ParameterizedTests {
  private let scene = Scene()

  @Test func gradientsComeByName() throws {
    let (value, gradients) = try valueAndGradient(of: scene) {
      ($0.position.gather($0.faces) * $0.scale).sum()
    }
    #expect(value.value == 12)
    #expect(gradients.keys.sorted() == ["mesh.position", "mesh.scale"])
    #expect(gradients["mesh.position"]!.scalars(as: Double.self) == [2, 2, 2])
    #expect(gradients["mesh.scale"]!.value == 6)
  }

  @Test func anUnreachableParameterIsNamed() throws {
    #expect(throws: ParameterError.unreachable("mesh.scale")) {
      try valueAndGradient(of: scene) { $0.position.sum() }
    }
    let (_, gradients) = try valueAndGradient(of: scene, unreachable: .zeros) { $0.position.sum() }
    #expect(gradients["mesh.scale"]!.value == 0)
    let (_, chosen) = try valueAndGradient(of: scene, withRespectTo: ["mesh.position"]) {
      $0.position.sum()
    }
    #expect(chosen.keys.sorted() == ["mesh.position"])
  }

  @Test func unknownNamesListTheKnownOnes() throws {
    let known = ["mesh.position", "mesh.scale", "mesh.faces"]
    #expect(throws: ParameterError.unknown("mesh.colour", known: known)) {
      try scene.parameter("mesh.colour")
    }
    #expect(throws: ParameterError.unknown("light", known: known)) {
      try scene.replacing(["light": Tensor(scalar: 1.0)])
    }
    #expect(throws: ParameterError.unknown("light", known: known)) {
      try valueAndGradient(of: scene, withRespectTo: ["light"]) { $0.position.sum() }
    }
  }

  @Test func replacingKeepsShapesAndTypes() throws {
    let moved = try scene.replacing(["mesh.position": Tensor([0.0, 0, 1])])
    #expect(moved.position.scalars(as: Double.self) == [0, 0, 1])
    #expect(moved.scale.value == 2)
    #expect(throws: ParameterError.shape("mesh.scale", expected: [], actual: [1])) {
      try scene.replacing(["mesh.scale": Tensor([1.0])])
    }
  }
}
