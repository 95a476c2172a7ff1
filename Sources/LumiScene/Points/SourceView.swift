import LumiTensor

/// A picture, the camera that took it, and the depth of another view that it shall be warped to.
///
/// What view synthesis draws (survey Table 1, RGB-D image): every pixel of the other view knows its
/// depth and looks up its colour here.
public struct SourceView: SceneShape {
  /// [H, W, C], linear.
  public var image: Tensor
  /// The camera that took the image, H rows and W columns.
  public var camera: Camera
  /// [h, w]: camera z at the pixels of the other view, above 0.
  public var targetDepth: Tensor

  /// - Parameters:
  ///   - image: [H, W, C].
  ///   - camera: that took it.
  ///   - targetDepth: [h, w].
  public init(image: Tensor, camera: Camera, targetDepth: Tensor) {
    self.image = image
    self.camera = camera
    self.targetDepth = targetDepth
  }

  public static var parameterPrefix: String { "view." }
  public var dtype: DType { image.dtype }

  /// Paths: "image", "targetDepth", and "camera.rotation" and so on.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    SourceView(
      image: try transform("image", image),
      camera: try camera.mapParameters { try transform("camera.\($0)", $1) },
      targetDepth: try transform("targetDepth", targetDepth))
  }

  /// Shapes and dtypes; throws ``SceneError``.
  package func checkStructure() throws {
    try checkExtents("view.image", image, [camera.height, camera.width, nil], dtype)
    try checkExtents("view.targetDepth", targetDepth, [nil, nil], dtype)
    guard camera.dtype == dtype else {
      throw SceneError(field: "view.camera", expected: "\(dtype)", actual: "\(camera.dtype)")
    }
    guard image.count > 0 else {
      throw SceneError(
        field: "view.image", expected: "at least one pixel and channel", actual: "\(image.shape)")
    }
  }
}
