import LumiRendering
import LumiScene
import LumiTensor

/// The renderer of autolabeling (survey 2.4, level set; Table 2: value at the hit point).
///
/// Computes: points on the zero level set of a signed distance, by projecting a grid along normals
/// (``SurfaceProjection``), and discs in their tangent planes, mixed by a softmax over depth
/// (``TangentDiscs``). Colours are the field's, or normalised object coordinates (NOCS) if it has
/// none. For an object in a scene, take the points once, move them with an ``ObjectPose`` and draw
/// them with ``draw(_:colors:radius:background:from:)``: rotation, translation and scale get derivatives.
///
/// Cannot: move a silhouette. Which pixels a disc covers is constant, so the mask has no derivative,
/// and pose and shape are driven by colours and depths of covered pixels alone, or by a loss on the
/// points themselves (`Loss.nearestPoints`). Normals are constants to the shape,
/// and the norm that scales depths in the softmax is one: the derivative is not the picture's own.
/// Discs have holes between them where the grid is coarse for their radius. Lights are not used.
///
/// Differs from the released program: rays go through the centres of pixels and not through their
/// corners (vectors are met with corners), points behind the near plane are left out, colours above
/// 1 are not cut, and a disc seen from its edge is not met instead of being met beyond reach.
///
/// S. Zakharov, W. Kehl, A. Bhargava, A. Gaidon, "Autolabeling 3D Objects with Differentiable
/// Rendering of SDF Shape Priors", CVPR 2020.
public struct AutolabelingRenderer: Renderer {
  public static let method = MethodDescription(
    id: "implicit/autolabeling-sdf", name: "Autolabeling SDF", representation: .implicit,
    type: "level set",
    strengths: "clear boundary; few field evaluations; poses need none at all",
    limits: "no gradient of the silhouette; difficult to optimise; grid-bound detail",
    citation: "Zakharov, Kehl, Bhargava, Gaidon, CVPR 2020",
    claims: [.material: .exact])

  /// Normalised object coordinates, [height, width, 3], 0 where nothing is seen.
  public static let objectCoordinates = RenderChannel("objectCoordinates")

  public var projection: SurfaceProjection
  /// The discs' radius, in half sides of the cube around the shape's bounds.
  public var discRadius: Double
  /// The factor of the softmax over depth.
  public var sharpness: Double
  /// The images to make: colour, alpha, depth, normal, object coordinates.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - projection: how surface points are found.
  ///   - discRadius: 0.04 is published.
  ///   - sharpness: 150 is published.
  ///   - channels: colour and alpha by default.
  public init(
    projection: SurfaceProjection = SurfaceProjection(), discRadius: Double = 0.04,
    sharpness: Double = 150, channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.projection = projection
    self.discRadius = discRadius
    self.sharpness = sharpness
    self.channels = channels
  }

  public func render(_ scene: Scene<ImplicitShape>, from camera: Camera) throws -> RenderOutput {
    try scene.checkField(for: camera, method: Self.method.id, quantities: [.signedDistance])
    try check()
    let shape = scene.shape
    let surface = seen(projection.points(on: shape.field, in: shape.bounds), by: camera)
    let coordinates = surface.objectCoordinates(in: shape.bounds)
    let hasColors = shape.field.colorChannels > 0
    return picture(
      surface, colors: hasColors ? colors(of: shape, surface, camera) : coordinates,
      coordinates: coordinates, background: scene.background,
      radius: discRadius * shape.bounds.cube.half, from: camera)
  }

  /// Draws surface points that are in the world already, such as an object's after a pose.
  ///
  /// - Parameters:
  ///   - surface: discs' centres and unit normals, of the camera's dtype.
  ///   - colors: [N, C], one row a disc; also the object coordinates if these are asked for.
  ///   - radius: of the discs in world units, ``discRadius`` times the object's scale.
  ///   - background: [C].
  ///   - camera: from where.
  /// - Throws: `RenderError` for settings or shapes that cannot be drawn.
  public func draw(
    _ surface: SurfacePoints, colors: Tensor, radius: Double, background: Tensor,
    from camera: Camera
  ) throws -> RenderOutput {
    try check()
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: expected, actual: actual)
    }
    let dtype = camera.dtype
    try require(
      surface.points.dtype == dtype, "surface", "\(dtype)", "\(surface.points.dtype)")
    try require(
      colors.rank == 2 && colors.shape[0] == surface.count && colors.dtype == dtype, "colors",
      "\(dtype) [\(surface.count), C]", "\(colors.dtype) \(colors.shape)")
    try require(
      background.shape == [colors.shape[1]] && background.dtype == dtype, "background",
      "\(dtype) [\(colors.shape[1])]", "\(background.dtype) \(background.shape)")
    try require(radius > 0 && radius.isFinite, "radius", "finite, above 0", "\(radius)")
    let rows = rows(of: surface, seenBy: camera)
    let shown = colors.gather(rows)
    return picture(
      surface.gather(rows), colors: shown, coordinates: shown, background: background,
      radius: radius, from: camera)
  }

  private func picture(
    _ surface: SurfacePoints, colors: Tensor, coordinates: Tensor, background: Tensor,
    radius: Double, from camera: Camera
  ) -> RenderOutput {
    let discs = TangentDiscs(
      surface, radius: radius, rays: DiscRays(of: camera), sharpness: sharpness)
    let mask = discs.mask
    let open = (1 - mask).expandingDims(at: 2)
    var images: [RenderChannel: Tensor] = [:]
    if channels.contains(.color) { images[.color] = discs.mix(colors) + open * background }
    if channels.contains(.alpha) { images[.alpha] = mask }
    if channels.contains(.depth) {
      let depths = camera.cameraPoints(surface.points).slice(axis: 1, from: 2, to: 3)
      images[.depth] = (discs.mix(depths) + open * camera.far).squeezed(axis: 2)
    }
    if channels.contains(.normal) { images[.normal] = discs.mix(surface.normals).unitVectors() }
    if channels.contains(Self.objectCoordinates) {
      images[Self.objectCoordinates] = discs.mix(coordinates)
    }
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width, images: images)
  }

  private func colors(
    of shape: ImplicitShape, _ surface: SurfacePoints, _ camera: Camera
  ) -> Tensor {
    let samples = shape.field.samples(
      at: surface.points, withGradients: shape.field.colorsNeedGradients)
    return shape.field.colors(
      at: surface.points, samples: samples, directions: -camera.directionToEye(from: surface.points)
    )
  }

  private func seen(_ surface: SurfacePoints, by camera: Camera) -> SurfacePoints {
    surface.gather(rows(of: surface, seenBy: camera))
  }

  /// int64: the discs within the camera's depths.
  private func rows(of surface: SurfacePoints, seenBy camera: Camera) -> Tensor {
    let constant = camera.mapParameters { $1.stoppingGradient() }
    let depths = constant.cameraPoints(surface.points.stoppingGradient())
      .slice(axis: 1, from: 2, to: 3).scalars(as: Double.self)
    return Tensor(
      depths.indices.filter { depths[$0] >= camera.near && depths[$0] <= camera.far }
        .map(Int64.init))
  }

  private func check() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: Any) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: expected, actual: "\(actual)")
    }
    try require(
      (1...512).contains(projection.density), "projection.density", "1...512", projection.density)
    try require(
      projection.band > 0 && projection.band.isFinite, "projection.band", "finite, above 0",
      projection.band)
    try require(projection.steps >= 1, "projection.steps", "at least 1", projection.steps)
    try require(
      discRadius > 0 && discRadius.isFinite, "discRadius", "finite, above 0", discRadius)
    try require(sharpness > 0 && sharpness.isFinite, "sharpness", "finite, above 0", sharpness)
    let known: Set<RenderChannel> = [.color, .alpha, .depth, .normal, Self.objectCoordinates]
    if let unknown = channels.subtracting(known).map(\.name).min() {
      throw RenderError.missingChannel(
        unknown, method: Self.method.id, available: known.map(\.name).sorted())
    }
  }
}
