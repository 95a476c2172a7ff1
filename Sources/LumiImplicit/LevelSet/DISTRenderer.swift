import LumiRendering
import LumiScene
import LumiTensor

/// DIST (survey 2.4, level set; Table 2: along rays, value at the surface point).
///
/// Computes: the surface of a field of signed distances by sphere tracing with long steps, rays that
/// rest and a pyramid (``DISTMarching``); depth, normal and the field's colour where a ray arrives; and
/// for every ray the least value that its steps read, which tells how far it passed the surface: the
/// channel `RenderChannel.leastDistance`, of which ``DISTLoss/mask(leastDistances:isHit:target:threshold:)``
/// makes a loss that moves outlines.
///
/// Cannot: give the depth's derivative. It is unrolled, and cut off: the sum of the derivatives of the
/// few steps with the smallest values, at places that count as constant, which for a distance met at
/// the cosine n·r is up to 1.5 dS a step instead of -dS/(n·r) in all. ``Gradient/implicit`` is exact
/// instead. The bounding ball, which steps are kept and what is hit are constants. Steps that are too
/// long may pass thin parts; a ray that starts inside hits nothing. Derivatives reach the camera, but
/// pictures of colours alone do not lead it anywhere, so that nothing is claimed.
///
/// S. Liu, Y. Zhang, S. Peng, B. Shi, M. Pollefeys, Z. Cui, "DIST: Rendering Deep Implicit Signed
/// Distance Function with Differentiable Sphere Tracing", CVPR 2020. Its photometric loss between views
/// is not built.
public struct DISTRenderer: Renderer {
  public static let method = MethodDescription(
    id: "implicit/dist", name: "DIST", representation: .implicit, type: "level set",
    strengths: "few evaluations per ray; rays that miss tell how far",
    limits: "depth's derivative is a truncated sum; outlines move by the least distance alone",
    citation: "Liu, Zhang, Peng, Shi, Pollefeys, Cui, CVPR 2020",
    claims: [.shape: .surrogate, .material: .exact, .light: .exact])

  public enum Gradient: String, Sendable, Codable, CaseIterable {
    /// The sum over the kept steps, as published.
    case unrolled
    /// The derivative of the surface point (``RaySurfacePoints``).
    case implicit
  }

  public var marching: DISTMarching
  public var gradient: Gradient
  /// Alpha falls off by the least distance over this, in world units: a ray that misses has
  /// exp(-d/softness), one that hits 1 and the same slope. Nil, as published, makes alpha the mask of
  /// what is hit, without a derivative.
  public var softness: Double?
  /// The images to make: colour, alpha, depth, normal and `RenderChannel.leastDistance`. Depth and
  /// normal are 0 where nothing is hit.
  public var channels: Set<RenderChannel>

  public init(
    marching: DISTMarching = DISTMarching(), gradient: Gradient = .unrolled,
    softness: Double? = nil, channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.marching = marching
    self.gradient = gradient
    self.softness = softness
    self.channels = channels
  }

  public func render(_ scene: Scene<ImplicitShape>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkSurface(
      for: camera, method: id, channels: channels,
      known: [.color, .alpha, .depth, .normal, .leastDistance])
    guard softness ?? 1 > 0, marching.ratio > 0, marching.limit > 0,
      marching.pyramid.allSatisfy({ $0.scale > 1 && $0.steps >= 0 })
    else {
      throw RenderError.invalid(
        method: id, parameter: "softness, marching",
        expected: "above 0, blocks of more than a pixel", actual: "\(softness ?? 1), \(marching)")
    }
    let ball = scene.shape.bounds.ball
    let surface = LevelSet(scene.shape.field)
    let constant = camera.mapParameters { $1.stoppingGradient() }
    let marched = marching.march(constant, to: surface) {
      RayInterval(of: $0.rays, inBallAround: ball.centre, radius: ball.radius)
        .intersection($0.visible)
    }
    let rays = PixelRays(of: camera)
    var images: [RenderChannel: Tensor] = [:]
    if !channels.isDisjoint(with: [.color, .depth, .normal]) {
      images = surfaceImages(of: scene, camera, rays, marched)
    }
    if channels.contains(.leastDistance) || (channels.contains(.alpha) && softness != nil) {
      images[.leastDistance] = leastDistances(of: scene, along: rays.rays, marched, ball)
        .reshaped([camera.height, camera.width])
    }
    if channels.contains(.alpha) {
      images[.alpha] = alpha(
        marched.hitMask(dtype: scene.dtype).reshaped([camera.height, camera.width]),
        images[.leastDistance])
    }
    return RenderOutput(
      method: id, height: camera.height, width: camera.width,
      images: images.filter { channels.contains($0.key) })
  }

  private func alpha(_ isHit: Tensor, _ least: Tensor?) -> Tensor {
    guard let softness, let least else { return isHit }
    let hit = 1 - (least - least.stoppingGradient()) / softness
    let missed = (least.relu() / -softness).exp()
    return .where(isHit .> 0, hit, missed)
  }

  private func surfaceImages(
    of scene: Scene<ImplicitShape>, _ camera: Camera, _ rays: PixelRays,
    _ marched: DISTMarching.Marched
  ) -> [RenderChannel: Tensor] {
    let rows = marched.isHit.indices.filter { marched.isHit[$0] }
    let hits = Tensor(rows.map { Int32($0) })
    let surface = TracedSurface.inBlocks(
      of: scene, rays.rays.gathered(hits), evaluations: marching.records + 4
    ) { [self] scene, rays, range in
      let distances = distances(of: scene.shape.field, along: rays, marched, Array(rows[range]))
      return TracedSurface(
        scene, at: rays.origins + distances.expandingDims(at: 1) * rays.directions, distances,
        seenAlong: rays.directions)
    }
    return surface.images(
      of: hits, rays, height: camera.height, width: camera.width, background: scene.background)
  }

  /// Distances [N] along some of the rays that were marched, with their derivative.
  ///
  /// - Parameters:
  ///   - field: of signed distances.
  ///   - rays: [N, 3].
  ///   - marched: of all rays.
  ///   - rows: which of them; all with at least one record.
  func distances(
    of field: any ImplicitField, along rays: CameraRays, _ marched: DISTMarching.Marched,
    _ rows: [Int]
  ) -> Tensor {
    // After the best step, its excess taken back.
    let value = Tensor(
      rows.map { row -> Double in
        let best = marched.records[row][0]
        return marched.entry[row] + best.after
          + (1 - marching.ratio) * marching.limited(best.value)
      }, shape: [rows.count]
    ).cast(to: field.dtype)
    guard gradient == .unrolled else {
      return RaySurfacePoints(of: field, along: rays, at: value).distances
    }
    var (owners, places): ([Int32], [Double]) = ([], [])
    for (index, row) in rows.enumerated() {
      for record in marched.records[row] {
        owners.append(Int32(index))
        places.append(marched.entry[row] + record.before)
      }
    }
    let chosen = rays.gathered(Tensor(owners))
    let along = Tensor(places, shape: [places.count, 1]).cast(to: field.dtype)
    let values = field.values(at: chosen.origins + along * chosen.directions)
      .clamped(min: -marching.limit, max: marching.limit)
    let changes = (values - values.stoppingGradient()) * marching.ratio
    return value + Tensor.scatterAdd(rows: changes, at: Tensor(owners), count: rows.count)
  }

  /// [R]: the field at the best step of every ray; for rays that miss the ball how far they pass it.
  func leastDistances(
    of scene: Scene<ImplicitShape>, along rays: CameraRays, _ marched: DISTMarching.Marched,
    _ ball: (centre: SIMD3<Double>, radius: Double)
  ) -> Tensor {
    let dtype = scene.dtype
    let places = marched.records.indices.map { row in
      marched.entry[row] + (marched.records[row].first?.before ?? 0)
    }
    let along = Tensor(places, shape: [places.count, 1]).cast(to: dtype)
    let isInside =
      Tensor(marched.records.map { $0.isEmpty ? Int32(0) : 1 })
      .reshaped([places.count]) .> Tensor(0, dtype: .int32)
    let points = rays.origins + along * rays.directions
    let values = scene.inBlocks([points], evaluations: 2) { scene, rows, _ in
      scene.shape.field.values(at: rows[0])
    }
    let from = rays.origins - Tensor(ball.centre, dtype: dtype)
    let apart = from - (from * rays.directions).sum(axis: 1, keepDims: true) * rays.directions
    return .where(
      isInside, values, apart.norm(axis: 1) + (marching.threshold - ball.radius))
  }
}

extension DISTMarching.Marched {
  /// [R]: 1 where a ray hits.
  func hitMask(dtype: DType) -> Tensor {
    Tensor(isHit.map { $0 ? 1.0 : 0 }, shape: [isHit.count]).cast(to: dtype)
  }
}

extension RenderChannel {
  /// [height, width]: the least value of a field of signed distances that was read along a ray, in
  /// world units; for rays that miss its bounds how far they pass them.
  public static let leastDistance = RenderChannel("leastDistance")
}
