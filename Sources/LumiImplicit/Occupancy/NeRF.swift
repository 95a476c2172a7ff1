import LumiRendering
import LumiScene
import LumiTensor

/// Neural radiance fields (survey: implicit, occupancy/transparency; Table 2: along rays, weighted
/// sum).
///
/// Computes: emission and absorption along every ray through a field of densities σ and of colours c
/// by direction. With a sample's length δ and the light T that arrives, a sample's weight is
/// w = T(1 - exp(-σδ)), and a pixel Σ w c over the background. Samples are placed twice: `samples` over
/// the ray's part of the shape's bounds, then `importanceSamples` more where those have weight.
/// Both together make the picture. A ``CoarseToFineField`` has a field of its own for the first pass,
/// which learns from a picture of its own (``coarseColor``); any other field places samples for
/// itself. Densities below 0 count as 0.
///
/// The derivative is the plain one, but where the importance samples lie is constant, as published:
/// their share of the way from the near end to the far end. So with importance samples the gradient
/// is that of the integral, not of this sum; central differences see samples move. Without, it is
/// exact.
///
/// Cannot: tell a surface from fog before it; say what is inside and what outside; relight. A ray on
/// which all densities are 0 or less gets no gradient (dead ReLU): a softplus density does not die.
/// Rays are lines without width, so that fields seen from several distances alias.
///
/// B. Mildenhall, P. Srinivasan, M. Tancik, J. Barron, R. Ramamoorthi, R. Ng, "NeRF: Representing
/// Scenes as Neural Radiance Fields for View Synthesis", ECCV 2020.
public struct NeRF: StochasticRenderer {
  public typealias Shape = ImplicitShape

  public static let method = MethodDescription(
    id: "implicit/nerf", name: "NeRF", representation: .implicit, type: "occupancy/transparency",
    strengths: "simple; easy to optimise from pictures alone; colour by direction",
    limits: "inside and outside ambiguous; light baked in; many evaluations a pixel",
    citation: "Mildenhall, Srinivasan, Tancik, Barron, Ramamoorthi, Ng, ECCV 2020",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// The first pass's picture, [height, width, C]: a second term of the loss.
  public static let coarseColor: RenderChannel = "coarseColor"

  /// Which samples stand for what.
  public enum Quadrature: Sendable, Hashable {
    /// The paper's equation 2: a sample in each of equal pieces, for the part of the ray that is
    /// nearer to it than to its neighbours. What lies behind the far end does not count.
    case centred
    /// The authors' program: samples from end to end, both included; one stands for the way to the
    /// next, and the last for everything behind, `last` units of the ray (1e10 there). So any density
    /// at the far end is opaque. Light T = Π(1 - α + 1e-10) never ends.
    case released(last: Double = 1e10)
  }

  /// What samples are equally far apart in.
  public enum Spacing: Sendable, Hashable {
    case distance
    /// The inverse of the distance ("lindisp"): more samples nearby. The near depth is above 0.
    case disparity
  }

  /// The space in which the field lives.
  public enum Space: Sendable, Hashable {
    case world
    /// For cameras that look along -z: normalised device coordinates behind the plane
    /// z = -`near` of the world (the paper's appendix C), from -1 to 1 where the first camera sees.
    case forwardFacing(near: Double = 1)
  }

  /// Samples of the first pass, a ray.
  public var samples: Int
  /// More samples where those have weight, a ray; 0 for a single pass.
  public var importanceSamples: Int
  public var quadrature: Quadrature
  public var spacing: Spacing
  public var space: Space
  /// Standard deviation of the noise on densities, before those below 0 become 0; counts with a seed.
  public var densityNoise: Double
  /// Of random places within the pieces (stratified sampling) and of noise; nil for regular places.
  public var seed: UInt64?
  /// The images to make: colour, alpha, depth, ``coarseColor``.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - samples: at least 1; 64 by default. With ``Quadrature/released(last:)`` at least 2, and 3
  ///     where there are importance samples.
  ///   - importanceSamples: 128 by default.
  ///   - quadrature: centred by default, which is second-order accurate and ends where bounds end.
  ///   - spacing: equal distances by default.
  ///   - space: the world by default.
  ///   - densityNoise: none by default; the paper takes 1 for photographs.
  ///   - seed: none by default, for pictures; a new one every step for training.
  ///   - channels: colour and alpha by default.
  public init(
    samples: Int = 64, importanceSamples: Int = 128, quadrature: Quadrature = .centred,
    spacing: Spacing = .distance, space: Space = .world, densityNoise: Double = 0,
    seed: UInt64? = nil, channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.samples = samples
    self.importanceSamples = importanceSamples
    self.quadrature = quadrature
    self.spacing = spacing
    self.space = space
    self.densityNoise = densityNoise
    self.seed = seed
    self.channels = channels
  }

  public func seeded(_ seed: UInt64) -> NeRF {
    var result = self
    result.seed = seed
    return result
  }

  /// Draws a field of densities.
  public func render(_ scene: Scene<ImplicitShape>, from camera: Camera) throws -> RenderOutput {
    try check(scene, [camera])
    return try draw(
      scene, PixelRays(of: camera), from: camera, height: camera.height, width: camera.width)
  }

  /// Draws some pixels of several views, as one row of an image: a batch to train on.
  ///
  /// - Parameters:
  ///   - scene: a field of densities.
  ///   - pixels: int32 or int64 [N], positions among all pixels of all cameras: camera after camera,
  ///     row after row.
  ///   - cameras: at least one. Where nothing is seen, the depth is the far depth of the first.
  /// - Throws: `RenderError` and `SceneError`.
  public func render(
    _ scene: Scene<ImplicitShape>, pixels: Tensor, of cameras: [Camera]
  ) throws -> RenderOutput {
    try PixelRays.check(pixels, of: cameras, method: Self.method.id)
    try check(scene, cameras)
    return try draw(
      scene, PixelRays(of: cameras, pixels: pixels), from: cameras[0], height: 1,
      width: pixels.count)
  }

  private func draw(
    _ scene: Scene<ImplicitShape>, _ seen: PixelRays, from camera: Camera, height: Int, width: Int
  ) throws -> RenderOutput {
    let method = Self.method.id
    let wanted = channels.subtracting([Self.coarseColor])
    let showsCoarse = channels.contains(Self.coarseColor)
    let rays = try inFieldSpace(seen, camera)
    // The first pass's colours are further columns of the picture until all blocks are drawn.
    let output = try scene.output(
      along: rays, height: height, width: width, wanted: wanted.union([.color]), method: method,
      samplesPerRay: 2 * samples + importanceSamples, shared: [seen.rays.directions]
    ) { scene, rays, range, shared in
      picture(
        scene, rays,
        seenAlong: shared[0].slice(axis: 0, from: range.lowerBound, to: range.upperBound),
        numbers: numbers(range, dtype: scene.dtype), drawsCoarse: showsCoarse, far: camera.far)
    }
    guard showsCoarse || !channels.contains(.color) else { return output }
    var images: [RenderChannel: Tensor] = [:]
    for channel in wanted { images[channel] = try output[channel] }
    let colors = try output[.color]
    let count = scene.background.count
    if channels.contains(.color) { images[.color] = colors.slice(axis: 2, from: 0, to: count) }
    if showsCoarse {
      images[Self.coarseColor] = colors.slice(axis: 2, from: count, to: 2 * count)
    }
    return RenderOutput(method: method, height: height, width: width, images: images)
  }

  private func check(_ scene: Scene<ImplicitShape>, _ cameras: [Camera]) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: expected, actual: actual)
    }
    for camera in cameras {
      try scene.checkField(for: camera, method: Self.method.id, quantities: [.density])
    }
    try RayPicture.check(channels.subtracting([Self.coarseColor]), method: Self.method.id)
    let least = quadrature == .centred ? 1 : importanceSamples > 0 ? 3 : 2
    try require(samples >= least, "samples", "at least \(least)", "\(samples)")
    try require(
      importanceSamples >= 0, "importanceSamples", "at least 0", "\(importanceSamples)")
    try require(
      densityNoise >= 0 && densityNoise.isFinite, "densityNoise", "at least 0, finite",
      "\(densityNoise)")
    if case .released(let last) = quadrature {
      try require(last > 0 && last.isFinite, "quadrature", "above 0, finite", "\(last)")
    }
    try require(
      importanceSamples > 0 || !channels.contains(Self.coarseColor), "channels",
      "no coarseColor without importance samples", "\(channels.map(\.name).sorted())")
    if spacing == .disparity {
      let near = cameras.map(\.near).min()!
      try require(near > 0, "camera.near", "above 0 for samples by disparity", "\(near)")
    }
    try checkSpace(cameras)
  }
}
