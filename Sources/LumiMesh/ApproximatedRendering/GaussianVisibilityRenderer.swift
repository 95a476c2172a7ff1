import LumiRendering
import LumiScene
import LumiTensor

/// Differentiable visibility of Rhodin et al. (survey 2.1.3): bodies blurred into Gaussian
/// densities, so that even occlusion has a derivative everywhere.
///
/// Computes: the mesh as ``GaussianBlobs``, one at every vertex, and along every ray how much light
/// each blob sends to the eye through the others: emission and absorption without scattering. What
/// is absorbed has a closed form (error functions); how much is seen of a blob is a short sum along
/// the ray (``sampling``). Colours are those of the vertices in the scene's light. Everything has its
/// plain derivative: shape, width, colour and the rays of the camera. Alpha is the light that does
/// not pass.
///
/// Cannot: draw a sharp picture, or detail finer than the blobs; faces are not seen themselves, so
/// where a mesh has large faces there are holes. Highlights are those of vertices. Blobs beyond
/// ``cutoff`` widths from a ray do not count. Work grows with the square of the blobs that a ray
/// meets.
///
/// H. Rhodin, N. Robertini, C. Richardt, H.-P. Seidel, C. Theobalt, "A Versatile Scene Model with
/// Differentiable Visibility Applied to Generative Pose Estimation", ICCV 2015. The five places of
/// ``BlobSampling/published`` and the calibration of densities follow the paper from memory: there
/// is no released program to compare with.
public struct GaussianVisibilityRenderer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/rhodin-visibility", name: "Gaussian visibility of Rhodin et al.",
    representation: .mesh,
    type: "approximated rendering",
    strengths: "smooth everywhere, occlusion included; wide basins for pose",
    limits: "blurred; no finer than its blobs; large faces have holes",
    citation: "Rhodin, Robertini, Richardt, Seidel, Theobalt, ICCV 2015",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  /// How light is reflected; it is always evaluated at vertices.
  public var reflection: Reflection
  /// The images to make: colour and alpha.
  public var channels: Set<RenderChannel>
  /// A blob's σ over the mean length of the edges at its vertex, above 0. Default ½.
  public var sigmaScale = 0.5
  /// How much light passes through the middle of one blob alone, in (0, 1). Default 0.05.
  public var transmittance = 0.05
  /// How visibility is integrated. Default ``BlobSampling/published``.
  public var sampling = BlobSampling.published
  /// Blobs farther from a ray than this many σ are left out; above 0. Default 4.
  public var cutoff = 4.0

  /// - Parameters:
  ///   - reflection: Lambert's by default.
  ///   - channels: colour and alpha by default.
  public init(
    reflection: Reflection = .lambert, channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.reflection = reflection
    self.channels = channels
  }

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try check()
    let scene = try scene.prepared(for: camera, method: id)
    let blobs = blobs(of: scene, from: camera)
    let pixels = camera.height * camera.width
    let rays = camera.rays(through: camera.pixelCentres().reshaped([pixels, 2]))
    let image = blobs.trace(
      rays, background: scene.background, sampling: sampling, cutoff: cutoff)
    return try RenderOutput(
      image.reshaped([camera.height, camera.width, image.shape[1]]), wanted: channels, method: id)
  }

  /// The scene's mesh as blobs, in the scene's light.
  public func blobs(of scene: Scene<Mesh>, from camera: Camera) -> GaussianBlobs {
    let mesh = scene.shape
    var plain = scene
    plain.shape.appearance = .vertexColors(mesh.meanVertexAlbedo())
    let shaded = ShadedMesh(
      plain, shader: Shader(evaluation: .vertex, reflection: reflection), from: camera)
    let colors = shaded.cornerColors()!.meanOverCorners(
      mesh.faces, vertexCount: mesh.vertexCount)
    return GaussianBlobs(
      vertices: mesh, colors: colors, scale: sigmaScale, transmittance: transmittance)
  }

  private func check() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: Any) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: expected, actual: "\(actual)")
    }
    try require(
      sigmaScale > 0 && sigmaScale.isFinite, "sigmaScale", "above 0 and finite", sigmaScale)
    try require(
      transmittance > 0 && transmittance < 1, "transmittance", "between 0 and 1", transmittance)
    try require(cutoff > 0, "cutoff", "above 0", cutoff)
  }
}

extension Mesh {
  /// The surface's own colour at vertices [V, C]: the mean over the corners that meet there.
  fileprivate func meanVertexAlbedo() -> Tensor {
    switch appearance {
    case .vertexColors(let colors): return colors
    case .uniform(let color): return color.broadcast(to: [vertexCount, color.count])
    case .faceColors(let colors): return mean(ofFaces: colors)
    case .faceTexels(let texels): return mean(ofFaces: texels.mean(axis: 1))
    case .texture(let image, let coordinates, let faces):
      let corners = sampleTexture(
        image, at: coordinates.gather(faces).reshaped([-1, 2]), sampler: textureSampler)
      return corners.reshaped([faceCount, 3, image.shape[2]])
        .meanOverCorners(self.faces, vertexCount: vertexCount)
    }
  }

  private func mean(ofFaces values: Tensor) -> Tensor {
    values.expandingDims(at: 1).broadcast(to: [faceCount, 3, values.shape[1]])
      .meanOverCorners(faces, vertexCount: vertexCount)
  }
}

extension Tensor {
  /// Values at corners [F, 3, C] as means at vertices [V, C]; 0 where no face is.
  fileprivate func meanOverCorners(_ faces: Tensor, vertexCount: Int) -> Tensor {
    let rows = faces.reshaped([-1])
    let counts = Tensor.scatterAdd(
      rows: .ones([rows.count], dtype: dtype), at: rows, count: vertexCount)
    let sums = Tensor.scatterAdd(
      rows: reshaped([rows.count, shape[2]]), at: rows, count: vertexCount)
    return sums / counts.clamped(min: 1).expandingDims(at: 1)
  }
}
