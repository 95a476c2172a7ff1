import Foundation
import LumiTensor

extension Camera {
  /// A perspective camera at `eye` that looks at `target`, with square pixels and the principal
  /// point in the middle.
  ///
  /// - Parameters:
  ///   - target: what it looks at.
  ///   - eye: where the camera is.
  ///   - up: the world direction that points to the top of the image.
  ///   - verticalFieldOfView: the angle between the upper and the lower edge of the image, in
  ///     radians; see ``radians(degrees:)``.
  ///   - width: columns of the image.
  ///   - height: rows of the image.
  ///   - near: nearest depth (camera z) that is seen.
  ///   - far: farthest depth that is seen.
  ///   - dtype: the type of the tensors.
  public static func perspective(
    lookingAt target: SIMD3<Double> = .zero, from eye: SIMD3<Double>,
    up: SIMD3<Double> = [0, 1, 0], verticalFieldOfView: Double, width: Int, height: Int,
    near: Double = 0.01, far: Double = 1000, dtype: DType = .float32
  ) -> Camera {
    require(
      verticalFieldOfView > 0 && verticalFieldOfView < .pi,
      "Camera.perspective: field of view \(verticalFieldOfView), expected between 0 and π")
    let pose = RigidTransform.lookAt(eye: eye, target: target, up: up)
    return Camera(
      pose: pose, focalLength: Double(height) / 2 / tan(verticalFieldOfView / 2), width: width,
      height: height, near: near, far: far, dtype: dtype)
  }

  /// An orthographic camera at `eye` that looks at `target` and sees `visibleHeight` world units
  /// from the upper to the lower edge of the image.
  public static func orthographic(
    lookingAt target: SIMD3<Double> = .zero, from eye: SIMD3<Double>,
    up: SIMD3<Double> = [0, 1, 0], visibleHeight: Double, width: Int, height: Int,
    near: Double = 0.01, far: Double = 1000, dtype: DType = .float32
  ) -> Camera {
    require(
      visibleHeight > 0, "Camera.orthographic: visible height \(visibleHeight), expected above 0")
    let pose = RigidTransform.lookAt(eye: eye, target: target, up: up)
    return Camera(
      model: .orthographic, pose: pose, focalLength: Double(height) / visibleHeight, width: width,
      height: height, near: near, far: far, dtype: dtype)
  }

  /// A camera with square pixels and the principal point in the middle.
  init(
    model: Model = .perspective, pose: RigidTransform, focalLength: Double, width: Int,
    height: Int, near: Double, far: Double, dtype: DType
  ) {
    self.init(
      model: model, rotation: pose.rotation.cast(to: dtype),
      translation: pose.translation.cast(to: dtype),
      focalLength: .full([2], focalLength, dtype: dtype), width: width, height: height, near: near,
      far: far)
  }

  /// The same view with a whole multiple of the pixels a side.
  public func enlarged(by factor: Int) -> Camera {
    require(factor >= 1, "Camera.enlarged: factor \(factor), expected at least 1")
    var result = self
    result.focalLength = focalLength * Double(factor)
    result.principalPoint = principalPoint * Double(factor)
    result.skew = skew * Double(factor)
    result.width = width * factor
    result.height = height * factor
    return result
  }

  /// The same camera with its floating-point tensors in another type.
  public func cast(to dtype: DType) -> Camera {
    mapParameters { $1.cast(to: dtype) }
  }
}

extension RigidTransform {
  /// ``lookAt(eye:target:up:)-(Tensor,_,_)`` of three points in float64.
  static func lookAt(
    eye: SIMD3<Double>, target: SIMD3<Double>, up: SIMD3<Double>
  ) -> RigidTransform {
    func tensor(_ v: SIMD3<Double>) -> Tensor { Tensor([v.x, v.y, v.z]) }
    return lookAt(eye: tensor(eye), target: tensor(target), up: tensor(up))
  }
}
