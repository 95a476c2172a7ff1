import LumiRendering
import LumiScene
import LumiTensor

/// The rendering layers of PlatonicGAN (survey 2.2, transparency; Table 2: resampling, weighted
/// sum).
///
/// Computes: one of three pictures of a volume V, from samples in equal steps along every ray through
/// its box (``Medium``). With κ for the factor, n for the samples and s for a step's share of the
/// box's mean side:
/// - visual hull: alpha 1 - exp(-Σ V·m s), m being the values along the longest axis, so that a ray
///   along an axis adds its voxels up;
/// - absorption only: alpha 1 - Π a with a = 1 - κ s V, limited to 1e-5…1;
/// - emission and absorption: with d = κ s V, limited to 1 (where the paper's range of densities
///   ends), alpha 1 - Π (1 - d), and as colour the mean weighted by d and by what passes up to and
///   including the sample.
/// Colours of the first two are such means by what stops at each sample. The derivative is the plain
/// one.
///
/// Cannot: hollow out what is opaque for certain: where absorption is limited, its derivative is 0.
/// The published layers look along an axis, after the volume was turned and resampled; here rays of
/// any camera sample it directly, which is the same for rays along the axis and saves one
/// interpolation otherwise. ``PublishedVolume`` has the layers as released.
///
/// P. Henzler, N. Mitra, T. Ritschel, "Escaping Plato's Cave: 3D Shape From Adversarial Rendering",
/// ICCV 2019.
public struct PlatonicRenderer: Renderer {
  public static let method = MethodDescription(
    id: "voxel/platonic-gan", name: "PlatonicGAN rendering layers", representation: .voxel,
    type: "transparency",
    strengths: "simple; smooth; easy to optimise; exact for shape and camera",
    limits: "soft surfaces; saturated absorption has no gradient; memory",
    citation: "Henzler, Mitra, Ritschel, ICCV 2019",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// How the volume meets light.
  public enum Medium: Sendable, Equatable {
    case visualHull
    /// Published factor 20.
    case absorption(factor: Double)
    /// Published factor 100.
    case emissionAbsorption(factor: Double)
  }

  public var medium: Medium
  /// Samples a ray; if nil as many as values along the grid's longest axis, and 1024 with emission,
  /// as published.
  public var samples: Int?
  /// The images to make: colour, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - medium: absorption with the factor 20 by default.
  ///   - samples: samples a ray, at least 1.
  ///   - channels: colour and alpha by default.
  public init(
    _ medium: Medium = .absorption(factor: 20), samples: Int? = nil,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.medium = medium
    self.samples = samples
    self.channels = channels
  }

  public func render(_ scene: Scene<VoxelGrid>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkGrid(for: camera, method: id, quantities: [.occupancy, .emptiness, .density])
    let longest = scene.shape.counts.max()
    var published = longest
    var factor = Double(longest)
    switch medium {
    case .visualHull: break
    case .absorption(let value): factor = value
    case .emissionAbsorption(let value): (factor, published) = (value, 1024)
    }
    let count = samples ?? published
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: Any) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: id, parameter: name, expected: expected, actual: "\(actual)")
    }
    try require(count >= 1, "samples", "at least 1", count)
    try require(factor > 0 && factor.isFinite, "medium", "a finite factor above 0", factor)
    let scale = factor / (scene.shape.extent.sum() / 3)
    let far = camera.far
    let integration = VolumeIntegration(medium.volume, densityScale: scale)
    return try scene.output(from: camera, wanted: channels, method: id) { rays in
      let bounds = scene.shape.bounds
      let interval = RayInterval(of: rays.rays, inBoxFrom: bounds.lower, to: bounds.upper)
        .intersection(rays.visible)
      let samples = RegularSamples(along: rays.rays, in: interval, count: count)
      let found = medium.picture(scene.shape.integral(integration, along: samples))
      return RayPicture(
        color: found.color(over: scene.background), alpha: found.alpha,
        depth: found.depth(depthPerDistance: rays.depthPerDistance, background: far))
    }
  }
}

extension PlatonicRenderer.Medium {
  fileprivate var volume: VolumeMedium {
    switch self {
    case .visualHull: .emissionAbsorption
    case .absorption: .limitedAbsorption
    case .emissionAbsorption: .inclusiveEmission
    }
  }

  /// Emission's sums as means, of which alpha is seen.
  fileprivate func picture(_ found: VolumeIntegral) -> VolumeIntegral {
    guard case .emissionAbsorption = self else { return found }
    let factor = found.alpha / (found.weight + 1e-8)
    return VolumeIntegral(
      color: found.color * factor.expandingDims(at: 1), weight: found.weight * factor,
      remainder: found.remainder, distance: found.distance * factor)
  }
}

extension PlatonicRenderer.Medium: RayAggregation {
  /// - Parameters:
  ///   - values: [R, S], the volume.
  ///   - lengths: [R, S], steps as shares of the volume's side times the factor (times the voxels of
  ///     a side for the visual hull).
  public func weights(of values: Tensor, lengths: Tensor) -> RayWeights {
    let weights = volume.weights(of: values, lengths: lengths)
    guard case .emissionAbsorption = self else { return weights }
    let mean = weights.samples / (weights.samples.sum(axis: 1, keepDims: true) + 1e-8)
    return RayWeights(
      samples: mean * (1 - weights.remainder).expandingDims(at: 1), remainder: weights.remainder)
  }
}
