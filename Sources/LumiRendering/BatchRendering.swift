import LumiScene
import LumiTensor

// Batches of scenes of any size. Nothing is padded: each picture costs what it costs alone, and is
// the same to the bit.

extension Renderer {
  /// Draws scene i from camera i; shapes, lights and image sizes may all differ.
  ///
  /// - Throws: ``RenderError``, also if there are not as many cameras as scenes.
  public func render(
    _ scenes: [Scene<Shape>], from cameras: [Camera]
  ) throws -> [RenderOutput] {
    guard scenes.count == cameras.count else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "cameras", expected: "one a scene, \(scenes.count)",
        actual: "\(cameras.count)")
    }
    return try zip(scenes, cameras).map { try render($0, from: $1) }
  }
}

extension Renderer where Shape == Mesh {
  /// Draws mesh i of a batch from camera i, all in the same light. Gradients come back to the packed
  /// vertices.
  ///
  /// - Throws: ``RenderError``, also if there are not as many cameras as meshes.
  public func render(
    _ batch: MeshBatch, lights: [Light] = [], background: Tensor? = nil, from cameras: [Camera]
  ) throws -> [RenderOutput] {
    try render(
      batch.meshes.map { Scene($0, lights: lights, background: background) }, from: cameras)
  }

  /// Draws polygons as triangles. The channel `faceIndex` counts polygons.
  ///
  /// - Parameters:
  ///   - scene: polygons of any kind.
  ///   - triangulation: how to cut them; worked out from where the vertices are if nil. Keep one
  ///     while vertices move: it saves the work, and diagonals stay.
  ///   - camera: the view.
  /// - Throws: ``RenderError``, and `SceneError` for polygons that cannot be cut.
  public func render(
    _ scene: Scene<PolygonMesh>, triangulation: MeshTriangulation? = nil, from camera: Camera
  ) throws -> RenderOutput {
    let cut = try triangulation ?? scene.shape.triangulation()
    let triangles = Scene<Mesh>(
      try scene.shape.mesh(cut), lights: scene.lights, background: scene.background)
    let output = try render(triangles, from: camera)
    var images: [RenderChannel: Tensor] = [:]
    for channel in output.channels {
      let image = try output[channel]
      images[channel] = channel == .faceIndex ? cut.polygons(ofTriangles: image) : image
    }
    return RenderOutput(
      method: output.method, height: output.height, width: output.width, images: images)
  }
}
