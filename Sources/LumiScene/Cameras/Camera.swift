import LumiTensor

/// A camera with OpenCV axes (x right, y down, z forward), world-to-camera extrinsics and
/// intrinsics in pixels. The centre of the pixel in row r and column c is (c + ½, r + ½); row 0 is
/// on top. See Docs/Conventions.md for converters from other conventions.
public struct Camera: Parameterized, Sendable {
  /// How camera coordinates (x, y, z) become image coordinates (x', y'), before focal length, skew
  /// and principal point. With a = x/z, b = y/z, r² = a² + b²:
  public enum Model: Sendable, Equatable, CaseIterable {
    /// (a, b).
    case perspective
    /// (x, y); the focal length is in pixels per world unit.
    case orthographic
    /// (x, y)/`meanDepth`: orthographic, scaled as perspective at one depth.
    case weakPerspective
    /// (a, b)(1 + k r²); `distortion` [1] is k.
    case quadratic
    /// (a, b)(1 + k1 r² + k2 r⁴ + k3 r⁶) plus the tangential (2 p1 ab + p2 (r² + 2a²),
    /// p1 (r² + 2b²) + 2 p2 ab); `distortion` [5] is k1, k2, p1, p2, k3 (Brown 1966, OpenCV's
    /// order).
    case brown
    /// (x, y)/√(x² + y²) · θ(1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸), θ being the angle to the axis;
    /// `distortion` [4] is k1…k4 (Kannala & Brandt 2006 as in OpenCV).
    case fisheye
    /// (a, b) through the centre of the lens; rays start anywhere on it. Needs `aperture` and
    /// `focusDistance`.
    case thinLens
  }

  public var model: Model
  /// [3, 3], world to camera.
  public var rotation: Tensor
  /// [3], world to camera: x_camera = rotation · x_world + translation.
  public var translation: Tensor
  /// [2]: fx and fy in pixels (orthographic: pixels per world unit).
  public var focalLength: Tensor
  /// [2]: cx and cy in pixels.
  public var principalPoint: Tensor
  /// []: u = fx x' + skew y' + cx.
  public var skew: Tensor
  /// The coefficients of ``Model/quadratic`` [1], ``Model/brown`` [5] or ``Model/fisheye`` [4].
  public var distortion: Tensor?
  /// []: the depth at which ``Model/weakPerspective`` has the scale of a perspective camera.
  public var meanDepth: Tensor?
  /// []: the radius of the lens of ``Model/thinLens`` in world units.
  public var aperture: Tensor?
  /// []: the depth at which ``Model/thinLens`` is sharp.
  public var focusDistance: Tensor?
  /// Columns and rows of the image.
  public var width: Int
  public var height: Int
  /// Depths (camera z) outside of near…far are not seen.
  public var near: Double
  public var far: Double

  /// - Parameters:
  ///   - model: perspective if not given.
  ///   - rotation: [3, 3], world to camera.
  ///   - translation: [3], world to camera.
  ///   - focalLength: [2], in pixels.
  ///   - principalPoint: the centre of the image if nil.
  ///   - skew: 0 if nil.
  ///   - distortion: what a model with distortion needs.
  ///   - meanDepth: what ``Model/weakPerspective`` needs.
  ///   - aperture: the lens radius that ``Model/thinLens`` needs.
  ///   - focusDistance: the sharp depth that ``Model/thinLens`` needs.
  ///   - width: columns of the image.
  ///   - height: rows of the image.
  ///   - near: nearest depth (camera z) that is seen.
  ///   - far: farthest depth that is seen.
  ///
  /// A shape that is not as documented, or a tensor that `model` needs and is missing, stops the
  /// program.
  public init(
    model: Model = .perspective, rotation: Tensor, translation: Tensor, focalLength: Tensor,
    principalPoint: Tensor? = nil, skew: Tensor? = nil, distortion: Tensor? = nil,
    meanDepth: Tensor? = nil, aperture: Tensor? = nil, focusDistance: Tensor? = nil, width: Int,
    height: Int, near: Double = 0.01, far: Double = 1000
  ) {
    self.model = model
    self.rotation = rotation
    self.translation = translation
    self.focalLength = focalLength
    let centre = Tensor([Double(width) / 2, Double(height) / 2]).cast(to: rotation.dtype)
    self.principalPoint = principalPoint ?? centre
    self.skew = skew ?? Tensor(0, dtype: rotation.dtype)
    self.distortion = distortion
    self.meanDepth = meanDepth
    self.aperture = aperture
    self.focusDistance = focusDistance
    self.width = width
    self.height = height
    self.near = near
    self.far = far
    checkShapes()
  }

  public var dtype: DType { rotation.dtype }

  /// Paths without a prefix: "rotation", "translation", "focalLength", "principalPoint", "skew",
  /// and "distortion", "meanDepth", "aperture", "focusDistance" if they are there.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.rotation = try transform("rotation", rotation)
    result.translation = try transform("translation", translation)
    result.focalLength = try transform("focalLength", focalLength)
    result.principalPoint = try transform("principalPoint", principalPoint)
    result.skew = try transform("skew", skew)
    result.distortion = try distortion.map { try transform("distortion", $0) }
    result.meanDepth = try meanDepth.map { try transform("meanDepth", $0) }
    result.aperture = try aperture.map { try transform("aperture", $0) }
    result.focusDistance = try focusDistance.map { try transform("focusDistance", $0) }
    return result
  }

  private func checkShapes() {
    func check(_ name: String, _ value: Tensor?, _ shape: [Int], needed: Bool = true) {
      guard let value else {
        require(!needed, "Camera: the \(model) model needs \(name) of shape \(shape)")
        return
      }
      require(
        value.shape == shape && value.dtype == dtype,
        "Camera: \(name) is \(value.dtype) \(value.shape), expected \(dtype) \(shape)")
    }
    check("rotation", rotation, [3, 3])
    check("translation", translation, [3])
    check("focalLength", focalLength, [2])
    check("principalPoint", principalPoint, [2])
    check("skew", skew, [])
    switch model {
    case .quadratic: check("distortion", distortion, [1])
    case .brown: check("distortion", distortion, [5])
    case .fisheye: check("distortion", distortion, [4])
    case .perspective, .orthographic, .weakPerspective, .thinLens: break
    }
    check("meanDepth", meanDepth, [], needed: model == .weakPerspective)
    check("aperture", aperture, [], needed: model == .thinLens)
    check("focusDistance", focusDistance, [], needed: model == .thinLens)
    require(width >= 0 && height >= 0, "Camera: \(width)×\(height) pixels")
  }
}
