import LumiScene
import LumiTensor

extension Scene where Shape == Mesh {
  /// The scene as a rasteriser can draw it from a camera, with the same faces at the same rows.
  ///
  /// A face with a vertex that is not finite, or so far away that squared areas overflow (1e8 in
  /// float32, 1e60 in float64), becomes a face without area: it is not seen and its vertices'
  /// derivatives are zero.
  ///
  /// - Parameter method: whose id errors name.
  /// - Throws: ``RenderError/invalid(method:parameter:expected:actual:)`` for a background or a
  ///   camera of another dtype, for colours and lights whose channels do not fit, and for an image
  ///   without pixels.
  public func prepared(for camera: Camera, method: String) throws -> Scene {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: method, parameter: name, expected: expected, actual: actual)
      }
    }
    let channels = shape.appearance.channels
    try require(
      lights.isEmpty || channels == 1 || channels == 3, "mesh.appearance",
      "1 or 3 channels under lights", "\(channels) channels")
    let shown = lights.isEmpty ? channels : 3
    try checkFrame(for: camera, method: method, channels: shown)
    for (index, light) in lights.enumerated() {
      do {
        try light.checkShapes(dtype: dtype, field: "light.\(index)")
      } catch let error as SceneError {
        try require(false, error.field, error.expected, error.actual)
      }
    }
    return drawable()
  }

  private func drawable() -> Scene {
    let limit = dtype == .float32 ? 1e8 : 1e60
    let isUsable = (shape.vertices.stoppingGradient().abs() .<= limit).all(axis: 1)
    let usable = isUsable.scalars(as: Bool.self)
    guard usable.contains(false) else { return self }
    var faces = shape.faces.scalars(as: Int32.self)
    for face in 0..<faces.count / 3 {
      let corners = face * 3..<face * 3 + 3
      if corners.contains(where: { !usable[Int(faces[$0])] }) {
        faces.replaceSubrange(corners, with: [0, 0, 0])
      }
    }
    var result = self
    result.shape.vertices = Tensor.where(isUsable.expandingDims(at: 1), shape.vertices, 0)
    result.shape.faces = Tensor(faces, shape: shape.faces.shape)
    return result
  }
}
