import LumiTensor

/// How polygons were cut into triangles: where values of triangles come from and go back to.
///
/// Made of gathers and sums, so that gradients flow both ways.
public struct MeshTriangulation: Sendable {
  public let polygonCount: Int
  public let cornerCount: Int
  /// int32 [T]: the polygon of every triangle, ascending. A polygon of n corners has n - 2.
  public let polygons: Tensor
  /// int32 [T, 3]: the rows of the polygon mesh's corners that are the triangle's.
  public let corners: Tensor

  public var triangleCount: Int { polygons.shape[0] }

  /// Values per polygon [P, ...] as values per triangle [T, ...].
  public func triangles(ofPolygons values: Tensor) -> Tensor { values.gather(polygons) }

  /// Values per polygon corner [C, ...] as values at the triangles' corners [T, 3, ...].
  public func triangles(ofCorners values: Tensor) -> Tensor { values.gather(corners) }

  /// The sums [P, ...] over each polygon's triangles of values [T, ...], such as areas or gradients.
  public func polygons(summing values: Tensor) -> Tensor {
    Tensor.scatterAdd(rows: values, at: polygons, count: polygonCount)
  }

  /// The means [P, ...] over each polygon's triangles of values [T, ...], weighted by `weights` [T],
  /// such as the triangles' areas; 0 where the weights of a polygon add up to 0.
  public func polygons(averaging values: Tensor, weights: Tensor) -> Tensor {
    let total = polygons(summing: weights)
    let isEmpty = total.stoppingGradient() .== 0
    let share =
      weights
      / Tensor.where(isEmpty, Tensor(1, dtype: weights.dtype), total)
      .gather(polygons)
    let rows = [triangleCount] + values.shape.dropFirst().map { _ in 1 }
    return polygons(summing: values * share.reshaped(rows))
  }

  /// The sums [C, ...] at every polygon corner of values at the triangles' corners [T, 3, ...].
  public func corners(summing values: Tensor) -> Tensor {
    Tensor.scatterAdd(rows: values, at: corners, count: cornerCount)
  }

  /// The polygons of triangle numbers int32 of any shape, such as the channel `faceIndex`: -1 stays.
  public func polygons(ofTriangles triangles: Tensor) -> Tensor {
    guard triangleCount > 0 else { return triangles }
    let isNone = triangles .< 0
    let known = polygons.gather(Tensor.where(isNone, Tensor(0, dtype: .int32), triangles))
    return Tensor.where(isNone, Tensor(-1, dtype: .int32), known)
  }
}

extension PolygonMesh {
  /// The mesh as triangles, and where they come from.
  ///
  /// A polygon is seen along its vector area; it becomes a fan where its first corner sees the whole
  /// of it, ears elsewhere. A polygon without area becomes triangles without area. The choice of
  /// diagonals has no derivative; positions and attributes are the polygons' own, so gradients come
  /// back to them.
  ///
  /// - Throws: ``SceneError`` for sizes below 3, indices out of range, face texels, and for a polygon
  ///   of more than 4,096 corners whose first corner does not see the whole of it.
  /// - Complexity: O(C); O(n²) for a polygon of n corners that is no fan.
  public func triangulated() throws -> (mesh: Mesh, triangulation: MeshTriangulation) {
    let triangulation = try self.triangulation()
    return (try mesh(triangulation), triangulation)
  }

  /// The triangles' record alone, to be kept while vertices move.
  public func triangulation() throws -> MeshTriangulation {
    try checkStructure()
    let places = points3(vertices)
    let (sizes, corners) = (sizes.scalars(as: Int32.self), corners.scalars(as: Int32.self))
    var (triangles, sources) = ([Int32](), [Int32]())
    var start = 0
    for (polygon, size) in sizes.enumerated() {
      let own = corners[start..<start + Int(size)].map { places[Int($0)] }
      guard let cut = PolygonTriangulation.triangles(of: own) else {
        throw SceneError(
          field: "mesh.sizes", index: polygon,
          expected: """
            at most \(PolygonTriangulation.cornerLimit) corners in a polygon that its first corner \
            does not see whole
            """, actual: "\(size)")
      }
      for triangle in cut {
        for corner in 0..<3 { triangles.append(Int32(start) + triangle[corner]) }
        sources.append(Int32(polygon))
      }
      start += Int(size)
    }
    return MeshTriangulation(
      polygonCount: sizes.count, cornerCount: corners.count, polygons: Tensor(sources),
      corners: Tensor(triangles, shape: [sources.count, 3]))
  }

  /// The mesh as triangles of a record that was made for the same polygons, wherever the vertices
  /// are now.
  public func mesh(_ triangulation: MeshTriangulation) throws -> Mesh {
    guard triangulation.polygonCount == polygonCount, triangulation.cornerCount == cornerCount
    else {
      throw SceneError(
        field: "mesh.triangulation",
        expected: "a record of \(polygonCount) polygons with \(cornerCount) corners",
        actual: "\(triangulation.polygonCount) with \(triangulation.cornerCount)")
    }
    return Mesh(
      vertices: vertices, faces: corners.gather(triangulation.corners),
      appearance: try appearance(triangulation), material: material, vertexNormals: vertexNormals)
  }

  private func appearance(_ triangulation: MeshTriangulation) throws -> MeshAppearance {
    func check(_ field: String, _ value: Tensor, _ rows: Int, rank: Int) throws {
      guard value.rank == rank && value.shape[0] == rows else {
        throw SceneError(
          field: field, expected: "\(rows) rows and \(rank) axes", actual: "\(value.shape)")
      }
    }
    switch appearance {
    case .uniform, .vertexColors: return appearance
    case .faceColors(let colors):
      try check("mesh.faceColors", colors, polygonCount, rank: 2)
      return .faceColors(triangulation.triangles(ofPolygons: colors))
    case .texture(let image, let coordinates, let faces):
      try check("mesh.textureFaces", faces, cornerCount, rank: 1)
      return .texture(
        image: image, coordinates: coordinates, faces: triangulation.triangles(ofCorners: faces))
    case .faceTexels:
      throw SceneError(
        field: "mesh.faceTexels", expected: "an appearance that polygons can have",
        actual: "texels of triangles")
    }
  }
}
