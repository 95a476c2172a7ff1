import LumiTensor

/// Points in the world, with what is known of the surface around them.
///
/// Initialisers store what they are given; call ``validated()`` on data from outside.
public struct PointCloud: SceneShape {
  /// [N, 3], world coordinates.
  public var points: Tensor
  public var appearance: PointAppearance
  public var material: Material
  /// [N, 3] unit normals, outwards; nil where none are known.
  public var normals: Tensor?
  /// [N]: how far a point reaches, in world units, above 0; nil leaves it to the renderer.
  public var radii: Tensor?
  /// [N] in [0, 1]: how much a point covers; nil is 1 everywhere.
  public var opacities: Tensor?

  /// - Parameters:
  ///   - points: [N, 3].
  ///   - appearance: white if nil.
  ///   - material: matt if nil.
  ///   - normals: [N, 3].
  ///   - radii: [N].
  ///   - opacities: [N].
  public init(
    points: Tensor, appearance: PointAppearance? = nil, material: Material? = nil,
    normals: Tensor? = nil, radii: Tensor? = nil, opacities: Tensor? = nil
  ) {
    self.points = points
    self.appearance = appearance ?? .uniform(.ones([3], dtype: points.dtype))
    self.material = material ?? Material(dtype: points.dtype)
    self.normals = normals
    self.radii = radii
    self.opacities = opacities
  }

  public static var parameterPrefix: String { "cloud." }
  public var dtype: DType { points.dtype }
  public var count: Int { points.shape[0] }

  /// Paths: "points", those of the appearance, "material.diffuse" and so on, and "normals", "radii"
  /// and "opacities" where there are any.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.points = try transform("points", points)
    result.appearance = try appearance.mapParameters(transform)
    result.material = try material.mapParameters { try transform("material.\($0)", $1) }
    result.normals = try normals.map { try transform("normals", $0) }
    result.radii = try radii.map { try transform("radii", $0) }
    result.opacities = try opacities.map { try transform("opacities", $0) }
    return result
  }
}

/// The colour of points, linear, C channels; a network's features take the same place.
public enum PointAppearance: Parameterized, Sendable {
  /// One colour [C]; path "color".
  case uniform(Tensor)
  /// [N, C]; path "colors".
  case colors(Tensor)

  /// C.
  public var channels: Int {
    switch self {
    case .uniform(let values), .colors(let values): values.shape.last ?? 0
    }
  }

  /// [N, C] for a number of points.
  public func colors(count: Int) -> Tensor {
    switch self {
    case .uniform(let color): color.broadcast(to: [count, color.count])
    case .colors(let colors): colors
    }
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    switch self {
    case .uniform(let color): .uniform(try transform("color", color))
    case .colors(let colors): .colors(try transform("colors", colors))
    }
  }
}
