import LumiImplicit
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Lemma 1 of IDR.
@Suite struct SurfacePointTests {
  private let tracer = SurfaceTracer(steps: 60, threshold: 1e-12, polishing: 4)

  private func hits(_ field: any ImplicitField, _ rays: CameraRays) -> TracedRays {
    tracer.trace(rays, in: RayInterval(of: rays, in: .ball(radius: 1)), to: LevelSet(field))
  }

  /// Rays from one centre.
  private func rays(from centre: Tensor, along directions: Tensor) -> CameraRays {
    let units = directions.unitVectors()
    return CameraRays(origins: centre.broadcast(to: units.shape), directions: units)
  }

  private let centre = Tensor([0.2, 1.5, 1.7])
  private let directions = Tensor([[-0.1, -0.9, -1.0], [-0.05, -0.85, -0.9], [0.05, -0.8, -0.8]])

  private func network(_ dtype: DType) -> NeuralField {
    NeuralField(
      .signedDistance, encoding: PositionalEncoding(frequencies: 1),
      trunk: MultilayerPerceptron.sphere(
        inputs: 9, hidden: [14, 14], radius: 0.5, beta: 10, seed: 21, dtype: dtype), dtype: dtype)
  }

  @Test(arguments: [DType.float32, .float64]) func valueIsThePointOfTheRayToTheBit(dtype: DType) {
    let field = network(dtype)
    let rays = rays(from: centre.cast(to: dtype), along: directions.cast(to: dtype))
    // Far from converged: the lemma does not care.
    let traced = SurfaceTracer(threshold: 0.05).trace(
      rays, in: RayInterval(of: rays, in: .ball(radius: 1)), to: LevelSet(field))
    #expect(traced.status == [.hit, .hit, .hit])
    for order in 1...2 {
      let points = RaySurfacePoints(of: field, along: rays, at: traced.distances, order: order)
      let plain = rays.origins + traced.distances.expandingDims(at: 1) * rays.directions
      #expect((points.positions .== plain).all().item(as: Bool.self))
      #expect((points.distances .== traced.distances).all().item(as: Bool.self))
    }
  }

  @Test func pointsAndNormalsOfANetworkHaveTheDerivativesOfTheSurface() throws {
    let field = network(.float64)
    let names = field.parameters.map(\.path)
    var (worst, hitCount) = (0.0, 3)
    let report = try checkGradients(
      at: [centre, directions] + field.parameters.map(\.value), steps: [1e-5, 1e-4],
      tolerance: 1e-6
    ) { values in
      let changed = try field.replacing(
        Dictionary(uniqueKeysWithValues: zip(names, values.dropFirst(2))))
      let rays = rays(from: values[0], along: values[1])
      let traced = hits(changed, rays)
      worst = max(worst, traced.residuals.abs().max().value)
      hitCount = min(hitCount, traced.hits.count)
      let points = RaySurfacePoints(of: changed, along: rays, at: traced.distances)
      let normals = RaySurfacePoints.normals(
        changed.samples(at: points.positions, withGradients: true))
      return .concatenate([points.positions, normals], axis: 1)
    }
    #expect(report.compared > 300)
    #expect(worst < 1e-12 && hitCount == 3)
  }

  @Test func normalsHaveDerivativesInFloat32() {
    func slopes(_ dtype: DType) -> [Tensor] {
      let field = network(.float64)
      let names = field.parameters.map(\.path)
      return gradient(at: field.parameters.map { $0.value.cast(to: dtype) }) { values in
        let changed = try! network(dtype).replacing(
          Dictionary(uniqueKeysWithValues: zip(names, values)))
        let rays = rays(from: centre.cast(to: dtype), along: directions.cast(to: dtype))
        let traced = SurfaceTracer(threshold: 1e-6).trace(
          rays, in: RayInterval(of: rays, in: .ball(radius: 1)), to: LevelSet(changed))
        let points = RaySurfacePoints(of: changed, along: rays, at: traced.distances)
        return RaySurfacePoints.normals(
          changed.samples(at: points.positions, withGradients: true)
        ).component(1).sum()
      }
    }
    for (single, double) in zip(slopes(.float32), slopes(.float64)) {
      let error = (single.cast(to: .float64) - double).abs().max().value
      #expect(error < 1e-3 * max(1, double.abs().max().value))
    }
  }

  @Test func secondDerivativesAreThoseOfTheSurfaceWhereAskedFor() throws {
    func slope(_ order: Int) -> ([Tensor]) throws -> Tensor {
      { values in
        let rays = rays(from: values[1], along: directions)
        let inner = gradient(at: [values[0], values[1]]) { inner in
          let field = SphereField(centre: inner[0], radius: Tensor(0.6, dtype: .float64))
          let rays = CameraRays(
            origins: inner[1].broadcast(to: [3, 3]), directions: rays.directions)
          return RaySurfacePoints(
            of: field, along: rays, at: hits(field, rays).distances, order: order
          ).distances.sum()
        }
        return .concatenate(inner)
      }
    }
    let place = [Tensor([0.1, 0.2, -0.1]), centre]
    try checkGradients(at: place, tolerance: 1e-5, of: slope(2))
    // With the gradient constant, one step knows first derivatives only.
    #expect(throws: GradientMismatch.self) {
      try checkGradients(at: place, tolerance: 1e-5, of: slope(1))
    }
  }

  @Test func raysThatTouchAreCountedAndFinite() {
    let field = SphereField(radius: 0.5, dtype: .float64)
    let rays = CameraRays(
      origins: Tensor([[0.5, 0.0, 2], [0.2, 0.0, 2], [0.0, 0.0, 2]]),
      directions: Tensor([[0.0, 0, -1], [0, 0, -1], [0, 0, -1]]))
    // The last point is the centre, where the field has no slope.
    let distances = Tensor([2, 2 - (0.25 - 0.04).squareRoot(), 2])
    let points = RaySurfacePoints(of: field, along: rays, at: distances)
    #expect(points.limitedCount == 2)
    let slopes = gradient(at: [rays.origins, field.radius]) { values in
      RaySurfacePoints(
        of: SphereField(centre: field.centre, radius: values[1]),
        along: CameraRays(origins: values[0], directions: rays.directions), at: distances
      ).distances.sum()
    }
    #expect(slopes.allSatisfy { $0.isFinite().all().item(as: Bool.self) })
    #expect(slopes[0].abs().max().value < 1001)
  }
}
