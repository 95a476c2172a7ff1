import LumiTensor

/// A motion with scale, x ↦ scale · rotation · x + translation.
public struct SimilarityTransform: Parameterized, Sendable {
  /// Without axes, above 0.
  public var scale: Tensor
  /// [3, 3].
  public var rotation: Tensor
  /// [3].
  public var translation: Tensor

  public init(scale: Tensor, rotation: Tensor, translation: Tensor) {
    self.scale = scale
    self.rotation = rotation
    self.translation = translation
  }

  /// Without scale; the motion must not be a batch.
  public init(_ motion: RigidTransform) {
    self.init(
      scale: .ones([], dtype: motion.rotation.dtype), rotation: motion.rotation,
      translation: motion.translation)
  }

  public static func identity(dtype: DType = .float32) -> SimilarityTransform {
    SimilarityTransform(RigidTransform.identity(dtype: dtype))
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    SimilarityTransform(
      scale: try transform("scale", scale), rotation: try transform("rotation", rotation),
      translation: try transform("translation", translation))
  }

  /// Moved points [..., 3].
  public func applied(to points: Tensor) -> Tensor {
    scale * points.transformed(by: rotation) + translation
  }

  /// First `self`, then `next`.
  public func followed(by next: SimilarityTransform) -> SimilarityTransform {
    SimilarityTransform(
      scale: next.scale * scale, rotation: next.rotation.matmul(rotation),
      translation: next.applied(to: translation))
  }

  /// The motion backwards.
  public var inverse: SimilarityTransform {
    let back = rotation.transposed()
    return SimilarityTransform(
      scale: 1 / scale, rotation: back,
      translation: -translation.transformed(by: back) / scale)
  }

  /// [4, 4] acting on columns.
  public var matrix: Tensor {
    RigidTransform(rotation: scale * rotation, translation: translation).matrix
  }
}

extension PointCloud {
  /// The cloud after a motion: points, normals and radii.
  public func transformed(by transform: SimilarityTransform) -> PointCloud {
    var result = self
    result.points = transform.applied(to: points)
    result.normals = normals?.transformed(by: transform.rotation)
    result.radii = radii.map { $0 * transform.scale }
    return result
  }
}
