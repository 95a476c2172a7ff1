import LumiTensor

/// A world-to-camera motion: x_camera = rotation · x_world + translation.
public struct RigidTransform: Sendable {
  /// [..., 3, 3].
  public var rotation: Tensor
  /// [..., 3].
  public var translation: Tensor

  public init(rotation: Tensor, translation: Tensor) {
    self.rotation = rotation
    self.translation = translation
  }

  /// The extrinsics of a camera at `eye` that looks at `target`, with `up` pointing to the top of
  /// its image; all [..., 3]. OpenCV axes: x right, y down, z forward.
  ///
  /// Where `up` is parallel to the view or `eye` equals `target`, another axis stands in, so that
  /// the result is always a rotation.
  public static func lookAt(eye: Tensor, target: Tensor, up: Tensor) -> RigidTransform {
    let dtype = eye.dtype
    let ahead = (target - eye).unitVectors()
    let forward = Tensor.where(isZero(ahead), Tensor([0.0, 0, 1]).cast(to: dtype), ahead)
    var right = Tensor.cross(forward, up).unitVectors()
    for axis in [[0.0, 0, 1], [1.0, 0, 0]] {
      let other = Tensor.cross(forward, Tensor(axis).cast(to: dtype).broadcast(to: forward.shape))
      right = Tensor.where(isZero(right), other.unitVectors(), right)
    }
    let rotation = Tensor.stack([right, Tensor.cross(forward, right), forward], axis: -2)
    let translation = -rotation.matmul(eye.expandingDims(at: -1)).squeezed(axis: -1)
    return RigidTransform(rotation: rotation, translation: translation)
  }

  private static func isZero(_ vectors: Tensor) -> Tensor {
    vectors.stoppingGradient().square().sum(axis: -1, keepDims: true) .== 0
  }
}
