import Foundation
import LumiTensor

/// One step of subdivision: every triangle becomes four, new vertices lie on the edges.
///
/// New values at vertices are a sparse matrix times the old ones, so that positions, colours and
/// whatever else lives at vertices are carried alike, differentiably to any order.
///
/// - midpoint: edges are halved; the surface stays.
/// - Loop: positions are averaged towards a smooth surface, which the limit of many steps is. C.
///   Loop, "Smooth Subdivision Surfaces Based on Triangles", University of Utah, 1987. Edges
///   without exactly two faces are creases: they follow the cubic B-spline of their own vertices,
///   and a vertex where other than two of them meet stays where it is.
public struct MeshSubdivision: Sendable {
  public enum Scheme: String, Sendable, CaseIterable {
    case midpoint, loop
  }

  /// [V + E, V]: the old vertices come first, then one for every edge.
  public let matrix: SparseMatrix
  /// int32 [4 F, 3]: the four parts of every face in a row: its three corners' and the middle one.
  public let faces: Tensor

  /// A face that uses a vertex twice is cut like any other; it makes no edge a crease.
  ///
  /// - Parameters:
  ///   - faces: int32 [F, 3]; an index outside of 0..<`vertexCount` stops the program.
  ///   - vertexCount: number of vertices, also of those without a face, which stay.
  ///   - scheme: how new vertices are placed.
  /// - Complexity: O(F log F).
  public init(faces: Tensor, vertexCount: Int, scheme: Scheme) {
    require(
      faces.dtype == .int32 && faces.rank == 2 && faces.shape[1] == 3,
      "MeshSubdivision: faces are \(faces.dtype) \(faces.shape), expected int32 [F, 3]")
    let indices = faces.scalars(as: Int32.self)
    if let wrong = indices.first(where: { $0 < 0 || $0 >= vertexCount }) {
      fatalError("MeshSubdivision: vertex \(wrong), expected 0..<\(vertexCount)")
    }
    let table = EdgeTable(indices)
    self.faces = Self.parts(indices, table, vertexCount)
    let rules = SubdivisionRules(table, vertexCount)
    matrix = scheme == .midpoint ? rules.midpoint() : rules.loop()
  }

  /// Values at the old vertices [V, ...] as values at the new ones.
  public func apply(_ values: Tensor) -> Tensor { matrix.times(values) }

  private static func parts(_ indices: [Int32], _ table: EdgeTable, _ vertexCount: Int) -> Tensor {
    var result: [Int32] = []
    result.reserveCapacity(4 * indices.count)
    for face in 0..<indices.count / 3 {
      let (a, b, c) = (indices[3 * face], indices[3 * face + 1], indices[3 * face + 2])
      func middle(_ side: Int, _ from: Int32) -> Int32 {
        let edge = table.edgeOfSide[3 * face + side]
        // A side from a vertex to itself has no edge; its middle is the vertex.
        return edge < 0 ? from : Int32(vertexCount) + edge
      }
      let (ab, bc, ca) = (middle(0, a), middle(1, b), middle(2, c))
      result += [a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca]
    }
    return Tensor(result, shape: [result.count / 3, 3])
  }
}

extension Mesh {
  /// The mesh with every face cut into four, `times` times.
  ///
  /// Vertex colours and given normals are carried as positions are, face colours are repeated, and
  /// texture coordinates are halved on their own seams.
  ///
  /// - Throws: ``SceneError`` for face texels, whose layout cannot be halved.
  /// - Complexity: O(F·4ⁿ log F).
  public func subdivided(
    _ scheme: MeshSubdivision.Scheme = .midpoint, times: Int = 1
  ) throws -> Mesh {
    var result = self
    for _ in 0..<max(times, 0) { result = try result.subdividedOnce(scheme) }
    return result
  }

  private func subdividedOnce(_ scheme: MeshSubdivision.Scheme) throws -> Mesh {
    let step = MeshSubdivision(faces: faces, vertexCount: vertexCount, scheme: scheme)
    var result = self
    result.vertices = step.apply(vertices)
    result.faces = step.faces
    result.vertexNormals = vertexNormals.map { step.apply($0) }
    switch appearance {
    case .uniform: break
    case .vertexColors(let colors): result.appearance = .vertexColors(step.apply(colors))
    case .faceColors(let colors): result.appearance = .faceColors(colors.repeated(4, axis: 0))
    case .texture(let image, let coordinates, let corners):
      let seams = MeshSubdivision(
        faces: corners, vertexCount: coordinates.shape[0], scheme: .midpoint)
      result.appearance = .texture(
        image: image, coordinates: seams.apply(coordinates), faces: seams.faces)
    case .faceTexels:
      throw SceneError(
        field: "mesh.faceTexels", expected: "an appearance that can be subdivided",
        actual: "texels of faces")
    }
    return result
  }
}

/// Every edge once, and the sides that lie on it.
private struct EdgeTable {
  struct Edge {
    var a, b: Int32
    /// Sides of faces with three different vertices.
    var faces = 0
    /// The opposite corners of the first two such faces.
    var opposite: (Int32, Int32) = (-1, -1)
  }
  var edges: [Edge] = []
  /// The edge of side k (corner k to k + 1) of every face; -1 from a vertex to itself.
  var edgeOfSide: [Int32]

  init(_ indices: [Int32]) {
    edgeOfSide = [Int32](repeating: -1, count: indices.count)
    var sides: [(key: UInt64, side: Int32)] = []
    sides.reserveCapacity(indices.count)
    for side in indices.indices {
      let (a, b) = (indices[side], indices[Self.next(side)])
      if a != b { sides.append((UInt64(min(a, b)) << 32 | UInt64(max(a, b)), Int32(side))) }
    }
    sides.sort { $0.key != $1.key ? $0.key < $1.key : $0.side < $1.side }
    for (place, (key, side)) in sides.enumerated() {
      if place == 0 || sides[place - 1].key != key {
        edges.append(Edge(a: Int32(key >> 32), b: Int32(key & 0xFFFF_FFFF)))
      }
      edgeOfSide[Int(side)] = Int32(edges.count - 1)
      let opposite = indices[Self.next(Self.next(Int(side)))]
      var edge = edges[edges.count - 1]
      if opposite != edge.a && opposite != edge.b {
        if edge.faces == 0 { edge.opposite.0 = opposite } else { edge.opposite.1 = opposite }
        edge.faces += 1
      }
      edges[edges.count - 1] = edge
    }
  }

  /// The next side of the same face.
  private static func next(_ side: Int) -> Int { side % 3 == 2 ? side - 2 : side + 1 }
}

/// The rows of the matrices.
private struct SubdivisionRules {
  typealias Entry = SparseMatrix.Entry
  let edges: [EdgeTable.Edge]
  let vertexCount: Int

  init(_ table: EdgeTable, _ vertexCount: Int) {
    (edges, self.vertexCount) = (table.edges, vertexCount)
  }

  private func matrix(_ entries: [Entry]) -> SparseMatrix {
    SparseMatrix(
      rowCount: vertexCount + edges.count, columnCount: vertexCount, entries: entries)
  }

  func midpoint() -> SparseMatrix {
    var entries = (0..<vertexCount).map { Entry($0, $0, 1) }
    for (number, edge) in edges.enumerated() {
      let row = vertexCount + number
      entries += [Entry(row, Int(edge.a), 0.5), Entry(row, Int(edge.b), 0.5)]
    }
    return matrix(entries)
  }

  func loop() -> SparseMatrix {
    var entries: [Entry] = []
    for (number, edge) in edges.enumerated() {
      let row = vertexCount + number
      let share = edge.faces == 2 ? 3.0 / 8 : 0.5
      entries += [Entry(row, Int(edge.a), share), Entry(row, Int(edge.b), share)]
      if edge.faces == 2 {
        entries += [
          Entry(row, Int(edge.opposite.0), 1.0 / 8), Entry(row, Int(edge.opposite.1), 1.0 / 8),
        ]
      }
    }
    var neighbours = [[Int32]](repeating: [], count: vertexCount)
    var creases = [[Int32]](repeating: [], count: vertexCount)
    for edge in edges {
      for (own, other) in [(edge.a, edge.b), (edge.b, edge.a)] {
        neighbours[Int(own)].append(other)
        if edge.faces != 2 { creases[Int(own)].append(other) }
      }
    }
    for vertex in 0..<vertexCount {
      entries += row(vertex, neighbours[vertex], creases[vertex])
    }
    return matrix(entries)
  }

  /// The old vertex's new place.
  private func row(_ vertex: Int, _ neighbours: [Int32], _ creases: [Int32]) -> [Entry] {
    if neighbours.isEmpty || (!creases.isEmpty && creases.count != 2) {
      return [Entry(vertex, vertex, 1)]
    }
    if creases.count == 2 {
      return [Entry(vertex, vertex, 0.75)] + creases.map { Entry(vertex, Int($0), 0.125) }
    }
    let number = Double(neighbours.count)
    let middle = 3.0 / 8 + cos(2 * Double.pi / number) / 4
    let share = (5.0 / 8 - middle * middle) / number
    return [Entry(vertex, vertex, 1 - number * share)]
      + neighbours.map { Entry(vertex, Int($0), share) }
  }
}
