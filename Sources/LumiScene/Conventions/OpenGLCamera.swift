import LumiTensor

// OpenGL and Blender: camera axes x right, y up, z backwards; poses are camera-to-world. Clip
// coordinates have y up, and z from -1 at the near plane to 1 at the far plane.
extension RigidTransform {
  /// World to camera in OpenCV axes, from OpenGL's or Blender's camera-to-world matrix [4, 4].
  public init(openGLCameraToWorld matrix: Tensor) throws {
    self = try RigidTransform(checking: matrix, field: "OpenGL camera-to-world matrix")
      .inverse.withCameraAxes(1, -1, -1)
  }

  /// OpenGL's and Blender's camera-to-world matrix [4, 4] of these world-to-camera extrinsics.
  public var openGLCameraToWorld: Tensor { withCameraAxes(1, -1, -1).inverse.matrix }
}

extension Camera {
  /// A perspective camera from OpenGL's camera-to-world and projection matrices, [4, 4] each.
  ///
  /// The projection must be a perspective one: last row (0, 0, -1, 0).
  public init(
    openGLCameraToWorld pose: Tensor, projection: Tensor, width: Int, height: Int
  ) throws {
    let field = "OpenGL projection matrix"
    try ConversionCheck.shape(field, projection, [4, 4])
    try ConversionCheck.imageSize(field, width, height)
    let rows = projection.cast(to: .float64).scalars(as: Double.self)
    guard rows[12] == 0, rows[13] == 0, rows[14] == -1, rows[15] == 0, rows[0] != 0, rows[5] != 0
    else {
      throw SceneError(
        field: field, expected: "a perspective projection with last row 0 0 -1 0",
        actual: "\(rows[12...]) and scales \(rows[0]), \(rows[5])")
    }
    guard rows[10] < -1, rows[11] < 0 else {
      throw SceneError(
        field: field, expected: "near and far planes in front of the camera",
        actual: "\(rows[10]), \(rows[11]) in the third row")
    }
    let transform = try RigidTransform(openGLCameraToWorld: pose)
    let (halfWidth, halfHeight) = (Double(width) / 2, Double(height) / 2)
    func entry(_ row: Int, _ column: Int) -> Tensor { projection[row: row, column: column] }
    self.init(
      rotation: transform.rotation, translation: transform.translation,
      focalLength: Tensor.stack([entry(0, 0) * halfWidth, entry(1, 1) * halfHeight]),
      principalPoint: Tensor.stack([
        (1 - entry(0, 2)) * halfWidth, (entry(1, 2) + 1) * halfHeight,
      ]),
      skew: -entry(0, 1) * halfWidth, width: width, height: height,
      near: rows[11] / (rows[10] - 1), far: rows[11] / (rows[10] + 1))
  }

  /// OpenGL's projection matrix [4, 4] of a perspective camera: clip = P · (OpenGL camera
  /// coordinates, 1).
  public var openGLProjection: Tensor {
    require(
      model == .perspective || model == .thinLens,
      "openGLProjection: the \(model) model has no projection matrix")
    let size = Tensor([Double(width), Double(height)]).cast(to: dtype)
    let scale = focalLength * 2 / size
    let shift = principalPoint * 2 / size
    let slant = skew * (-2 / Double(width))
    let zero = Tensor(0, dtype: dtype)
    let depth = Tensor(-(far + near) / (far - near), dtype: dtype)
    let offset = Tensor(-2 * far * near / (far - near), dtype: dtype)
    return Tensor.stack([
      scale.component(0), slant, 1 - shift.component(0), zero,
      zero, scale.component(1), shift.component(1) - 1, zero,
      zero, zero, depth, offset,
      zero, zero, Tensor(-1, dtype: dtype), zero,
    ]).reshaped([4, 4])
  }
}
