import LumiTensor

extension Camera {
  /// The perspective camera of a projection matrix P [3, 4] with (u, v, 1) ∝ P (x, 1), known up to
  /// any factor: P ∝ K [R | t] with K upper triangular and of positive diagonal.
  ///
  /// - Parameters:
  ///   - projectionMatrix: [3, 4].
  ///   - pixelCentre: where P puts the centre of the first pixel: 0.5 as we do, or 0.
  ///   - width: columns of the image.
  ///   - height: rows of the image.
  ///   - near: nearest depth (camera z) that is seen.
  ///   - far: farthest depth that is seen.
  ///   - dtype: the type of the tensors.
  public init(
    projectionMatrix: Tensor, pixelCentre: Double = 0.5, width: Int, height: Int,
    near: Double = 0.01, far: Double = 1000, dtype: DType = .float32
  ) throws {
    let field = "projection matrix"
    try ConversionCheck.shape(field, projectionMatrix, [3, 4])
    try ConversionCheck.imageSize(field, width, height)
    let exact = projectionMatrix.cast(to: .float64)
    let square = exact.slice(axis: 1, from: 0, to: 3)
    let determinant = square.determinant().value
    guard determinant != 0, determinant.isFinite else {
      throw SceneError(
        field: field, expected: "three independent columns", actual: "determinant \(determinant)")
    }
    let signed = exact * (determinant < 0 ? -1 : 1)
    let values = signed.scalars(as: Double.self)
    let (k, r) = try Self.triangularTimesRotation(
      (0..<3).map { row in
        SIMD3(values[4 * row], values[4 * row + 1], values[4 * row + 2])
      })
    let calibration = Tensor(k, shape: [3, 3])
    let translation = try Tensor.solve(calibration, signed.slice(axis: 1, from: 3, to: 4))
    let shift = 0.5 - pixelCentre
    func tensor(_ values: [Double]) -> Tensor { Tensor(values).cast(to: dtype) }
    self.init(
      rotation: Tensor(r, shape: [3, 3]).cast(to: dtype),
      translation: translation.flattened().cast(to: dtype),
      focalLength: tensor([k[0] / k[8], k[4] / k[8]]),
      principalPoint: tensor([k[2] / k[8] + shift, k[5] / k[8] + shift]),
      skew: Tensor(k[1] / k[8], dtype: dtype), width: width, height: height, near: near, far: far)
  }

  /// K [3, 3] of focal length, skew and principal point.
  public var calibrationMatrix: Tensor {
    let (zero, one) = (Tensor(0, dtype: dtype), Tensor(1, dtype: dtype))
    return Tensor.stack([
      focalLength.component(0), skew, principalPoint.component(0),
      zero, focalLength.component(1), principalPoint.component(1),
      zero, zero, one,
    ]).reshaped([3, 3])
  }

  /// K [R | t], [3, 4]: the projection matrix of a perspective camera.
  public var projectionMatrix: Tensor {
    require(
      model == .perspective || model == .thinLens,
      "projectionMatrix: the \(model) model has no projection matrix")
    return calibrationMatrix.matmul(pose.matrix.slice(axis: 0, from: 0, to: 3))
  }

  /// M = K·R by orthogonalising the rows from the last to the first; row-major.
  private static func triangularTimesRotation(
    _ rows: [SIMD3<Double>]
  ) throws -> (triangle: [Double], rotation: [Double]) {
    func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { (a * b).sum() }
    var k = [Double](repeating: 0, count: 9)
    var r = [SIMD3<Double>](repeating: .zero, count: 3)
    for row in [2, 1, 0] {
      var rest = rows[row]
      for done in stride(from: 2, to: row, by: -1) {
        k[3 * row + done] = dot(rest, r[done])
        rest -= k[3 * row + done] * r[done]
      }
      let length = dot(rest, rest).squareRoot()
      guard length > 0 else {
        throw SceneError(
          field: "projection matrix", index: row, expected: "independent rows",
          actual: "\(rows[row])")
      }
      k[3 * row + row] = length
      r[row] = rest / length
    }
    return (k, r.flatMap { [$0.x, $0.y, $0.z] })
  }
}
