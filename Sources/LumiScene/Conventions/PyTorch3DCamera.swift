import Foundation
import LumiTensor

// PyTorch3D: row vectors, view = world · R + T with x to the left, y up and z forward. Normalised
// coordinates have x left and y up and run from -1 to 1 over the shorter side of the image. Its
// screen coordinates are our pixel positions.
extension RigidTransform {
  /// World to camera in OpenCV axes, from PyTorch3D's R [3, 3] and T [3].
  public init(pyTorch3DRotation rotation: Tensor, translation: Tensor) throws {
    try ConversionCheck.rotation("PyTorch3D R", rotation)
    try ConversionCheck.shape("PyTorch3D T", translation, [3])
    self = RigidTransform(rotation: rotation.transposed(), translation: translation)
      .withCameraAxes(-1, -1, 1)
  }

  /// PyTorch3D's R [3, 3] and T [3] of these world-to-camera extrinsics.
  public var pyTorch3D: (rotation: Tensor, translation: Tensor) {
    let flipped = withCameraAxes(-1, -1, 1)
    return (flipped.rotation.transposed(), flipped.translation)
  }

  /// PyTorch3D's look-at of the origin, y up, in OpenCV axes: the eye is at
  /// d (cos e · sin a, sin e, cos e · cos a), angles in radians.
  public static func pyTorch3DLookAt(
    distance: Double, elevation: Double, azimuth: Double, dtype: DType = .float32
  ) -> RigidTransform {
    let eye: SIMD3<Double> = [
      distance * cos(elevation) * sin(azimuth), distance * sin(elevation),
      distance * cos(elevation) * cos(azimuth),
    ]
    return lookAt(eye: eye, target: .zero, up: [0, 1, 0]).mapParameters { $1.cast(to: dtype) }
  }
}

extension Camera {
  /// A camera with PyTorch3D's field of view (radians) over the shorter side of the image.
  ///
  /// - Parameters:
  ///   - pose: PyTorch3D's R and T.
  ///   - angle: the field of view in radians.
  ///   - aspectRatio: PyTorch3D's width to height of a pixel; the horizontal focal length is
  ///     divided by it.
  ///   - width: columns of the image.
  ///   - height: rows of the image.
  ///   - near: nearest depth (camera z) that is seen.
  ///   - far: farthest depth that is seen.
  public init(
    pose: RigidTransform, pyTorch3DFieldOfView angle: Double, aspectRatio: Double = 1, width: Int,
    height: Int, near: Double = 1, far: Double = 100
  ) throws {
    try ConversionCheck.angle("PyTorch3D field of view", angle, below: .pi)
    try ConversionCheck.positive("PyTorch3D aspect ratio", aspectRatio)
    let scale = 1 / tan(angle / 2)
    let focal = Tensor([scale / aspectRatio, scale]).cast(to: pose.rotation.dtype)
    try self.init(
      pose: pose, pyTorch3DFocalLength: focal, principalPoint: Tensor.zeros(like: focal),
      width: width, height: height, near: near, far: far)
  }

  /// A perspective camera from focal length [2] and principal point [2] in normalised coordinates.
  public init(
    pose: RigidTransform, pyTorch3DFocalLength focal: Tensor, principalPoint: Tensor, width: Int,
    height: Int, near: Double = 1, far: Double = 100
  ) throws {
    try ConversionCheck.shape("PyTorch3D focal length", focal, [2])
    try ConversionCheck.shape("PyTorch3D principal point", principalPoint, [2])
    try ConversionCheck.imageSize("PyTorch3D image size", width, height)
    let unit = Double(min(width, height)) / 2
    let middle = Tensor([Double(width) / 2, Double(height) / 2]).cast(to: focal.dtype)
    self.init(
      rotation: pose.rotation, translation: pose.translation, focalLength: focal * unit,
      principalPoint: middle - principalPoint * unit, width: width, height: height, near: near,
      far: far)
  }

  /// A perspective camera from focal length [2] and principal point [2] in screen coordinates
  /// (PyTorch3D's `in_ndc=False`).
  public init(
    pose: RigidTransform, pyTorch3DScreenFocalLength focal: Tensor, principalPoint: Tensor,
    width: Int, height: Int, near: Double = 1, far: Double = 100
  ) throws {
    try ConversionCheck.shape("PyTorch3D focal length", focal, [2])
    try ConversionCheck.shape("PyTorch3D principal point", principalPoint, [2])
    try ConversionCheck.imageSize("PyTorch3D image size", width, height)
    self.init(
      rotation: pose.rotation, translation: pose.translation, focalLength: focal,
      principalPoint: principalPoint, width: width, height: height, near: near, far: far)
  }

  /// Focal length and principal point in PyTorch3D's normalised coordinates, [2] each. Its screen
  /// form is this camera's `focalLength` and `principalPoint`. PyTorch3D has no skew.
  public var pyTorch3DIntrinsics: (focalLength: Tensor, principalPoint: Tensor) {
    let unit = Double(min(width, height)) / 2
    let middle = Tensor([Double(width) / 2, Double(height) / 2]).cast(to: dtype)
    return (focalLength / unit, (middle - principalPoint) / unit)
  }

  /// PyTorch3D's field of view in radians and aspect ratio; throws unless the principal point is in
  /// the middle.
  public func pyTorch3DFieldOfView() throws -> (angle: Double, aspectRatio: Double) {
    let (focal, principal) = pyTorch3DIntrinsics
    let offset = principal.abs().max().value
    guard offset < 1e-6 else {
      throw SceneError(
        field: "camera.principalPoint", expected: "the middle of the image",
        actual: "\(principalPoint.scalars(as: Double.self))")
    }
    let scales = focal.scalars(as: Double.self)
    return (2 * atan(1 / scales[1]), scales[1] / scales[0])
  }
}
