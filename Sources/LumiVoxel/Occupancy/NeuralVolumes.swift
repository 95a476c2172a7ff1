import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// Ray marching of Neural Volumes (survey 2.2, transparency; Table 2: along rays, weighted sum).
///
/// Computes: for every ray samples of a volume of densities and colours, one step apart, whose
/// opacity is added up until it reaches 1. If the grid has a warp, a sample is looked up where the
/// warp says: a coarse field bends a fine volume. Samples outside of the open box, before or after
/// the warp, do not count; look-ups fade to 0 outside. The derivative is the plain one, of densities,
/// colours, warp and camera.
///
/// Cannot: give what is behind a saturated surface any gradient, nor that surface's own density. The
/// picture steps where a sample enters the box, so a volume should be empty at its faces. The paper's
/// networks, which make volume and warp from a code, and the mixture of affine warps are not here;
/// nor its softplus activations: values are densities per world unit as they are, negative ones
/// count as 0.
///
/// S. Lombardi, T. Simon, J. Saragih, G. Schwartz, A. Lehrmann, Y. Sheikh, "Neural Volumes: Learning
/// Dynamic Renderable Volumes from Images", SIGGRAPH 2019.
public struct NeuralVolumes: Renderer {
  public static let method = MethodDescription(
    id: "voxel/neural-volumes", name: "Neural Volumes", representation: .voxel,
    type: "transparency",
    strengths: "colour and opacity by view; a warp field adds resolution; easy to optimise",
    limits: "nothing behind a saturated surface has a gradient; memory",
    citation: "Lombardi, Simon, Saragih, Schwartz, Lehrmann, Sheikh, SIGGRAPH 2019",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// World units between samples; a 128th of the box's mean side if nil (published for a side of 2:
  /// 4/256).
  public var step: Double?
  /// Starts every ray at a random part of a step and varies steps by about 1%, as in the published
  /// training; half a step before the box and equal steps if nil, so that pieces of a ray are
  /// sampled in their middle. Equal seeds give equal bits.
  public var jitterSeed: UInt64?
  /// What the warp is beyond its outermost values. Published: zeros, which leads to the middle of
  /// the box.
  public var warpBorder: GridBorder
  /// The images to make: colour, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - step: world units, above 0.
  ///   - jitterSeed: none by default.
  ///   - warpBorder: zeros by default.
  ///   - channels: colour and alpha by default.
  public init(
    step: Double? = nil, jitterSeed: UInt64? = nil, warpBorder: GridBorder = .zeros,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.step = step
    self.jitterSeed = jitterSeed
    self.warpBorder = warpBorder
    self.channels = channels
  }

  public func render(_ scene: Scene<VoxelGrid>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkGrid(for: camera, method: id, quantities: [.density], followsWarp: true)
    let extent = scene.shape.extent
    let step = step ?? extent.sum() / 3 / 128
    let longest = ((extent * extent).sum().squareRoot() / step).rounded(.up)
    // A step that is no step would march for ever.
    guard step > 0, longest < 1e6 else {
      throw RenderError.invalid(
        method: id, parameter: "step", expected: "above a millionth of the box's diagonal",
        actual: "\(step)")
    }
    let far = camera.far
    if scene.shape.warp == nil && jitterSeed == nil {
      return try scene.output(from: camera, wanted: channels, method: id) { rays in
        let interval = Self.interval(scene.shape, rays.rays).intersection(rays.visible)
        let samples = RegularSamples(along: rays.rays, in: interval, step: step)
        let found = scene.shape.integral(
          VolumeIntegration(.saturating, featureBorder: .zeros), along: samples)
        return RayPicture(
          color: found.color(over: scene.background), alpha: found.alpha,
          depth: found.depth(depthPerDistance: rays.depthPerDistance, background: far))
      }
    }
    return try scene.output(
      from: camera, wanted: channels, method: id, samplesPerRay: Int(longest) + 2
    ) { scene, rays, range, _ in
      let interval = Self.interval(scene.shape, rays.rays).intersection(rays.visible)
      let draws = draws(interval, step: step, range)
      let samples = Self.samples(
        scene.shape, rays.rays, interval, starts: draws.starts, steps: draws.steps)
      let (weights, colors) = march(scene.shape, samples, along: rays.rays)
      return RayPicture(
        weights, colors: colors,
        depths: samples.distances * rays.depthPerDistance.expandingDims(at: 1),
        background: scene.background, backgroundDepth: far)
    }
  }

  /// Where rays are in the box.
  static func interval(_ grid: VoxelGrid, _ rays: CameraRays) -> RayInterval {
    let bounds = grid.bounds
    return RayInterval(of: rays, inBoxFrom: bounds.lower, to: bounds.upper)
  }

  /// How far before the box each ray starts, [R], and its steps, [R, S], enough to leave the box.
  private func draws(
    _ interval: RayInterval, step: Double, _ range: Range<Int>
  ) -> (starts: Tensor, steps: Tensor) {
    let isHit = interval.isHit
    let inside = Tensor.where(
      isHit, interval.far.stoppingGradient() - interval.near.stoppingGradient().clamped(min: 0), 0)
    // Steps that vary by 1% are 5% shorter together only if they all are at once.
    let reach = inside.max().value * (jitterSeed == nil ? 1 : 1.05) / step
    let count = Int(min(reach, 1e6).rounded(.up)) + 2
    let (rays, dtype) = (range.count, interval.near.dtype)
    guard let jitterSeed else {
      return (
        .full([rays], step / 2, dtype: dtype), .full([rays, count], step, dtype: dtype)
      )
    }
    var random = RandomGenerator(seed: jitterSeed, stream: UInt64(range.lowerBound))
    let starts = random.uniform([rays], dtype: dtype) * step
    return (starts, (random.normal([rays, count], dtype: dtype) * 0.01).exp() * step)
  }

  /// Samples from before the box on; lengths of those outside of the open box are 0.
  ///
  /// - Parameters:
  ///   - grid: whose box.
  ///   - rays: [R, 3].
  ///   - interval: of the rays; those without one start at their origin.
  ///   - starts: [R], how far before the interval.
  ///   - steps: [R, S].
  static func samples(
    _ grid: VoxelGrid, _ rays: CameraRays, _ interval: RayInterval, starts: Tensor, steps: Tensor
  ) -> RaySamples {
    let near = Tensor.where(interval.isHit, interval.near, 0).clamped(min: 0)
    let behind = steps.cumsum(axis: 1) - steps
    let distances = (near - starts).expandingDims(at: 1) + behind
    let plain = RaySamples(along: rays, distances: distances, lengths: steps)
    let constant = distances.stoppingGradient()
    let isMeant =
      (constant .>= interval.near.stoppingGradient().clamped(min: 0).expandingDims(at: 1))
      .&& (constant .<= interval.far.stoppingGradient().expandingDims(at: 1))
    let counts = grid.contains(plain.positions.stoppingGradient()) .&& isMeant
    return RaySamples(
      positions: plain.positions, distances: distances, lengths: .where(counts, steps, 0))
  }

  /// What samples weigh, and their colours [R, S, C].
  func march(
    _ grid: VoxelGrid, _ samples: RaySamples, along rays: CameraRays
  ) -> (weights: RayWeights, colors: Tensor) {
    let shape = samples.distances.shape
    var positions = samples.positions.reshaped([-1, 3])
    var lengths = samples.lengths
    if let warp = grid.warp {
      positions = grid.warped(positions, by: warp, border: warpBorder)
      let isInside = grid.contains(positions.stoppingGradient()).reshaped(shape)
      lengths = Tensor.where(isInside, lengths, 0)
    }
    let points = grid.gridPoints(positions)
    let density = sampleTrilinear(grid.values.expandingDims(at: 3), at: points).reshaped(shape)
    let along = rays.directions.expandingDims(at: 1).broadcast(to: shape + [3])
    let colors = grid.colors(at: points, seenAlong: along.reshaped([-1, 3]), border: .zeros)
    return (
      SaturatingAlpha().weights(of: density, lengths: lengths), colors.reshaped(shape + [-1])
    )
  }
}

extension VoxelGrid {
  /// bool [...]: which world points [..., 3] are within the open box.
  fileprivate func contains(_ positions: Tensor) -> Tensor {
    ((positions .> bounds.lower) .&& (positions .< bounds.upper)).all(axis: -1)
  }

  /// Where the warp leads from world points [N, 3]: world points.
  fileprivate func warped(_ positions: Tensor, by warp: Tensor, border: GridBorder) -> Tensor {
    let bounds = bounds
    let size = bounds.upper - bounds.lower
    let counts = Tensor(warp.shape.prefix(3).map(Double.init)).cast(to: dtype)
    let points = (positions - bounds.lower) / size * counts - 0.5
    let places = sampleTrilinear(warp, at: points, border: border)
    return bounds.lower + (places + 1) * 0.5 * size
  }
}
