import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

@testable import LumiPoints

struct OccupancyTests {
  private let occupancy = Occupancy(reachFactor: 3)

  private func splat(
    _ places: [[Double]], size: Int = 9, reach: Double = 0.25
  ) throws -> (fragments: PointFragments, positions: Tensor, reaches: Tensor) {
    let points = ScreenPoints(
      positions: Tensor(places), depths: .ones([places.count], dtype: .float64),
      footprint: .discs(radii: Tensor(reach, dtype: .float64)),
      screen: ScreenSpace(width: size, height: size))
    return (
      try PointRasterizer().fragments(of: points, method: "points/test"), points.positions,
      .full([places.count, 2], reach, dtype: .float64)
    )
  }

  @Test(arguments: [DType.float32, .float64])
  func kernelIsReadable(_ dtype: DType) throws {
    let scatter = Scatter(80, seed: 40, radius: 0.1)
    var random = RandomGenerator(seed: 9)
    for screen in [ScreenSpace(width: 31, height: 22), ScreenSpace(width: 20, height: 45)] {
      let points = scatter.ellipses(screen, dtype)
      let fragments = try PointRasterizer().fragments(of: points, method: "points/test")
      let reaches = random.uniform([80, 2], low: 0.02, high: 0.12, dtype: .float64)
      // A third of the pixels wants nothing.
      let wish = random.uniform([screen.height, screen.width], low: -1, dtype: .float64)
      let cotangent = (wish * (wish.abs() .> 0.33).cast(to: .float64)).cast(to: dtype)
      let fast = occupancy.pull(cotangent, fragments, points.positions, reaches.cast(to: dtype))
      let moving = occupancy.movingReaches(fragments, points.positions, reaches.cast(to: dtype))
      let readable = occupancy.readablePull(
        cotangent.cast(to: .float64), points, moving: moving, rule: .circle)
      #expect(readable.abs().max().value > 1)
      #expect(distance(fast.cast(to: .float64), readable) < (dtype == .float32 ? 1e-4 : 1e-10))
    }
  }

  @Test func pixelsPullAndPush() throws {
    let (fragments, positions, reaches) = try splat([[0.02, 0.01]])
    // The pixel three to the right of the middle lacks coverage; descent goes there.
    var wish = [Double](repeating: 0, count: 81)
    wish[4 * 9 + 7] = -1
    let pull = occupancy.pull(Tensor(wish, shape: [9, 9]), fragments, positions, reaches)
    #expect(pull.scalars(as: Double.self)[0] < -1)
    // It is too far away to push.
    wish[4 * 9 + 7] = 1
    let far = occupancy.pull(Tensor(wish, shape: [9, 9]), fragments, positions, reaches)
    #expect(far.abs().max().value == 0)
    // One to the right is covered and should not be; descent goes left.
    wish[4 * 9 + 7] = 0
    wish[4 * 9 + 5] = 1
    let push = occupancy.pull(Tensor(wish, shape: [9, 9]), fragments, positions, reaches)
    #expect(push.scalars(as: Double.self)[0] > 1)
  }

  @Test func hiddenAndAbsentPointsStay() throws {
    let (all, positions, reaches) = try splat([[0, 0], [5, 0], [0.5, 0.5]])
    #expect(all.count > 0)
    let moving = occupancy.movingReaches(all, positions, reaches)
    #expect(moving == [0.25, 0.25, 0, 0, 0.25, 0.25])
    let none = try splat([[5, 0], [0, 7]])
    let pull = occupancy.pull(
      -Tensor.ones([9, 9], dtype: .float64), none.fragments, none.positions, none.reaches)
    #expect(pull.abs().max().value == 0)
  }

  @Test func aPixelOnThePointPullsFinitely() throws {
    let (fragments, positions, reaches) = try splat([[0, 0]])
    let pull = occupancy.pull(
      -Tensor.ones([9, 9], dtype: .float64), fragments, positions, reaches)
    #expect(pull.isFinite().all().value == 1)
    #expect(pull.abs().max().value < 1e-9)
  }

  @Test func clippingShortensRowsOnly() {
    let rows = Tensor([[3.0, 4], [0.3, 0.4], [0, 0]])
    let clipped = rows.rowsShortened(to: 1)
    #expect(distance(clipped, Tensor([[0.6, 0.8], [0.3, 0.4], [0, 0]])) < 1e-15)
    let slope = gradient(at: Tensor([[1.0, 2], [3, 4], [5, 6]])) {
      ($0.clippingGradient(to: 1) * rows).sum()
    }
    #expect(distance(slope, clipped) < 1e-15)
  }

  private let camera = Camera.perspective(
    from: [0, 0, 4], verticalFieldOfView: 0.7, width: 32, height: 32)
  private let goal = Tensor([Float(0.4), 0.2])
  private let start = Tensor([Float(-0.45), -0.2])

  /// A ball of points.
  private func ball(at place: Tensor) -> PointCloud {
    let body = Body(
      .sphere, scale: Tensor(0.3, dtype: .float64),
      translation: .concatenate([place.cast(to: .float64), Tensor([0.0])]))
    let cloud = try! PointCloud.representing(
      [body], material: Material(dtype: .float64), detail: 1)
    return cloud.mapParameters { $1.cast(to: .float32) }
  }

  private func alpha(_ renderer: some Renderer<PointCloud>, at place: Tensor) throws -> Tensor {
    try renderer.render(Scene(ball(at: place)), from: camera)[.alpha]
  }

  /// What the method is for: a target that the points do not touch.
  @Test func pixelsThatNothingCoversPullSplatsAndNotDiscs() throws {
    func pull(_ renderer: some Renderer<PointCloud>) throws -> [Double] {
      let target = try alpha(renderer, at: goal)
      return try gradient(at: start, unreachable: .zeros) {
        (try alpha(renderer, at: $0) * target).sum() * -1
      }.scalars(as: Double.self)
    }
    #expect(try pull(AlphaSplatting()) == [0, 0])
    let splats = try pull(SurfaceSplatting(nearest: nil, thickness: 0.1))
    let way = [0.85, 0.4]
    let along = -(splats[0] * way[0] + splats[1] * way[1])
    let length = (splats[0] * splats[0] + splats[1] * splats[1]).squareRoot()
    #expect(length > 1 && along / length > 0.95 * (0.85 * 0.85 + 0.4 * 0.4).squareRoot())
  }

  @Test func coloursPullAsSilhouettesDo() throws {
    // Darker than the background: coverage brings less of every channel.
    let renderer = SurfaceSplatting(nearest: nil, thickness: 0.1, channels: [.color])
    func picture(_ place: Tensor) throws -> Tensor {
      var scene = Scene(ball(at: place), background: Tensor([Float(0.5), 0.6, 0.4]))
      scene.shape.appearance = .uniform(Tensor([Float(0.1), 0.2, 0.05]))
      return try renderer.render(scene, from: camera)[.color]
    }
    let target = try picture(goal)
    // What only pixels of the target say.
    let there = (try alpha(renderer.withAlpha, at: goal)).expandingDims(at: 2)
    let slope = try gradient(at: start, unreachable: .zeros) {
      ((try picture($0) - target).square() * there).sum()
    }.scalars(as: Double.self)
    #expect(slope[0] < 0 && slope[1] < 0)
  }

  @Test func pointsFindATargetThatTheyDoNotTouch() throws {
    let renderer = SurfaceSplatting(nearest: nil, thickness: 0.1)
    let target = try alpha(renderer, at: goal)
    var place = start
    var adam = Adam(learningRate: .cosine(initial: 0.06, final: 0.005, steps: 60))
    for _ in 0..<60 {
      let slope = try gradient(at: place, unreachable: .zeros) {
        (try alpha(renderer, at: $0) - target).square().mean()
      }
      place = try adam.updated(["p": place], gradients: ["p": slope])["p"]!
    }
    #expect((place - goal).norm().value < 0.1)
  }
}

extension SurfaceSplatting {
  fileprivate var withAlpha: SurfaceSplatting {
    var copy = self
    copy.channels = [.alpha]
    return copy
  }
}
