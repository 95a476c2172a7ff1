import LumiScene
import LumiTensor

/// Stage 4's first half: where on the surface light is computed, and how it is reflected.
public struct Shader: Sendable, Equatable {
  /// Where light is computed; between those places it is interpolated.
  public enum Evaluation: String, Sendable, CaseIterable {
    /// Once a face, at its centroid with its plane's normal.
    case face
    /// At the vertices, with their normals.
    case vertex
    /// At every fragment, with interpolated normals made unit again.
    case fragment
  }

  public var evaluation: Evaluation
  public var reflection: Reflection
  /// What keeps direct light from surfaces; nil, the default, for light that passes through
  /// everything. Shadows are as fine as the evaluation: at fragments to the pixel, at vertices and
  /// faces as coarse as the mesh.
  public var shadows: (any LightVisibility)?

  public init(
    evaluation: Evaluation, reflection: Reflection, shadows: (any LightVisibility)? = nil
  ) {
    self.evaluation = evaluation
    self.reflection = reflection
    self.shadows = shadows
  }

  public static func == (a: Shader, b: Shader) -> Bool {
    a.evaluation == b.evaluation && a.reflection == b.reflection
      && (a.shadows?.isEqual(to: b.shadows) ?? (b.shadows == nil))
  }

  /// One colour of light a face.
  public static let flat = Shader(evaluation: .face, reflection: .lambert)
  /// Light at vertices, interpolated (Gouraud 1971).
  public static let gouraud = Shader(evaluation: .vertex, reflection: .lambert)
  /// Light at every pixel with Phong's highlights.
  public static let phong = Shader(evaluation: .fragment, reflection: .phong)
  /// Light at every pixel with Blinn's highlights.
  public static let blinnPhong = Shader(evaluation: .fragment, reflection: .blinnPhong)
}

/// A mesh under a shader as seen from one camera: colours where a rasteriser wants them.
///
/// All colours are tensors made of operations on the mesh, its material, the lights and the camera.
public struct ShadedMesh: Sendable {
  public let mesh: Mesh
  public let lights: [Light]
  public let shader: Shader
  public let camera: Camera

  public init(_ scene: Scene<Mesh>, shader: Shader, from camera: Camera) {
    mesh = scene.shape
    lights = scene.lights
    self.shader = shader
    self.camera = camera
  }

  /// Colours at the mesh's corners [faces, 3, C], where linear interpolation of them is all there
  /// is to it; nil where a texture or light per fragment is more than that.
  public func cornerColors() -> Tensor? {
    guard isLit else { return cornerAlbedo() }
    switch (shader.evaluation, mesh.appearance) {
    case (.fragment, _), (_, .texture), (_, .faceTexels): return nil
    case (.vertex, .uniform(let color)): return vertexLight.shade(color).gather(mesh.faces)
    case (.vertex, .vertexColors(let colors)):
      return vertexLight.shade(colors).gather(mesh.faces)
    case (.vertex, .faceColors(let colors)):
      return vertexLight.map { $0.gather(mesh.faces) }.shade(colors.expandingDims(at: 1))
    case (.face, _):
      return faceLight.map { $0.expandingDims(at: 1) }.shade(cornerAlbedo()!)
    }
  }

  /// Colours of flat texels [faces, R², C] under light that is constant on a face.
  public func texelColors() -> Tensor? {
    guard case .faceTexels(let texels) = mesh.appearance else { return nil }
    if !isLit { return texels }
    guard shader.evaluation == .face else { return nil }
    return faceLight.map { $0.expandingDims(at: 1) }.shade(texels)
  }

  /// Colours of fragments [fragments, C], for any appearance and shader.
  ///
  /// - Parameters:
  ///   - fragments: where to look.
  ///   - projected: the mesh that the fragments are of.
  ///   - weights: the corners' weights at each fragment [fragments, 3].
  public func colors(
    of fragments: Fragments, on projected: ProjectedMesh, weights: Tensor
  ) -> Tensor {
    if let corners = cornerColors() {
      return fragments.interpolate(projected.corners(of: corners), weights: weights)
    }
    let albedo = albedo(of: fragments, on: projected, weights: weights)
    return isLit ? light(of: fragments, on: projected, weights: weights).shade(albedo) : albedo
  }

  /// World positions and unit normals of fragments, each [fragments, 3].
  public func surface(
    of fragments: Fragments, on projected: ProjectedMesh, weights: Tensor
  ) -> (positions: Tensor, normals: Tensor) {
    let positions = mesh.vertices.gather(mesh.faces)
    let normals = mesh.shadingNormals().gather(mesh.faces)
    return (
      fragments.interpolate(projected.corners(of: positions), weights: weights),
      fragments.interpolate(projected.corners(of: normals), weights: weights).normalized()
    )
  }

  // MARK: Light

  private var isLit: Bool { !lights.isEmpty }

  private func illuminate(_ positions: Tensor, _ normals: Tensor) -> Illumination {
    Illumination(
      positions: positions, normals: normals, toEye: camera.directionToEye(from: positions),
      lights: lights, material: mesh.material, reflection: shader.reflection,
      visibility: shader.shadows.map { shadows in
        lights.map { shadows.visibility(of: $0, past: mesh, at: positions) }
      } ?? [])
  }

  private var vertexLight: Illumination { illuminate(mesh.vertices, mesh.shadingNormals()) }

  private var faceLight: Illumination {
    illuminate(mesh.vertices.gather(mesh.faces).mean(axis: 1), mesh.faceNormals())
  }

  private func light(
    of fragments: Fragments, on projected: ProjectedMesh, weights: Tensor
  ) -> Illumination {
    switch shader.evaluation {
    case .face:
      return faceLight.map { projected.faces(of: $0).gather(fragments.faces) }
    case .vertex:
      return vertexLight.map {
        fragments.interpolate(projected.corners(of: $0.gather(mesh.faces)), weights: weights)
      }
    case .fragment:
      let (positions, normals) = surface(of: fragments, on: projected, weights: weights)
      return illuminate(positions, normals)
    }
  }

  // MARK: Albedo

  /// The surface's own colour at corners; nil for textures.
  private func cornerAlbedo() -> Tensor? {
    let faces = mesh.faces.shape[0]
    switch mesh.appearance {
    case .uniform(let color): return color.broadcast(to: [faces, 3, color.count])
    case .vertexColors(let colors): return colors.gather(mesh.faces)
    case .faceColors(let colors):
      return colors.expandingDims(at: 1).broadcast(to: [faces, 3, colors.shape[1]])
    case .faceTexels, .texture: return nil
    }
  }

  private func albedo(
    of fragments: Fragments, on projected: ProjectedMesh, weights: Tensor
  ) -> Tensor {
    switch mesh.appearance {
    case .texture(let image, let coordinates, let faces):
      let corners = projected.corners(of: coordinates.gather(faces))
      let uv = fragments.interpolate(corners, weights: weights)
      let isMipMapped = mesh.textureSampler.filter == .trilinear
      return sampleTexture(
        image, at: uv, sampler: mesh.textureSampler,
        footprint: isMipMapped
          ? fragments.slopes(
            of: corners, values: uv, weights: weights, perspective: camera.isPerspective) : nil)
    case .faceTexels(let texels):
      return sampleFlatTexels(texels, fragments, projected, weights)
    default:
      return fragments.interpolate(projected.corners(of: cornerAlbedo()!), weights: weights)
    }
  }

  /// Nearest look-up in per-face texels. Clipped faces keep their own corners' weights.
  private func sampleFlatTexels(
    _ texels: Tensor, _ fragments: Fragments, _ projected: ProjectedMesh, _ weights: Tensor
  ) -> Tensor {
    let faces = mesh.faces.shape[0]
    let identity = Tensor.eye(3, dtype: weights.dtype).broadcast(to: [faces, 3, 3])
    let source = fragments.interpolate(projected.corners(of: identity), weights: weights)
    let sourceFaces = projected.sourceFaces.gather(fragments.faces)
    return texels.flatTexels(faces: sourceFaces, weights: source.stoppingGradient())
  }
}

extension Illumination {
  private init(diffuse: Tensor, specular: Tensor) {
    self.diffuse = diffuse
    self.specular = specular
  }

  /// The colour of a surface of some albedo in this light.
  public func shade(_ albedo: Tensor) -> Tensor { albedo * diffuse + specular }

  /// The same light at other places.
  func map(_ move: (Tensor) -> Tensor) -> Illumination {
    Illumination(diffuse: move(diffuse), specular: move(specular))
  }
}

extension Tensor {
  /// Texels of R×R flat grids per face [faces, R², C], the layout of the Soft Rasterizer: the lower
  /// left triangle of the grid row by row, the upper right one mirrored into it.
  ///
  /// - Parameters:
  ///   - faces: int32 [N].
  ///   - weights: barycentric coordinates in [0, 1] [N, 3].
  func flatTexels(faces: Tensor, weights: Tensor) -> Tensor {
    let texels = shape[1]
    let resolution = Int(Double(texels).squareRoot().rounded())
    require(
      resolution * resolution == texels, "faceTexels: \(texels) texels a face, expected a square")
    let w = weights.scalars(as: Double.self)
    let numbers = faces.scalars(as: Int32.self).enumerated().map { index, face in
      Int64(face) * Int64(texels)
        + Int64(flatTexel(w[index * 3], w[index * 3 + 1], resolution))
    }
    return reshaped([-1, shape[2]]).gather(Tensor(numbers))
  }
}

/// The texel of a point. The slack keeps points on the diagonal in the lower triangle.
private func flatTexel(_ w0: Double, _ w1: Double, _ resolution: Int) -> Int {
  let scale = Double(resolution)
  let u = min(max(Int((w0 * scale).rounded(.down)), 0), resolution - 1)
  let v = min(max(Int((w1 * scale).rounded(.down)), 0), resolution - 1)
  let isLower = (w0 + w1) * scale - Double(u) - Double(v) <= 1 + 1e-6
  return isLower ? v * resolution + u : (resolution - 1 - v) * resolution + (resolution - 1 - u)
}
