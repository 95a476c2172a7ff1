import Foundation
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Testing

struct SDFDiffTests {
  static let all: Set<RenderChannel> = [.color, .alpha, .depth, .normal]

  /// A plane that faces the eye: linear, so that everything is exact.
  @Test func planesAreExact() throws {
    var grid = Scenes.sphere(nodes: 5)
    let z = grid.valuePositions().slice(axis: 3, from: 2, to: 3).squeezed(axis: 3)
    grid.values = z - 0.3
    let camera = Camera.orthographic(
      from: [0, 0, 6], visibleHeight: 3, width: 4, height: 4, dtype: .float64)
    let output = try SDFDiff(channels: Self.all).render(Scenes.view(grid, camera: camera))
    #expect(try (output[.depth] - 5.7).largest < 1e-13)
    #expect(try (output[.normal] - Tensor([0.0, 0, 1])).largest < 1e-13)
    #expect(try (output[.alpha] - 1).largest == 0)
  }

  /// A sphere's depth and normals: the grid's error falls with the square of the spacing. Narrow
  /// views, so that tracing stops much closer than that.
  @Test func spheresConverge() throws {
    let errors = try [17, 33, 65].map { nodes -> (depth: Double, normal: Double) in
      var worst = (depth: 0.0, normal: 0.0)
      let grid = Scenes.sphere(nodes: nodes)
      for seed in 0..<20 {
        let place = Scenes.random([3], UInt64(seed), low: -1, high: 1).normalized() * 5
        let eye = SIMD3(place.scalars(as: Double.self))
        let camera = Camera.perspective(
          from: eye, verticalFieldOfView: 1e-5, width: 1, height: 1, dtype: .float64)
        let output = try SDFDiff(channels: Self.all).render(Scenes.view(grid, camera: camera))
        worst.depth = max(worst.depth, abs(try output[.depth].value - 3.8))
        worst.normal = max(worst.normal, (try output[.normal][0, 0] - place / 5).largest)
      }
      return worst
    }
    #expect(errors[0].depth < 0.02 && errors[0].normal < 0.02)
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      #expect(fine.depth < coarse.depth / 2.5, "\(errors)")
      #expect(fine.normal < coarse.normal / 2.5, "\(errors)")
    }
  }

  /// Coverage is that of the sphere's outline, a pixel's width too large.
  @Test func coverageIsTheOutline() throws {
    let camera = Camera.orthographic(
      from: [0, 0, 5], visibleHeight: 4, width: 64, height: 64, dtype: .float64)
    let alpha = try SDFDiff().render(
      Scenes.view(Scenes.sphere(nodes: 33), camera: camera))[.alpha]
    let area = alpha.sum().value * 16 / 4096
    #expect(abs(area - .pi * 1.2625 * 1.2625) < 0.1)
    // Rows are from the top and columns from the left.
    var moved = Scenes.sphere(nodes: 33)
    moved.values = (moved.valuePositions() - Tensor([0.5, 0.9, 0])).norm(axis: 3) - 0.6
    let other = try SDFDiff().render(Scenes.view(moved, camera: camera))[.alpha]
    let columns = Tensor.arange(64, dtype: .float64)
    let mass = other.sum().value
    #expect(abs((other.sum(axis: 0) * columns).sum().value / mass - 39.5) < 0.3)
    #expect(abs((other.sum(axis: 1) * columns).sum().value / mass - 17.1) < 0.3)
  }

  static func brightness(_ headlight: SDFDiff.Headlight) throws -> Double {
    let camera = Camera.perspective(
      from: [0, 0, 5], verticalFieldOfView: .pi / 3, width: 1, height: 1, dtype: .float64)
    return try SDFDiff(headlight: headlight).render(
      Scenes.view(Scenes.sphere(nodes: 33), camera: camera))[.color][0, 0, 0].value
  }

  /// The surface that faces the eye, 3.8 away: 2·5/3.8² and 10/3.8².
  @Test func headlightsHaveThePublishedStrength() throws {
    #expect(abs(try Self.brightness(.singleView) - 10 / 14.44) < 2e-2)
    #expect(abs(try Self.brightness(.multiView) - 10 / 14.44) < 2e-2)
    let far = Camera.perspective(
      from: [0, 0, 9], verticalFieldOfView: .pi / 3, width: 1, height: 1, dtype: .float64)
    let scene = Scenes.view(Scenes.sphere(nodes: 33), camera: far)
    let single = try SDFDiff(headlight: .singleView).render(scene)[.color][0, 0, 0].value
    let multi = try SDFDiff(headlight: .multiView).render(scene)[.color][0, 0, 0].value
    #expect(abs(single / multi - 2 * 9 / 10) < 2e-2)
  }

  /// In a scene's light the surface shows its colour by Lambert's law.
  @Test func scenesLightSurfaces() throws {
    var view = Scenes.view(
      Scenes.sphere(nodes: 33),
      camera: Camera.orthographic(
        from: [0, 0, 5], visibleHeight: 0.1, width: 1, height: 1, dtype: .float64))
    view.scene.shape.appearance = .uniform(Tensor([0.8, 0.4, 0.2]))
    view.scene.lights = [
      .directional(direction: Tensor([0.0, 0.6, 0.8]), intensity: Tensor([1.0, 1, 2]))
    ]
    let color = try SDFDiff().render(view)[.color][0, 0]
    #expect((color - Tensor([0.64, 0.32, 0.32])).largest < 1e-3)
  }

  /// A larger value is a surface farther inside: depth grows by δS where the surface faces the eye.
  @Test func surfacesMoveAlongTheRay() throws {
    let camera = Camera.orthographic(
      from: [0, 0, 5], visibleHeight: 0.01, width: 1, height: 1, dtype: .float64)
    let view = Scenes.view(Scenes.sphere(nodes: 17), camera: camera)
    let slope = try gradient(at: view.scene.shape.values) { values in
      var moved = view
      moved.scene.shape.values = values
      return try SDFDiff(channels: [.depth]).render(moved)[.depth].sum()
    }
    #expect(abs(slope.sum().value - 1) < 1e-12)
  }

  /// Fitting a sphere's pictures brings the radius back.
  @Test func radiusIsFound() throws {
    let target = Scenes.sphere(radius: 1.3, nodes: 9)
    let cameras = [[0.0, 0, 5], [5, 0, 0.1], [0, 5, 0.1], [-3, -3, 2]].map {
      Scenes.camera(from: SIMD3($0), width: 16, height: 16)
    }
    let renderer = SDFDiff()
    let images = try cameras.map { try renderer.render(Scenes.view(target, camera: $0))[.color] }
    var grid = Scenes.sphere(radius: 1.0, nodes: 9)
    func loss(_ values: Tensor) throws -> Tensor {
      var moved = grid
      moved.values = values
      var sum = moved.eikonalLoss() * 0.1 + moved.laplacianLoss() * 0.1
      for (camera, image) in zip(cameras, images) {
        sum =
          sum
          + (try renderer.render(Scenes.view(moved, camera: camera))[.color] - image).abs().sum()
      }
      return sum
    }
    let before = try loss(grid.values).value
    var adam = Adam(learningRate: 0.01, epsilon: 1e-2)
    for _ in 0..<60 {
      let slope = try gradient(at: grid.values, of: loss)
      try adam.update(&grid, gradients: ["values": slope])
    }
    #expect(try loss(grid.values).value < before * 0.75)
    let middle = Scenes.camera(from: [0, 0, 5], width: 1, height: 1)
    let depth = try SDFDiff(channels: [.depth]).render(
      Scenes.view(grid, camera: middle))[.depth].value
    #expect(depth < 4 - 0.1)
  }
}

struct DistanceGridTests {
  /// x² + 2y - 3z: central differences and their ends are exact for parabolas.
  @Test func gradientsOfParabolasAreExact() {
    var grid = Scenes.sphere(nodes: 5)
    let p = grid.valuePositions()
    func axis(_ k: Int) -> Tensor { p.slice(axis: 3, from: k, to: k + 1).squeezed(axis: 3) }
    grid.values = axis(0).square() + axis(1) * 2 - axis(2) * 3
    let exact = Tensor.stack(
      [axis(0) * 2, .full([5, 5, 5], 2, dtype: .float64), .full([5, 5, 5], -3, dtype: .float64)],
      axis: -1)
    #expect((grid.nodeGradients() - exact).largest < 1e-12)
    // Σ neighbours - 6 S of x² is 2h² on each of 27 inner nodes.
    #expect(abs(grid.laplacianLoss().value - 27 * 4) < 1e-9)
  }

  @Test func distancesAreNearlyEikonal() throws {
    let sphere = Scenes.sphere(nodes: 9)
    var doubled = sphere
    doubled.values = sphere.values * 2
    #expect(sphere.eikonalLoss().value < doubled.eikonalLoss().value / 10)
    for grid in [sphere, Scenes.sphere(nodes: 4)] {
      try checkGradients(at: [grid.values + Scenes.random(grid.values.shape, 9) * 0.1]) { x in
        var moved = grid
        moved.values = x[0]
        return .stack([moved.eikonalLoss(), moved.laplacianLoss()])
      }
    }
    #expect(Scenes.sphere(nodes: 2).eikonalLoss().value == 0)
    #expect(Scenes.sphere(nodes: 2).nodeGradients().isAllFinite)
  }

  /// Linear functions survive any number of nodes; nodes that stay keep their values.
  @Test func resampling() throws {
    var grid = Scenes.sphere(nodes: 5)
    grid.values = grid.valuePositions().sum(axis: 3)
    let finer = grid.resampled(to: [9, 5, 7])
    #expect(finer.counts == [9, 5, 7])
    #expect((finer.values - finer.valuePositions().sum(axis: 3)).largest < 1e-13)
    let sphere = Scenes.sphere(nodes: 5)
    let twice = sphere.resampled(to: [9, 9, 9])
    #expect((twice.resampled(to: [5, 5, 5]).values - sphere.values).largest < 1e-13)
    try checkGradients(at: [sphere.values]) { x in
      var moved = sphere
      moved.values = x[0]
      return moved.resampled(to: [4, 6, 3]).values
    }
    var colored = Method.rayConsistency.grid
    colored.appearance = .colors(.full(colored.values.shape + [3], 0.25, dtype: .float64))
    let coarse = colored.resampled(to: [2, 2, 2])
    #expect(try coarse.validated().parameter("colors").shape == [2, 2, 2, 3])
  }
}

struct NodeGradientSamplingTests {
  /// Everywhere, ends and cells of two nodes too, what whole node gradients and an ordinary look-up
  /// give; the derivatives too.
  @Test(arguments: [[2, 3, 5], [4, 4, 4], [7, 2, 3]])
  func agreesWithNodeGradients(_ shape: [Int]) throws {
    let count = 60
    var grid = VoxelGrid(
      values: Scenes.random(shape, 1), quantity: .signedDistance, placement: .nodes,
      lower: [-1, 0, 1], upper: [1, 1, 4])
    var random = RandomGenerator(seed: 2)
    let span = Tensor(shape.map { Double($0 - 1) })
    // Half a cell outside of the box too.
    let points = random.uniform([count, 3], low: 0, high: 1, dtype: .float64) * (span + 1) - 0.5
    let last = Tensor(shape.map { Double($0 - 2) })
    let cells = Tensor.minimum(points.floor().clamped(min: 0), last).cast(to: .int32)
    let weights = Scenes.random([count, 3], 3, low: -1, high: 1)
    for dtype in [DType.float64, .float32] {
      let (values, places) = (grid.values.cast(to: dtype), points.cast(to: dtype))
      func product(
        _ body: @escaping (VoxelGrid, Tensor) -> Tensor
      ) -> (value: Tensor, slopes: [Tensor]) {
        let result = vectorJacobianProduct(at: [values, places]) { inputs in
          grid.values = inputs[0]
          return [body(grid, inputs[1])]
        }
        return (result.values[0], result.pullback([weights.cast(to: dtype)]))
      }
      let fast = product { $0.sampledNodeGradients(at: $1, in: cells) }
      let readable = product { sampleTrilinear($0.nodeGradients(), at: $1, in: cells) }
      let tolerance = dtype == .float64 ? 1e-13 : 1e-5
      #expect((fast.value - readable.value).largest <= tolerance)
      for (a, b) in zip(fast.slopes, readable.slopes) { #expect((a - b).largest <= tolerance * 10) }
    }
  }

  @Test func noPoints() {
    let none = Scenes.sphere().sampledNodeGradients(
      at: .zeros([0, 3], dtype: .float64), in: .zeros([0, 3], dtype: .int32))
    #expect(none.shape == [0, 3])
  }
}

struct RedistancingTests {
  /// A sphere's function of any scale becomes its distance, in boxes with long and short sides.
  @Test func scaledSpheresBecomeDistances() {
    for counts in [SIMD3(17, 17, 17), SIMD3(12, 20, 31)] {
      var grid = VoxelGrid(
        values: .zeros([counts.x, counts.y, counts.z], dtype: .float64), quantity: .signedDistance,
        placement: .nodes, lower: [-2, -2, -2], upper: [2, 2, 2])
      let exact = grid.valuePositions().norm(axis: 3) - 1.2
      // Of slopes from 1.6 to 9.
      grid.values = exact * (exact + 4)
      let found = grid.redistanced()
      let error = (found.values - exact).abs()
      let step = grid.spacing.max()
      #expect(error.mean().value < 0.25 * step && error.max().value < step)
      let near = (exact.abs() .< 0.5 * step).cast(to: .float64)
      #expect((error * near).max().value < 0.15 * step)
      #expect(
        (((found.values .< 0) .&& (exact .< 0)) .|| ((found.values .>= 0) .&& (exact .>= 0)))
          .all().value == 1)
      // And a distance stays what it is.
      #expect((found.redistanced().values - found.values).abs().mean().value < 0.02)
    }
  }

  @Test func errorsFallWithTheSpacing() {
    let errors = [17, 33, 65].map { nodes -> Double in
      let exact = Scenes.sphere(nodes: nodes)
      var scaled = exact
      scaled.values = exact.values * 5
      return (scaled.redistanced().values - exact.values).abs().mean().value
    }
    #expect(errors[1] < errors[0] / 1.5 && errors[2] < errors[1] / 1.5, "\(errors)")
  }

  @Test func gridsWithoutASurfaceStay() {
    var grid = Scenes.sphere()
    grid.values = grid.values + 10
    #expect((grid.redistanced().values - grid.values).largest == 0)
    var broken = Scenes.sphere()
    broken.values = broken.values / 0
    #expect(!broken.redistanced().values.isAllFinite)
    // Surfaces through nodes, and a single node inside.
    grid.values = grid.valuePositions().slice(axis: 3, from: 0, to: 1).squeezed(axis: 3)
    #expect((grid.redistanced().values - grid.values).largest < 1e-12)
  }
}

struct NarrowBandTests {
  /// Nodes outside of the band have no part in the losses.
  @Test func lossesCountTheBand() throws {
    let grid = Scenes.sphere(nodes: 9)
    let band = grid.narrowBand(halfWidth: 0.6)
    #expect(band.sum().value > 10 && band.sum().value < 300)
    let ones = Tensor.ones(like: grid.values)
    #expect(grid.eikonalLoss(weights: ones).value == grid.eikonalLoss().value)
    #expect(grid.laplacianLoss(weights: ones * 2).value == 2 * grid.laplacianLoss().value)
    var changed = grid
    changed.values = grid.values + (grid.values.abs() .> 1.3).cast(to: .float64) * 5
    #expect(changed.eikonalLoss().value > grid.eikonalLoss().value + 1)
    #expect(changed.eikonalLoss(weights: band).value == grid.eikonalLoss(weights: band).value)
    try checkGradients(at: [grid.values + Scenes.random(grid.values.shape, 9) * 0.01]) { x in
      var moved = grid
      moved.values = x[0]
      return .stack([moved.eikonalLoss(weights: band), moved.laplacianLoss(weights: band)])
    }
  }
}
