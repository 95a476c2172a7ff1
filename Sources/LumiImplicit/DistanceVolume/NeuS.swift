import LumiRendering
import LumiScene
import LumiTensor

/// NeuS: a signed distance drawn as a volume whose weight is largest on the surface.
///
/// Computes: from one sample to the next a ray loses the share α = max(1 - Φ(f₂)/Φ(f₁), 0) of its
/// light, with the logistic function Φ(f) = 1/(1 + exp(-s f)). Where the field is a distance from a
/// plane, the weight's maximum is on the surface to first order, whatever s; surfaces behind others have
/// no weight. 1/s is a parameter of the field (``SoftField``), or a constant of the renderer. Samples are
/// refined in steps with growing s (``Sampling/refined(_:)``). ``Opacity`` tells where f₁ and f₂ come
/// from.
///
/// Cannot: draw a sharp surface: outlines are blurred by 1/s. Where samples go is constant: derivatives
/// are exact for the samples that there are. With ``Sampling/even(_:)`` samples move with the rays, and
/// derivatives are exact. A ray that begins inside sees nothing until it leaves and enters again. Lights
/// have no effect.
///
/// P. Wang, L. Liu, Y. Liu, C. Theobalt, T. Komura, W. Wang, "NeuS: Learning Neural Implicit Surfaces by
/// Volume Rendering for Multi-view Reconstruction", NeurIPS 2021.
public struct NeuS: Renderer {
  public static let method = MethodDescription(
    id: "implicit/neus", name: "NeuS", representation: .implicit, type: "signed distance volume",
    strengths: "weights peak on the surface; gradients on both sides of outlines",
    limits: "blurred by 1/s; samples are constant; many evaluations a ray",
    citation: "Wang, Liu, Liu, Theobalt, Komura, Wang, NeurIPS 2021",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// Where the samples of a ray are.
  public enum Sampling: Sendable, Hashable {
    /// The ends of so many equal pieces; how they move with the rays is part of the derivative.
    case even(Int)
    /// The published way.
    case refined(Refinement = Refinement())
  }

  /// The constants of the published way: even samples, and more by weight, step by step.
  public struct Refinement: Sendable, Hashable {
    /// Even samples; published 64.
    public var samples: Int
    /// Steps; published 4.
    public var steps: Int
    /// Samples of all steps together; published 64.
    public var added: Int
    /// s of the first step, doubled by every other one; published 64.
    public var sharpness: Double

    public init(samples: Int = 64, steps: Int = 4, added: Int = 64, sharpness: Double = 64) {
      self.samples = samples
      self.steps = steps
      self.added = added
      self.sharpness = sharpness
    }
  }

  /// What the field is at both ends of a piece between two samples.
  public enum Opacity: Sendable, Hashable {
    /// Its values at the samples, as in the paper. The piece has the mean of the ends' colours.
    case values
    /// A line through the value in the middle with the slope there, as in the released program. While
    /// `annealing` is below 1, slopes of rays that leave a surface count, too, which helps a field that
    /// is no distance yet: cos becomes the mean of -½(1 - cos) and min(cos, 0), weighted with it.
    /// Needs the field's gradient at every sample.
    case slopes(annealing: Double = 1)
  }

  /// 1/s of fields that have none of their own, world units, above 0.
  public var width: Double
  public var sampling: Sampling
  public var opacity: Opacity
  /// The images to make: colour, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - width: 1/s of fields without their own.
  ///   - sampling: the published way by default.
  ///   - opacity: by values by default.
  ///   - channels: colour and alpha by default.
  public init(
    width: Double = 0.02, sampling: Sampling = .refined(), opacity: Opacity = .values,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.width = width
    self.sampling = sampling
    self.opacity = opacity
    self.channels = channels
  }

  public func render(_ scene: Scene<ImplicitShape>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkField(for: camera, method: id, quantities: [.signedDistance])
    try checkSettings()
    let far = camera.far
    return try scene.output(
      from: camera, wanted: channels, method: id, samplesPerRay: sampleCount
    ) { scene, rays, _, _ in
      march(scene, along: rays, backgroundDepth: far).picture
    }
  }

  /// What rays see.
  ///
  /// - Parameters:
  ///   - scene: of a signed distance.
  ///   - rays: such as some pixels of many cameras.
  ///   - offsets: [R, S] from 0 to 1, where in S equal pieces the even samples are, such as random
  ///     numbers for training; nil for the pieces' ends.
  ///   - withGradients: whether the field's gradients are wanted, as for the eikonal loss.
  ///   - backgroundDepth: what counts for the depth behind all samples.
  public func march(
    _ scene: Scene<ImplicitShape>, along rays: PixelRays, offsets: Tensor? = nil,
    withGradients: Bool = false, backgroundDepth: Double = 0
  ) -> DistanceVolumeRays {
    let shape = scene.shape
    let ends = ends(of: shape, along: rays, offsets)
    let pieces = PlacedValues(distances: ends, values: ends)
    let middles = (pieces.earlier(ends) + pieces.later(ends)) * 0.5
    let isBySlope = opacity != .values
    let samples = RaySamples(
      along: rays.rays, distances: isBySlope ? middles : ends, lengths: pieces.lengths)
    let field = SampledField(
      shape, at: samples, along: rays.rays, withGradients: withGradients || isBySlope)
    let steepness = shape.width(orElse: width).reciprocal()
    let weights = weights(of: field, pieces, rays.rays, steepness)
    let colors =
      isBySlope
      ? field.colors : (pieces.earlier(field.colors) + pieces.later(field.colors)) * 0.5
    let picture = RayPicture(
      weights, colors: colors, depths: middles * rays.depthPerDistance.expandingDims(at: 1),
      background: scene.background, backgroundDepth: backgroundDepth)
    return DistanceVolumeRays(
      colors: picture.color, alpha: picture.alpha, depths: picture.depth,
      distances: samples.distances, values: field.values, gradients: field.gradients,
      weights: weights)
  }

  private func weights(
    of field: SampledField, _ pieces: PlacedValues, _ rays: CameraRays, _ steepness: Tensor
  ) -> RayWeights {
    switch opacity {
    case .values:
      return Self.weights(
        from: pieces.earlier(field.values), to: pieces.later(field.values), steepness: steepness)
    case .slopes(let annealing):
      let cosine = (field.gradients! * rays.directions.expandingDims(at: 1)).sum(axis: 2)
      let early = (cosine * -0.5 + 0.5).relu() * (1 - annealing)
      let drop = (early + (-cosine).relu() * annealing) * pieces.lengths * 0.5
      return Self.weights(
        from: field.values + drop, to: field.values - drop, steepness: steepness)
    }
  }

  /// The weights of pieces of rays.
  ///
  /// With L = log(1 + exp(-s f)) = -log Φ(f), a piece lets exp(-max(L₂ - L₁, 0)) of the light pass:
  /// emission and absorption, without a division of small numbers deep inside.
  ///
  /// - Parameters:
  ///   - first: the field where pieces begin, [R, S].
  ///   - second: where they end.
  ///   - steepness: s.
  static func weights(
    from first: Tensor, to second: Tensor, steepness: Tensor
  ) -> RayWeights {
    func depth(_ values: Tensor) -> Tensor { (values * -steepness).softplus() }
    let thickness = (depth(second) - depth(first)).relu()
    return EmissionAbsorption().weights(of: thickness, lengths: .ones(like: thickness))
  }

  // MARK: Samples

  /// The ends of pieces, [R, S + 1], ascending.
  private func ends(
    of shape: ImplicitShape, along rays: PixelRays, _ offsets: Tensor?
  ) -> Tensor {
    let interval = RayInterval(of: rays.rays, in: shape.bounds).intersection(rays.visible)
    switch sampling {
    case .even(let count):
      let isHit = interval.isHit
      let near = Tensor.where(isHit, interval.near, 0).clamped(min: 0).expandingDims(at: 1)
      let far = Tensor.where(isHit, interval.far, 0).expandingDims(at: 1)
      let place = Tensor.arange(count + 1, dtype: shape.dtype).expandingDims(at: 0)
      let share = (offsets.map { place + $0 } ?? place) / Double(offsets == nil ? count : count + 1)
      return near + (far - near) * share
    case .refined(let refinement):
      return ends(SamplePlacement(shape, rays.rays, interval), offsets, refinement)
    }
  }

  private func ends(
    _ placement: SamplePlacement, _ offsets: Tensor?, _ refinement: Refinement
  ) -> Tensor {
    let rows = Tensor.arange(placement.near.count)
    let start = placement.even(refinement.samples, offsets: offsets)
    var placed = PlacedValues(
      distances: start, values: placement.values(at: start, rows: rows))
    var steepness = refinement.sharpness
    for step in 0..<refinement.steps {
      let weights = roughWeights(placed, steepness)
      let more = ImportanceSampling.distances(
        edges: placed.distances, weights: weights,
        at: Tensor.linspace(0, 1, refinement.added(in: step), dtype: placed.distances.dtype))
      guard step < refinement.steps - 1 else {
        return ImportanceSampling.merged(placed.distances, more)
      }
      placed = placed.merged(more, placement.values(at: more, rows: rows))
      steepness *= 2
    }
    return placed.distances
  }

  /// Weights that also count the piece behind one that the surface is met in: slopes are the lesser of
  /// a piece's own and that of the piece before.
  private func roughWeights(_ placed: PlacedValues, _ steepness: Double) -> Tensor {
    let (first, second) = (placed.earlier(placed.values), placed.later(placed.values))
    let lengths = placed.lengths
    let slope = (second - first) / lengths.clamped(min: 1e-5)
    let before = slope.slice(axis: 1, from: 0, to: slope.shape[1] - 1)
      .padded(axis: 1, before: 1, after: 0)
    let drop = Tensor.minimum(slope, before).clamped(min: -1000, max: 0) * lengths * 0.5
    let middle = (first + second) * 0.5
    return Self.weights(
      from: middle - drop, to: middle + drop,
      steepness: Tensor(steepness, dtype: lengths.dtype)
    ).samples
  }

  /// Samples of a ray.
  var sampleCount: Int {
    switch sampling {
    case .even(let count): count + 1
    case .refined(let refinement): refinement.samples + refinement.added
    }
  }

  private func checkSettings() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: Self.method.id, parameter: name, expected: expected, actual: actual)
      }
    }
    try require(width > 0 && width.isFinite, "width", "above 0", "\(width)")
    switch sampling {
    case .even(let count): try require(count >= 1, "sampling", "at least 1", "\(count)")
    case .refined(let refinement):
      try require(
        refinement.samples >= 2 && refinement.steps >= 0 && refinement.added >= 0
          && refinement.sharpness > 0, "sampling",
        "at least 2 samples, 0 steps, 0 added, a sharpness above 0", "\(refinement)")
    }
    if case .slopes(let annealing) = opacity {
      try require(0 <= annealing && annealing <= 1, "opacity", "from 0 to 1", "\(annealing)")
    }
  }
}

extension NeuS.Refinement {
  /// Samples that a step adds: an equal share, and the first steps one more.
  func added(in step: Int) -> Int { added / steps + (step < added % steps ? 1 : 0) }
}
