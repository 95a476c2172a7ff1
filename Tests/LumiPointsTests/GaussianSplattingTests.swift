import Foundation
import Lumigrad
import RenderingTestSupport
import Testing

@testable import LumiPoints

/// Values and gradients of both splatting methods.
struct GaussianSplattingTests {
  // MARK: Values

  /// One round Gaussian straight ahead has the textbook picture.
  @Test func aSingleGaussianIsItsFormula() throws {
    let deviation = 0.1
    let cloud = GaussianCloud(
      positions: Tensor([[0.0, 0, 2]]), logScales: .full([1, 3], log(deviation), dtype: .float64),
      rotations: Tensor([[2.0, 0, 0, 0]]), opacityLogits: Tensor([log(0.8 / 0.2)]),
      harmonics: GaussianCloud.harmonics(ofColors: Tensor([[0.25, 0.5, 1]])))
    let camera = Camera(
      rotation: .eye(3, dtype: .float64), translation: .zeros([3], dtype: .float64),
      focalLength: Tensor([40.0, 30]), width: 8, height: 6)
    let scene = Scene(cloud, background: Tensor([0.0, 0.1, 0.2]))
    let output = try GaussianSplatting().render(scene, from: camera)
    let (alpha, color) = (try output[.alpha], try output[.color])
    let variances = [pow(40 * deviation / 2, 2) + 0.3, pow(30 * deviation / 2, 2) + 0.3]
    for row in 0..<6 {
      for column in 0..<8 {
        let (x, y) = (Double(column) + 0.5 - 4, Double(row) + 0.5 - 3)
        let exact = 0.8 * exp(-(x * x / variances[0] + y * y / variances[1]) / 2)
        let expected = exact < 1.0 / 255 ? 0 : exact
        #expect(abs(alpha[row, column].value - expected) < 1e-12)
        let red = color[row, column, 0].value
        #expect(abs(red - 0.25 * expected) < 1e-12)
        let blue = color[row, column, 2].value
        #expect(abs(blue - (expected + 0.2 * (1 - expected))) < 1e-12)
        if expected > 0 { #expect(abs(try output[.depth][row, column].value - 2) < 1e-12) }
      }
    }
  }

  /// A surfel that faces the camera is a Gaussian of its own scales at the ray's point.
  @Test func aSurfelIsMetByRays() throws {
    let cloud = GaussianCloud(
      positions: Tensor([[0.3, -0.2, 2]]), logScales: Tensor([[log(0.5), log(0.3)]]),
      rotations: Tensor([[1.0, 0, 0, 0]]), opacityLogits: Tensor([log(0.9 / 0.1)]),
      harmonics: .zeros([1, 1, 3], dtype: .float64))
    let camera = Camera(
      rotation: .eye(3, dtype: .float64), translation: .zeros([3], dtype: .float64),
      focalLength: Tensor([10.0, 10]), width: 8, height: 6)
    let output = try GaussianSurfels().render(Scene(cloud), from: camera)
    for (row, column) in [(0, 0), (2, 5), (5, 7)] {
      let (x, y) = ((Double(column) + 0.5 - 4) / 5 - 0.3, (Double(row) + 0.5 - 3) / 5 + 0.2)
      let square = x * x / 0.25 + y * y / 0.09
      let onScreen = 2 * 25 * (x * x + y * y)
      let alpha = 0.9 * exp(-min(square, onScreen) / 2)
      #expect(abs(try output[.alpha][row, column].value - alpha) < 1e-12)
      #expect(abs(try output[.depth][row, column].value - 2) < 1e-12)
      #expect(abs(try output[.normal][row, column, 2].value + 1) < 1e-12)
    }
  }

  /// The kernel says what tensor operations say: images and all gradients, with published limits too.
  @Test(arguments: SplatMethod.allCases, [Gaussians.smooth, SplatLimits()])
  func kernelAgreesWithTensors(_ method: SplatMethod, _ limits: SplatLimits) throws {
    let view = method.view(count: 60, degree: 3, width: 45, height: 37)
    let fast = try method.renderer(limits).evaluate(view)
    let readable = try method.renderer(limits, .tensors).evaluate(view)
    for channel in fast.output.channels {
      let (a, b) = (try fast.output[channel], try readable.output[channel])
      #expect((a - b).largest < 1e-10, "\(channel)")
    }
    for (name, gradient) in readable.gradients {
      let distance = (fast.gradients[name]! - gradient).largest
      #expect(distance <= 1e-9 * max(1, gradient.largest), "\(name): \(distance)")
    }
    #expect(fast.gradients["gaussians.positions"]!.largest > 1e-3)
  }

  @Test(arguments: SplatMethod.allCases, LumiRuntime.KernelLevel.available)
  func float32FollowsFloat64(
    _ method: SplatMethod, _ level: LumiRuntime.KernelLevel
  ) throws {
    let exact = try method.renderer(channels: [.color, .alpha]).evaluate(
      method.view(count: 200, width: 70, height: 50))
    let single = try LumiRuntime.withKernelLevel(level) {
      try method.renderer(channels: [.color, .alpha]).evaluate(
        method.view(count: 200, width: 70, height: 50, dtype: .float32))
    }
    let image = try single.output[.color].cast(to: .float64) - exact.output[.color]
    #expect(image.largest < 2e-5)
    for name in Gaussians.parameters {
      let expected = exact.gradients[name]!
      let distance = (single.gradients[name]!.cast(to: .float64) - expected).largest
      #expect(distance < 2e-3 * expected.largest, "\(name)")
    }
  }

  /// The closed form of a projected tangent Gaussian, and that a wrong Jacobian fails it.
  @Test func projectedCovarianceIsTheTruth() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/reference/points").path
    let vector = try ReferenceCase(contentsOf: folder + "/truth-ewa-covariance.json")
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .pass, "\(result.message ?? "")")
    #expect(result.notCompared == [])
    var other = vector.tensors
    other["rows.0.point"] = other["rows.0.point"]! * 1.001
    let moved = ReferenceCase(
      method: vector.method, name: vector.name, tensors: other, strings: vector.strings,
      expected: vector.expected, tolerances: vector.tolerances)
    #expect(RendererRegistry.standard.verify(moved).status == .fail)
  }

  // MARK: Gradients

  @Test(arguments: SplatMethod.allCases)
  func everyGradientIsThatOfDifferences(_ method: SplatMethod) throws {
    var channels: Set<RenderChannel> = [.color, .alpha, .depth, .normal]
    // A surfel's depth has a step where plane and screen swap; see `depthOfSurfels`.
    if method == .surfels { channels.remove(.depth) }
    let view = method.view()
    let names = Gaussians.parameters + Gaussians.cameraParameters + ["background"]
    let renderer = method.renderer(channels: channels)
    try renderer.check(view, names, tolerance: 2e-6)
    let gradients = try renderer.evaluate(view).gradients
    for name in names { #expect(gradients[name]!.largest > 1e-4, "\(name)") }
  }

  /// With screen Gaussians too small to count, the depth of surfels is smooth.
  @Test func depthOfSurfels() throws {
    var renderer = GaussianSurfels(channels: [.depth])
    renderer.limits = Gaussians.smooth
    renderer.screenDeviation = 0.01
    try renderer.check(
      Gaussians.view(flat: true),
      ["gaussians.positions", "gaussians.rotations", "gaussians.logScales"]
        + Gaussians.cameraParameters,
      tolerance: 2e-6)
  }

  @Test(arguments: SplatMethod.allCases)
  func lightsAndMaterials(_ method: SplatMethod) throws {
    let view = method.view(
      count: 4,
      lights: [
        .ambient(intensity: Tensor([0.3, 0.2, 0.1])),
        .directional(direction: Tensor([0.3, 0.4, 0.9]), intensity: Tensor([0.7, 0.8, 0.9])),
        .point(
          position: Tensor([1.0, 1, 2]), intensity: Tensor([0.5, 0.9, 0.4]),
          falloff: .inverseSquare),
      ])
    let lights = view.parameters.map(\.path).filter { $0.hasPrefix("light.") }
    let names =
      lights + ["gaussians.harmonics", "gaussians.rotations"]
      + ["diffuse", "specular", "shininess", "emission"].map { "gaussians.material." + $0 }
    var lit = view
    lit.scene.shape.material = Material(specular: 0.4, shininess: 5, dtype: .float64)
    try method.renderer(channels: [.color], reflection: .phong)
      .check(lit, names, tolerance: 2e-6)
  }

  @Test func otherCamerasAndOffsets() throws {
    for model in [Camera.Model.orthographic, .weakPerspective] {
      var view = Gaussians.view(count: 4)
      view.camera.model = model
      view.camera.meanDepth = Tensor(3, dtype: .float64)
      if model == .orthographic { view.camera.focalLength = Tensor([4.0, 5]) }
      try SplatMethod.gaussians.renderer().check(
        view,
        ["gaussians.positions", "gaussians.rotations", "camera.focalLength", "camera.rotation"],
        tolerance: 2e-6)
    }
    let view = Gaussians.view(count: 4)
    var renderer = GaussianSplatting(channels: [.color])
    renderer.limits = Gaussians.smooth
    try checkGradients(at: [.zeros([4, 2])], tolerance: 2e-6) {
      try renderer.draw(view.scene, from: view.camera, offsets: $0[0]).output[.color]
    }
  }

  /// Near the borders the Jacobian stays where the image ends, and its derivative knows.
  @Test func gaussiansBesideTheImage() throws {
    var view = Gaussians.view(count: 3)
    view.scene.shape.positions = Tensor([[2.2, 0.3, 0.4], [-2.4, 0, 0.2], [0.3, 1.6, 0.3]])
    view.scene.shape.logScales = .full([3, 3], log(0.7), dtype: .float64)
    try SplatMethod.gaussians.renderer(channels: [.color, .alpha]).check(
      view,
      [
        "gaussians.positions", "gaussians.logScales", "camera.focalLength", "camera.principalPoint",
      ],
      tolerance: 2e-6)
  }

  @Test func tensorsHaveSecondDerivatives() throws {
    let view = Gaussians.view(count: 3, width: 5, height: 4)
    let renderer = SplatMethod.gaussians.renderer(Gaussians.smooth, .tensors, channels: [.color])
    try checkGradients(at: [view.scene.shape.positions], tolerance: 1e-5) { inputs in
      let slope = try gradient(at: inputs[0]) { positions in
        var moved = view
        moved.scene.shape.positions = positions
        return try renderer.render(moved).weightedSum()
      }
      return slope.square().sum()
    }
  }

  // MARK: Normals of the depth image

  /// One large surfel, askew: its depth makes the plane that its normal says; another's does not.
  @Test func depthAndNormalsOfOnePlaneAgree() throws {
    func view(_ turn: [Double]) -> SceneView<GaussianCloud> {
      var view = Gaussians.view(count: 1, flat: true)
      view.scene.shape.positions = .zeros([1, 3], dtype: .float64)
      view.scene.shape.logScales = .full([1, 2], log(2), dtype: .float64)
      view.scene.shape.rotations = Rotation.quaternion(vector: Tensor([turn]))
      view.scene.shape.opacityLogits = Tensor([3.0])
      return view
    }
    let renderer = GaussianSurfels()
    let plane = view([0.3, 0.2, 0.1])
    let output = try renderer.render(plane)
    let agreement = try GaussianSurfels.depthNormalConsistency(output, from: plane.camera)
    #expect(abs(agreement.value) < 1e-12)
    let other = try renderer.render(view([-0.3, 0.4, 0]))
    let mixed = RenderOutput(
      method: output.method, height: output.height, width: output.width,
      images: [
        .alpha: try output[.alpha], .normal: try output[.normal], .depth: try other[.depth],
      ])
    let mixture = try GaussianSurfels.depthNormalConsistency(mixed, from: plane.camera)
    #expect(mixture.value > 0.05)
  }

  @Test func consistencyHasItsGradient() throws {
    var renderer = GaussianSurfels()
    renderer.limits = Gaussians.smooth
    renderer.screenDeviation = 0.01
    let view = Gaussians.view(count: 4, flat: true)
    let names = ["gaussians.positions", "gaussians.rotations"]
    let values = try names.map { try view.parameter($0) }
    try checkGradients(at: values, names: names, tolerance: 5e-6) { inputs in
      let moved = try view.replacing([names[0]: inputs[0], names[1]: inputs[1]])
      return try GaussianSurfels.depthNormalConsistency(
        renderer.render(moved), from: moved.camera)
    }
    let small = RenderOutput(method: "test", height: 2, width: 9, images: [:])
    #expect(throws: RenderError.self) {
      try GaussianSurfels.depthNormalConsistency(small, from: view.camera)
    }
  }
}
