import LumiRendering
import LumiScene
import LumiTensor

/// IDR, the renderer core (survey 2.4 and 4.1; Table 2: value at the surface point).
///
/// Computes: where every ray first meets the zero set of a field of signed distances
/// (``SurfaceTracer``), the point as a function of ray and field by implicit differentiation
/// (``RaySurfacePoints``), its normal, and the field's colour of point, gradient, viewing direction and
/// features. Alpha is the soft silhouette S = sigmoid(-α min f) along every ray, hit or not, where the
/// place of the minimum counts as constant. The colour is hard: the surface's where a ray hits, else
/// the background.
///
/// Cannot: move an outline by colours, which is what the silhouette is for; tell a minimum between two
/// samples of a ray; see what is transparent. The derivative of a surface point has no bound where a ray
/// only touches the surface, and is limited there. Nothing is claimed of cameras: their derivatives are
/// exact in silhouettes and at surface points, but a picture of colours changes most at its outlines,
/// and by it alone the benchmark's cameras are not found.
///
/// L. Yariv, Y. Kasten, D. Moran, M. Galun, M. Atzmon, R. Basri, Y. Lipman, "Multiview Neural Surface
/// Reconstruction by Disentangling Geometry and Appearance", NeurIPS 2020. In training, the published
/// mask loss takes the silhouette only of pixels that are not both hit and in the mask, see
/// ``IDRLoss``; a picture shows it everywhere.
public struct IDRRenderer: Renderer {
  public static let method = MethodDescription(
    id: "implicit/idr", name: "IDR renderer", representation: .implicit, type: "level set",
    strengths: "exact derivatives of surface points and soft silhouettes; view-dependent colour",
    limits: "colours do not move outlines; nothing transparent; many evaluations per ray",
    citation: "Yariv, Kasten, Moran, Galun, Atzmon, Basri, Lipman, NeurIPS 2020",
    claims: [.shape: .surrogate, .material: .exact, .light: .exact])

  public var tracer: SurfaceTracer
  /// How the silhouette's least values are found.
  public var leastValues: LeastValueSearch
  /// How sharp the silhouette is, per world unit, above 0. Published 50, doubled five times.
  public var sharpness: Double
  /// Below which cosine between ray and surface the derivative of a point is limited.
  public var leastCosine: Double
  /// The images to make: colour, alpha, depth, normal. Depth and normal are 0 where nothing is hit.
  public var channels: Set<RenderChannel>

  public init(
    tracer: SurfaceTracer = SurfaceTracer(), leastValues: LeastValueSearch = LeastValueSearch(),
    sharpness: Double = 50, leastCosine: Double = 1e-3,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.tracer = tracer
    self.leastValues = leastValues
    self.sharpness = sharpness
    self.leastCosine = leastCosine
    self.channels = channels
  }

  public func render(_ scene: Scene<ImplicitShape>, from camera: Camera) throws -> RenderOutput {
    try scene.checkSurface(for: camera, method: Self.method.id, channels: channels)
    guard sharpness > 0, leastCosine > 0 else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "sharpness, leastCosine", expected: "above 0",
        actual: "\(sharpness), \(leastCosine)")
    }
    let rays = PixelRays(of: camera)
    let interval = RayInterval(of: rays.rays, in: scene.shape.bounds).intersection(rays.visible)
    var images: [RenderChannel: Tensor] = [:]
    if channels.contains(.alpha) {
      images[.alpha] = silhouette(
        leastField(of: scene, along: rays.rays, in: interval), sharpness: sharpness
      ).reshaped([camera.height, camera.width])
    }
    if channels != [.alpha] {
      let shown = surfaceImages(of: scene, camera, rays, interval)
      for channel in channels where channel != .alpha { images[channel] = shown[channel] }
    }
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width, images: images)
  }

  /// The surface in front of rays; for training on some pixels.
  ///
  /// - Parameters:
  ///   - field: of signed distances.
  ///   - rays: those that hit, [N, 3].
  ///   - distances: [N], what ``tracer`` found.
  public func surfacePoints(
    of field: any ImplicitField, along rays: CameraRays, at distances: Tensor
  ) -> RaySurfacePoints {
    RaySurfacePoints(of: field, along: rays, at: distances, leastCosine: leastCosine)
  }

  private func surfaceImages(
    of scene: Scene<ImplicitShape>, _ camera: Camera, _ rays: PixelRays, _ interval: RayInterval
  ) -> [RenderChannel: Tensor] {
    let traced = tracer.trace(rays.rays, in: interval, to: LevelSet(scene.shape.field))
    let found = traced.distances.gather(traced.hits)
    let surface = TracedSurface.inBlocks(
      of: scene, rays.rays.gathered(traced.hits), evaluations: 8
    ) { [self] scene, rays, range in
      let points = surfacePoints(
        of: scene.shape.field, along: rays,
        at: found.slice(axis: 0, from: range.lowerBound, to: range.upperBound))
      return TracedSurface(
        scene, at: points.positions, points.distances, seenAlong: rays.directions)
    }
    return surface.images(
      of: traced.hits, rays, height: camera.height, width: camera.width,
      background: scene.background)
  }

  /// The field's least value along every ray [R], with derivatives by the envelope theorem. Rays
  /// that miss the bounds have the value at the point next to the bounds' middle.
  func leastField(
    of scene: Scene<ImplicitShape>, along rays: CameraRays, in interval: RayInterval
  ) -> Tensor {
    let middle = scene.shape.bounds.box
    let centre = Tensor((middle.lower + middle.upper) / 2, dtype: scene.dtype)
    let closest = ((centre - rays.origins) * rays.directions).sum(axis: 1).relu()
    let near = interval.near.relu()
    let isInside = near.stoppingGradient() .< interval.far.stoppingGradient()
    let ends = RayInterval(
      near: .where(isInside, near, closest), far: .where(isInside, interval.far, closest))
    let least = leastValues.search(rays, in: ends, of: LevelSet(scene.shape.field))
    let distances = ends.near + least.shares * (ends.far - ends.near)
    let points = rays.origins + distances.expandingDims(at: 1) * rays.directions
    return scene.inBlocks([points], evaluations: 2) { scene, rows, _ in
      scene.shape.field.values(at: rows[0])
    }
  }

  /// S = sigmoid(-α f).
  func silhouette(_ leastValues: Tensor, sharpness: Double) -> Tensor {
    (leastValues * -sharpness).sigmoid()
  }
}

extension CameraRays {
  /// Some of the rays, by an int32 [N].
  func gathered(_ rows: Tensor) -> CameraRays {
    CameraRays(origins: origins.gather(rows), directions: directions.gather(rows))
  }
}

extension TracedSurface {
  /// Images of surface points over a background; depth and normal are 0 where nothing is hit.
  func images(
    of hits: Tensor, _ rays: PixelRays, height: Int, width: Int, background: Tensor
  ) -> [RenderChannel: Tensor] {
    let count = height * width
    func image(_ rows: Tensor) -> Tensor {
      Tensor.scatterAdd(rows: rows, at: hits, count: count)
        .reshaped([height, width] + rows.shape.dropFirst())
    }
    let isHit = image(.ones([hits.count], dtype: background.dtype)).expandingDims(at: 2)
    return [
      .color: image(colors) + (1 - isHit) * background,
      .depth: image(distances * rays.depthPerDistance.gather(hits)), .normal: image(normals),
    ]
  }
}
