import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// A third party's shape and renderer.
struct Blob: SceneShape {
  var radius: Tensor
  static var parameterPrefix: String { "blob." }
  var dtype: DType { radius.dtype }
  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Blob { Blob(radius: try transform("radius", radius)) }
}

struct BlobRenderer: Renderer {
  static let method = MethodDescription(
    id: "other/blob", name: "Blob", representation: .other, type: "test", strengths: "small",
    limits: "one blob", citation: "none", claims: [.shape: .exact])

  func render(_ scene: Scene<Blob>, from camera: Camera) throws -> RenderOutput {
    let alpha = scene.shape.radius.broadcast(to: [camera.height, camera.width])
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width,
      images: [.alpha: alpha])
  }
}

struct MeshPainter: Renderer {
  static let method = MethodDescription(
    id: "mesh/painter", name: "Painter", representation: .mesh, type: "test", strengths: "none",
    limits: "draws nothing", citation: "none", claims: [:])

  func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    RenderOutput(method: Self.method.id, height: camera.height, width: camera.width, images: [:])
  }
}

struct RegistryTests {
  let camera = Camera.perspective(from: [0, 0, 3], verticalFieldOfView: 1, width: 3, height: 2)
  let blob = Scene(Blob(radius: Tensor([0.5 as Float], shape: [])))

  @Test func duplicateIdThrows() throws {
    var registry = RendererRegistry()
    try registry.register(BlobRenderer())
    #expect(throws: RenderError.duplicateMethod("other/blob")) {
      try registry.register(BlobRenderer())
    }
    #expect(registry.entries.count == 1)
    try registry.register(MeshPainter())
    #expect(registry.methods.map(\.id) == ["other/blob", "mesh/painter"])
  }

  @Test func unknownIdThrowsWithTheKnownOnes() throws {
    var registry = RendererRegistry()
    try registry.register(BlobRenderer())
    #expect(try registry.renderer("other/blob").method == BlobRenderer.method)
    let error = #expect(throws: RenderError.self) { try registry.renderer("mesh/softras") }
    #expect(error == .unknownMethod("mesh/softras", known: ["other/blob"]))
    #expect(error?.description.contains("other/blob") == true)
  }

  @Test func erasedRendererDrawsItsShape() throws {
    let erased = AnyRenderer(BlobRenderer())
    #expect(ObjectIdentifier(erased.shapeType) == ObjectIdentifier(Blob.self))
    let output = try erased.render(blob, from: camera)
    #expect(try output[.alpha].scalars(as: Float.self) == Array(repeating: 0.5, count: 6))
    #expect(try erased.render(blob, from: [camera, camera]).count == 2)
  }

  @Test func erasedRendererRefusesAnotherShape() throws {
    let erased = AnyRenderer(BlobRenderer())
    let error = #expect(throws: RenderError.self) {
      try erased.render(Scene(Mesh.cube()), from: camera)
    }
    #expect(error == .shapeMismatch(method: "other/blob", expected: "Blob", actual: "Mesh"))
    #expect(throws: RenderError.self) { try erased.render(Scene(Mesh.cube()), from: [camera]) }
    #expect(throws: RenderError.self) { try erased.typed(as: Mesh.self) }
  }

  @Test func missingChannelThrowsWithTheAvailableOnes() throws {
    let output = try BlobRenderer().render(blob, from: camera)
    #expect(output.channels == [.alpha])
    let error = #expect(throws: RenderError.self) { try output[.depth] }
    #expect(error == .missingChannel("depth", method: "other/blob", available: ["alpha"]))
    #expect(error?.description == "other/blob gives no \"depth\"; it gives alpha")
  }

  @Test func wrongImageSizeStops() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = RenderOutput(
        method: "m", height: 2, width: 3, images: [.alpha: Tensor.zeros([3, 2])])
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("alpha") && message.contains("[3, 2]"))
  }

  @Test func claimsDefaultToNone() {
    #expect(BlobRenderer.method.claim(.shape) == .exact)
    #expect(BlobRenderer.method.claim(.camera) == .none)
  }
}

struct ReferenceCaseTests {
  let vector = ReferenceCase(
    method: "m", name: "case",
    tensors: ["n": Tensor([2.0]), "x": Tensor([1.5, 2]), "b": Tensor([0.5])],
    strings: ["s": "word"], expected: [:], tolerances: [:])

  @Test func readsWhatIsThere() throws {
    #expect(try vector.number("n") == 2)
    #expect(try vector.integer("n") == 2)
    #expect(try vector.flag("n"))
    #expect(try vector.string("s") == "word")
    #expect(try vector.tensor("x").shape == [2])
  }

  @Test func namesWhatIsNot() {
    #expect(throws: ReferenceError.missingInput(case: "case", field: "y")) {
      try vector.tensor("y")
    }
    #expect(throws: ReferenceError.missingInput(case: "case", field: "n")) {
      try vector.string("n")
    }
    #expect(
      throws: ReferenceError.badInput(
        case: "case", field: "x", expected: "one number", actual: "shape [2]")
    ) { try vector.number("x") }
    #expect(
      throws: ReferenceError.badInput(
        case: "case", field: "b", expected: "an integer", actual: "0.5")
    ) { try vector.integer("b") }
  }
}
