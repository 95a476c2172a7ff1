import LumiTensor

/// A rigid motion x ↦ rotation · x + translation, such as a camera's world-to-camera extrinsics.
public struct RigidTransform: Parameterized, Sendable {
  /// [..., 3, 3].
  public var rotation: Tensor
  /// [..., 3].
  public var translation: Tensor

  public init(rotation: Tensor, translation: Tensor) {
    self.rotation = rotation
    self.translation = translation
  }

  /// From [..., 4, 4] (or [..., 3, 4]) acting on columns.
  public init(matrix: Tensor) {
    let rows = matrix.slice(axis: -2, from: 0, to: 3)
    rotation = rows.slice(axis: -1, from: 0, to: 3)
    translation = rows.component(3)
  }

  /// No motion.
  public static func identity(dtype: DType = .float32) -> RigidTransform {
    RigidTransform(rotation: .eye(3, dtype: dtype), translation: .zeros([3], dtype: dtype))
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    RigidTransform(
      rotation: try transform("rotation", rotation),
      translation: try transform("translation", translation))
  }

  /// [..., 4, 4] acting on columns.
  public var matrix: Tensor {
    let top = Tensor.concatenate([rotation, translation.expandingDims(at: -1)], axis: -1)
    let bottom = Tensor([0.0, 0, 0, 1]).cast(to: rotation.dtype)
    let batch = Array(translation.shape.dropLast())
    return Tensor.concatenate([top, bottom.broadcast(to: batch + [1, 4])], axis: -2)
  }

  /// The motion backwards.
  public var inverse: RigidTransform {
    let back = rotation.transposed()
    return RigidTransform(rotation: back, translation: -Self.apply(back, translation))
  }

  /// First `self`, then `next`.
  public func followed(by next: RigidTransform) -> RigidTransform {
    RigidTransform(
      rotation: next.rotation.matmul(rotation),
      translation: Self.apply(next.rotation, translation) + next.translation)
  }

  /// Moved points [..., 3]; the motion must not be a batch.
  public func applied(to points: Tensor) -> Tensor {
    points.transformed(by: rotation) + translation
  }

  /// The motion of a twist [..., 6] = (velocity, rotation vector), the exponential of SE(3).
  public static func exponential(_ twist: Tensor) -> RigidTransform {
    let velocity = twist.slice(axis: -1, from: 0, to: 3)
    let vector = twist.slice(axis: -1, from: 3, to: 6)
    let square = Rotation.squaredLength(vector)
    let skew = Rotation.skewMatrix(vector)
    let carried =
      Rotation.identity(twist) + EvenFunctions.versine(square) * skew
      + EvenFunctions.sineRemainder(square) * skew.matmul(skew)
    return RigidTransform(
      rotation: Rotation.exponential(vector), translation: apply(carried, velocity))
  }

  /// The twist [..., 6] whose exponential this motion is; rotation angles in [0, π].
  public func logarithm() -> Tensor {
    let vector = Rotation.logarithm(rotation)
    let square = Rotation.squaredLength(vector)
    let skew = Rotation.skewMatrix(vector)
    let carried =
      Rotation.identity(vector) - skew * 0.5
      + EvenFunctions.cotangentRemainder(square) * skew.matmul(skew)
    return Tensor.concatenate([Self.apply(carried, translation), vector], axis: -1)
  }

  private static func apply(_ matrix: Tensor, _ vector: Tensor) -> Tensor {
    matrix.matmul(vector.expandingDims(at: -1)).squeezed(axis: -1)
  }

  /// The extrinsics of a camera at `eye` that looks at `target`, with `up` pointing to the top of
  /// its image; all [..., 3]. OpenCV axes: x right, y down, z forward.
  ///
  /// Where `up` is parallel to the view or `eye` equals `target`, another axis stands in, so that
  /// the result is always a rotation.
  public static func lookAt(eye: Tensor, target: Tensor, up: Tensor) -> RigidTransform {
    func axis(_ x: Double, _ y: Double, _ z: Double) -> Tensor {
      Tensor([x, y, z]).cast(to: eye.dtype).broadcast(to: eye.shape)
    }
    func isZero(_ vectors: Tensor) -> Tensor {
      vectors.stoppingGradient().square().sum(axis: -1, keepDims: true) .== 0
    }
    let ahead = (target - eye).unitVectors()
    let forward = Tensor.where(isZero(ahead), axis(0, 0, 1), ahead)
    var right = Tensor.cross(forward, up).unitVectors()
    for substitute in [axis(0, 0, 1), axis(1, 0, 0)] {
      right = Tensor.where(
        isZero(right), Tensor.cross(forward, substitute).unitVectors(), right)
    }
    let rotation = Tensor.stack([right, Tensor.cross(forward, right), forward], axis: -2)
    return RigidTransform(rotation: rotation, translation: -apply(rotation, eye))
  }
}
