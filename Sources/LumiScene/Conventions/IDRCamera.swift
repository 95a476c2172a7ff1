import LumiTensor

// IDR and its successors (Yariv et al. 2020; DTU's cameras.npz): world_mat [4, 4] projects world
// points to pixels whose centres are at integers, scale_mat [4, 4] maps the normalised world, in
// which the object fits the unit sphere, to the world.
extension Camera {
  /// The camera of the normalised world.
  public init(
    idrWorldMatrix world: Tensor, scaleMatrix: Tensor, width: Int, height: Int,
    near: Double = 0.01, far: Double = 1000, dtype: DType = .float32
  ) throws {
    try ConversionCheck.shape("world_mat", world, [4, 4])
    try ConversionCheck.shape("scale_mat", scaleMatrix, [4, 4])
    let product = world.cast(to: .float64).matmul(scaleMatrix.cast(to: .float64))
    try self.init(
      projectionMatrix: product.slice(axis: 0, from: 0, to: 3), pixelCentre: 0, width: width,
      height: height, near: near, far: far, dtype: dtype)
  }

  /// world_mat [4, 4] of this camera of the normalised world for a scale_mat [4, 4], up to the
  /// factor that a projection matrix leaves open. Throws if `scaleMatrix` has no inverse.
  public func idrWorldMatrix(scaleMatrix: Tensor) throws -> Tensor {
    try ConversionCheck.shape("scale_mat", scaleMatrix, [4, 4])
    var shifted = cast(to: .float64)
    shifted.principalPoint = shifted.principalPoint - 0.5
    let bottom = Tensor([0.0, 0, 0, 1], shape: [1, 4])
    let projection = Tensor.concatenate([shifted.projectionMatrix, bottom], axis: 0)
    return try projection.matmul(scaleMatrix.cast(to: .float64).inverse()).cast(to: dtype)
  }
}
