import LumiImplicit
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// The losses that train an occupancy network.
@Suite struct DVRLossTests {
  private let camera = SurfaceScenes.camera(width: 16, height: 12)
  private let method = DVRTests.exact

  /// What a ball of radius ½ shows.
  private var target: OccupancyLosses.Target {
    let rays = PixelRays(of: camera)
    let shape = ImplicitShape(SteepBall(ball: SphereField(radius: 0.5, dtype: .float64), slope: 8))
    let surface = method.surface(
      of: shape, along: rays.rays,
      in: RayInterval(of: rays.rays, in: shape.bounds).intersection(rays.visible))
    let count = rays.depthPerDistance.count
    let distances = Tensor.scatterAdd(rows: surface.distances, at: surface.rays, count: count)
    return OccupancyLosses.Target(
      colors: .ones([count, 3], dtype: .float64), isBody: distances .> 0, distances: distances)
  }

  private func loss(
    _ losses: OccupancyLosses, of field: any ImplicitField
  ) -> Tensor {
    var random = RandomGenerator(seed: 4)
    return losses(
      of: ImplicitShape(field), along: PixelRays(of: camera), target: target, renderer: method,
      using: &random)
  }

  private func slope(of losses: OccupancyLosses, atRadius radius: Double) throws -> Double {
    let ball = SteepBall(ball: SphereField(radius: radius, dtype: .float64), slope: 8)
    return try valueAndGradient(of: ball, unreachable: .zeros) { loss(losses, of: $0) }
      .gradients["radius"]!.value
  }

  /// Free space makes a body smaller that is too large, occupancy one larger that is too small;
  /// colour alone knows nothing of outlines.
  @Test func outlinesMove() throws {
    let nothing = OccupancyLosses(color: 1, freeSpace: 0, occupancy: 0, normal: 0)
    var (free, filled) = (nothing, nothing)
    free.freeSpace = 1
    free.pushesMisses = false
    filled.occupancy = 1
    #expect(try slope(of: nothing, atRadius: 0.7) == 0)
    #expect(try slope(of: free, atRadius: 0.7) > 0.1)
    #expect(try slope(of: filled, atRadius: 0.7) == 0)
    #expect(try slope(of: free, atRadius: 0.4) == 0)
    #expect(try slope(of: filled, atRadius: 0.4) < -0.1)
    // With the right outline all is quiet, but for misses that are pushed all the same.
    #expect(try slope(of: free, atRadius: 0.5) == 0)
    free.pushesMisses = true
    #expect(try slope(of: free, atRadius: 0.5) > 0)
  }

  @Test func depthMovesTheSurface() throws {
    let depth = OccupancyLosses(color: 0, depth: 1, freeSpace: 0, occupancy: 0, normal: 0)
    #expect(try slope(of: depth, atRadius: 0.45) < -0.01)
    #expect(try slope(of: depth, atRadius: 0.55) > 0.01)
  }

  /// All but the terms on hits beside the body and on normals, which hold the place of the hit constant
  /// and so have another derivative than their value, as published.
  @Test func centralDifferences() throws {
    let losses = OccupancyLosses(
      color: 1, depth: 0.5, freeSpace: 0, occupancy: 1, normal: 0, pushesMisses: false)
    let field = SurfaceScenes.network(.occupancyLogit, radius: 0.45)
    let names = field.parameters.map(\.path)
    let report = try checkGradients(
      at: field.parameters.map(\.value), steps: [1e-5, 1e-6], tolerance: 1e-5
    ) { values in
      loss(losses, of: try field.replacing(Dictionary(uniqueKeysWithValues: zip(names, values))))
    }
    #expect(report.compared > 150)
  }

  @Test func normalsOfFlatSurfacesCostNothing() throws {
    let smooth = OccupancyLosses(color: 0, freeSpace: 0, occupancy: 0, normal: 1)
    let plane = SteepPlane(normal: Tensor([0.0, 0, 1]), offset: Tensor(0.1, dtype: .float64))
    struct Logits: ImplicitField {
      var plane: SteepPlane
      var quantity: FieldQuantity { .occupancyLogit }
      var dtype: DType { plane.dtype }
      func values(at points: Tensor) -> Tensor { -plane.values(at: points) }
      func mapParameters(
        _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
      ) rethrows -> Logits { Logits(plane: try plane.mapParameters(transform)) }
    }
    #expect(loss(smooth, of: Logits(plane: plane)).value < 1e-12)
    let ball = SteepBall(ball: SphereField(radius: 0.5, dtype: .float64), slope: 8)
    let found = loss(smooth, of: ball).value
    #expect(found > 1e-5 && found < 2e-3)
  }

  @Test func imageGradientsSeeEdgesAlone() throws {
    let flat = Tensor.full([1, 3, 4, 2], 0.3, dtype: .float64)
    #expect(OccupancyLosses.imageGradient(flat, flat + 0.2).value < 1e-12)
    let step = Tensor([0.0, 0, 1, 1, 0, 0, 1, 1], shape: [1, 2, 4, 1])
    #expect(abs(OccupancyLosses.imageGradient(step, step * 0).value - 2) < 1e-12)
  }
}
