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
    let ownFaces = faces.slice(axis: 0, from: faceOffsets[index], to: faceOffsets[index + 1])
    return Mesh(
      vertices: vertices.slice(
        axis: 0, from: vertexOffsets[index], to: vertexOffsets[index + 1]),
      faces: ownFaces - Tensor(Double(vertexOffsets[index]), dtype: .int32),
      appearance: appearances[index], material: materials[index], vertexNormals: normals[index],
      textureSampler: samplers[index])
  }

  /// All meshes.
  public var meshes: [Mesh] { (0..<count).map { mesh($0) } }

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
