import LumiScene
import LumiTensor

/// Where an object is, how it is turned and how large it is: x ↦ R(scale · x) + translation, from
/// the object's own coordinates to the world. With three sizes these are nine numbers (9D pose).
public struct ObjectPose: Parameterized, Sendable {
  /// [4], a quaternion (w, x, y, z) of any length but 0.
  public var rotation: Tensor
  /// [3].
  public var translation: Tensor
  /// [], or [3] along the object's axes; above 0.
  public var scale: Tensor

  public init(rotation: Tensor, translation: Tensor, scale: Tensor) {
    require(
      rotation.shape == [4] && translation.shape == [3]
        && (scale.shape == [] || scale.shape == [3]),
      """
      ObjectPose: rotation \(rotation.shape), translation \(translation.shape), scale \
      \(scale.shape), expected [4], [3], [] or [3]
      """)
    self.rotation = rotation
    self.translation = translation
    self.scale = scale
  }

  /// A turn around an axis, such as the yaw of a car on the road.
  ///
  /// - Parameters:
  ///   - axis: [3], need not be unit.
  ///   - angle: [], in radians; differentiable.
  ///   - translation: [3].
  ///   - scale: [] or [3].
  public init(axis: Tensor, angle: Tensor, translation: Tensor, scale: Tensor) {
    self.init(
      rotation: Rotation.quaternion(vector: axis.unitVectors() * angle), translation: translation,
      scale: scale)
  }

  public var dtype: DType { rotation.dtype }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ObjectPose {
    ObjectPose(
      rotation: try transform("rotation", rotation),
      translation: try transform("translation", translation),
      scale: try transform("scale", scale))
  }

  /// Points [N, 3] of the object in the world.
  public func applied(to points: Tensor) -> Tensor {
    (points * scale).matmul(matrix, transposingRight: true) + translation
  }

  /// World points [N, 3] in the object's coordinates.
  public func inverse(of points: Tensor) -> Tensor {
    (points - translation).matmul(matrix) / scale
  }

  /// Points and normals of the object in the world.
  public func applied(to surface: SurfacePoints) -> SurfacePoints {
    let stretched =
      scale.rank == 0 ? surface.normals : (surface.normals / scale).unitVectors()
    return SurfacePoints(
      points: applied(to: surface.points),
      normals: stretched.matmul(matrix, transposingRight: true))
  }

  private var matrix: Tensor { Rotation.matrix(quaternion: rotation) }
}
