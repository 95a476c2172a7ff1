import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// Differentiable volumetric rendering, "DVR" (survey 2.4, implicit; Table 2: sampling along a ray,
/// value at the hit point).
///
/// Computes: where a ray first enters a level set of an occupancy network (or of a signed distance):
/// evenly spaced samples, the first change from outside to inside, and eight secant steps. The colour
/// is the field's there. Distances have the derivative that the equation of the surface implies (see
/// ``SlopeFloor`` for grazing rays), with respect to the field and, beyond the publication, to the
/// rays. The memory that a gradient takes does not depend on the number of samples.
///
/// Cannot: move an outline: coverage is constant, so a body grows and shrinks only by
/// ``OccupancyLosses``. Miss nothing: parts thinner than the spacing of the samples may be passed.
/// Nothing transparent. A ray that begins inside the body shows the background. A surface that is
/// found with few steps lies off the root, and its derivative is that of the place found. Lights have
/// no effect.
///
/// M. Niemeyer, L. Mescheder, M. Oechsle, A. Geiger, "Differentiable Volumetric Rendering: Learning
/// Implicit 3D Representations without 3D Supervision", CVPR 2020.
public struct DifferentiableVolumetricRendering: Renderer {
  public static let method = MethodDescription(
    id: "implicit/dvr", name: "Differentiable volumetric rendering", representation: .implicit,
    type: "level set", strengths: "clear object boundary; memory independent of the samples",
    limits: "outlines are constant without losses on rays that miss; difficult to optimise",
    citation: "Niemeyer, Mescheder, Oechsle, Geiger, CVPR 2020",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// How a change of sign is narrowed down to a surface.
  public enum Refinement: Sendable, Hashable {
    /// The zero of the straight line between both ends replaces the end of its sign, so many times;
    /// the result is the zero of the last line. Fast, but slow to converge where the field bends.
    /// Published with 8.
    case secant(iterations: Int = 8)
    /// The middle replaces the end of its sign, so many times; the result is the last middle.
    case bisection(iterations: Int)
  }

  /// The probability on the surface, in (0, 1); for logits of occupancy.
  public var threshold: Double
  /// Samples a ray, at least 2. Published: 16, doubled three times in training, 1024 for pictures.
  public var samples: Int
  public var refinement: Refinement
  public var slopeFloor: SlopeFloor
  /// The images to make: colour, alpha, depth (camera z, 0 where nothing is hit).
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - threshold: the probability on the surface; 0.5 by default.
  ///   - samples: a ray; 128 by default.
  ///   - refinement: eight secant steps by default.
  ///   - slopeFloor: for grazing rays; by the angle by default.
  ///   - channels: colour and alpha by default.
  public init(
    threshold: Double = 0.5, samples: Int = 128, refinement: Refinement = .secant(),
    slopeFloor: SlopeFloor = .angle(), channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.threshold = threshold
    self.samples = samples
    self.refinement = refinement
    self.slopeFloor = slopeFloor
    self.channels = channels
  }

  public func render(_ scene: Scene<ImplicitShape>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkField(
      for: camera, method: id, quantities: [.occupancyLogit, .signedDistance])
    try checkSettings()
    return try scene.output(
      from: camera, wanted: channels, method: id, samplesPerRay: samples
    ) { scene, rays, _, _ in
      picture(of: scene, along: rays)
    }
  }

  /// Draws rays: the colour over the background, coverage and camera z.
  func picture(of scene: Scene<ImplicitShape>, along rays: PixelRays) -> RayPicture {
    let shape = scene.shape
    let interval = RayInterval(of: rays.rays, in: shape.bounds).intersection(rays.visible)
    let surface = surface(of: shape, along: rays.rays, in: interval)
    let count = rays.depthPerDistance.count
    func spread(_ rows: Tensor) -> Tensor {
      .scatterAdd(rows: rows, at: surface.rays, count: count)
    }
    let alpha = spread(.ones([surface.rays.count], dtype: scene.dtype))
    return RayPicture(
      color: spread(surface.colors) + (1 - alpha).expandingDims(at: 1) * scene.background,
      alpha: alpha, depth: spread(surface.distances) * rays.depthPerDistance)
  }

  /// Where rays meet the surface of a shape.
  public struct Surface: Sendable {
    /// One per ray; `notConverged` where the field is no number.
    public let statuses: [RayStatus]
    /// int32 [H]: the rays that hit, in their order.
    public let rays: Tensor
    /// [H], in units of the rays' directions.
    public let distances: Tensor
    /// [H, 3].
    public let positions: Tensor
    /// [H, C].
    public let colors: Tensor
  }

  /// Finds the surface along rays.
  ///
  /// - Parameters:
  ///   - shape: of logits of occupancy or signed distances.
  ///   - rays: [R, 3] each; directions of any length.
  ///   - interval: where to look, in units of the directions; from the origin at the earliest.
  public func surface(
    of shape: ImplicitShape, along rays: CameraRays, in interval: RayInterval
  ) -> Surface {
    let field = levelSet(of: shape)
    let found = tracer.trace(rays, in: interval, to: LevelSet(shape.field, level: field.level))
    let rows = found.hits
    let hit = CameraRays(
      origins: rays.origins.gather(rows), directions: rays.directions.gather(rows))
    let distances = ImplicitDistance(field: field, floor: slopeFloor)(
      found.distances.gather(rows), along: hit)
    let positions = ImplicitDistance.points(hit, distances)
    return Surface(
      statuses: found.status, rays: rows, distances: distances, positions: positions,
      colors: colors(of: shape, at: positions, directions: hit.directions))
  }

  /// Samples, and root finding between the first two that differ. The published program does not
  /// evaluate the last place that its lines lead to; here it is one step more, which does.
  private var tracer: SurfaceTracer {
    let roots: SurfaceTracer.RootFinding =
      switch refinement {
      case .secant(let iterations): .secant(steps: iterations + 1)
      case .bisection(let iterations): .bisection(steps: iterations + 1)
      }
    return SurfaceTracer(steps: 0, threshold: 0, samples: samples, rootFinding: roots)
  }

  func levelSet(of shape: ImplicitShape) -> LevelSetField {
    let isDistance = shape.field.quantity == .signedDistance
    return LevelSetField(
      shape.field, level: isDistance ? 0 : log(threshold) - log1p(-threshold))
  }

  private func colors(
    of shape: ImplicitShape, at points: Tensor, directions: Tensor
  ) -> Tensor {
    guard points.shape[0] > 0 else {
      let channels = shape.field.colorChannels
      return .zeros([0, channels == 0 ? 3 : channels], dtype: shape.dtype)
    }
    let samples = shape.field.samples(
      at: points, withGradients: shape.field.colorsNeedGradients)
    return shape.colors(at: points, samples: samples, directions: directions.unitVectors())
  }

  private func checkSettings() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: Self.method.id, parameter: name, expected: expected, actual: actual)
      }
    }
    try require(threshold > 0 && threshold < 1, "threshold", "in (0, 1)", "\(threshold)")
    try require(samples >= 2, "samples", "at least 2", "\(samples)")
    let iterations =
      switch refinement {
      case .secant(let count), .bisection(let count): count
      }
    try require(iterations >= 0, "refinement", "at least 0 iterations", "\(iterations)")
  }
}
