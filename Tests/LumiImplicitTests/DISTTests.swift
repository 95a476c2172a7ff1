import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import Testing

@testable import LumiImplicit

@Suite struct DISTTests {
  private func camera(_ side: Int, dtype: DType = .float64) -> Camera {
    .perspective(
      from: [1.2, 1.1, 2.4], verticalFieldOfView: radians(degrees: 42), width: side, height: side,
      dtype: dtype)
  }

  private func march(
    _ marching: DISTMarching, _ surface: LevelSet, from camera: Camera
  ) -> DISTMarching.Marched {
    marching.march(camera, to: surface) { RayInterval(of: $0.rays, in: .ball(radius: 1)) }
  }

  /// How many pixels agree about what is hit, and about where to 1e-3.
  private func agreement(_ a: DISTMarching.Marched, _ b: DISTMarching.Marched) -> Double {
    func distance(_ marched: DISTMarching.Marched, _ row: Int) -> Double {
      marched.entry[row] + marched.records[row][0].before
    }
    let agreeing = a.isHit.indices.filter { row in
      a.isHit[row] == b.isHit[row]
        && (!a.isHit[row] || (distance(a, row) - distance(b, row)).magnitude < 1e-3)
    }
    return Double(agreeing.count) / Double(a.isHit.count)
  }

  /// Sphere tracing without any of it: all rays that meet the ball, at all steps.
  private func plain(
    _ surface: LevelSet, from camera: Camera, steps: Int
  ) -> (marched: DISTMarching.Marched, evaluations: Int) {
    // Where rays rest does not change where they arrive.
    let marched = march(
      DISTMarching(steps: steps, ratio: 1, pyramid: []), surface, from: camera)
    var lines = TracingLines(PixelRays(of: camera).rays, surface)
    let rows = marched.records.indices.filter { !marched.records[$0].isEmpty }
    var places = rows.map { marched.entry[$0] }
    for _ in 0..<steps {
      let values = lines.values(rows, at: places)
      for index in rows.indices { places[index] += values[index] }
    }
    // But for a ray that only touches the surface, and goes on in tiny steps.
    let left = zip(rows, places).count { row, place in
      marched.isHit[row]
        && (place - marched.entry[row] - marched.marched[row]).magnitude > 1e-3
    }
    #expect(left <= 2)
    return (marched, lines.evaluations)
  }

  @Test func accelerationsSaveEvaluationsAndKeepHits() {
    let camera = camera(96)
    // Distances cut off at 0.1, as the published network learns them.
    let surface = LevelSet(dtype: .float64) {
      TracingTests.scene.values(at: $0).clamped(min: -0.1, max: 0.1)
    }
    let plain = plain(surface, from: camera, steps: 50)
    let quick = march(DISTMarching(), surface, from: camera)
    #expect(plain.marched.isHit.count { $0 } > 1000)
    #expect(agreement(quick, plain.marched) >= 0.995)
    // 8.5, and 2.4 where rays rest that are done.
    #expect(plain.evaluations >= 8 * quick.evaluations)
    #expect(Double(plain.marched.evaluations) >= 2.3 * Double(quick.evaluations))
    let withoutPyramid = march(DISTMarching(pyramid: []), surface, from: camera)
    #expect(agreement(withoutPyramid, plain.marched) >= 0.998)
    #expect(Double(plain.marched.evaluations) >= 1.4 * Double(withoutPyramid.evaluations))
  }

  @Test(arguments: [DType.float32, .float64]) func depthIsThatOfASphere(dtype: DType) throws {
    let camera = camera(24, dtype: dtype)
    let scene = Scene(
      ImplicitShape(SphereField(centre: [0.1, 0, 0.05], radius: 0.5, dtype: dtype)))
    // A pyramid on so small an image has blocks as large as the sphere's edge.
    let renderer = DISTRenderer(
      marching: DISTMarching(pyramid: []), channels: [.depth, .normal, .alpha, .leastDistance])
    let image = try renderer.render(scene, from: camera)
    let rays = PixelRays(of: camera)
    let centre = Tensor([0.1, 0, 0.05]).cast(to: dtype)
    let interval = RayInterval(of: rays.rays, inBallAround: [0.1, 0, 0.05], radius: 0.5)
    let meets = interval.near .< interval.far
    let alpha = try image[.alpha].flattened()
    // Rays that touch the sphere may run out of steps.
    #expect((alpha - meets.cast(to: dtype)).abs().sum().value <= 2)
    let isHit = meets .&& (alpha .> 0.5)
    func worst(_ error: Tensor) -> Double { Tensor.where(isHit, error.abs(), 0).max().value }
    let depth = try image[.depth].flattened()
    #expect(worst(depth - interval.near * rays.depthPerDistance) < 2e-3)
    let points = rays.rays.origins + interval.near.expandingDims(at: 1) * rays.rays.directions
    let normals = try image[.normal].reshaped([-1, 3]) - (points - centre) / 0.5
    #expect(worst(normals.abs().max(axis: 1)) < 5e-3)
    // What a ray that misses reads is never below how far it passes the sphere, and near it.
    let from = centre - rays.rays.origins
    let along = from.dot(rays.rays.directions).expandingDims(at: 1)
    let passed = (from - along * rays.rays.directions).norm(axis: 1) - 0.5
    let ball = RayInterval(of: rays.rays, in: .ball(radius: 1))
    let misses = meets.not() .&& (ball.near .< ball.far)
    let excess = Tensor.where(misses, try image[.leastDistance].flattened() - passed, 0)
    #expect(excess.min().value > -1e-4 && excess.max().value < 0.05)
  }

  @Test func oneRecordAtNormalIncidenceIsExact() throws {
    // Pixels around the axis see the sphere head on.
    let camera = Camera.perspective(
      from: [0, 0, 3], verticalFieldOfView: 1e-4, width: 2, height: 2, dtype: .float64)
    let marching = DISTMarching(ratio: 1, records: 1, pyramid: [])
    func slope(_ renderer: DISTRenderer) throws -> Double {
      try gradient(at: Tensor(0.5, dtype: .float64)) { radius in
        let field = SphereField(centre: Tensor([0.0, 0, 0]), radius: radius)
        return try renderer.render(Scene(ImplicitShape(field)), from: camera)[.depth].mean()
      }.value
    }
    let single = try slope(DISTRenderer(marching: marching, channels: [.depth]))
    #expect(abs(single + 1) < 1e-6)
    // With five records of long steps it is a multiple, as published.
    let published = try slope(DISTRenderer(channels: [.depth]))
    #expect(published < -2 && published > -7.5 - 1e-9)
    let implicit = try slope(DISTRenderer(gradient: .implicit, channels: [.depth]))
    #expect(abs(implicit + 1) < 1e-6)
  }

  @Test func implicitDerivativesAreThoseOfTheDepth() throws {
    let camera = Camera.perspective(
      from: [0.3, 0.4, 2], verticalFieldOfView: radians(degrees: 12), width: 5, height: 4,
      dtype: .float64)
    var renderer = DISTRenderer(gradient: .implicit, channels: [.depth])
    renderer.marching.threshold = 1e-13
    renderer.marching.ratio = 1
    renderer.marching.steps = 300
    let place = [Tensor([0.02, 0.01, 0.0]), Tensor(0.6, dtype: .float64), camera.translation]
    func depth(_ renderer: DISTRenderer) -> ([Tensor]) throws -> Tensor {
      { values in
        let field = SphereField(centre: values[0], radius: values[1])
        var moved = camera
        moved.translation = values[2]
        return try renderer.render(Scene(ImplicitShape(field)), from: moved)[.depth]
      }
    }
    try checkGradients(at: place, of: depth(renderer))
    renderer.gradient = .unrolled
    #expect(throws: GradientMismatch.self) { try checkGradients(at: place, of: depth(renderer)) }
  }

  @Test func leastDistancesMoveAnOutline() throws {
    let camera = camera(24)
    let renderer = DISTRenderer(channels: [.alpha, .leastDistance])
    func image(_ centre: Tensor, _ radius: Tensor) throws -> RenderOutput {
      try renderer.render(
        Scene(ImplicitShape(SphereField(centre: centre, radius: radius))), from: camera)
    }
    let goal = try image(Tensor([0.1, -0.1, 0.0]), Tensor(0.6, dtype: .float64))[.alpha]
    var values = [Tensor([-0.2, 0.1, 0.0]), Tensor(0.35, dtype: .float64)]
    func different() throws -> Double {
      (try image(values[0], values[1])[.alpha] - goal).abs().sum().value
    }
    let before = try different()
    for step in 0..<60 {
      let rate = 0.06 * pow(0.95, Double(step))
      let slopes = try gradient(at: values) { values in
        let picture = try image(values[0], values[1])
        let loss = DISTLoss.mask(
          leastDistances: try picture[.leastDistance], isHit: try picture[.alpha], target: goal)
        return loss.missing + loss.excess
      }
      values = zip(values, slopes).map { $0 - rate * $1 }
    }
    #expect(before > 80)
    #expect(try different() < before / 10)
  }

  @Test func otherLosses() throws {
    let hit = Tensor([1.0, 1, 0, 1])
    let depth = Tensor([1.0, 2, 0, 3])
    #expect(DISTLoss.depth(depth, isHit: hit, target: Tensor([1.5, 0, 4, 1e6])).value == 0.5)
    #expect(DISTLoss.depth(depth, isHit: hit * 0, target: depth).value == 0)
    let normals = Tensor([[1.0, 0, 0], [0, 0, 0], [0, 1, 0]])
    let target = Tensor([[0.6, 0.8, 0], [0, 0, 1], [0, 1, 0]])
    #expect(abs(DISTLoss.normal(normals, target: target).value + 0.8) < 1e-12)
    #expect(DISTLoss.latent(Tensor([1.0, 3])).value == 5)
  }

  @Test func hostileScenesEnd() throws {
    let camera = camera(9)
    let all: Set<RenderChannel> = [.color, .alpha, .depth, .normal, .leastDistance]
    // Nothing in sight, a camera inside, and a box for bounds.
    let fields: [(any ImplicitField, FieldBounds)] = [
      (SphereField(centre: [5, 5, 5], radius: 0.1, dtype: .float64), .ball(radius: 1)),
      (SphereField(radius: 9, dtype: .float64), .ball(radius: 10)),
      (TracingTests.scene, .box(lower: [-0.7, -0.6, -0.4], upper: [0.8, 0.7, 0.4])),
    ]
    for (field, bounds) in fields {
      for softness in [nil, 0.05] {
        let renderer = DISTRenderer(softness: softness, channels: all)
        let scene = Scene(ImplicitShape(field, bounds: bounds))
        let names = scene.parameters.map(\.path)
        let slopes = try valueAndGradient(
          of: scene, withRespectTo: names, unreachable: .zeros
        ) { scene in
          let image = try renderer.render(scene, from: camera)
          return try all.map { try image[$0].sum() }.reduce(Tensor(0, dtype: .float64), +)
        }
        #expect(slopes.value.value.isFinite)
        #expect(slopes.gradients.values.allSatisfy { $0.isFinite().all().item(as: Bool.self) })
      }
    }
    #expect(throws: RenderError.self) {
      try DISTRenderer(softness: -1).render(
        Scene(ImplicitShape(fields[0].0)), from: camera)
    }
    #expect(throws: RenderError.self) {
      try DISTRenderer(channels: ["faceIndex"]).render(
        Scene(ImplicitShape(fields[0].0)), from: camera)
    }
  }
}
