import LumiTensor

/// What a scene is made of: a mesh, a voxel grid, a point cloud, an implicit field, or a type of
/// your own.
///
/// Its parameter paths carry no prefix ("vertices"); ``Scene`` adds ``parameterPrefix``.
public protocol SceneShape: Parameterized, Sendable {
  /// The floating-point type of the shape's parameters.
  var dtype: DType { get }
  /// What a scene puts before the shape's parameter paths, with its dot: "mesh.".
  static var parameterPrefix: String { get }
}

/// A shape, the lights on it and what lies behind it.
///
/// Parameter paths: the shape's own ("mesh.vertices"), "light.0.intensity" and so on, and
/// "background".
public struct Scene<Shape: SceneShape>: Parameterized, Sendable {
  public var shape: Shape
  public var lights: [Light]
  /// [C]: the linear colour where nothing is hit.
  public var background: Tensor

  /// - Parameters:
  ///   - shape: what is drawn.
  ///   - lights: what a scene without lights looks like is up to the renderer.
  ///   - background: [C]; black with three channels if nil.
  public init(_ shape: Shape, lights: [Light] = [], background: Tensor? = nil) {
    self.shape = shape
    self.lights = lights
    self.background = background ?? .zeros([3], dtype: shape.dtype)
  }

  /// The type that all parameters share.
  public var dtype: DType { shape.dtype }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.shape = try shape.mapParameters { try transform(Shape.parameterPrefix + $0, $1) }
    result.lights = try lights.enumerated().map { index, light in
      try light.mapParameters { try transform("light.\(index).\($0)", $1) }
    }
    result.background = try transform("background", background)
    return result
  }
}
