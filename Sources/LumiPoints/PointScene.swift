import LumiRendering
import LumiScene
import LumiTensor

extension Scene where Shape == PointCloud {
  /// Checks that a method can draw the scene: shapes, dtypes, lights, at least one pixel.
  ///
  /// - Parameters:
  ///   - camera: of the scene's dtype.
  ///   - method: whose id errors name.
  ///   - needsNormals: whether the method cannot do without the points' normals.
  /// - Throws: ``RenderError/invalid(method:parameter:expected:actual:)``, and `SceneError` for a
  ///   cloud or a light that is not as documented.
  func checkPoints(for camera: Camera, method: String, needsNormals: Bool = false) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: method, parameter: name, expected: expected, actual: actual)
      }
    }
    try shape.checkStructure()
    let channels = shape.appearance.channels
    try require(!needsNormals || shape.normals != nil, "cloud.normals", "normals", "none")
    try require(
      background.shape == [channels] && background.dtype == dtype, "background",
      "\(dtype) [\(channels)]", "\(background.dtype) \(background.shape)")
    try require(camera.dtype == dtype, "camera", "\(dtype)", "\(camera.dtype)")
    try require(
      camera.width > 0 && camera.height > 0, "camera", "at least one pixel",
      "\(camera.width)×\(camera.height) pixels")
    for (index, light) in lights.enumerated() {
      try light.checkShapes(dtype: dtype, field: "light.\(index)")
    }
  }
}
