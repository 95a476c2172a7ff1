import LumiIO
import LumiScene
import LumiTensor

// Files hold plain records; here they become scene types.

extension Mesh {
  /// Reads a mesh with its first material and texture. See ``LumiIO/MeshFile``.
  ///
  /// A texture is used where every face has coordinates for it; else vertex colours; else the
  /// material's diffuse colour.
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` if the parts do not fit.
  public init(contentsOf path: String, dtype: DType = .float32) throws {
    self = try Mesh(try MeshFile.read(path)).cast(to: dtype).validated()
  }

  /// A mesh from a file's record, in float32.
  public init(_ data: MeshData) throws {
    let material = data.materials.first
    self.init(
      vertices: data.vertices, faces: data.faces, appearance: Self.appearance(data, material),
      material: material.map(Material.init))
    if let normals = data.normals { vertexNormals = normals.normalized() }
  }

  private static func appearance(
    _ data: MeshData, _ material: MeshMaterial?
  ) -> MeshAppearance {
    if let texture = material?.texture, let coordinates = data.texcoords,
      let faces = data.faceTexcoords, !faces.scalars(as: Int32.self).contains(-1)
    {
      return .texture(
        image: texture.color.rgb(), coordinates: coordinates, faces: faces)
    }
    if let colors = data.colors {
      return .vertexColors(colors.slice(axis: 1, from: 0, to: 3))
    }
    let diffuse = material?.diffuse ?? SIMD3(repeating: 1)
    return .uniform(Tensor([diffuse.x, diffuse.y, diffuse.z]))
  }

  /// The record that ``LumiIO/MeshFile/write(_:to:)`` takes.
  public var fileData: MeshData {
    let plain = cast(to: .float32)
    var data = MeshData(vertices: plain.vertices, faces: plain.faces)
    data.normals = plain.vertexNormals
    var material = MeshMaterial(plain.material)
    switch plain.appearance {
    case .uniform(let color):
      let values = color.scalars(as: Float.self)
      if values.count == 3 { material.diffuse = SIMD3(values[0], values[1], values[2]) }
    case .vertexColors(let colors): data.colors = colors
    case .texture(let image, let coordinates, let faces):
      data.texcoords = coordinates
      data.faceTexcoords = faces
      material.texture = Image(pixels: image)
      material.texturePath = "texture.png"
    case .faceColors, .faceTexels:
      data.warnings.append("per-face colours have no place in mesh files and were left out")
    }
    data.materials = [material]
    data.faceMaterials = Tensor([Int32](repeating: 0, count: faceCount))
    return data
  }
}

extension PolygonMesh {
  /// Reads a mesh with the polygons of its file, its first material and texture.
  ///
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` if the parts do not fit.
  public init(contentsOf path: String, dtype: DType = .float32) throws {
    let mesh = try PolygonMesh(try MeshFile.read(path))
    self = try mesh.mapParameters { $1.cast(to: dtype) }.validated()
  }

  /// The polygons of a file's record, in float32; its triangles if it has no others.
  public init(_ data: MeshData) throws {
    let mesh = try Mesh(data)
    guard let polygons = data.polygons else {
      self.init(mesh)
      return
    }
    var appearance = mesh.appearance
    if case .texture(let image, let coordinates, _) = appearance, let corners = polygons.texcoords {
      appearance = .texture(image: image, coordinates: coordinates, faces: corners)
    }
    self.init(
      vertices: mesh.vertices, sizes: polygons.sizes, corners: polygons.corners,
      appearance: appearance, material: mesh.material, vertexNormals: mesh.vertexNormals)
  }
}

extension Material {
  /// A file's Phong terms. The diffuse colour is the surface's own colour and not a factor here.
  init(_ file: MeshMaterial) {
    self.init()
    specular = Tensor([file.specular.x, file.specular.y, file.specular.z])
    emission = Tensor([file.emission.x, file.emission.y, file.emission.z])
    if file.shininess > 0 { shininess = Tensor(scalar: file.shininess) }
  }
}

extension MeshMaterial {
  init(_ material: Material) {
    func vector(_ tensor: Tensor) -> SIMD3<Float> {
      let values = tensor.scalars(as: Float.self)
      return SIMD3(values[0], values[1], values[2])
    }
    self.init(
      name: "material", specular: vector(material.specular), emission: vector(material.emission),
      shininess: Float(material.shininess.value))
  }
}

extension Tensor {
  /// A grey image [H, W, 1] with its channel three times; others as they are.
  fileprivate func rgb() -> Tensor {
    shape[2] == 1 ? repeated(3, axis: 2) : self
  }
}

extension Camera {
  /// A view of a SoftRas-style camera file.
  ///
  /// - Parameters:
  ///   - halfViewingAngleDegrees: half of the field of view.
  ///   - size: width and height in pixels.
  public init(
    _ view: OrbitView, halfViewingAngleDegrees: Double, size: Int, dtype: DType = .float32
  ) throws {
    try self.init(
      softRas: SoftRasView(
        distance: view.distance, elevationDegrees: view.elevationDegrees,
        azimuthDegrees: view.azimuthDegrees, halfViewingAngleDegrees: halfViewingAngleDegrees),
      size: size, dtype: dtype)
  }

  /// A view of a Middlebury par file.
  public init(_ view: CalibratedView, width: Int, height: Int, dtype: DType = .float32) throws {
    try self.init(
      middleburyCalibration: Tensor(view.intrinsics, shape: [3, 3]).cast(to: dtype),
      rotation: Tensor(view.rotation, shape: [3, 3]).cast(to: dtype),
      translation: Tensor(view.translation).cast(to: dtype), width: width, height: height)
  }
}
