import LumiRendering
import LumiScene
import LumiTensor

/// VolSDF: a signed distance drawn as a volume.
///
/// Computes: the density Ψ(-d)/β at the distance d from the surface, with the distribution function Ψ of
/// Laplace's law of width β, integrated along rays by the rectangle rule. Samples are where the error of
/// opacity is bounded (``Sampling/bounded(_:)``). β is a parameter of the field (``SoftField``), or a
/// constant of the renderer. The field's gradient is at hand for its colours and for
/// `Loss.eikonal(_:)`, without which values need be no distances.
///
/// Cannot: draw a sharp surface: outlines are blurred by β, and with a convex body's distance the
/// light ends a little behind the surface, not on it. Where samples go is constant: derivatives are
/// exact for the samples that there are. With ``Sampling/even(_:)`` samples move with the rays, and
/// derivatives are exact. Lights have no effect.
///
/// L. Yariv, J. Gu, Y. Kasten, Y. Lipman, "Volume Rendering of Neural Implicit Surfaces", NeurIPS 2021.
public struct VolSDF: Renderer {
  public static let method = MethodDescription(
    id: "implicit/volsdf", name: "VolSDF", representation: .implicit,
    type: "signed distance volume",
    strengths: "gradients on both sides of outlines; bounded error of opacity",
    limits: "blurred by β; samples are constant; many evaluations a ray",
    citation: "Yariv, Gu, Kasten, Lipman, NeurIPS 2021",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// Where the samples of a ray are.
  public enum Sampling: Sendable, Hashable {
    /// In the middle of so many equal pieces; how they move with the rays is part of the derivative.
    case even(Int)
    /// Evenly, and again so many where the first have weight.
    case importance(first: Int, second: Int)
    /// The published algorithm.
    case bounded(Bound = Bound())
  }

  /// The constants of the published algorithm.
  public struct Bound: Sendable, Hashable {
    /// The error of opacity; published 0.1.
    public var tolerance: Double
    /// Samples that it begins with, and that every step adds; published 128.
    public var samples: Int
    /// Steps at most; published 5.
    public var steps: Int
    /// Halvings of the interval in which β+ is; published 10.
    public var bisections: Int
    /// Samples by weight that the picture is made of; published 64.
    public var last: Int
    /// Further ones, spread over those of the algorithm; published 32.
    public var kept: Int

    public init(
      tolerance: Double = 0.1, samples: Int = 128, steps: Int = 5, bisections: Int = 10,
      last: Int = 64, kept: Int = 32
    ) {
      self.tolerance = tolerance
      self.samples = samples
      self.steps = steps
      self.bisections = bisections
      self.last = last
      self.kept = kept
    }
  }

  /// β of fields that have none of their own, world units, above 0.
  public var beta: Double
  public var sampling: Sampling
  /// The images to make: colour, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - beta: of fields without their own.
  ///   - sampling: the published algorithm by default.
  ///   - channels: colour and alpha by default.
  public init(
    beta: Double = 0.02, sampling: Sampling = .bounded(),
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.beta = beta
    self.sampling = sampling
    self.channels = channels
  }

  /// Ψ(-d)/β.
  ///
  /// - Parameters:
  ///   - distances: any shape.
  ///   - width: β, above 0; a shape that broadcasts.
  public static func density(_ distances: Tensor, width: Tensor) -> Tensor {
    let inward = -distances / width
    let outside = inward.clamped(max: 0).exp()
    let inside = (-inward.relu()).expm1()
    return (outside - inside) * 0.5 / width
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
  ///   - offsets: [R, S] from 0 to 1, where in their piece even samples are, such as random numbers
  ///     for training; nil for their middle. Other samplings take them for their first samples (of
  ///     `first` or `samples` a ray).
  ///   - withGradients: whether the field's gradients are wanted, as for the eikonal loss.
  ///   - backgroundDepth: what counts for the depth behind all samples.
  public func march(
    _ scene: Scene<ImplicitShape>, along rays: PixelRays, offsets: Tensor? = nil,
    withGradients: Bool = false, backgroundDepth: Double = 0
  ) -> DistanceVolumeRays {
    let shape = scene.shape
    let width = shape.width(orElse: beta)
    let samples = samples(of: shape, along: rays, offsets, width)
    let field = SampledField(shape, at: samples, along: rays.rays, withGradients: withGradients)
    let weights = EmissionAbsorption().weights(
      of: Self.density(field.values, width: width), lengths: samples.lengths)
    let depths = samples.distances * rays.depthPerDistance.expandingDims(at: 1)
    let picture = RayPicture(
      weights, colors: field.colors, depths: depths, background: scene.background,
      backgroundDepth: backgroundDepth)
    return DistanceVolumeRays(
      colors: picture.color, alpha: picture.alpha, depths: picture.depth,
      distances: samples.distances, values: field.values, gradients: field.gradients,
      weights: weights)
  }

  private func samples(
    of shape: ImplicitShape, along rays: PixelRays, _ offsets: Tensor?, _ width: Tensor
  ) -> RaySamples {
    let interval = RayInterval(of: rays.rays, in: shape.bounds).intersection(rays.visible)
    if case .even(let count) = sampling {
      return RaySamples(along: rays.rays, in: interval, count: count, offsets: offsets)
    }
    let placement = SamplePlacement(shape, rays.rays, interval)
    let found = distances(placement, offsets, width.stoppingGradient())
    let ends = Tensor.concatenate([found, placement.far.expandingDims(at: 1)], axis: 1)
    let lengths = PlacedValues(distances: ends, values: ends).lengths
    return RaySamples(along: rays.rays, distances: found, lengths: lengths.clamped(min: 0))
  }

  private func distances(
    _ placement: SamplePlacement, _ offsets: Tensor?, _ width: Tensor
  ) -> Tensor {
    switch sampling {
    case .even(let count): return placement.even(count)
    case .importance(let first, let second):
      let rows = Tensor.arange(placement.near.count)
      let start = placement.even(first, offsets: offsets)
      let placed = PlacedValues(
        distances: start, values: placement.values(at: start, rows: rows))
      let weights = EmissionAbsorption().weights(
        of: placed.earlier(Self.density(placed.values, width: width)), lengths: placed.lengths)
      let more = ImportanceSampling.distances(
        edges: start, weights: weights.samples,
        at: Tensor.linspace(0, 1, second, dtype: start.dtype))
      return ImportanceSampling.merged(start, more)
    case .bounded(let bound):
      return OpacityBoundSampling(
        tolerance: bound.tolerance, first: bound.samples, perStep: bound.samples,
        steps: bound.steps, bisections: bound.bisections, last: bound.last, kept: bound.kept
      ).distances(placement, offsets: offsets, beta: width.value)
    }
  }

  /// Samples of a ray.
  var sampleCount: Int {
    switch sampling {
    case .even(let count): count
    case .importance(let first, let second): first + second
    case .bounded(let bound): max(bound.last + bound.kept, bound.samples)
    }
  }

  private func checkSettings() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: Self.method.id, parameter: name, expected: expected, actual: actual)
      }
    }
    try require(beta > 0 && beta.isFinite, "beta", "above 0", "\(beta)")
    switch sampling {
    case .even(let count): try require(count >= 1, "sampling", "at least 1", "\(count)")
    case .importance(let first, let second):
      try require(first >= 2 && second >= 0, "sampling", "at least 2 and 0", "\(sampling)")
    case .bounded(let bound):
      try require(
        bound.tolerance > 0 && bound.samples >= 2 && bound.steps >= 1 && bound.bisections >= 0
          && bound.last >= 1 && bound.kept >= 0, "sampling",
        "a tolerance above 0, at least 2 samples, 1 step, 1 sample in the end", "\(bound)")
    }
  }
}
