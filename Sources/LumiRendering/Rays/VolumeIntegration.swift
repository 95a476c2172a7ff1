import CLumiKernels
import LumiScene
import LumiTensor

/// What rays gather in a volume.
public struct VolumeIntegral: Sendable {
  /// [R, C]: Σ weight·colour, without a background.
  public let color: Tensor
  /// [R]: Σ weight.
  public let weight: Tensor
  /// [R]: the light that passes; 1 - `weight` but for ``VolumeMedium/inclusiveEmission``.
  public let remainder: Tensor
  /// [R]: Σ weight·(distance from the origin).
  public let distance: Tensor

  public init(color: Tensor, weight: Tensor, remainder: Tensor, distance: Tensor) {
    self.color = color
    self.weight = weight
    self.remainder = remainder
    self.distance = distance
  }

  /// What is missing to 1.
  public var alpha: Tensor { 1 - remainder }

  /// The colours over a background [C]: [R, C].
  public func color(over background: Tensor) -> Tensor {
    color + remainder.expandingDims(at: 1) * background
  }

  /// Camera z, [R], if `background` is seen through the volume.
  ///
  /// - Parameters:
  ///   - depthPerDistance: [R], how much camera z grows along a unit of the ray.
  ///   - background: camera z.
  public func depth(depthPerDistance: Tensor, background: Double) -> Tensor {
    distance * depthPerDistance + remainder * background
  }
}

/// A lattice of densities and of what colours are made from.
public struct VolumeLattice: Sendable {
  /// [X, Y, Z], at least one value along each axis.
  public var density: Tensor
  /// [X, Y, Z, C·B], the B coefficients of a colour beside each other; nil for no colours.
  public var features: Tensor?
  /// The place of the first value in the world.
  public var origin: SIMD3<Double>
  /// The distance between neighbouring values, above 0.
  public var spacing: SIMD3<Double>

  public init(
    density: Tensor, features: Tensor? = nil, origin: SIMD3<Double>, spacing: SIMD3<Double>
  ) {
    self.density = density
    self.features = features
    self.origin = origin
    self.spacing = spacing
  }
}

/// Sums along rays through a lattice of values, in one operation.
///
/// Computes: for every ray the samples of ``RegularSamples``, their densities and features by
/// trilinear interpolation, their colours from these, their weights by a ``VolumeMedium``, and
/// ``VolumeIntegral``. Colour c of a sample is Σ_b basis_b·feature_{c,b}, with a basis that each ray
/// has once, such as spherical harmonics of its direction.
///
/// Differentiable with respect to densities, features, basis and rays (origins, directions, starts,
/// steps), once. Backward marches again: memory grows with rays and values, not with samples. Results
/// have the same bits whatever the number of threads. The derivative along an axis is taken from
/// above where a sample is exactly at a value.
///
/// A ray ends where no more than ``termination`` of its light is left. What is behind is then taken
/// for the background: a colour changes by at most `termination` times the largest difference
/// between colours there and the background.
public struct VolumeIntegration: Sendable {
  public var medium: VolumeMedium
  /// Densities below 0 count as 0 after the look-up, without a derivative at and below 0.
  public var rectifiesDensity: Bool
  /// If there is one, colours are max(0, offset + Σ_b basis_b·feature_{c,b}), without a derivative
  /// at and below 0; for at most 32 colours.
  public var colorOffset: Double?
  /// What densities are outside of the outermost values.
  public var densityBorder: GridBorder
  /// What features are there.
  public var featureBorder: GridBorder
  /// Light below which rays end; nil for 1e-6 in float32 and 0 in float64, which is for checking
  /// derivatives. 0 stops only where nothing passes.
  public var termination: Double?
  /// What densities are multiplied with.
  public var densityScale: Double

  /// - Parameters:
  ///   - medium: emission and absorption by default.
  ///   - rectifiesDensity: false by default.
  ///   - colorOffset: nil by default; ½ for spherical harmonics in the manner of Plenoxels.
  ///   - densityBorder: fades to 0 by default.
  ///   - featureBorder: repeats by default.
  ///   - termination: by the dtype if nil.
  ///   - densityScale: 1 by default.
  public init(
    _ medium: VolumeMedium = .emissionAbsorption, rectifiesDensity: Bool = false,
    colorOffset: Double? = nil, densityBorder: GridBorder = .zeros,
    featureBorder: GridBorder = .clamped, termination: Double? = nil, densityScale: Double = 1
  ) {
    self.medium = medium
    self.rectifiesDensity = rectifiesDensity
    self.colorOffset = colorOffset
    self.densityBorder = densityBorder
    self.featureBorder = featureBorder
    self.termination = termination
    self.densityScale = densityScale
  }

  /// Marches along rays.
  ///
  /// - Parameters:
  ///   - lattice: densities and features of one dtype, float32 or float64.
  ///   - samples: where; of the same dtype.
  ///   - basis: [R, B]; nil for B = 1 and a basis of 1, so that features are colours.
  ///   - occupancy: of these densities; samples in its empty blocks are left out. With threshold 0
  ///     and ``rectifiesDensity`` no bit of the result or of a derivative changes. Densities that are
  ///     not rectified must not be below 0 then; those in empty blocks get no derivative. A threshold
  ///     τ above 0 changes a ray's light by at most the share τ·`densityScale`·(its length).
  public func callAsFunction(
    _ lattice: VolumeLattice, along samples: RegularSamples, basis: Tensor? = nil,
    skipping occupancy: OccupancyPyramid? = nil
  ) -> VolumeIntegral {
    let operation = VolumeOperation(self, lattice, samples, basis, occupancy)
    let sums = operation.recorded()
    let colors = operation.colors
    func column(_ index: Int) -> Tensor {
      sums.slice(axis: 1, from: index, to: index + 1).squeezed(axis: 1)
    }
    let weight = column(colors)
    return VolumeIntegral(
      color: sums.slice(axis: 1, from: 0, to: colors), weight: weight,
      remainder: column(colors + 1),
      distance: weight * samples.starts + column(colors + 2) * samples.steps)
  }

  /// The same from one tensor operation after another, without early termination: the definition
  /// that the operation is held against. Memory grows with samples; any derivative exists that
  /// `sampleTrilinear` has.
  public func readable(
    _ lattice: VolumeLattice, along samples: RegularSamples, basis: Tensor? = nil
  ) -> VolumeIntegral {
    let listed = samples.listed
    let shape = listed.distances.shape
    let dtype = lattice.density.dtype
    let points =
      ((listed.positions - lattice.origin.tensor(dtype)) / lattice.spacing.tensor(dtype))
      .reshaped([-1, 3])
    var density = sampleTrilinear(
      lattice.density.expandingDims(at: 3), at: points, border: densityBorder
    ).reshaped(shape)
    if rectifiesDensity {
      density = Tensor.where(density.stoppingGradient() .> 0, density, 0)
    }
    let weights = medium.weights(of: density, lengths: listed.lengths * densityScale)
    var colors = Tensor.zeros(shape + [0], dtype: dtype)
    if let features = lattice.features {
      let size = basis?.shape[1] ?? 1
      colors = sampleTrilinear(features, at: points, border: featureBorder)
        .reshaped(shape + [-1, size])
        .matches(basis)
      if let colorOffset {
        colors = colors + colorOffset
        colors = Tensor.where(colors.stoppingGradient() .> 0, colors, 0)
      }
    }
    return VolumeIntegral(
      color: (weights.samples.expandingDims(at: 2) * colors).sum(axis: 1),
      weight: weights.samples.sum(axis: 1), remainder: weights.remainder,
      distance: (weights.samples * listed.distances).sum(axis: 1))
  }
}

extension Tensor {
  /// [R, S, C, B] times a basis [R, B]: [R, S, C].
  fileprivate func matches(_ basis: Tensor?) -> Tensor {
    guard let basis else { return squeezed(axis: 3) }
    return (self * basis.reshaped([basis.shape[0], 1, 1, basis.shape[1]])).sum(axis: 3)
  }
}

extension SIMD3<Double> {
  func tensor(_ dtype: DType) -> Tensor { Tensor([x, y, z]).cast(to: dtype) }
}

/// One march: checks, and the kernel with its derivative.
private struct VolumeOperation {
  let settings: VolumeIntegration
  /// Densities, features, basis, and of every ray its first point and its steps in grid coordinates,
  /// and the length of its pieces.
  let inputs: [Tensor]
  let counts: Tensor
  let samples: Int
  let colors: Int
  let basisCount: Int
  let hasBasis: Bool
  let occupancy: OccupancyPyramid?

  private static let name = "VolumeIntegration"

  init(
    _ settings: VolumeIntegration, _ lattice: VolumeLattice, _ samples: RegularSamples,
    _ basis: Tensor?, _ occupancy: OccupancyPyramid?
  ) {
    let dtype = lattice.density.dtype
    self.settings = settings
    self.occupancy = occupancy
    require(
      occupancy == nil || occupancy!.shape == lattice.density.shape,
      "\(Self.name): densities \(lattice.density.shape), occupancy of \(occupancy?.shape ?? [])")
    let rays = samples.starts.shape[0]
    let size = basis?.shape.last ?? 1
    hasBasis = basis != nil
    let features = lattice.features
    let count = features?.shape.last ?? 0
    require(
      lattice.density.rank == 3 && lattice.density.count > 0 && dtype.isFloatingPoint
        && (features.map { $0.rank == 4 && Array($0.shape.prefix(3)) == lattice.density.shape }
          ?? true),
      "\(Self.name): densities \(dtype) \(lattice.density.shape), features \(features?.shape ?? [])"
    )
    require(
      (basis.map { $0.shape == [rays, size] } ?? true) && size > 0 && count % size == 0
        && count <= Int(LUMI_VOLUME_MOST_FEATURES),
      "\(Self.name): \(count) features, basis \(basis?.shape ?? []) for \(rays) rays")
    require(
      settings.colorOffset == nil || count / size <= Int(LUMI_VOLUME_MOST_LIMITED_COLORS),
      "\(Self.name): \(count / size) colours with an offset")
    basisCount = size
    colors = count / size
    let spacing = lattice.spacing.tensor(dtype)
    let first =
      samples.rays.origins + samples.rays.directions * samples.starts.expandingDims(at: 1)
    let all = [
      lattice.density.withTwoValues(settings.densityBorder),
      (features ?? .zeros(lattice.density.shape + [0], dtype: dtype))
        .withTwoValues(settings.featureBorder),
      basis ?? .ones([0, 1], dtype: dtype), (first - lattice.origin.tensor(dtype)) / spacing,
      samples.rays.directions * samples.steps.expandingDims(at: 1) / spacing,
      samples.steps * settings.densityScale,
    ]
    require(
      all.allSatisfy { $0.dtype == dtype }, "\(Self.name): \(all.map(\.dtype)) are not one dtype")
    inputs = all
    counts = samples.counts
    self.samples = samples.count
  }

  func recorded() -> Tensor {
    let constant = VolumeOperation(self, inputs: inputs.map { $0.stoppingGradient() })
    return customOperation(Self.name, inputs: inputs, outputs: [constant.forward()]) {
      cotangents, needs in
      guard let cotangent = cotangents[0] else { return needs.map { _ in nil } }
      return constant.backward(cotangent, needs)
    }[0]
  }

  private init(_ other: VolumeOperation, inputs: [Tensor]) {
    settings = other.settings
    self.inputs = inputs
    counts = other.counts
    samples = other.samples
    colors = other.colors
    basisCount = other.basisCount
    hasBasis = other.hasBasis
    occupancy = other.occupancy
  }

  private var rays: Int { inputs[5].count }
  private var dtype: DType { inputs[0].dtype }

  private var scene: lumi_volume_scene {
    let pointers = inputs.map { UnsafeRawPointer($0.kernelPointer) }
    let shape = inputs[0].shape
    return lumi_volume_scene(
      real: dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64,
      medium: Int32(settings.medium.kernel.rawValue), rays: Int64(rays), samples: Int64(samples),
      extent: (Int64(shape[0]), Int64(shape[1]), Int64(shape[2])), colors: Int64(colors),
      basis: Int64(basisCount), density: pointers[0], features: pointers[1],
      basis_values: hasBasis ? pointers[2] : nil, points: pointers[3], moves: pointers[4],
      lengths: pointers[5],
      counts: UnsafeRawPointer(counts.kernelPointer).assumingMemoryBound(to: Int32.self),
      density_repeats: settings.densityBorder.repeats,
      features_repeat: settings.featureBorder.repeats,
      rectifies: settings.rectifiesDensity ? 1 : 0,
      limits_colors: settings.colorOffset == nil ? 0 : 1,
      color_offset: settings.colorOffset ?? 0,
      stop: settings.termination ?? (dtype == .float32 ? 1e-6 : 0),
      occupancy: occupancy?.kernel ?? lumi_volume_occupancy())
  }

  private func forward() -> Tensor {
    let sums = Tensor.unfilled([rays, colors + 3], dtype)
    var scene = scene
    let status = lumi_volume_forward(&scene, sums.kernelPointer)
    require(status == LUMI_RASTER_OK, "\(Self.name): \(inputs.map(\.shape)), \(samples) samples")
    withExtendedLifetime(self) {}
    return sums
  }

  private func backward(_ cotangent: Tensor, _ needs: [Bool]) -> [Tensor?] {
    var scene = scene
    let movesNeeded = needs[3] || needs[4]
    let wanted = [needs[0], needs[1], needs[2], movesNeeded, movesNeeded, needs[5]]
    let gradients = zip(inputs, wanted).map { $1 ? Tensor.unfilled($0.shape, dtype) : nil }
    let workspace = Tensor.unfilled([lumi_volume_workspace(&scene)], .bool)
    let pointers = gradients.map { $0.map { UnsafeMutableRawPointer($0.kernelPointer) } }
    var places = lumi_volume_gradients(
      density: pointers[0], features: pointers[1], basis_values: pointers[2], points: pointers[3],
      moves: pointers[4], lengths: pointers[5])
    let status = lumi_volume_backward(
      &scene, cotangent.kernelPointer, workspace.kernelPointer, &places)
    require(status == LUMI_RASTER_OK, "\(Self.name): backward of \(inputs.map(\.shape))")
    withExtendedLifetime((self, cotangent)) {}
    return gradients
  }
}

extension VolumeMedium {
  fileprivate var kernel: lumi_volume_medium {
    switch self {
    case .emissionAbsorption: LUMI_MEDIUM_EMISSION_ABSORPTION
    case .limitedAbsorption: LUMI_MEDIUM_LIMITED_ABSORPTION
    case .inclusiveEmission: LUMI_MEDIUM_INCLUSIVE_EMISSION
    case .saturating: LUMI_MEDIUM_SATURATING
    }
  }
}

extension GridBorder {
  fileprivate var repeats: Int32 { self == .clamped ? 1 : 0 }
}

extension Tensor {
  /// With a second value along axes that have one, as it is outside of the grid.
  fileprivate func withTwoValues(_ border: GridBorder) -> Tensor {
    var result = self
    for axis in 0..<3 where result.shape[axis] == 1 {
      let next = border == .clamped ? result : Tensor.zeros(like: result.stoppingGradient())
      result = .concatenate([result, next], axis: axis)
    }
    return result
  }
}
