import LumiTensor

/// Meshes of different sizes in one set of tensors, one after the other without padding.
public struct MeshBatch: Parameterized, Sendable {
  /// [ΣV, 3].
  public var vertices: Tensor
  /// [ΣF, 3] int32, rows of the packed `vertices`.
  public let faces: Tensor
  /// The vertices of mesh i are `vertexOffsets[i]..<vertexOffsets[i + 1]`.
  public let vertexOffsets: [Int]
  /// The faces of mesh i are `faceOffsets[i]..<faceOffsets[i + 1]`.
  public let faceOffsets: [Int]
  private var appearances: [MeshAppearance]
  private var materials: [Material]
  private var normals: [Tensor?]
  private let samplers: [TextureSampler]

  /// At least one mesh; all share a dtype.
  public init(_ meshes: [Mesh]) {
    require(!meshes.isEmpty, "MeshBatch: no meshes")
    require(
      meshes.allSatisfy { $0.dtype == meshes[0].dtype },
      "MeshBatch: dtypes \(meshes.map(\.dtype)), expected one")
    var vertexOffsets = [0]
    var faceOffsets = [0]
    for mesh in meshes {
      vertexOffsets.append(vertexOffsets.last! + mesh.vertexCount)
      faceOffsets.append(faceOffsets.last! + mesh.faceCount)
    }
    vertices = Tensor.concatenate(meshes.map(\.vertices))
    faces = Tensor.concatenate(
      zip(meshes, vertexOffsets).map { $0.faces + Tensor(Double($1), dtype: .int32) })
    self.vertexOffsets = vertexOffsets
    self.faceOffsets = faceOffsets
    appearances = meshes.map(\.appearance)
    materials = meshes.map(\.material)
    normals = meshes.map(\.vertexNormals)
    samplers = meshes.map(\.textureSampler)
  }

  /// How many meshes there are.
  public var count: Int { appearances.count }

  /// One mesh; its vertices are a part of the packed ones, so that gradients flow back.
  public func mesh(_ index: Int) -> Mesh {
    require(appearances.indices.contains(index), "MeshBatch: mesh \(index) of \(count)")
    return mesh(
      index,
      vertices: vertices.slice(
        axis: 0, from: vertexOffsets[index], to: vertexOffsets[index + 1]))
  }

  private func mesh(_ index: Int, vertices: Tensor) -> Mesh {
    let ownFaces = faces.slice(axis: 0, from: faceOffsets[index], to: faceOffsets[index + 1])
    return Mesh(
      vertices: vertices,
      faces: ownFaces - Tensor(Double(vertexOffsets[index]), dtype: .int32),
      appearance: appearances[index], material: materials[index], vertexNormals: normals[index],
      textureSampler: samplers[index])
  }

  /// All meshes. Their gradients come back in one piece, at the cost of the packed vertices once.
  public var meshes: [Mesh] {
    let sizes = zip(vertexOffsets, vertexOffsets.dropFirst()).map { $1 - $0 }
    return vertices.split(sizes: sizes).enumerated().map { mesh($0, vertices: $1) }
  }

  /// The neighbours of all meshes at once, in packed numbers.
  public var topology: MeshTopology {
    MeshTopology(faces: faces, vertexCount: vertices.shape[0])
  }

  /// Where rows that name packed vertices pass from one mesh to the next, [count + 1]: the rows of
  /// mesh i are `offsets[i]..<offsets[i + 1]`.
  ///
  /// - Parameter rows: int32 [N, K], ascending in the first column, such as the edges and the
  ///   interior edges of ``topology``.
  /// - Complexity: O(N).
  public func offsets(of rows: Tensor) -> [Int] {
    let first = rows.slice(axis: 1, from: 0, to: 1).scalars(as: Int32.self)
    var offsets = [0]
    var place = 0
    for end in vertexOffsets.dropFirst() {
      while place < first.count && Int(first[place]) < end { place += 1 }
      offsets.append(place)
    }
    return offsets
  }

  /// Paths: "vertices" packed, then "0.vertexColors", "0.material.diffuse" and so on a mesh.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.vertices = try transform("vertices", vertices)
    for index in 0..<count {
      result.normals[index] = try normals[index].map {
        try transform("\(index).vertexNormals", $0)
      }
      result.appearances[index] = try appearances[index].mapParameters {
        try transform("\(index).\($0)", $1)
      }
      result.materials[index] = try materials[index].mapParameters {
        try transform("\(index).material.\($0)", $1)
      }
    }
    return result
  }
}
