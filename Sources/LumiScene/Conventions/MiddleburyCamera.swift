import LumiTensor

// The par files of the Middlebury multi-view sets (Seitz et al. 2006): K, R and t with
// (u, v, 1) ∝ K (R x + t), OpenCV axes, pixel centres at integers.
extension Camera {
  /// - Parameters:
  ///   - calibration: K [3, 3].
  ///   - rotation: R [3, 3].
  ///   - translation: t [3].
  ///   - width: columns of the image.
  ///   - height: rows of the image.
  ///   - near: nearest depth (camera z) that is seen.
  ///   - far: farthest depth that is seen.
  public init(
    middleburyCalibration calibration: Tensor, rotation: Tensor, translation: Tensor, width: Int,
    height: Int, near: Double = 0.01, far: Double = 1000
  ) throws {
    try ConversionCheck.shape("Middlebury K", calibration, [3, 3])
    try ConversionCheck.rotation("Middlebury R", rotation)
    try ConversionCheck.shape("Middlebury t", translation, [3])
    try ConversionCheck.imageSize("Middlebury image size", width, height)
    let k = calibration.scalars(as: Double.self)
    guard k[3] == 0, k[6] == 0, k[7] == 0, k[8] == 1, k[0] != 0, k[4] != 0 else {
      throw SceneError(
        field: "Middlebury K", expected: "an upper triangle with K33 = 1", actual: "\(k)")
    }
    func entry(_ row: Int, _ column: Int) -> Tensor { calibration[row: row, column: column] }
    self.init(
      rotation: rotation, translation: translation,
      focalLength: Tensor.stack([entry(0, 0), entry(1, 1)]),
      principalPoint: Tensor.stack([entry(0, 2), entry(1, 2)]) + 0.5, skew: entry(0, 1),
      width: width, height: height, near: near, far: far)
  }

  /// K, R and t of a par file.
  public var middlebury: (calibration: Tensor, rotation: Tensor, translation: Tensor) {
    var shifted = self
    shifted.principalPoint = principalPoint - 0.5
    return (shifted.calibrationMatrix, rotation, translation)
  }
}
