import LumiRendering
import LumiScene
import LumiTensor
import Testing

@testable import LumiPoints

struct RasterizerTests {
  private let screens = [
    ScreenSpace(width: 50, height: 37), ScreenSpace(width: 1, height: 1),
    ScreenSpace(width: 33, height: 64),
  ]

  private func find(
    _ points: ScreenPoints, _ rasterizer: PointRasterizer = PointRasterizer()
  ) throws -> PointFragments {
    try rasterizer.fragments(of: points, method: "points/test")
  }

  @Test(arguments: [nil, 1, 3], [DType.float32, .float64])
  func listsAreThoseOfEveryPixelAgainstEveryPoint(_ nearest: Int?, _ dtype: DType) throws {
    let scatter = Scatter(90, seed: 3)
    for screen in screens {
      for points in [scatter.discs(screen, dtype), scatter.ellipses(screen, dtype)] {
        let fragments = try find(points, PointRasterizer(nearest: nearest))
        let expected = bruteForceLists(points, nearest: nearest)
        #expect(fragments.lists == expected)
        let pixels = expected.enumerated().flatMap { pixel, list in
          list.map { _ in Int32(pixel) }
        }
        #expect(fragments.pixels.scalars(as: Int32.self) == pixels)
      }
    }
  }

  @Test func depthsOutOfRangeAreLeftOut() throws {
    let points = Scatter(60, seed: 5).discs(screens[0])
    let fragments = try find(points, PointRasterizer(depths: 2.5...6))
    #expect(fragments.lists == bruteForceLists(points, depths: 2.5...6))
    #expect(fragments.count < (try find(points)).count)
  }

  @Test(arguments: [nil, 2]) func whatLiesFarBehindIsLeftOut(_ nearest: Int?) throws {
    let points = Scatter(90, seed: 11).ellipses(screens[0])
    let fragments = try find(points, PointRasterizer(nearest: nearest, thickness: 1.2))
    #expect(fragments.lists == bruteForceLists(points, nearest: nearest, thickness: 1.2))
    #expect(fragments.count < (try find(points, PointRasterizer(nearest: nearest))).count)
  }

  @Test func aCentreOnTheRimIsCoveredIfAskedFor() throws {
    // 4 pixels a side: centres at ±0.25 and ±0.75.
    let points = ScreenPoints(
      positions: Tensor([[0.25, 0.25]] as [[Double]]), depths: Tensor([1.0]),
      footprint: .discs(radii: Tensor([0.5])), screen: ScreenSpace(width: 4, height: 4))
    #expect(try find(points).count == 1)
    #expect(try find(points, PointRasterizer(includesRim: true)).count == 5)
  }

  @Test func manyPointsOnOnePixelAreAllKept() throws {
    let count = 20_000
    let points = ScreenPoints(
      positions: .zeros([count, 2], dtype: .float64), depths: .ones([count], dtype: .float64),
      footprint: .discs(radii: Tensor(0.1, dtype: .float64)),
      screen: ScreenSpace(width: 3, height: 3))
    let lists = try find(points).lists
    #expect(lists[4] == (0..<Int32(count)).map { $0 })
    #expect(lists.allSatisfy { $0.isEmpty || $0.count == count })
  }

  @Test func whatIsNotFiniteOrHasNoInsideCoversNothing() throws {
    let bad = [Double.nan, .infinity, -.infinity]
    var positions: [[Double]] = []
    for number in bad { positions += [[number, 0], [0, number]] }
    for _ in 0..<4 { positions.append([0, 0]) }
    let count = positions.count
    var depths = [Double](repeating: 1, count: count)
    depths[6] = .nan
    var radii = [Double](repeating: 0.9, count: count)
    (radii[7], radii[8], radii[9]) = (-1, .infinity, 0)
    let screen = ScreenSpace(width: 5, height: 4)
    let discs = ScreenPoints(
      positions: Tensor(positions), depths: Tensor(depths),
      footprint: .discs(radii: Tensor(radii)), screen: screen)
    #expect(try find(discs).count == 0)
    // Indefinite, flat, empty, huge.
    let forms = [
      [1.0, 3, 1], [1, 2, 1], [0, 0, 0], [-1, 0, -1], [.nan, 0, 1], [1e300, 0, 1e300],
    ]
    let ellipses = ScreenPoints(
      positions: .zeros([6, 2], dtype: .float64), depths: .ones([6], dtype: .float64),
      footprint: .ellipses(forms: Tensor(forms), cutoff: 1), screen: screen)
    #expect(try find(ellipses).count == 0)
    // Larger than the screen by far, and far away from it.
    let wide = ScreenPoints(
      positions: Tensor([[1e200, 0], [0, 0], [-1e150, 3]] as [[Double]]),
      depths: Tensor([1.0, 2, 3]), footprint: .discs(radii: Tensor([1e10, 1e100, 1e100])),
      screen: screen)
    #expect(try find(wide).lists.allSatisfy { $0 == [1] })
  }

  @Test func anEmptyCloudHasNoFragments() throws {
    let points = ScreenPoints(
      positions: .zeros([0, 2]), depths: .zeros([0]), footprint: .discs(radii: .zeros([0])),
      screen: screens[0])
    let fragments = try find(points)
    #expect(fragments.count == 0)
    let (image, coverage) = AlphaCompositor().composite(
      features: .zeros([0, 3]), weights: .zeros([0]), fragments: fragments)
    #expect(image.shape == [37, 50, 3] && image.abs().max().value == 0)
    #expect(coverage.abs().max().value == 0)
  }

  @Test func badOptionsAreRefusedByName() throws {
    let points = Scatter(3, seed: 1).discs(screens[0])
    let few = #expect(throws: RenderError.self) {
      try find(points, PointRasterizer(nearest: 0))
    }
    #expect(few?.description.contains("nearest is 0") == true)
    #expect(throws: RenderError.self) { try find(points, PointRasterizer(thickness: -1)) }
    let none = Scatter(3, seed: 1).discs(ScreenSpace(width: 0, height: 4))
    #expect(throws: RenderError.self) { try find(none) }
    let flat = ScreenPoints(
      positions: .zeros([1, 2]), depths: .zeros([1]),
      footprint: .ellipses(forms: .ones([1, 3]), cutoff: 0), screen: screens[0])
    #expect(throws: RenderError.self) { try find(flat) }
  }

  @Test func projectionIsTheCameras() throws {
    let camera = Camera.perspective(
      from: [0, 0, 4], verticalFieldOfView: 1, width: 40, height: 20, dtype: .float64)
    let world = Tensor([[0.3, 0.2, 0.5], [-1, 0.4, -0.2]] as [[Double]])
    let points = ScreenPoints(world, from: camera, radii: Tensor(0.1, dtype: .float64))
    let (pixels, depth) = camera.project(world)
    #expect(distance(points.depths, depth) < 1e-14)
    let expected = Tensor.stack(
      [pixels.column(0) / 10 - 2, 1 - pixels.column(1) / 10], axis: 1)
    #expect(distance(points.positions, expected) < 1e-14)
  }

  @Test func paddedListsAreNearestFirst() throws {
    let points = Scatter(90, seed: 9).discs(screens[0])
    let fragments = try find(points)
    let padded = fragments.padded(fragments.points.cast(to: .float64), to: 3, fill: -1)
    let expected = bruteForceLists(points, nearest: 3).flatMap { list in
      (0..<3).map { $0 < list.count ? Double(list[$0]) : -1 }
    }
    #expect(padded.shape == [37, 50, 3])
    #expect(padded.scalars(as: Double.self) == expected)
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let scatter = Scatter(3_000, seed: 12)
    let screen = ScreenSpace(width: 96, height: 80)
    func run(_ threads: Int) throws -> [Tensor] {
      try LumiRuntime.withThreads(threads) {
        let product = try vectorJacobianProduct(
          at: [scatter.positions, scatter.forms, scatter.features]
        ) { inputs in
          let points = ScreenPoints(
            positions: inputs[0], depths: scatter.depths,
            footprint: .ellipses(forms: inputs[1], cutoff: 1), screen: screen)
          let fragments = try find(points)
          let weights = 0.4 * (1 - fragments.squaredDistances)
          let (image, coverage) = AlphaCompositor().composite(
            features: inputs[2], weights: weights, fragments: fragments)
          return [image, coverage, fragments.points]
        }
        let ones = product.values[0...1].map { Tensor.ones(like: $0) }
        return product.values + product.pullback(ones + [.zeros(like: product.values[2])])
      }
    }
    let single = try run(1)
    #expect(single[2].count > 100_000)
    for threads in [1, 2, 7] {
      let other = try run(threads)
      for (a, b) in zip(single, other) {
        #expect(a.scalars(as: Double.self) == b.scalars(as: Double.self))
      }
    }
  }
}
