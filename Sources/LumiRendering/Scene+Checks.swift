import LumiScene
import LumiTensor

extension Scene {
  /// Checks what every method asks of a scene and a camera, whatever the shape.
  ///
  /// - Parameters:
  ///   - camera: of the scene's dtype, with at least one pixel.
  ///   - method: whose id errors name.
  ///   - channels: of what is shown, which the background must have too.
  /// - Throws: ``RenderError/invalid(method:parameter:expected:actual:)``.
  package func checkFrame(for camera: Camera, method: String, channels: Int) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: method, parameter: name, expected: expected, actual: actual)
      }
    }
    try require(
      background.shape == [channels] && background.dtype == dtype, "background",
      "\(dtype) [\(channels)]", "\(background.dtype) \(background.shape)")
    try require(camera.dtype == dtype, "camera", "\(dtype)", "\(camera.dtype)")
    try require(
      camera.width > 0 && camera.height > 0, "camera", "at least one pixel",
      "\(camera.width)×\(camera.height) pixels")
  }
}
