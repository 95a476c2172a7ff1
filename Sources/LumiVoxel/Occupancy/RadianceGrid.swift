import LumiRendering
import LumiScene
import LumiTensor

/// A radiance grid (beyond the survey's transparency, 2.2; Table 2: along rays, weighted sum).
///
/// Computes: emission and absorption along every ray from equally spaced samples of a grid of
/// densities σ and of colours by direction. Both are interpolated between eight values; then a
/// density below 0 counts as 0, and a colour is max(0, ½ + Σ kᵢ Yᵢ(d)) with nine spherical harmonics
/// Yᵢ a channel in the direction d of the ray. Because σ is rectified after the interpolation, values
/// below 0 put a surface anywhere within a cell; a place where all eight are below 0 gets no gradient
/// any more. With the light T that arrives and a sample's length δ, a pixel is Σ T(1 - exp(-σδ)) c
/// over the background. The derivative is the plain one. (`VoxelGrid.validated()`, for data from
/// outside, refuses densities below 0; renderers do not ask it.)
///
/// Cannot: relight, refract or mirror what nine harmonics do not hold; tell a surface that no view
/// separates from fog before it; show detail below the spacing. The published steps have one length
/// in the world, so that a sample that enters the box makes a step in the picture; here a ray's
/// samples divide its part of the box, and the camera's derivative is exact. Unbounded backgrounds
/// (spheres around the box) are not here. Grids with colours without a direction are drawn as they
/// are, neither moved by ½ nor rectified. In float32 a ray ends where 1e-6 of its light is left.
///
/// S. Fridovich-Keil, A. Yu, M. Tancik, Q. Chen, B. Recht, A. Kanazawa, "Plenoxels: Radiance Fields
/// without Neural Networks", CVPR 2022.
public struct RadianceGrid: Renderer {
  public typealias Shape = VoxelGrid

  public static let method = MethodDescription(
    id: "voxel/radiance-grid", name: "Radiance grid", representation: .voxel,
    type: "transparency, beyond the survey",
    strengths: "colour by direction; no network; sparse once pruned; easy to optimise",
    limits: "light baked in; soft surfaces until trained; memory before pruning",
    citation: "Fridovich-Keil, Yu, Tancik, Chen, Recht, Kanazawa, CVPR 2022",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// Samples a ray; if nil, as many as make half a spacing along the box's diagonal.
  public var samples: Int?
  /// The images to make: colour, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - samples: samples a ray, at least 1.
  ///   - channels: colour and alpha by default.
  public init(samples: Int? = nil, channels: Set<RenderChannel> = [.color, .alpha]) {
    self.samples = samples
    self.channels = channels
  }

  /// Draws a grid of densities.
  public func render(_ scene: Scene<VoxelGrid>, from camera: Camera) throws -> RenderOutput {
    try scene.checkGrid(for: camera, method: Self.method.id, quantities: [.density])
    return try draw(
      scene, PixelRays(of: camera), height: camera.height, width: camera.width, far: camera.far)
  }

  /// Draws some pixels of several views, as one row of an image: a batch to train on.
  ///
  /// - Parameters:
  ///   - scene: a grid of densities.
  ///   - pixels: int32 or int64 [N], positions among all pixels of all cameras: camera after camera,
  ///     row after row.
  ///   - cameras: at least one. Where nothing is seen, the depth is the far depth of the first.
  /// - Throws: `RenderError` and `SceneError`.
  public func render(
    _ scene: Scene<VoxelGrid>, pixels: Tensor, of cameras: [Camera]
  ) throws -> RenderOutput {
    try PixelRays.check(pixels, of: cameras, method: Self.method.id)
    for camera in cameras {
      try scene.checkGrid(for: camera, method: Self.method.id, quantities: [.density])
    }
    return try draw(
      scene, PixelRays(of: cameras, pixels: pixels), height: 1, width: pixels.count,
      far: cameras[0].far)
  }

  private func draw(
    _ scene: Scene<VoxelGrid>, _ rays: PixelRays, height: Int, width: Int, far: Double
  ) throws -> RenderOutput {
    try RayPicture.check(channels, method: Self.method.id)
    var grid = scene.shape
    try checkChannels(of: grid.appearance)
    let count = try sampleCount(grid.extent, grid.spacing)
    grid.values = grid.values.clamped(min: -VoxelGrid.opaque, max: VoxelGrid.opaque)
    var march = VolumeIntegration(.emissionAbsorption, rectifiesDensity: true)
    if case .sphericalHarmonics = grid.appearance { march.colorOffset = 0.5 }
    let sums = grid.integral(
      march,
      along: RegularSamples(along: rays.rays, in: rays.part(in: grid.bounds), count: count),
      skipping: OccupancyPyramid(of: grid.values))
    return RayPicture(
      color: sums.color(over: scene.background), alpha: sums.alpha,
      depth: sums.depth(depthPerDistance: rays.depthPerDistance, background: far)
    ).output(channels, height: height, width: width, method: Self.method.id)
  }

  /// What one ray can gather at a time.
  private func checkChannels(of appearance: VoxelAppearance) throws {
    let most: Int
    switch appearance {
    case .uniform: return
    case .colors: most = 512
    case .sphericalHarmonics: most = 32
    }
    guard appearance.channels <= most else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "voxels.appearance",
        expected: "at most \(most) channels",
        actual: "\(appearance.channels)")
    }
  }

  /// Samples a ray.
  func sampleCount(_ extent: SIMD3<Double>, _ spacing: SIMD3<Double>) throws -> Int {
    let steps = extent / spacing
    let count = samples ?? Int((2 * (steps * steps).sum().squareRoot()).rounded(.up))
    guard count >= 1 else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "samples", expected: "at least 1", actual: "\(count)")
    }
    return count
  }
}

extension PixelRays {
  /// Equally many samples on every ray, in the middle of equal pieces of its part of a box.
  func samples(in bounds: (lower: Tensor, upper: Tensor), count: Int) -> RaySamples {
    RaySamples(along: rays, in: part(in: bounds), count: count)
  }

  /// What is seen of a box.
  fileprivate func part(in bounds: (lower: Tensor, upper: Tensor)) -> RayInterval {
    RayInterval(of: rays, inBoxFrom: bounds.lower, to: bounds.upper).intersection(visible)
  }
}

extension VoxelAppearance {
  /// The colours of a radiance grid from those that its coefficients give.
  func radiance(_ colors: Tensor) -> Tensor {
    if case .sphericalHarmonics = self { return (colors + 0.5).clamped(min: 0) }
    return colors
  }
}

extension VoxelGrid {
  /// Where light ends at once: more would only make infinities, whose differences are not numbers.
  static var opaque: Double { 1e12 }
}
