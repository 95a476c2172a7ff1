import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// The operation against the same sums from one tensor operation after another.
struct VolumeIntegrationTests {
  /// A small scene that rays cross, touch and miss.
  struct Scene {
    var lattice: VolumeLattice
    var rays: CameraRays
    var basis: Tensor?
    var count: Int
    var step: Double?

    init(
      shape: [Int] = [5, 4, 6], colors: Int = 3, basis: Int? = nil, count: Int = 21,
      step: Double? = nil, low: Double = -0.5, high: Double = 2, rays: Int = 40
    ) {
      var random = RandomGenerator(seed: 11)
      let features = colors * (basis ?? 1)
      lattice = VolumeLattice(
        density: random.uniform(shape, low: low, high: high, dtype: .float64),
        features: colors == 0
          ? nil : random.uniform(shape + [features], low: -1, high: 1, dtype: .float64),
        origin: [-0.8, -0.75, -0.9], spacing: [0.4, 0.5, 0.35])
      let origins = random.normal([rays, 3], dtype: .float64)
      let targets = random.uniform([rays, 3], low: -1.2, high: 1.2, dtype: .float64)
      let away = origins / origins.square().sum(axis: 1, keepDims: true).sqrt() * 3
      let toward = targets - away
      self.rays = CameraRays(
        origins: away, directions: toward / toward.square().sum(axis: 1, keepDims: true).sqrt())
      self.basis = basis.map { random.normal([rays, $0], dtype: .float64) }
      self.count = count
      self.step = step
    }

    var parameters: [Tensor] {
      [lattice.density, rays.origins, rays.directions]
        + [lattice.features, basis].compactMap { $0 }
    }

    func replacing(_ values: [Tensor]) -> Scene {
      var result = self
      var rest = values[3...]
      result.lattice.density = values[0]
      result.rays = CameraRays(origins: values[1], directions: values[2])
      if lattice.features != nil { result.lattice.features = rest.removeFirst() }
      if basis != nil { result.basis = rest.removeFirst() }
      return result
    }

    var samples: RegularSamples {
      let dtype = lattice.density.dtype
      let interval = RayInterval(
        of: rays, inBoxFrom: Tensor([-1.0, -1, -1]).cast(to: dtype),
        to: Tensor([1.0, 1, 1.2]).cast(to: dtype))
      return step.map { RegularSamples(along: rays, in: interval, step: $0) }
        ?? RegularSamples(along: rays, in: interval, count: count)
    }

    func integral(_ settings: VolumeIntegration, readably: Bool = false) -> [Tensor] {
      let found =
        readably
        ? settings.readable(lattice, along: samples, basis: basis)
        : settings(lattice, along: samples, basis: basis)
      return [found.color, found.weight, found.remainder, found.distance]
    }

    /// Values, then derivatives of their sum with fixed weights.
    func everything(_ settings: VolumeIntegration, readably: Bool = false, dtype: DType = .float64)
      -> [Tensor]
    {
      let product = vectorJacobianProduct(at: parameters.map { $0.cast(to: dtype) }) {
        replacing($0).integral(settings, readably: readably)
      }
      var random = RandomGenerator(seed: 12)
      let cotangents = product.values.map {
        random.normal($0.shape, dtype: .float64).cast(to: dtype)
      }
      return product.values + product.pullback(cotangents)
    }
  }

  static func largestDifference(_ a: [Tensor], _ b: [Tensor]) -> Double {
    #expect(a.map(\.shape) == b.map(\.shape))
    return zip(a, b).filter { $0.0.count > 0 }.map { x, y in
      let (x, y) = (x.cast(to: .float64), y.cast(to: .float64))
      return (x - y).abs().max().value / max(1, y.abs().max().value)
    }.max() ?? 0
  }

  static let cases: [(String, Scene, VolumeIntegration)] = {
    var all: [(String, Scene, VolumeIntegration)] = VolumeMedium.allCases.map {
      ("\($0)", Scene(), VolumeIntegration($0))
    }
    all += [
      ("rectified", Scene(), VolumeIntegration(rectifiesDensity: true)),
      ("borders", Scene(), VolumeIntegration(densityBorder: .clamped, featureBorder: .zeros)),
      ("harmonics", Scene(basis: 9), VolumeIntegration(rectifiesDensity: true, colorOffset: 0.5)),
      ("plain basis", Scene(colors: 2, basis: 4), VolumeIntegration()),
      ("offset", Scene(colors: 1), VolumeIntegration(colorOffset: 0.1)),
      ("no colours", Scene(colors: 0), VolumeIntegration()),
      ("steps", Scene(step: 0.13), VolumeIntegration()),
      ("flat", Scene(shape: [1, 4, 1], low: 0), VolumeIntegration(featureBorder: .zeros)),
      ("many layers", Scene(shape: [70, 2, 3], count: 90), VolumeIntegration()),
      ("one sample", Scene(count: 1), VolumeIntegration(.saturating)),
    ]
    return all
  }()

  @Test(arguments: cases.indices)
  func agreesWithTheReadableForm(_ index: Int) {
    let (name, scene, settings) = Self.cases[index]
    let exact = scene.everything(settings, readably: true)
    #expect(exact.allSatisfy { $0.count == 0 || $0.abs().max().value > 0 }, "\(name)")
    let found = scene.everything(settings)
    #expect(Self.largestDifference(found, exact) < 1e-11, "\(name)")
    for level in LumiRuntime.KernelLevel.available {
      let single = LumiRuntime.withKernelLevel(level) {
        scene.everything(settings, dtype: .float32)
      }
      #expect(Self.largestDifference(single, exact) < 1e-4, "\(name), \(level)")
    }
  }

  @Test(arguments: cases.indices)
  func derivativesAgreeWithDifferences(_ index: Int) throws {
    let (name, scene, settings) = Self.cases[index]
    // A few rays: the readable form has the rest.
    var few = scene
    func first(_ tensor: Tensor) -> Tensor { tensor.slice(axis: 0, from: 0, to: 6) }
    few.rays = CameraRays(
      origins: first(scene.rays.origins), directions: first(scene.rays.directions))
    few.basis = scene.basis.map(first)
    // Counts of samples change with rays that are sampled at a fixed step.
    guard few.step == nil else { return }
    let report = try checkGradients(at: few.parameters, steps: [1e-6], tolerance: 1e-5) { values in
      let sums = few.replacing(values).integral(settings)
      return Tensor.concatenate(sums.map { $0.reshaped([-1]) })
    }
    #expect(report.compared > 0, "\(name)")
  }

  /// What a test must notice.
  @Test func aChangedGradientIsSeen() {
    let scene = Scene()
    let exact = scene.everything(VolumeIntegration(), readably: true)
    var changed = scene
    changed.lattice.density = scene.lattice.density * 1.001
    let found = changed.everything(VolumeIntegration())
    #expect(Self.largestDifference(found, exact) > 1e-5)
  }

  @Test(arguments: [DType.float32, .float64])
  func threadsAndRunsChangeNoBit(_ dtype: DType) {
    // Several batches of samples, several slabs.
    let scene = Scene(shape: [40, 8, 9], basis: 9, count: 1500, rays: 300)
    let settings = VolumeIntegration(rectifiesDensity: true, colorOffset: 0.5)
    func bits(_ threads: Int) -> [[UInt64]] {
      LumiRuntime.withThreads(threads) {
        scene.everything(settings, dtype: dtype).map {
          $0.scalars(as: Double.self).map(\.bitPattern)
        }
      }
    }
    let one = bits(1)
    #expect(one == bits(5))
    #expect(one == bits(1))
  }

  @Test func terminationChangesNoMoreThanItsBound() {
    let scene = Scene(low: 5, high: 20)
    let exact = scene.integral(VolumeIntegration(termination: 0))
    for bound in [1e-2, 1e-4] {
      let found = scene.integral(VolumeIntegration(termination: bound))
      let changes = zip(found, exact).map { ($0 - $1).abs().max().value }
      #expect(changes[0] > 0)
      // Colours are below 1, distances below 6.
      #expect(changes[0] <= bound && changes[1] <= bound && changes[3] <= 6 * bound)
      let cut = VolumeIntegration(termination: bound)
      #expect(throws: Never.self) {
        try checkGradients(at: [scene.lattice.density], steps: [1e-7], tolerance: 1e-4) {
          var changed = scene
          changed.lattice.density = $0[0]
          return changed.integral(cut)[0]
        }
      }
    }
  }

  @Test func hostileRaysGiveFiniteGrids() {
    var scene = Scene(low: 0, rays: 6)
    let bad = [Double.nan, .infinity, 1e300, 0, 1, -1e300]
    scene.rays = CameraRays(
      origins: Tensor(bad.flatMap { [$0, 0.1, 0.2] }, shape: [6, 3]),
      directions: Tensor(
        [1.0, 0, 0, 1, 0, 0, -1, 0, 0, .nan, 0, 0, 0, 0, 0, 1, 0, 0], shape: [6, 3]))
    let found = scene.everything(VolumeIntegration())
    #expect(found[4].isAllFinite)
    #expect(found[7].isAllFinite)
  }

  /// T = exp(-σ·chord), whatever the samples, and a colour that is seen as deep as it should.
  @Test func homogeneousCubesHaveTheClosedForm() {
    for dtype in [DType.float32, .float64] {
      var scene = Scene()
      scene.lattice = VolumeLattice(
        density: .full([3, 3, 3], 0.7, dtype: dtype),
        features: .full([3, 3, 3, 1], 0.25, dtype: dtype),
        origin: [-1, -1, -1], spacing: [1, 1, 1.1])
      scene.rays = CameraRays(
        origins: scene.rays.origins.cast(to: dtype),
        directions: scene.rays.directions.cast(to: dtype))
      let interval = RayInterval(
        of: scene.rays, inBoxFrom: Tensor([-1.0, -1, -1]).cast(to: dtype),
        to: Tensor([1.0, 1, 1.2]).cast(to: dtype))
      let chord = Tensor.where(interval.isHit, interval.far - interval.near, 0)
      let exact = (-chord * 0.7).exp()
      let sums = scene.integral(VolumeIntegration(termination: 0))
      let tolerance = dtype == .float32 ? 2e-6 : 1e-13
      #expect((sums[2] - exact).abs().max().value < tolerance)
      #expect((sums[0].squeezed(axis: 1) - (1 - exact) * 0.25).abs().max().value < tolerance)
    }
  }

  /// A Gaussian blob, from the middle to far outside along slanted rays: the error falls with the
  /// square of the spacing, of values and samples alike.
  @Test func gaussianBlobsConvergeWithOrderTwo() {
    let width = 0.3, height = 2.0
    let scene = Scene(rays: 30)
    // Through points near the blob's middle.
    var random = RandomGenerator(seed: 14)
    let through = random.uniform([30, 3], low: -0.2, high: 0.2, dtype: .float64)
    let toward = through - scene.rays.origins
    let direction = toward / toward.square().sum(axis: 1, keepDims: true).sqrt()
    let rays = CameraRays(origins: scene.rays.origins, directions: direction)
    let along = (rays.origins * direction).sum(axis: 1)
    let squared = (rays.origins.square()).sum(axis: 1) - along.square()
    let depth =
      (squared * (-0.5 / (width * width))).exp() * (height * width * (2 * Double.pi).squareRoot())
    let errors = [16, 32, 64].map { size -> Double in
      let axis = Tensor.arange(size + 1, dtype: .float64) * (4 / Double(size)) - 2
      let tail = (axis.square() * (-0.5 / (width * width))).exp()
      let lattice = VolumeLattice(
        density: tail.reshaped([-1, 1, 1]) * tail.reshaped([1, -1, 1]) * tail.reshaped([1, 1, -1])
          * height,
        origin: [-2, -2, -2], spacing: SIMD3(repeating: 4 / Double(size)))
      let interval = RayInterval(
        of: rays, inBoxFrom: Tensor([-2.0, -2, -2]), to: Tensor([2.0, 2, 2]))
      let found = VolumeIntegration()(
        lattice, along: RegularSamples(along: rays, in: interval, count: 2 * size))
      return (found.remainder - (-depth).exp()).abs().mean().value
    }
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      let ratio = coarse / fine
      #expect(ratio > 3.2 && ratio < 4.8, "errors \(errors)")
    }
  }
}
