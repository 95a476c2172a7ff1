import LumiRendering
import LumiScene
import LumiTensor

/// Differentiable visibility of Rhodin et al. (survey 2.1.3): bodies blurred into Gaussian
/// densities, so that even occlusion has a derivative everywhere.
///
/// Computes: the mesh as ``GaussianBlobs``, one a little below every vertex, and along every ray how
/// much light each blob sends to the eye through the others: emission and absorption without
/// scattering. What is absorbed has a closed form (error functions); how much is seen of a blob is a
/// short sum along the ray (``sampling``). Colours are those of the vertices in the scene's light.
/// Everything has its plain derivative: shape, width, colour and the rays of the camera. Alpha is
/// the light that does not pass.
///
/// Cannot: draw a sharp picture, or detail finer than the blobs. Faces are not seen themselves:
/// where some edges of a mesh are much longer than others, as along a rod, there are holes. Corners
/// are rounded. Highlights are those of vertices. The five published places lose some per cent of
/// the light, so that lights and colours that are fitted come out too bright. Blobs beyond
/// ``cutoff`` widths from a ray do not count. Work grows with the square of the blobs that a ray
/// meets.
///
/// The paper fills bodies with blobs by hand. Placing them along a mesh is this package's own: with
/// middles on the surface a sphere of 320 faces would look 1.7 times too large in area; two widths
/// below it, the area is right to 3%, and the layer still hides what is behind it.
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
    limits: "blurred; no finer than its blobs; rods have holes; colours some per cent dark",
    citation: "Rhodin, Robertini, Richardt, Seidel, Theobalt, ICCV 2015",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  /// How light is reflected; it is always evaluated at vertices.
  public var reflection: Reflection
  /// The images to make: colour and alpha.
  public var channels: Set<RenderChannel>
  /// A blob's σ over the mean length of the edges at its vertex, above 0. Default 0.4.
  public var sigmaScale = 0.4
  /// How far below its vertex, in σ, a blob's middle is; at least 0. Default 2. A mesh that is not
  /// watertight has its blobs on the surface.
  public var inset = 2.0
  /// Meshes with fewer vertices have their faces cut into four until there are as many. Default 60.
  public var leastBlobs = 60
  /// How much light passes through the middle of one blob alone, in (0, 1). Default 0.05.
  public var transmittance = 0.05
  /// How visibility is integrated. Default ``BlobSampling/published``.
  public var sampling = BlobSampling.published
  /// Blobs farther from a ray than this many σ are left out; above 0. On the last σ before, their
  /// densities fall smoothly to 0. Default 3.
  public var cutoff = 3.0

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
    let image = try blobs(of: scene, from: camera).trace(
      camera.raysOfPixels(), background: scene.background, sampling: sampling, cutoff: cutoff)
    return try RenderOutput(
      image.reshaped([camera.height, camera.width, image.shape[1]]), wanted: channels, method: id)
  }

  /// The energy that the authors fit poses with: how unlike the blobs that a pixel sees are to a
  /// photograph there, Σ visibility · |colour of the blob - colour of the photograph|², the
  /// background counting as what the rest of the ray sees; mean over pixels.
  ///
  /// Unlike a difference of pictures, a mixture of wrong colours cannot look right.
  ///
  /// - Parameters:
  ///   - scene: what is compared.
  ///   - photograph: [height, width, C], of the camera's size and the scene's colours.
  ///   - camera: where from.
  /// - Throws: `RenderError` for a scene or a setting that cannot be drawn, or another size.
  public func photoConsistency(
    _ scene: Scene<Mesh>, with photograph: Tensor, from camera: Camera
  ) throws -> Tensor {
    let id = Self.method.id
    try check()
    let scene = try scene.prepared(for: camera, method: id)
    let channels = scene.background.count
    let expected = [camera.height, camera.width, channels]
    guard photograph.shape == expected, photograph.dtype == scene.dtype else {
      throw RenderError.invalid(
        method: id, parameter: "photograph", expected: "\(scene.dtype) \(expected)",
        actual: "\(photograph.dtype) \(photograph.shape)")
    }
    // |a - p|² = |a|² - 2 a·p + |p|², so three sums over the blobs say it for every pixel.
    func expanded(_ colors: Tensor) -> Tensor {
      let squares = colors.square().sum(axis: 1, keepDims: true)
      return .concatenate([colors, squares, .ones(squares.shape, dtype: colors.dtype)], axis: 1)
    }
    var blobs = try blobs(of: scene, from: camera)
    blobs.colors = expanded(blobs.colors)
    let background = expanded(scene.background.expandingDims(at: 0)).squeezed(axis: 0)
    let sums = blobs.trace(
      camera.raysOfPixels(), background: background, sampling: sampling, cutoff: cutoff)
    let pixels = photograph.reshaped([sums.shape[0], channels])
    let cross = (sums.slice(axis: 1, from: 0, to: channels) * pixels).sum(axis: 1)
    let squares = sums.slice(axis: 1, from: channels, to: channels + 1).squeezed(axis: 1)
    let seen = sums.slice(axis: 1, from: channels + 1, to: channels + 2).squeezed(axis: 1)
    return (squares - cross * 2 + seen * pixels.square().sum(axis: 1)).mean()
  }

  /// The scene's mesh as blobs, in the scene's light.
  public func blobs(of scene: Scene<Mesh>, from camera: Camera) throws -> GaussianBlobs {
    let mesh = try scene.shape.refined(untilVertices: leastBlobs)
    var plain = scene
    plain.shape = mesh
    plain.shape.appearance = .vertexColors(mesh.meanVertexAlbedo())
    let shaded = ShadedMesh(
      plain, shader: Shader(evaluation: .vertex, reflection: reflection), from: camera)
    let colors = shaded.cornerColors()!.meanOverCorners(
      mesh.faces, vertexCount: mesh.vertexCount)
    return GaussianBlobs(
      vertices: mesh, colors: colors, scale: sigmaScale, inset: inset,
      transmittance: transmittance)
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
    try require(inset >= 0 && inset.isFinite, "inset", "at least 0 and finite", inset)
    try require(cutoff > 0, "cutoff", "above 0", cutoff)
  }
}

extension Camera {
  /// The rays through all pixel centres, row by row.
  fileprivate func raysOfPixels() -> CameraRays {
    rays(through: pixelCentres().reshaped([height * width, 2]))
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
