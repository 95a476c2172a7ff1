import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

/// Field probing (survey 2.4, occupancy; Table 2: resampling in space, maximum along the ray).
///
/// Computes: coverage as the largest probability to be inside that a ray meets, at anchor points. As
/// published, anchors are points of space with a ball around, the same for all rays
/// (``Anchors/shared(count:radius:)``); with ``Anchors/alongRays(_:)`` they lie on the rays
/// themselves, close together, and pictures are smooth. Colour and depth are those of the anchor with
/// the largest value, over the background by its probability. Signed distances d count as logits -d/s.
/// The derivative goes to that anchor alone; on the rays anchors move with the camera, shared ones
/// stand still.
///
/// Cannot: see surfaces in front of others. The largest value is deep inside, so that depth is not
/// the surface's, colours of different places do not hide each other, and holes of a shape that lie
/// behind something are not found. A ray that meets no anchor shows the background. Shared anchors
/// make pictures of balls, and give the camera no gradient but that of depth.
///
/// To train: ``ProbingTable`` for the rays and anchors of a step, drawn by ``ProbedSilhouettes`` and
/// ``AnchorSampling``, and ``normalConsistency(of:at:offsets:settings:)``.
///
/// S. Liu, S. Saito, W. Chen, H. Li, "Learning to Infer Implicit Surfaces without 3D Supervision",
/// NeurIPS 2019.
public struct OccupancyFieldProbing: Renderer {
  public static let method = MethodDescription(
    id: "implicit/occupancy-field-probing", name: "field probing", representation: .implicit,
    type: "occupancy",
    strengths: "silhouettes alone are enough; anchors are shared by all rays; easy to optimise",
    limits: "no order along the ray: depth and colour are those of the most certain point",
    citation: "Liu, Saito, Chen, Li, NeurIPS 2019",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// Where the field is looked at.
  public enum Anchors: Sendable, Hashable {
    /// So many a ray, in the middle of equal pieces of it within the field's bounds.
    case alongRays(Int)
    /// Points that fill the bounds evenly, without random numbers, with a ball of a radius in world
    /// units around; see ``AnchorSampling/evenly(_:in:dtype:)``.
    case shared(count: Int, radius: Double)
  }

  public var anchors: Anchors
  /// s, in world units: how far from a surface of signed distances the probability is 0.27 or 0.73.
  /// A hundredth of the mean side of the bounds if nil.
  public var softness: Double?
  /// The images to make: colour, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - anchors: 64 a ray by default; at least 1.
  ///   - softness: above 0; see ``softness``.
  ///   - channels: colour and alpha by default.
  public init(
    anchors: Anchors = .alongRays(64), softness: Double? = nil,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.anchors = anchors
    self.softness = softness
    self.channels = channels
  }

  public func render(_ scene: Scene<ImplicitShape>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkField(for: camera, method: id, quantities: [.occupancyLogit, .signedDistance])
    try checkSettings()
    return try scene.output(from: camera, wanted: channels, method: id) { rays in
      let interval = RayInterval(of: rays.rays, in: scene.shape.bounds).intersection(rays.visible)
      let found: Found
      switch anchors {
      case .alongRays(let count): found = probe(scene.shape, rays.rays, interval, count: count)
      case .shared(let count, let radius):
        found = probe(scene.shape, rays.rays, interval, count: count, radius: radius)
      }
      return picture(scene, rays, found, far: camera.far)
    }
  }

  private func checkSettings() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: Self.method.id, parameter: name, expected: expected, actual: actual)
      }
    }
    if let softness {
      try require(
        softness > 0 && softness.isFinite, "softness", "finite, above 0", "\(softness)")
    }
    switch anchors {
    case .alongRays(let count):
      try require(1...(1 << 20) ~= count, "anchors", "1 to 2²⁰ a ray", "\(count)")
    case .shared(let count, let radius):
      try require(1...(1 << 28) ~= count, "anchors", "1 to 2²⁸", "\(count)")
      try require(radius > 0 && radius.isFinite, "radius", "finite, above 0", "\(radius)")
    }
  }

  // MARK: Probing

  /// Where each ray found its largest value.
  private struct Found {
    /// [R, 3].
    var points: Tensor
    /// [R], along the rays.
    var distances: Tensor
    /// bool [R].
    var isProbed: Tensor
  }

  /// The values of many samples are taken without a derivative; only the largest needs one.
  private func probe(
    _ shape: ImplicitShape, _ rays: CameraRays, _ interval: RayInterval, count: Int
  ) -> Found {
    let isHit = interval.isHit
    let near = Tensor.where(isHit, interval.near, 0).clamped(min: 0)
    let length = Tensor.where(isHit, interval.far, 0) - near
    let chosen = Self.largest(
      shape.mapParameters { $1.stoppingGradient() },
      CameraRays(
        origins: rays.origins.stoppingGradient(), directions: rays.directions.stoppingGradient()),
      near: near.stoppingGradient(), length: length.stoppingGradient(), count: count)
    let distances = near + length * ((chosen.cast(to: near.dtype) + 0.5) / Double(count))
    return Found(
      points: rays.origins + rays.directions * distances.expandingDims(at: 1),
      distances: distances, isProbed: isHit)
  }

  /// int64 [R]: which of `count` samples a ray has the largest logit, in blocks of rays.
  private static func largest(
    _ shape: ImplicitShape, _ rays: CameraRays, near: Tensor, length: Tensor, count: Int
  ) -> Tensor {
    let total = near.count
    guard total > 0 else { return .zeros([0], dtype: .int64) }
    let places = (Tensor.arange(count, dtype: near.dtype) + 0.5) / Double(count)
    let block = max(1, (1 << 18) / count)
    return .concatenate(
      stride(from: 0, to: total, by: block).map { start in
        let end = min(start + block, total)
        func part(_ tensor: Tensor) -> Tensor { tensor.slice(axis: 0, from: start, to: end) }
        let distances =
          part(near).expandingDims(at: 1) + part(length).expandingDims(at: 1) * places
        let points =
          part(rays.origins).expandingDims(at: 1)
          + part(rays.directions).expandingDims(at: 1) * distances.expandingDims(at: 2)
        let values = shape.field.values(at: points.reshaped([-1, 3]))
          .reshaped([end - start, count])
        return shape.field.quantity == .signedDistance
          ? values.argmin(axis: 1) : values.argmax(axis: 1)
      })
  }

  private func probe(
    _ shape: ImplicitShape, _ rays: CameraRays, _ interval: RayInterval, count: Int, radius: Double
  ) -> Found {
    let anchors = AnchorSampling.evenly(count, in: shape.bounds, dtype: shape.dtype)
    let logits = shape.field.frozen().occupancyLogits(
      at: anchors, softness: softness(in: shape.bounds))
    let maximum = ProbingTable(of: rays, anchors: anchors, radius: radius).maximum(of: logits)
    let points = anchors.gather(maximum.anchors)
    // A ball that is met may lie beyond the near or the far depth.
    let distances = ((points - rays.origins) * rays.directions).sum(axis: 1)
    let place = distances.stoppingGradient()
    let isVisible =
      (place .>= interval.near.stoppingGradient() - radius)
      .&& (place .<= interval.far.stoppingGradient() + radius)
    return Found(
      points: points, distances: distances, isProbed: maximum.isProbed .&& isVisible)
  }

  private func picture(
    _ scene: Scene<ImplicitShape>, _ rays: PixelRays, _ found: Found, far: Double
  ) -> RayPicture {
    let field = scene.shape.field
    let samples = field.samples(at: found.points, withGradients: field.colorsNeedGradients)
    let logits = field.occupancyLogits(
      samples.values, softness: softness(in: scene.shape.bounds))
    let alpha = Tensor.where(found.isProbed, logits.sigmoid(), 0)
    let covered = alpha.expandingDims(at: 1)
    let colors = scene.shape.colors(
      at: found.points, samples: samples, directions: rays.rays.directions)
    return RayPicture(
      color: covered * colors + (1 - covered) * scene.background, alpha: alpha,
      depth: alpha * found.distances * rays.depthPerDistance + (1 - alpha) * far)
  }

  private func softness(in bounds: FieldBounds) -> Double {
    softness ?? (bounds.box.upper - bounds.box.lower).sum() / 300
  }
}

extension ImplicitField {
  /// Logits of the probability to be inside, [N]: the field's own, or -d/s of signed distances d.
  /// Other quantities stop the program.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - softness: s, above 0, in world units; counts for signed distances only.
  public func occupancyLogits(at points: Tensor, softness: Double = 1) -> Tensor {
    occupancyLogits(values(at: points), softness: softness)
  }

  func occupancyLogits(_ values: Tensor, softness: Double) -> Tensor {
    switch quantity {
    case .occupancyLogit: return values
    case .signedDistance: return values / -softness
    case .density:
      require(false, "occupancyLogits: a field of densities has none")
      return values
    }
  }
}
