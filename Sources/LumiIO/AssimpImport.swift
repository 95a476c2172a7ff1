import CAssimp
import LumiTensor

/// Runs assimp on bytes that a check has already walked through, and copies its scene.
///
/// What arrives here is either an STL whose every facet was read, or a GLB that was written anew
/// from a checked document. Nothing from assimp is believed: indices and numbers are checked when
/// the mesh is built.
enum AssimpImport {
  /// Appends every triangle of the scene, with the nodes' transforms applied. `materialCount`
  /// is the number of materials that the caller knows; other indices become none.
  static func append(
    _ bytes: [UInt8], hint: String, to builder: inout MeshBuilder, materialCount: Int
  ) throws(FileError) {
    let scene = bytes.withUnsafeBytes {
      aiImportFileFromMemory(
        $0.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32($0.count), 0, hint)
    }
    guard let scene else {
      throw builder.fail(.malformed, "assimp: \(String(cString: aiGetErrorString()))")
    }
    defer { aiReleaseImport(scene) }
    guard let root = scene.pointee.mRootNode else {
      throw builder.fail(.malformed, "assimp: a scene without a root")
    }
    var walk = SceneWalk(scene: scene.pointee, materialCount: materialCount)
    walk.visit(root.pointee, .identity, &builder)
  }
}

/// A 3x4 matrix, row by row.
private struct Affine {
  var rows: [SIMD4<Float>]
  static let identity = Affine(rows: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])

  init(rows: [SIMD4<Float>]) { self.rows = rows }

  init(_ m: aiMatrix4x4) {
    rows = [[m.a1, m.a2, m.a3, m.a4], [m.b1, m.b2, m.b3, m.b4], [m.c1, m.c2, m.c3, m.c4]]
  }

  var isIdentity: Bool { rows == Self.identity.rows }

  func times(_ other: Affine) -> Affine {
    Affine(
      rows: rows.map { row in
        other.rows[0] * row.x + other.rows[1] * row.y + other.rows[2] * row.z
          + SIMD4(0, 0, 0, row.w)
      })
  }

  func point(_ p: aiVector3D) -> [Float] {
    rows.map { $0.x * p.x + $0.y * p.y + $0.z * p.z + $0.w }
  }

  /// By the cofactors, which keep a normal perpendicular to its surface; unit length, or zero.
  func normal(_ n: aiVector3D) -> [Float] {
    let cofactors = [
      Self.cross(rows[1], rows[2]), Self.cross(rows[2], rows[0]), Self.cross(rows[0], rows[1]),
    ]
    let turned = cofactors.map { $0.x * n.x + $0.y * n.y + $0.z * n.z }
    let length = turned.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 && length.isFinite ? turned.map { $0 / length } : [0, 0, 0]
  }

  private static func cross(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD3<Float> {
    [a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x]
  }
}

private struct SceneWalk {
  let scene: aiScene
  let materialCount: Int

  mutating func visit(_ node: aiNode, _ parent: Affine, _ builder: inout MeshBuilder) {
    let transform = parent.times(Affine(node.mTransformation))
    for index in 0..<Int(node.mNumMeshes) {
      let mesh = Int(node.mMeshes[index])
      guard mesh < Int(scene.mNumMeshes), let pointer = scene.mMeshes[mesh] else { continue }
      append(pointer.pointee, transform, &builder)
    }
    for index in 0..<Int(node.mNumChildren) {
      if let child = node.mChildren[index] { visit(child.pointee, transform, &builder) }
    }
  }

  private func append(_ mesh: aiMesh, _ transform: Affine, _ builder: inout MeshBuilder) {
    guard mesh.mVertices != nil else { return }
    let first = builder.vertexCount
    let firstTexcoord = builder.texcoords.count / 2
    let count = Int(mesh.mNumVertices)
    for index in 0..<count {
      let vertex = mesh.mVertices[index]
      builder.positions +=
        transform.isIdentity ? [vertex.x, vertex.y, vertex.z] : transform.point(vertex)
      if let normals = mesh.mNormals {
        let normal = normals[index]
        builder.normals +=
          transform.isIdentity ? [normal.x, normal.y, normal.z] : transform.normal(normal)
      }
      if let colors = mesh.mColors.0 {
        builder.colors += [colors[index].r, colors[index].g, colors[index].b, colors[index].a]
      }
      if let texcoords = mesh.mTextureCoords.0 {
        builder.texcoords += [texcoords[index].x, texcoords[index].y]
      }
    }
    builder.colorChannels = 4
    let material = Int(mesh.mMaterialIndex)
    for index in 0..<Int(mesh.mNumFaces) {
      let face = mesh.mFaces[index]
      guard face.mNumIndices >= 3, let indices = face.mIndices else { continue }
      // An index beyond the mesh must not become a valid one of the next mesh.
      let corners = (0..<Int(face.mNumIndices)).map { corner in
        Int(indices[corner]) < count ? Int32(first) + Int32(indices[corner]) : Int32.max
      }
      let texcoordCorners =
        mesh.mTextureCoords.0 == nil
        ? [] : corners.map { $0 == .max ? .max : $0 - Int32(first) + Int32(firstTexcoord) }
      builder.addPolygon(
        corners, texcoordCorners: texcoordCorners,
        material: material < materialCount ? Int32(material) : -1)
    }
  }
}
