import LumiTensor

/// A mesh of polygons: quads, triangles and any other, convex or not, in one mesh. Faces are
/// counter-clockwise seen from outside.
///
/// Renderers draw triangles: ``triangulated()`` gives them, with the record of where they come from.
/// It cannot: hold polygons with holes, other than those that a seam joins to the outline.
///
/// Initialisers store what they are given; call ``validated()`` on data from outside.
public struct PolygonMesh: SceneShape {
  /// [V, 3], world coordinates.
  public var vertices: Tensor
  /// int32 [P]: corners of each polygon, 3 or more.
  public var sizes: Tensor
  /// int32 [C], C being the sum of the sizes: rows of `vertices`, polygon after polygon.
  public var corners: Tensor
  /// As for a triangle mesh, but: `faceColors` are [P, C], one a polygon; the `faces` of a `texture`
  /// are int32 [C], one coordinate a corner. `faceTexels` have no meaning and are refused.
  public var appearance: MeshAppearance
  public var material: Material
  /// [V, 3] unit normals that shading shall use; nil means those of the triangles.
  public var vertexNormals: Tensor?

  /// - Parameters:
  ///   - vertices: [V, 3].
  ///   - sizes: int32 [P].
  ///   - corners: int32 [C].
  ///   - appearance: white if nil.
  ///   - material: matt if nil.
  ///   - vertexNormals: [V, 3]; computed from the triangles if nil.
  public init(
    vertices: Tensor, sizes: Tensor, corners: Tensor, appearance: MeshAppearance? = nil,
    material: Material? = nil, vertexNormals: Tensor? = nil
  ) {
    self.vertices = vertices
    self.sizes = sizes
    self.corners = corners
    self.appearance = appearance ?? .uniform(.ones([3], dtype: vertices.dtype))
    self.material = material ?? Material(dtype: vertices.dtype)
    self.vertexNormals = vertexNormals
  }

  /// Polygons as lists of vertices.
  public init(
    vertices: Tensor, polygons: [[Int32]], appearance: MeshAppearance? = nil,
    material: Material? = nil
  ) {
    self.init(
      vertices: vertices, sizes: Tensor(polygons.map { Int32($0.count) }),
      corners: Tensor(polygons.flatMap { $0 }), appearance: appearance, material: material)
  }

  /// The triangles of a mesh as polygons. A mesh with face texels has no such form.
  public init(_ mesh: Mesh) {
    var appearance = mesh.appearance
    if case .texture(let image, let coordinates, let faces) = appearance {
      appearance = .texture(image: image, coordinates: coordinates, faces: faces.flattened())
    }
    self.init(
      vertices: mesh.vertices, sizes: Tensor([Int32](repeating: 3, count: mesh.faceCount)),
      corners: mesh.faces.flattened(), appearance: appearance, material: mesh.material,
      vertexNormals: mesh.vertexNormals)
  }

  public static var parameterPrefix: String { "mesh." }
  public var dtype: DType { vertices.dtype }
  public var vertexCount: Int { vertices.shape[0] }
  public var polygonCount: Int { sizes.shape[0] }
  public var cornerCount: Int { corners.shape[0] }

  /// Paths as for ``Mesh``.
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

  /// The outlines' edges, every one once, int32 [E, 2], smaller vertex first, sorted. The diagonals
  /// of a triangulation are not among them.
  ///
  /// - Complexity: O(C log C).
  public func edges() throws -> Tensor {
    try checkStructure()
    let (sizes, corners) = (sizes.scalars(as: Int32.self), corners.scalars(as: Int32.self))
    var keys: [UInt64] = []
    var start = 0
    for size in sizes.map(Int.init) {
      for corner in 0..<size {
        let (a, b) = (corners[start + corner], corners[start + (corner + 1) % size])
        if a != b { keys.append(UInt64(min(a, b)) << 32 | UInt64(max(a, b))) }
      }
      start += size
    }
    keys.sort()
    var edges: [Int32] = []
    for (place, key) in keys.enumerated() where place == 0 || keys[place - 1] != key {
      edges += [Int32(key >> 32), Int32(key & 0xFFFF_FFFF)]
    }
    return Tensor(edges, shape: [edges.count / 2, 2])
  }

  /// This mesh if renderers can use it; throws ``SceneError`` with the field and row of the first
  /// thing wrong, also for a polygon that cannot be cut.
  public func validated() throws -> PolygonMesh {
    _ = try triangulated().mesh.validated()
    return self
  }

  func checkStructure() throws {
    func check(_ field: String, _ value: Tensor) throws -> [Int32] {
      guard value.dtype == .int32 && value.rank == 1 else {
        throw SceneError(
          field: field, expected: "int32 [any]", actual: "\(value.dtype) \(value.shape)")
      }
      return value.scalars(as: Int32.self)
    }
    guard vertices.rank == 2 && vertices.shape[1] == 3 && dtype.isFloatingPoint else {
      throw SceneError(
        field: "mesh.vertices", expected: "floating-point [any, 3]",
        actual: "\(dtype) \(vertices.shape)")
    }
    let sizes = try check("mesh.sizes", sizes)
    if let short = sizes.firstIndex(where: { $0 < 3 }) {
      throw SceneError(
        field: "mesh.sizes", index: short, expected: "3 corners or more",
        actual: "\(sizes[short])")
    }
    let corners = try check("mesh.corners", corners)
    let total = sizes.reduce(0) { $0 + Int($1) }
    guard total == corners.count else {
      throw SceneError(
        field: "mesh.corners", expected: "the \(total) corners of the polygons",
        actual: "\(corners.count)")
    }
    if let wrong = corners.firstIndex(where: { $0 < 0 || $0 >= vertexCount }) {
      throw SceneError(
        field: "mesh.corners", index: wrong, expected: "indices in 0..<\(vertexCount)",
        actual: "\(corners[wrong])")
    }
  }
}
