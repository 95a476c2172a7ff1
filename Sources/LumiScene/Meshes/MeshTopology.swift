import LumiTensor

/// Which vertices and faces of a mesh touch, worked out once from its faces.
///
/// Faces that use a vertex twice do not count.
public struct MeshTopology: Sendable {
  public let vertexCount: Int
  public let faceCount: Int
  /// [E, 2] int32: every edge once, smaller vertex first, sorted.
  public let edges: Tensor
  /// [I, 4] int32: for every edge with exactly two faces its ends a < b and the third vertex of
  /// either face. (b - a) × (c0 - a) and (c1 - a) × (b - a) are normals of the two faces that agree
  /// in orientation.
  public let interiorEdges: Tensor
  /// [I, 2] int32: the faces of those edges, smaller first.
  public let facePairs: Tensor
  /// [B, 2] int32: edges with one face.
  public let boundaryEdges: Tensor
  /// [N, 2] int32: edges with more than two faces.
  public let nonManifoldEdges: Tensor
  /// [V + 1] int32: the neighbours of vertex i are `vertexNeighbours[offsets[i]..<offsets[i + 1]]`.
  public let neighbourOffsets: Tensor
  /// [2 E] int32, ascending for each vertex.
  public let vertexNeighbours: Tensor
  /// Every edge has exactly two faces, which walk it in opposite directions, and there are faces.
  public let isWatertight: Bool
  /// Vertices that some face uses, minus edges, plus faces: 2 for a sphere, 0 for a torus.
  public let eulerCharacteristic: Int

  /// - Parameters:
  ///   - faces: [F, 3] int32; an index outside of 0..<`vertexCount` stops the program.
  ///   - vertexCount: number of vertices, also of those without a face.
  ///
  /// - Complexity: O(F log F).
  public init(faces: Tensor, vertexCount: Int) {
    require(
      faces.dtype == .int32 && faces.rank == 2 && faces.shape[1] == 3,
      "MeshTopology: faces are \(faces.dtype) \(faces.shape), expected int32 [F, 3]")
    let indices = faces.scalars(as: Int32.self)
    if let wrong = indices.first(where: { $0 < 0 || $0 >= vertexCount }) {
      fatalError("MeshTopology: vertex \(wrong), expected 0..<\(vertexCount)")
    }
    self.vertexCount = vertexCount
    faceCount = faces.shape[0]
    let halfEdges = Self.halfEdges(indices)
    let groups = EdgeGroups(halfEdges: halfEdges)
    edges = Self.pairs(groups.edges)
    interiorEdges = Tensor(groups.interior, shape: [groups.interior.count / 4, 4])
    facePairs = Tensor(groups.facePairs, shape: [groups.facePairs.count / 2, 2])
    boundaryEdges = Self.pairs(groups.boundary)
    nonManifoldEdges = Self.pairs(groups.nonManifold)
    isWatertight = groups.isClosed && !groups.edges.isEmpty
    let used = Set(groups.edges).count
    eulerCharacteristic = used - groups.edges.count / 2 + halfEdges.count / 3
    (neighbourOffsets, vertexNeighbours) = Self.neighbours(groups.edges, vertexCount)
  }

  public init(_ mesh: Mesh) { self.init(faces: mesh.faces, vertexCount: mesh.vertexCount) }

  /// The number of neighbours of every vertex, [V].
  public func degrees(dtype: DType) -> Tensor {
    let ends = neighbourOffsets.slice(axis: 0, from: 1, to: vertexCount + 1)
    return (ends - neighbourOffsets.slice(axis: 0, from: 0, to: vertexCount)).cast(to: dtype)
  }

  private static func pairs(_ flat: [Int32]) -> Tensor { Tensor(flat, shape: [flat.count / 2, 2]) }

  private static func halfEdges(_ indices: [Int32]) -> [HalfEdge] {
    var result: [HalfEdge] = []
    result.reserveCapacity(indices.count)
    for face in 0..<indices.count / 3 {
      let (a, b, c) = (indices[3 * face], indices[3 * face + 1], indices[3 * face + 2])
      guard a != b, b != c, c != a else { continue }
      for (from, to, opposite) in [(a, b, c), (b, c, a), (c, a, b)] {
        result.append(
          HalfEdge(
            low: min(from, to), high: max(from, to), face: Int32(face),
            opposite: opposite, ascending: from < to))
      }
    }
    return result.sorted { $0.edge != $1.edge ? $0.edge < $1.edge : $0.face < $1.face }
  }

  /// Each edge once from either end; sorted edges give every vertex its smaller neighbours before
  /// its larger ones, both ascending.
  private static func neighbours(_ edges: [Int32], _ vertexCount: Int) -> (Tensor, Tensor) {
    var offsets = [Int32](repeating: 0, count: vertexCount + 1)
    for end in edges { offsets[Int(end) + 1] += 1 }
    for vertex in 0..<vertexCount { offsets[vertex + 1] += offsets[vertex] }
    var next = offsets
    var neighbours = [Int32](repeating: 0, count: edges.count)
    func add(_ neighbour: Int32, to vertex: Int32) {
      neighbours[Int(next[Int(vertex)])] = neighbour
      next[Int(vertex)] += 1
    }
    for edge in stride(from: 0, to: edges.count, by: 2) { add(edges[edge], to: edges[edge + 1]) }
    for edge in stride(from: 0, to: edges.count, by: 2) { add(edges[edge + 1], to: edges[edge]) }
    return (Tensor(offsets), Tensor(neighbours))
  }
}

/// One side of a face.
private struct HalfEdge {
  let low: Int32
  let high: Int32
  let face: Int32
  /// The face's third vertex.
  let opposite: Int32
  /// Both ends as one number that sorts like them.
  var edge: UInt64 { UInt64(low) << 32 | UInt64(high) }
  /// Whether the face walks from `low` to `high`.
  let ascending: Bool
}

/// Sorted half-edges, gathered by edge and told apart by how many faces share them.
private struct EdgeGroups {
  var edges: [Int32] = []
  var interior: [Int32] = []
  var facePairs: [Int32] = []
  var boundary: [Int32] = []
  var nonManifold: [Int32] = []
  var isClosed = true

  init(halfEdges: [HalfEdge]) {
    var start = 0
    while start < halfEdges.count {
      let first = halfEdges[start]
      var end = start + 1
      while end < halfEdges.count && halfEdges[end].edge == first.edge { end += 1 }
      let ends = [first.low, first.high]
      edges += ends
      switch end - start {
      case 1: boundary += ends
      case 2:
        let second = halfEdges[start + 1]
        interior += ends + [first.opposite, second.opposite]
        facePairs += [first.face, second.face]
        if first.ascending == second.ascending { isClosed = false }
      default: nonManifold += ends
      }
      if end - start != 2 { isClosed = false }
      start = end
    }
  }
}
