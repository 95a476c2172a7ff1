import LumiTensor

/// Checks of numbers that come from files of other programs.
enum ConversionCheck {
  static func shape(_ field: String, _ value: Tensor, _ expected: [Int]) throws {
    guard value.dtype.isFloatingPoint && value.shape == expected else {
      throw SceneError(
        field: field, expected: "floating-point \(expected)",
        actual: "\(value.dtype) \(value.shape)")
    }
    guard value.isFinite().all().item(as: Bool.self) else {
      throw SceneError(field: field, expected: "finite numbers", actual: "NaN or infinity")
    }
  }

  /// A rotation to three digits, as text files often carry no more.
  static func rotation(_ field: String, _ value: Tensor) throws {
    try shape(field, value, [3, 3])
    let product = value.matmul(value, transposingRight: true)
    let deviation = (product - Tensor.eye(3, dtype: value.dtype)).abs().max().value
    let determinant = value.determinant().value
    guard deviation < 1e-3 && determinant > 0 else {
      throw SceneError(
        field: field, expected: "a rotation matrix",
        actual: "R·Rᵀ - I up to \(deviation), determinant \(determinant)")
    }
  }

  static func positive(_ field: String, _ value: Double) throws {
    guard value.isFinite && value > 0 else {
      throw SceneError(field: field, expected: "a number above 0", actual: "\(value)")
    }
  }

  static func angle(_ field: String, _ value: Double, below limit: Double) throws {
    guard value > 0 && value < limit else {
      throw SceneError(
        field: field, expected: "an angle between 0 and \(limit)", actual: "\(value)")
    }
  }

  static func imageSize(_ field: String, _ width: Int, _ height: Int) throws {
    guard width > 0 && height > 0 else {
      throw SceneError(
        field: field, expected: "an image with pixels", actual: "\(width)×\(height)")
    }
  }
}

extension RigidTransform {
  /// A motion from a [4, 4] matrix out of a file.
  init(checking matrix: Tensor, field: String) throws {
    try ConversionCheck.shape(field, matrix, [4, 4])
    self.init(matrix: matrix)
    try ConversionCheck.rotation(field, rotation)
  }

  /// Camera axes turned by signs: x, y and z of the result are those of this motion times them.
  func withCameraAxes(_ x: Double, _ y: Double, _ z: Double) -> RigidTransform {
    let signs = Tensor([x, y, z]).cast(to: rotation.dtype)
    return RigidTransform(
      rotation: rotation * signs.expandingDims(at: 1), translation: translation * signs)
  }
}
