import Foundation
import LumiTensor

/// The camera of Soft Rasterizer and of Neural Renderer as they describe it: an eye that looks at
/// the origin with y up, in a left-handed frame.
///
/// Its image axes are x = up × forward and y = forward × x. Together with forward they are
/// right-handed with y **up**, so that x points to the left of what an eye in a right-handed world
/// sees, and yet is drawn to the right: the picture is mirrored. ``Camera`` says that exactly with a
/// negative horizontal focal length. Front faces change their winding on the image thereby.
public struct SoftRasView: Sendable, Equatable {
  public var distance: Double
  /// Radians above the plane y = 0.
  public var elevation: Double
  /// Radians from -z towards x.
  public var azimuth: Double
  /// Half of the field of view in radians.
  public var halfViewingAngle: Double

  /// Angles in degrees, as SoftRas's files hold them.
  public init(
    distance: Double, elevationDegrees: Double, azimuthDegrees: Double,
    halfViewingAngleDegrees: Double = 30
  ) {
    self.init(
      distance: distance, elevation: radians(degrees: elevationDegrees),
      azimuth: radians(degrees: azimuthDegrees),
      halfViewingAngle: radians(degrees: halfViewingAngleDegrees))
  }

  /// Angles in radians.
  public init(distance: Double, elevation: Double, azimuth: Double, halfViewingAngle: Double) {
    self.distance = distance
    self.elevation = elevation
    self.azimuth = azimuth
    self.halfViewingAngle = halfViewingAngle
  }

  /// d (cos e · sin a, sin e, -cos e · cos a).
  public var eye: SIMD3<Double> {
    [
      distance * cos(elevation) * sin(azimuth), distance * sin(elevation),
      -distance * cos(elevation) * cos(azimuth),
    ]
  }
}

extension Camera {
  /// SoftRas's perspective camera for a square image.
  public init(
    softRas view: SoftRasView, size: Int, near: Double = 1, far: Double = 100,
    dtype: DType = .float32
  ) throws {
    try ConversionCheck.positive("SoftRas distance", view.distance)
    try self.init(
      softRasEye: view.eye, halfViewingAngle: view.halfViewingAngle, size: size, near: near,
      far: far, dtype: dtype)
  }

  /// SoftRas's perspective camera at any eye.
  ///
  /// - Parameters:
  ///   - eye: where the camera is.
  ///   - target: what it looks at.
  ///   - up: the direction that points up in the image.
  ///   - halfViewingAngle: half of the field of view in radians.
  ///   - size: rows and columns of the image.
  ///   - near: nearest depth (camera z) that is seen.
  ///   - far: farthest depth that is seen.
  ///   - dtype: the type of the tensors.
  public init(
    softRasEye eye: SIMD3<Double>, lookingAt target: SIMD3<Double> = .zero,
    up: SIMD3<Double> = [0, 1, 0], halfViewingAngle: Double, size: Int, near: Double = 1,
    far: Double = 100, dtype: DType = .float32
  ) throws {
    try ConversionCheck.angle("SoftRas viewing angle", halfViewingAngle, below: .pi / 2)
    try ConversionCheck.imageSize("SoftRas image size", size, size)
    let focal = Double(size) / 2 / tan(halfViewingAngle)
    self.init(
      pose: .lookAt(eye: eye, target: target, up: up), focalLength: focal, width: size,
      height: size, near: near, far: far, dtype: dtype)
    focalLength = Tensor([-focal, focal]).cast(to: dtype)
  }

  /// SoftRas's orthographic camera: `scale` image halves a world unit.
  public init(
    softRasOrthogonalEye eye: SIMD3<Double>, lookingAt target: SIMD3<Double> = .zero,
    up: SIMD3<Double> = [0, 1, 0], scale: Double = 1, size: Int, near: Double = 1,
    far: Double = 100, dtype: DType = .float32
  ) throws {
    try ConversionCheck.positive("SoftRas scale", scale)
    try ConversionCheck.imageSize("SoftRas image size", size, size)
    let focal = Double(size) / 2 * scale
    self.init(
      model: .orthographic, pose: .lookAt(eye: eye, target: target, up: up), focalLength: focal,
      width: size, height: size, near: near, far: far, dtype: dtype)
    focalLength = Tensor([-focal, focal]).cast(to: dtype)
  }

  /// Distance, angles and viewing angle of this camera. Throws if it is none of
  /// ``init(softRas:size:near:far:dtype:)``.
  public func softRasView() throws -> SoftRasView {
    let eye = centre.scalars(as: Double.self)
    let distance = (eye[0] * eye[0] + eye[1] * eye[1] + eye[2] * eye[2]).squareRoot()
    let focal = focalLength.scalars(as: Double.self)
    let view = SoftRasView(
      distance: distance, elevation: asin(max(-1, min(1, eye[1] / max(distance, 1e-300)))),
      azimuth: atan2(eye[0], -eye[2]), halfViewingAngle: atan(Double(height) / 2 / focal[1]))
    let again = try Camera(softRas: view, size: height, near: near, far: far, dtype: dtype)
    let tolerance = dtype == .float64 ? 1e-9 : 1e-4
    let deviation = max(
      (again.rotation - rotation).abs().max().value,
      (again.focalLength - focalLength).abs().max().value / abs(focal[1]),
      (again.principalPoint - principalPoint).abs().max().value / Double(height))
    guard model == .perspective && width == height && deviation <= tolerance else {
      throw SceneError(
        field: "camera", expected: "a mirrored perspective camera that looks at the origin, y up",
        actual: "\(model), \(width)×\(height), off by \(deviation)")
    }
    return view
  }
}
