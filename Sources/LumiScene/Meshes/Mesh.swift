import LumiTensor

/// A triangle mesh. Faces are counter-clockwise seen from outside.
///
/// Initialisers store what they are given; call ``validated()`` on data from outside.
public struct Mesh: SceneShape {
  /// [V, 3], world coordinates.
  public var vertices: Tensor
  /// [F, 3] int32, rows of `vertices`.
  public var faces: Tensor
  public var appearance: MeshAppearance
  public var material: Material
  /// [V, 3] unit normals that shading shall use; nil means those of ``computedVertexNormals()``.
  public var vertexNormals: Tensor?
  /// How an image texture is read; bilinear and clamped by default.
  public var textureSampler: TextureSampler

  /// - Parameters:
  ///   - vertices: [V, 3].
  ///   - faces: [F, 3] int32.
  ///   - appearance: white if nil.
  ///   - material: matt if nil.
  ///   - vertexNormals: [V, 3]; computed from the faces if nil.
  ///   - textureSampler: how an image texture is read.
  public init(
    vertices: Tensor, faces: Tensor, appearance: MeshAppearance? = nil, material: Material? = nil,
    vertexNormals: Tensor? = nil, textureSampler: TextureSampler = TextureSampler()
  ) {
    self.vertices = vertices
    self.faces = faces
    self.appearance = appearance ?? .uniform(.ones([3], dtype: vertices.dtype))
    self.material = material ?? Material(dtype: vertices.dtype)
    self.vertexNormals = vertexNormals
    self.textureSampler = textureSampler
  }

  public static var parameterPrefix: String { "mesh." }
  public var dtype: DType { vertices.dtype }
  public var vertexCount: Int { vertices.shape[0] }
  public var faceCount: Int { faces.shape[0] }

  /// Paths: "vertices", "vertexNormals" if given, those of the appearance, "material.diffuse" and
  /// so on. Faces are structure, not parameters.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.vertices = try transform("vertices", vertices)
    if let vertexNormals {
      result.vertexNormals = try transform("vertexNormals", vertexNormals)
    }
    result.appearance = try appearance.mapParameters(transform)
    result.material = try material.mapParameters { try transform("material.\($0)", $1) }
    return result
  }
}

/// Where a mesh's base colour comes from. Colours are linear, C channels.
public enum MeshAppearance: Parameterized, Sendable {
  /// One colour [C]; path "color".
  case uniform(Tensor)
  /// [V, C]; path "vertexColors".
  case vertexColors(Tensor)
  /// [F, C]; path "faceColors".
  case faceColors(Tensor)
  /// [F, R·R, C]: R² flat texels a face, as Soft Rasterizer lays them out; path "faceTexels".
  case faceTexels(Tensor)
  /// An image [H, W, C] (row 0 on top; path "texture") and coordinates [T, 2] (path
  /// "textureCoordinates") that the corners of the faces select through `faces`, int32 [F, 3].
  /// Coordinates are OpenGL's: (0, 0) is the lower left corner of the image, so that texel centres
  /// are at column u·W - ½ and row (1 - v)·H - ½.
  case texture(image: Tensor, coordinates: Tensor, faces: Tensor)

  /// C.
  public var channels: Int {
    switch self {
    case .uniform(let values), .vertexColors(let values), .faceColors(let values),
      .faceTexels(let values), .texture(let values, _, _):
      values.shape.last ?? 0
    }
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    switch self {
    case .uniform(let color): .uniform(try transform("color", color))
    case .vertexColors(let colors): .vertexColors(try transform("vertexColors", colors))
    case .faceColors(let colors): .faceColors(try transform("faceColors", colors))
    case .faceTexels(let texels): .faceTexels(try transform("faceTexels", texels))
    case .texture(let image, let coordinates, let faces):
      .texture(
        image: try transform("texture", image),
        coordinates: try transform("textureCoordinates", coordinates), faces: faces)
    }
  }
}
