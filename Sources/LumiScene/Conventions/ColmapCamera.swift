import LumiTensor

/// COLMAP's camera models and the order of their parameters. Its world-to-camera pose, axes and
/// pixel positions (the centre of the first pixel is (½, ½)) are ours.
public enum ColmapModel: String, Sendable, CaseIterable {
  /// f, cx, cy
  case simplePinhole = "SIMPLE_PINHOLE"
  /// fx, fy, cx, cy
  case pinhole = "PINHOLE"
  /// f, cx, cy, k
  case simpleRadial = "SIMPLE_RADIAL"
  /// f, cx, cy, k1, k2
  case radial = "RADIAL"
  /// fx, fy, cx, cy, k1, k2, p1, p2
  case openCV = "OPENCV"
  /// fx, fy, cx, cy, k1, k2, k3, k4
  case openCVFisheye = "OPENCV_FISHEYE"

  /// Numbers before the distortion.
  fileprivate var intrinsicCount: Int {
    switch self {
    case .simplePinhole, .simpleRadial, .radial: 3
    case .pinhole, .openCV, .openCVFisheye: 4
    }
  }

  public var parameterCount: Int {
    switch self {
    case .simplePinhole: 3
    case .pinhole, .simpleRadial: 4
    case .radial: 5
    case .openCV, .openCVFisheye: 8
    }
  }

  fileprivate var cameraModel: Camera.Model {
    switch self {
    case .simplePinhole, .pinhole: .perspective
    case .simpleRadial: .quadratic
    case .radial, .openCV: .brown
    case .openCVFisheye: .fisheye
    }
  }
}

extension Camera {
  /// A camera from a line of COLMAP's cameras file and one of its images file.
  ///
  /// - Parameters:
  ///   - colmapModel: the model's name in COLMAP.
  ///   - parameters: the numbers of the model in COLMAP's order.
  ///   - quaternion: w, x, y, z of world to camera.
  ///   - translation: of world to camera.
  ///   - width: columns of the image.
  ///   - height: rows of the image.
  ///   - near: nearest depth (camera z) that is seen.
  ///   - far: farthest depth that is seen.
  ///   - dtype: the type of the tensors.
  public init(
    colmapModel: ColmapModel, parameters: [Double], quaternion: [Double], translation: [Double],
    width: Int, height: Int, near: Double = 0.01, far: Double = 1000, dtype: DType = .float32
  ) throws {
    func check(_ field: String, _ values: [Double], _ count: Int) throws {
      guard values.count == count && values.allSatisfy(\.isFinite) else {
        throw SceneError(
          field: "COLMAP \(field)", expected: "\(count) finite numbers", actual: "\(values)")
      }
    }
    try check("parameters", parameters, colmapModel.parameterCount)
    try check("quaternion", quaternion, 4)
    try check("translation", translation, 3)
    try ConversionCheck.imageSize("COLMAP image size", width, height)
    guard quaternion.contains(where: { $0 != 0 }) else {
      throw SceneError(
        field: "COLMAP quaternion", expected: "a length above 0", actual: "\(quaternion)")
    }
    let shared = colmapModel.intrinsicCount == 3
    let rest = Array(parameters[colmapModel.intrinsicCount...])
    let distortion: [Double]? =
      switch colmapModel.cameraModel {
      case .perspective: nil
      case .brown: rest + [Double](repeating: 0, count: 5 - rest.count)
      default: rest
      }
    func tensor(_ values: [Double]) -> Tensor { Tensor(values).cast(to: dtype) }
    self.init(
      model: colmapModel.cameraModel,
      rotation: Rotation.matrix(quaternion: Tensor(quaternion)).cast(to: dtype),
      translation: tensor(translation),
      focalLength: tensor([parameters[0], parameters[shared ? 0 : 1]]),
      principalPoint: tensor(Array(parameters[(shared ? 1 : 2)...].prefix(2))),
      distortion: distortion.map(tensor), width: width, height: height, near: near, far: far)
  }

  /// This camera as COLMAP writes it: the smallest model that holds it, its parameters, and the
  /// pose with w ≥ 0. Throws if COLMAP has no such model.
  public func colmap() throws -> (
    model: ColmapModel, parameters: [Double], quaternion: [Double], translation: [Double]
  ) {
    let focal = focalLength.scalars(as: Double.self)
    let centre = principalPoint.scalars(as: Double.self)
    let coefficients = distortion?.scalars(as: Double.self) ?? []
    guard skew.value == 0 else {
      throw SceneError(
        field: "camera.skew", expected: "0, the only one COLMAP has", actual: "\(skew.value)")
    }
    let square = focal[0] == focal[1]
    let chosen: (ColmapModel, [Double])
    switch model {
    case .perspective:
      chosen =
        square ? (.simplePinhole, [focal[0]] + centre) : (.pinhole, focal + centre)
    case .quadratic where square: chosen = (.simpleRadial, [focal[0]] + centre + coefficients)
    case .quadratic: chosen = (.openCV, focal + centre + coefficients + [0, 0, 0])
    case .brown where coefficients[4] == 0:
      chosen = (.openCV, focal + centre + coefficients[..<4])
    case .fisheye: chosen = (.openCVFisheye, focal + centre + coefficients)
    case .brown, .orthographic, .weakPerspective, .thinLens:
      throw SceneError(
        field: "camera.model", expected: "a model that COLMAP has", actual: "\(model)")
    }
    return (
      chosen.0, chosen.1,
      Rotation.quaternion(matrix: rotation.cast(to: .float64)).scalars(as: Double.self),
      translation.scalars(as: Double.self)
    )
  }
}
