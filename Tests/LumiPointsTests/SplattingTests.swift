import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

@testable import LumiPoints

/// What all splatting methods have in common: gradients, degenerate clouds, bits.
struct SplattingTests {
  /// Central differences from the cloud's and the camera's parameters to all images.
  @Test(arguments: Splatting.allCases.filter(\.isExact))
  func exactGradients(_ method: Splatting) throws {
    let report = try method.renderer.check(
      SplattingScene.view(),
      ["cloud.points", "cloud.colors", "background", "camera.rotation", "camera.translation"],
      steps: [1e-6, 1e-7], tolerance: 1e-5)
    #expect(report.compared > 60)
  }

  /// A point is seen where it is, and moves the right way up.
  @Test(arguments: Splatting.allCases)
  func aPointIsSeenWhereItIs(_ method: Splatting) throws {
    var view = SplattingScene.single()
    for place in [[0.0, 0, 0], [0.42, 0.65, 0]] {
      view.scene.shape.points = Tensor(place, shape: [1, 3])
      let image = try method.renderer.render(view)[.color]
      // The middle of what is not background.
      let shown = (image - view.scene.background).abs().sum(axis: 2, keepDims: true)
      let middle = (view.camera.pixelCentres() * shown).sum(axes: [0, 1]) / shown.sum()
      let expected = view.camera.project(view.scene.shape.points).pixels[0]
      #expect((middle - expected).abs().max().value < 0.6)
      #expect(place[1] == 0 || expected[1].value < 3)
    }
  }

  /// Of two points in one pixel the nearer one is seen, or weighs more. PointProNets and plain sums do
  /// not see depth. The points are in different cells of the pseudo-renderer, where they do not collide.
  @Test(arguments: Splatting.allCases.filter { $0 != .pointProNets && $0 != .synSinSum })
  func theNearerPointCounts(_ method: Splatting) throws {
    var view = SplattingScene.single()
    view.scene.background = .zeros([3], dtype: .float64)
    for (near, far) in [(0, 2), (2, 0)] {
      let (red, blue) = near == 0 ? (0.5, -0.5) : (-0.5, 0.5)
      view.scene.shape = PointCloud(
        points: Tensor([0, 0, red, 0.05, 0, blue], shape: [2, 3]),
        appearance: .colors(Tensor([1.0, 0, 0, 0, 0, 1], shape: [2, 3])))
      let seen = try method.renderer.render(view)[.color][5, 7].scalars(as: Double.self)
      #expect(seen[near] > seen[far], "\(seen)")
    }
  }

  @Test(arguments: Splatting.allCases)
  func degenerateCloudsStayFinite(_ method: Splatting) throws {
    let points: [[Double]] = [
      [], [0, 0, 3], [0, 0, 9], [.nan, 0, 0], [.infinity, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 2.999999, 1e30, 1e30, 1e30],
    ]
    for (case_, coordinates) in points.enumerated() {
      for dtype in [DType.float32, .float64] {
        var view = SplattingScene.view(dtype: dtype)
        let count = coordinates.count / 3
        view.scene.shape = PointCloud(
          points: Tensor(coordinates, shape: [count, 3]).cast(to: dtype))
        let (output, gradients) = try method.renderer.evaluate(view)
        for (name, image) in output.smoothChannels {
          #expect(image.isFinite().all().item(as: Bool.self), "\(name), cloud \(case_)")
        }
        for (path, gradient) in gradients {
          #expect(gradient.isFinite().all().item(as: Bool.self), "\(path), cloud \(case_)")
        }
        if count == 0 {
          let image = try output[.color] - view.scene.background
          #expect(image.abs().max().value < 1e-4)
        }
      }
    }
  }

  @Test(arguments: Splatting.allCases)
  func bitsDoNotDependOnThreads(_ method: Splatting) throws {
    let view = SplattingScene.view(count: 300, dtype: .float32)
    let runs = try [1, 2, 5].map { threads in
      try LumiRuntime.withThreads(threads) { try method.renderer.evaluate(view) }
    }
    for run in runs.dropFirst() {
      for (name, image) in run.output.smoothChannels {
        #expect(
          image.scalars(as: Float.self)
            == (try runs[0].output[RenderChannel(name)]).scalars(as: Float.self))
      }
      for (path, gradient) in run.gradients {
        #expect(
          gradient.scalars(as: Float.self) == runs[0].gradients[path]!.scalars(as: Float.self))
      }
    }
  }

  @Test func parametersOutOfRangeAreNamed() throws {
    let renderers: [(any Renderer<PointCloud>, String)] = [
      (PointProNets(sigma: 0), "sigma"), (PointProNets(truncation: .nan), "truncation"),
      (PseudoRenderer(upsampling: 0), "upsampling"), (SoftNearestPoints(radius: -1), "radius"),
      (SoftNearestPoints(gamma: .nan), "gamma"), (SoftNearestPoints(nearest: 0), "nearest"),
      (HardForwardPoints(sigma: 0), "sigma"), (HardForwardPoints(depthRange: 0...1), "depthRange"),
      (SynSin(radius: 0), "radius"), (SynSin(pointsPerPixel: 0), "nearest"),
      (DifferentiablePointClouds(planes: 1), "planes"),
      (DifferentiablePointClouds(kernelSize: 4), "kernelSize"),
      (DifferentiablePointClouds(depthRange: 1...1), "depthRange"),
      (SynSin(channels: [.depth]), "gives no \"depth\""),
    ]
    for (renderer, name) in renderers {
      let error = try #require(throws: RenderError.self) {
        try renderer.render(SplattingScene.view())
      }
      #expect(error.description.contains(name), "\(error)")
    }
  }
}

/// What is special to one method.
struct SplattingMethodTests {
  /// A single point: h = z w/(w + 1e-8), and lifting its pixel gives it back.
  @Test func heightOfASinglePoint() throws {
    let view = SplattingScene.single()
    let output = try PointProNets(channels: [.depth, PointProNets.weightSum]).render(view)
    let depth = try output[.depth]
    #expect(abs(depth[5, 7].value - 3 / (1 + 1e-8)) < 1e-9)
    #expect(abs(try output[PointProNets.weightSum][5, 8].value - 0.726149037) < 1e-8)
    let lifted = PointProNets.lifted(heights: depth, camera: view.camera)
    #expect(lifted[5, 7].abs().max().value < 1e-6)
  }

  /// Moving a point within its cell changes nothing; two in one cell collide.
  @Test func cellsOfThePseudoRenderer() throws {
    var view = SplattingScene.single()
    let renderer = PseudoRenderer(channels: [.depth, .alpha, PseudoRenderer.collision])
    let gradients = try renderer.evaluate(view).gradients
    let slope = gradients["cloud.points"]!.scalars(as: Double.self)
    #expect(slope[0] == 0 && slope[1] == 0 && abs(slope[2]) > 0.01)
    #expect(abs(try renderer.render(view)[.depth][5, 7].value - 3) < 1e-5)
    view.scene.shape = PointCloud(points: .zeros([2, 3], dtype: .float64))
    #expect(try renderer.render(view)[PseudoRenderer.collision][5, 7].value == 2)
    view.scene.shape = PointCloud(
      points: .zeros([1, 3], dtype: .float64), opacities: Tensor([0.25]))
    let off = try renderer.render(view)
    #expect(try off[PseudoRenderer.collision].max().value == 0)
    // A quarter is a logit of -log 3, averaged over 25 cells.
    let expected = 1 / (1 + Double.exp(Double.log(3) / 25))
    #expect(abs(try off[.alpha][5, 7].value - expected) < 1e-9)
  }

  /// K = 1 shows the nearest point's colour wherever it is.
  @Test func oneNearestPoint() throws {
    var view = SplattingScene.view()
    view.scene.shape.appearance = .uniform(Tensor([0.3, 0.6, 0.9]))
    let output = try SoftNearestPoints(radius: 0.1, distanceRatio: 1.5, sigma: 0.1, nearest: 1)
      .render(view)
    let (color, alpha) = (try output[.color], try output[.alpha])
    let inside = (color - Tensor([0.3, 0.6, 0.9])).abs().max(axis: 2) * alpha
    #expect(inside.max().value < 1e-12 && alpha.max().value == 1 && alpha.min().value == 0)
  }

  /// Of a single point the backward pass of the released renderer is the depth's own derivative.
  @Test func aSingleHardPoint() throws {
    var view = SplattingScene.single()
    view.scene.shape.radii = Tensor([0.05])
    let renderer = HardForwardPoints(channels: [.depth])
    let slope = try valueAndGradient(of: view, unreachable: .zeros) {
      try renderer.render($0)[.depth][5, 7]
    }.gradients["cloud.points"]!.scalars(as: Double.self)
    #expect(abs(slope[2] + 1) < 1e-6 && abs(slope[0]) < 1e-6)
  }

  /// Without overlap the alpha compositor's single disc has the published profile.
  @Test func profileOfADisc() throws {
    let image = try SynSin(radius: 3, channels: [.alpha]).render(SplattingScene.single())[.alpha]
    #expect(abs(image[5, 7].value - (1 - 0.001.squareRoot())) < 1e-9)
    #expect(abs(image[5, 8].value - 2.0 / 3) < 1e-9 && image[5, 10].value < 1e-9)
  }

  /// Mass is kept, a point in a cell's middle fills it, and a full cell hides what is behind.
  @Test func volumeOfPoints() throws {
    var random = RandomGenerator(seed: 8)
    let places = random.uniform([40, 3], low: -1, high: 6, dtype: .float64)
    let volume = PointVolume(
      values: .ones([40, 1], dtype: .float64), at: places, counts: [5, 6, 4])
    let kept = volume.isKept.scalars(as: Bool.self).count { $0 }
    #expect(abs(volume.sums.sum().value - Double(kept)) < 1e-9 && kept > 3 && kept < 40)
    let plain = DifferentiablePointClouds(planes: 5, depthRange: 2...4, sigma: 0)
    let output = try plain.render(SplattingScene.single())
    #expect(abs(try output[.alpha][5, 7].value - 1) < 1e-4)
    #expect(abs(try output[.depth][5, 7].value - 3) < 1e-4)
    #expect(try output[.alpha][5, 9].value < 1e-4)
  }

  @Test func projectionOfSynSinLeavesTheIdentity() {
    let identity = Tensor.eye(4, dtype: .float64)
    let depth = Tensor.arange(9, dtype: .float64) + 1
    let screen = SynSin.project(
      depth: depth, intrinsics: identity, inverseIntrinsics: identity, inverseSource: identity,
      target: identity)
    #expect(abs(screen[5, 0].value - 1) < 1e-12 && abs(screen[3, 1].value) < 1e-12)
    #expect((screen.column(2) - depth).abs().max().value < 1e-12)
    let near = SynSin.project(
      depth: depth * 0.001, intrinsics: identity, inverseIntrinsics: identity,
      inverseSource: identity, target: identity)
    #expect(near[0].scalars(as: Double.self) == [-10, 10, 10])
  }
}
