import Foundation
import LumiTensor

// transforms.json of the NeRF synthetic scenes (Mildenhall et al. 2020): one horizontal field of
// view for all frames and a Blender camera-to-world matrix a frame.
extension Camera {
  /// - Parameters:
  ///   - angle: `camera_angle_x`, radians.
  ///   - transformMatrix: a frame's `transform_matrix`, [4, 4].
  ///   - width: columns of the image.
  ///   - height: rows of the image.
  ///   - near: nearest depth (camera z) that is seen.
  ///   - far: farthest depth that is seen.
  public init(
    cameraAngleX angle: Double, transformMatrix: Tensor, width: Int, height: Int,
    near: Double = 0.01, far: Double = 1000
  ) throws {
    try ConversionCheck.angle("camera_angle_x", angle, below: .pi)
    try ConversionCheck.imageSize("transforms.json image size", width, height)
    let pose = try RigidTransform(openGLCameraToWorld: transformMatrix)
    self.init(
      pose: pose, focalLength: Double(width) / 2 / tan(angle / 2), width: width, height: height,
      near: near, far: far, dtype: transformMatrix.dtype)
  }

  /// `camera_angle_x` and `transform_matrix` of this camera. Throws unless its pixels are square
  /// and its principal point is in the middle, because the format holds nothing else.
  public func transforms() throws -> (cameraAngleX: Double, transformMatrix: Tensor) {
    let focal = focalLength.scalars(as: Double.self)
    let centre = principalPoint.scalars(as: Double.self)
    let deviation = max(
      abs(focal[0] - focal[1]), abs(skew.value), abs(centre[0] - Double(width) / 2),
      abs(centre[1] - Double(height) / 2))
    guard model == .perspective && deviation <= 1e-5 * Double(max(width, height)) else {
      throw SceneError(
        field: "camera", expected: "a perspective camera with square pixels, centred",
        actual: "\(model), focal length \(focal), principal point \(centre), skew \(skew.value)")
    }
    return (2 * atan(Double(width) / 2 / focal[0]), pose.openGLCameraToWorld)
  }
}
