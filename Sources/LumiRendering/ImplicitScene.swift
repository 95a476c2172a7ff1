import LumiScene
import LumiTensor

extension Scene where Shape == ImplicitShape {
  /// Checks that a method can draw the scene.
  ///
  /// - Parameters:
  ///   - camera: of the scene's dtype, with at least one pixel.
  ///   - method: whose id errors name.
  ///   - quantities: what values the method takes.
  /// - Throws: ``RenderError/invalid(method:parameter:expected:actual:)``, and `SceneError` for a
  ///   light that is not as documented.
  public func checkField(
    for camera: Camera, method: String, quantities: [FieldQuantity]
  ) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: method, parameter: name, expected: expected, actual: actual)
      }
    }
    let field = shape.field
    try require(
      quantities.contains(field.quantity), "field.quantity",
      quantities.map(\.rawValue).joined(separator: " or "), field.quantity.rawValue)
    let (lower, upper) = shape.bounds.box
    let size = upper - lower
    try require(
      size.min() > 0 && size.max().isFinite, "bounds", "finite, above 0 in size",
      "\(shape.bounds)")
    try checkFrame(
      for: camera, method: method, channels: field.colorChannels == 0 ? 3 : field.colorChannels)
    for (index, light) in lights.enumerated() {
      try light.checkShapes(dtype: dtype, field: "light.\(index)")
    }
  }
}

extension ImplicitShape {
  /// The colours [N, C] at points, white where the field has none.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - samples: what the field said there.
  ///   - directions: [N, 3], unit vectors from the eye.
  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    field.colorChannels == 0
      ? .ones([points.shape[0], 3], dtype: dtype)
      : field.colors(at: points, samples: samples, directions: directions)
  }
}
