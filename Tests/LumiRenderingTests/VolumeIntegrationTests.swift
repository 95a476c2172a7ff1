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
}
