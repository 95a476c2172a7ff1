import LumiImplicit
import LumiRendering
import LumiScene
import LumiTensor
import Testing

@Suite struct TracingTests {
  /// A box with a ball cut out, a torus beside it and a blended capsule: thin, concave and far apart.
  static let scene: CombinedField = {
    let body = CombinedField(
      .difference, BoxField(centre: [-0.3, 0, 0], halfSize: [0.3, 0.35, 0.3], dtype: .float64),
      SphereField(centre: [-0.3, 0.1, 0.3], radius: 0.28, dtype: .float64))
    let ring = CombinedField(
      .smoothUnion(width: Tensor(0.1, dtype: .float64)),
      TorusField(centre: [0.35, 0, 0], majorRadius: 0.3, minorRadius: 0.06, dtype: .float64),
      CapsuleField(
        start: [0.35, -0.5, 0], end: [0.35, 0.6, 0.1], radius: 0.05, dtype: .float64))
    return CombinedField(.union, body, ring)
  }()

  static func pixels(_ side: Int, dtype: DType = .float64) -> CameraRays {
    PixelRays(
      of: .perspective(
        from: [1.2, 1.1, 2.4], verticalFieldOfView: radians(degrees: 42), width: side,
        height: side, dtype: dtype)
    ).rays
  }

  private func interval(_ rays: CameraRays) -> RayInterval {
    RayInterval(of: rays, in: .ball(radius: 1))
  }

  /// Hits by many samples and bisection to the last bit: slow and sure.
  private let sure = SurfaceTracer(
    steps: 0, threshold: 0, samples: 800, rootFinding: .bisection(steps: 60))

  @Test func findsWhatManySamplesFind() {
    let rays = Self.pixels(48)
    let surface = LevelSet(Self.scene)
    let expected = sure.trace(rays, in: interval(rays), to: surface)
    let found = SurfaceTracer(steps: 60, samples: 0).trace(rays, in: interval(rays), to: surface)
    let defaults = SurfaceTracer().trace(rays, in: interval(rays), to: surface)
    for traced in [found, defaults] {
      let different = zip(traced.status, expected.status).filter { $0 != $1 }.count
      // Rays that pass the surface within the threshold are hits to one and not to the other.
      #expect(different <= 3)
      let both = Tensor(
        zip(traced.status, expected.status).map { $0 == .hit && $1 == .hit ? 1.0 : 0 })
      #expect(both.sum().value > 350)
      // The samples are too far apart for a few edges that rays cut across.
      let apart = ((traced.distances - expected.distances) * both).abs() .> 1e-3
      #expect(apart.cast(to: .float64).sum().value <= 4)
      #expect((traced.residuals * both).abs().max().value <= 5e-5)
    }
    #expect(found.evaluations < 25 * rays.origins.shape[0])
    #expect(found.evaluations < expected.evaluations / 10)
    #expect(found.status.allSatisfy { $0 != .startsInside })
    let polished = SurfaceTracer(steps: 60, samples: 0, polishing: 4)
      .trace(rays, in: interval(rays), to: surface)
    #expect(polished.residuals.abs().sum().value < found.residuals.abs().sum().value / 1000)
  }

  @Test func statusesAreReported() {
    let ball = SphereField(radius: 0.5, dtype: .float64)
    let rays = CameraRays(
      origins: Tensor([
        [0.0, 0, 2], [0.9, 0, 2], [0, 0, 0.2], [0, 0, -2], [0.499, 0, 2], [3, 0, 2],
        [.nan, 0, 2],
      ]),
      directions: Tensor([[Double]](repeating: [0, 0, -1], count: 7)))
    let traced = SurfaceTracer(steps: 3, samples: 0)
      .trace(rays, in: interval(rays), to: LevelSet(ball))
    #expect(
      traced.status == [.hit, .miss, .startsInside, .miss, .notConverged, .miss, .miss])
    #expect((traced.distances.scalars(as: Double.self)[0] - 1.5).magnitude < 1e-12)
    #expect(traced.hits.scalars(as: Int32.self) == [0])
    #expect(traced.rows(.notConverged).scalars(as: Int32.self) == [4])
    let sampled = SurfaceTracer(steps: 3).trace(rays, in: interval(rays), to: LevelSet(ball))
    #expect(sampled.status[4] == .hit)
    // A field without a number anywhere decides nothing and ends.
    let broken = LevelSet(dtype: .float64) { Tensor.full([$0.shape[0]], .nan, dtype: .float64) }
    let lost = SurfaceTracer().trace(rays, in: interval(rays), to: broken)
    #expect(lost.status.prefix(2) == [.notConverged, .notConverged])
    let none = CameraRays(
      origins: .zeros([0, 3], dtype: .float64), directions: .zeros([0, 3], dtype: .float64))
    #expect(
      SurfaceTracer().trace(none, in: interval(none), to: LevelSet(ball)).status.isEmpty)
  }

  @Test func levelsAndOccupanciesHaveTheSameSigns() {
    let rays = Self.pixels(24)
    let ball = SphereField(radius: 0.4, dtype: .float64)
    let larger = SphereField(radius: 0.5, dtype: .float64)
    let expected = sure.trace(rays, in: interval(rays), to: LevelSet(larger))
    let level = SurfaceTracer().trace(rays, in: interval(rays), to: LevelSet(ball, level: 0.1))
    // Logits of any steepness, of which tracing by steps would know nothing.
    let logits = LevelSet(dtype: .float64, level: 2, isInsideAbove: true) {
      larger.values(at: $0) * -30 + 2
    }
    let occupancy = SurfaceTracer(steps: 0, samples: 128)
      .trace(rays, in: interval(rays), to: logits)
    for traced in [level, occupancy] {
      #expect(traced.status == expected.status)
      #expect((traced.distances - expected.distances).abs().max().value < 1e-3)
    }
  }

  @Test func stepsThatLeadInsideAreTakenBack() {
    let rays = Self.pixels(32)
    let body = Self.scene.first
    let expected = sure.trace(rays, in: interval(rays), to: LevelSet(body))
    // Values a quarter too large overstep, but not over thick walls.
    let steep = LevelSet(dtype: .float64) { body.values(at: $0) * 1.25 }
    let careful = SurfaceTracer(steps: 30).trace(rays, in: interval(rays), to: steep)
    let careless = SurfaceTracer(steps: 30, backOffs: 0, samples: 0, rootFinding: .secant(steps: 0))
      .trace(rays, in: interval(rays), to: steep)
    func worst(_ traced: TracedRays) -> Double { traced.residuals.abs().max().value }
    let different = zip(careful.status, expected.status).filter { $0 != $1 }.count
    #expect(different <= 8)
    #expect(worst(careful) <= 5e-5)
    #expect(worst(careless) > 5e-3)
  }

  @Test func secantAndBisectionFindTheSameRoots() {
    let rays = Self.pixels(24)
    let surface = LevelSet(Self.scene)
    func trace(_ method: SurfaceTracer.RootFinding) -> TracedRays {
      SurfaceTracer(steps: 0, threshold: 1e-12, samples: 400, rootFinding: method)
        .trace(rays, in: interval(rays), to: surface)
    }
    let (secant, bisection) = (trace(.secant(steps: 40)), trace(.bisection(steps: 60)))
    #expect(secant.status == bisection.status)
    #expect((secant.distances - bisection.distances).abs().max().value < 1e-10)
    #expect(secant.evaluations < bisection.evaluations)
  }

  @Test func emptySpaceSavesEvaluationsAndNoHit() {
    let rays = Self.pixels(64)
    let surface = LevelSet(Self.scene)
    var (sampling, marching) = (
      SurfaceTracer(steps: 0, samples: 128), SurfaceTracer(steps: 60, samples: 0)
    )
    let plain = [sampling, marching].map { $0.trace(rays, in: interval(rays), to: surface) }
    let space = EmptySpace(around: surface, in: .ball(radius: 1), resolution: 32)
    #expect(space.evaluations == 32_768)
    sampling.emptySpace = space
    marching.emptySpace = space
    let quick = [sampling, marching].map { $0.trace(rays, in: interval(rays), to: surface) }
    // Samples stay where they were: the same bits.
    #expect(quick[0].status == plain[0].status)
    #expect((quick[0].distances .== plain[0].distances).all().item(as: Bool.self))
    #expect(quick[0].evaluations < plain[0].evaluations / 4)
    // Steps end elsewhere within the threshold.
    #expect(zip(quick[1].status, plain[1].status).filter { $0 != $1 }.count <= 2)
    let both = Tensor(
      zip(quick[1].status, plain[1].status).map { $0 == .hit && $1 == .hit ? 1.0 : 0 })
    #expect(((quick[1].distances - plain[1].distances) * both).abs().max().value < 1e-3)
    #expect(quick[1].evaluations < plain[1].evaluations * 3 / 4)
    // A slope that is given too small overlooks the body.
    sampling.emptySpace = EmptySpace(
      around: surface, in: .ball(radius: 1), resolution: 4, slope: 0.1)
    #expect(sampling.trace(rays, in: interval(rays), to: surface).status != plain[0].status)
  }

  @Test func leastValuesAreThoseOfTheBody() {
    let rays = Self.pixels(32)
    let ball = SphereField(centre: [0.1, 0, 0], radius: 0.4, dtype: .float64)
    let ends = interval(rays)
    let inside = ends.near .< ends.far
    let least = LeastValueSearch(samples: 20).search(rays, in: ends, of: LevelSet(ball))
    let from = ball.centre - rays.origins
    let along = (from * rays.directions).sum(axis: 1, keepDims: true)
    let expected = (from - along * rays.directions).norm(axis: 1) - 0.4
    let error = Tensor.where(inside, least.values - expected, 0).abs().max().value
    #expect(error < 1e-4)
    let coarse = LeastValueSearch(samples: 20, parabolas: 0)
      .search(rays, in: ends, of: LevelSet(ball))
    #expect(Tensor.where(inside, coarse.values - expected, 0).abs().max().value > 10 * error)
    #expect(least.evaluations == 23 * 1024)
  }

  @Test func sameBitsWithAnyNumberOfThreads() {
    let rays = Self.pixels(40, dtype: .float32)
    let field = SphereField(radius: 0.5)
    func trace() -> [Float] {
      SurfaceTracer().trace(rays, in: interval(rays), to: LevelSet(field)).distances.scalars()
    }
    #expect(LumiRuntime.withThreads(1) { trace() } == trace())
  }
}
