import LumiTensor

/// A triangle mesh or point cloud as a file holds it.
///
/// Vertices keep the file's numbering, also coincident and unused ones, for OBJ, PLY, OFF and
/// glTF. STL has no numbering: there, equal positions are one vertex, in order of appearance.
public struct MeshData: Sendable {
  /// float32 [V, 3]; finite.
  public var vertices: Tensor
  /// int32 [F, 3], every index below V. Polygons are cut into a fan where their first corner sees
  /// them whole, into ears elsewhere; those of more than 4,096 corners that are no fan are refused.
  /// Empty for point clouds.
  public var faces: Tensor
  /// float32 [V, 3] as stored: not necessarily of unit length.
  public var normals: Tensor?
  /// float32 [V, 3 or 4] in 0...1 as stored, without decoding.
  public var colors: Tensor?
  /// float32 [T, 2]; u to the right, v upwards from the image's bottom row.
  public var texcoords: Tensor?
  /// int32 [F, 3] into ``texcoords``: a vertex on a seam has several. -1 where the file has none.
  public var faceTexcoords: Tensor?
  public var materials: [MeshMaterial]
  /// int32 [F] into ``materials``, -1 for none; nil if the file has no materials.
  public var faceMaterials: Tensor?
  /// int32 [F]: the polygon of the file that a triangle comes from; nil if all were triangles.
  public var facePolygons: Tensor?
  /// The polygons as the file holds them; nil if all were triangles. Writers write the triangles.
  public var polygons: MeshPolygons?
  /// What the file asked for and this record does not hold, such as a missing texture.
  public var warnings: [String]

  public init(
    vertices: Tensor, faces: Tensor, normals: Tensor? = nil, colors: Tensor? = nil,
    texcoords: Tensor? = nil, faceTexcoords: Tensor? = nil, materials: [MeshMaterial] = [],
    faceMaterials: Tensor? = nil, facePolygons: Tensor? = nil, polygons: MeshPolygons? = nil,
    warnings: [String] = []
  ) {
    self.vertices = vertices
    self.faces = faces
    self.normals = normals
    self.colors = colors
    self.texcoords = texcoords
    self.faceTexcoords = faceTexcoords
    self.materials = materials
    self.faceMaterials = faceMaterials
    self.facePolygons = facePolygons
    self.polygons = polygons
    self.warnings = warnings
  }

  public var vertexCount: Int { vertices.shape[0] }
  public var faceCount: Int { faces.shape[0] }
}

/// Polygons of any number of corners, one after the other.
public struct MeshPolygons: Sendable {
  /// int32 [P]: corners of each polygon, 3 or more.
  public var sizes: Tensor
  /// int32 [C]: the vertices of all corners.
  public var corners: Tensor
  /// int32 [C] into ``MeshData/texcoords``, -1 where the file has none; nil without any.
  public var texcoords: Tensor?

  public init(sizes: Tensor, corners: Tensor, texcoords: Tensor? = nil) {
    self.sizes = sizes
    self.corners = corners
    self.texcoords = texcoords
  }
}

/// The Phong terms of a material file. Colours are taken as linear light.
public struct MeshMaterial: Sendable {
  public var name: String
  public var ambient: SIMD3<Float>
  public var diffuse: SIMD3<Float>
  public var specular: SIMD3<Float>
  public var emission: SIMD3<Float>
  /// Exponent of the specular lobe.
  public var shininess: Float
  /// 1 is opaque.
  public var opacity: Float
  /// The diffuse texture as the file names it.
  public var texturePath: String?
  /// The diffuse texture decoded to linear light; nil if there is none or it could not be found.
  public var texture: Image?

  public init(
    name: String, ambient: SIMD3<Float> = .zero, diffuse: SIMD3<Float> = SIMD3(repeating: 1),
    specular: SIMD3<Float> = .zero, emission: SIMD3<Float> = .zero, shininess: Float = 0,
    opacity: Float = 1, texturePath: String? = nil, texture: Image? = nil
  ) {
    self.name = name
    self.ambient = ambient
    self.diffuse = diffuse
    self.specular = specular
    self.emission = emission
    self.shininess = shininess
    self.opacity = opacity
    self.texturePath = texturePath
    self.texture = texture
  }
}
