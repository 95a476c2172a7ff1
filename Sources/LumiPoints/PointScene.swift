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
    try shape.checkStructure()
    guard !needsNormals || shape.normals != nil else {
      throw RenderError.invalid(
        method: method, parameter: "cloud.normals", expected: "normals", actual: "none")
    }
    try checkFrame(for: camera, method: method, channels: shape.appearance.channels)
    for (index, light) in lights.enumerated() {
      try light.checkShapes(dtype: dtype, field: "light.\(index)")
    }
  }
}

/// The points that a camera can draw, and harmless stand-ins for the others: a coordinate that is not
/// finite, or beyond what squares can hold, would spoil the camera's derivatives even at a weight
/// of 0.
struct DrawnPoints {
  /// [N, 3], camera coordinates; (0, 0, 1) for points that are not drawn.
  let cameraPoints: Tensor
  /// bool [N].
  let isDrawn: Tensor

  /// - Parameters:
  ///   - points: [N, 3], world coordinates.
  ///   - camera: of the same dtype.
  ///   - depths: camera z of points that are drawn.
  init(_ points: Tensor, from camera: Camera, depths: ClosedRange<Double>) {
    let isFinite =
      (points.stoppingGradient().abs() .<= 1e15).cast(to: points.dtype)
      .min(axis: 1, keepDims: true) .> 0
    let moved = camera.cameraPoints(Tensor.where(isFinite, points, 0))
    let z = moved.stoppingGradient().slice(axis: 1, from: 2, to: 3)
    let isSeen = isFinite .&& (z .>= depths.lowerBound) .&& (z .<= depths.upperBound)
    cameraPoints = Tensor.where(isSeen, moved, Tensor([0.0, 0, 1]).cast(to: points.dtype))
    isDrawn = isSeen.squeezed(axis: 1)
  }

  /// Discs of one radius in screen units.
  func discs(radius: Double, from camera: Camera) -> ScreenPoints {
    let radii = isDrawn.cast(to: cameraPoints.dtype) * radius
    return ScreenPoints(
      cameraPoints: cameraPoints, from: camera, footprint: .discs(radii: radii))
  }
}
