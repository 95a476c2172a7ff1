import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

@testable import LumiPoints

struct SurfaceSplattingTests {
  /// Points of a sphere with colours, seen from the front.
  static func view(
    points: Tensor? = nil, count: Int = 60, width: Int = 14, height: Int = 10
  ) -> SceneView<PointCloud> {
    var random = RandomGenerator(seed: 31)
    let normals = random.normal([count, 3], dtype: .float64).normalized()
    let cloud = PointCloud(
      points: points ?? normals * 0.8,
      appearance: .colors(random.uniform([count, 3], dtype: .float64)), normals: normals,
      radii: .full([count], 0.25, dtype: .float64))
    let lights: [Light] = [
      .ambient(intensity: Tensor([0.2, 0.1, 0.3])),
      .directional(direction: Tensor([0.4, 1, 0.9]), intensity: Tensor([0.7, 0.5, 0.6])),
      .point(
        position: Tensor([3.0, 2, 4]), intensity: Tensor([4.0, 5, 6]), falloff: .inverseSquare),
    ]
    return SceneView(
      scene: Scene(cloud, lights: lights, background: Tensor([0.1, 0.2, 0.3])),
      camera: .perspective(
        from: [0.3, 0.4, 3], verticalFieldOfView: 0.7, width: width, height: height,
        dtype: .float64))
  }

  private func check(
    _ renderer: some Renderer<PointCloud>, _ view: SceneView<PointCloud>, _ names: [String]
  ) throws {
    let values = try names.map { try view.parameter($0) }
    try checkGradients(at: values, names: names, tolerance: 1e-5) { values in
      try renderer.render(
        view.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
      ).weightedSum()
    }
  }

  // MARK: Claims

  @Test func coloursAndLightsAreExact() throws {
    let view = Self.view()
    let names = view.parameters.map(\.path).filter {
      $0.hasPrefix("light.") || $0 == "background" || $0.hasSuffix("colors")
        || $0.hasPrefix("cloud.material")
    }
    #expect(names.count > 10)
    try check(SurfaceSplatting(thickness: 1, reflection: .phong), view, names)
  }

  @Test func discsAreExactInEverything() throws {
    var view = Self.view()
    var random = RandomGenerator(seed: 5)
    view.scene.shape.opacities = random.uniform([60], low: 0.2, dtype: .float64)
    // Normals stay unit, so they are not moved one number at a time; see the next test.
    let names = view.parameters.map(\.path).filter {
      !$0.hasPrefix("camera.principal") || $0 == "camera.principalPoint"
    }
    #expect(names.contains("cloud.points") && names.contains("cloud.radii"))
    #expect(names.contains("camera.rotation") && names.contains("cloud.normals"))
    try check(AlphaSplatting(reflection: .phong), view, names)
  }

  @Test func normalsMoveByTheColoursDerivative() throws {
    var view = Self.view()
    view.scene.shape.radii = .full([60], 0.3, dtype: .float64)
    let renderer = SurfaceSplatting(thickness: 1, cullsBackFaces: false, channels: [.color])
    let slope = try renderer.evaluate(view).gradients["cloud.normals"]!
    #expect(slope.abs().max().value > 1e-3)
    // By light alone, with the splats of the first picture: as shading outside of the renderer.
    let colors = valueAndGradient(at: view.scene.shape.normals!) { normals in
      var lit = view
      lit.scene.shape.normals = normals
      lit.scene.lights = []
      var shaded = view.scene.shape
      shaded.normals = normals
      lit.scene.shape.appearance = .colors(
        try! shaded.shadedColors(
          view.scene.lights, .lambert, view.camera, method: "points/test"))
      return try! renderer.render(lit).weightedSum()
    }.1
    #expect(distance(slope, colors) < 1e-12)
  }

  @Test func depthMovesByItsOwnDerivative() throws {
    var view = Self.view()
    view.scene.lights = []
    let renderer = SurfaceSplatting(channels: [.depth])
    let slope = try renderer.evaluate(view).gradients["camera.translation"]!
    // Every covered pixel's depth grows by as much as the camera's z.
    let output = try renderer.render(view)
    let covered = (try output[.depth] .< view.camera.far).cast(to: .float64)
    var random = RandomGenerator(seed: 77)
    let weights = random.uniform([10, 14], low: -1, dtype: .float64)
    #expect(covered.sum().value > 30)
    #expect(abs(slope.scalars(as: Double.self)[2] - (weights * covered).sum().value) < 1e-9)
  }

  // MARK: Footprints

  @Test func theChoiceOfTangentAxesDoesNotMatter() {
    var random = RandomGenerator(seed: 2)
    let normals = random.normal([50, 3], dtype: .float64).normalized()
    let axes = EllipticalFootprint.tangentAxes(normals: normals)
    let gram = axes.matmul(axes, transposingRight: true)
    #expect(distance(gram, Tensor.eye(2, dtype: .float64).broadcast(to: [50, 2, 2])) < 1e-14)
    #expect((axes * normals.expandingDims(at: 1)).sum(axis: 2).abs().max().value < 1e-14)
    let jacobians = random.normal([50, 2, 3], dtype: .float64)
    let turn = Tensor([[cos(0.7), sin(0.7)], [-sin(0.7), cos(0.7)]])
    func footprint(_ axes: Tensor) -> EllipticalFootprint {
      EllipticalFootprint(
        jacobians: jacobians, axes: axes, variances: .full([50, 2], 0.3, dtype: .float64),
        lowPass: 0.01, cutoff: 2)
    }
    let (a, b) = (footprint(axes), footprint(turn.matmul(axes)))
    #expect(distance(a.forms, b.forms) < 1e-10)
    #expect(distance(a.scales, b.scales) < 1e-10)
    #expect(distance(a.reaches, b.reaches) < 1e-12)
  }

  @Test func aFrontalDiscApproachesItsArea() throws {
    // Radius ½ at depth 4, seen with a focal length of half the height: π (⅛ · ½ · S)² pixels.
    var errors: [Double] = []
    for size in [16, 64, 256] {
      let cloud = PointCloud(
        points: Tensor([[0.013, 0.021, 0.0]]), normals: Tensor([[0.0, 0, 1]]),
        radii: Tensor([0.5]))
      let camera = Camera.perspective(
        from: [0, 0, 4], verticalFieldOfView: .pi / 2, width: size, height: size, dtype: .float64)
      let alpha = try SurfaceSplatting(lowPass: 1e-12, channels: [.alpha])
        .render(Scene(cloud), from: camera)[.alpha]
      let area = Double.pi * pow(0.5 / 4 * Double(size) / 2, 2)
      errors.append(abs(alpha.sum().value / area - 1))
    }
    #expect(errors[2] < 0.01 && errors[2] < errors[0])
  }

  @Test func sizesFollowTheSixthNeighbour() {
    let line = Tensor((0..<20).map { [0.1 * Double($0), 0, 0] })
    let open = SplatSizes.neighbours(limits: 0...10).variances(of: line).scalars(as: Double.self)
    #expect(abs(open[10] - 0.5 * 0.09) < 1e-12)  // Three on each side.
    #expect(abs(open[0] - 0.5 * 0.36) < 1e-12)
    #expect(SplatSizes.neighbours().variances(of: line).max().value == 0.01)
    let mean = SplatSizes.mean(limits: 0...10).variances(of: line).scalars(as: Double.self)
    #expect(mean.allSatisfy { abs($0 - open.reduce(0, +) / 20) < 1e-12 })
    #expect(SplatSizes.neighbours().variances(of: line[0..<3]).max().value == 5e-4)
    #expect(SplatSizes.mean().variances(of: .zeros([0, 3])).count == 0)
  }

  // MARK: Degenerate scenes

  @Test func degenerateCloudsGiveFiniteImagesAndGradients() throws {
    let points = Tensor([
      [0.0, 0, 0], [0, 0, 0], [0, 0, 3], [0, 0, 9], [1e6, 0, 0], [0.3, 0, 0.2], [0.1, 0.2, 0.1],
    ])
    let normals = Tensor([
      [0.0, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 0], [0, 0, -1],
    ])
    for culls in [false, true] {
      var view = Self.view()
      view.scene.shape = PointCloud(points: points, normals: normals)
      let renderer = SurfaceSplatting(
        cullsBackFaces: culls, weightsMovePoints: true, channels: [.color, .alpha, .depth, .normal])
      let (output, gradients) = try renderer.evaluate(view)
      for (name, image) in output.smoothChannels {
        #expect(image.isFinite().all().value == 1, "\(name)")
      }
      for (name, slope) in gradients {
        #expect(slope.isFinite().all().value == 1, "\(name)")
      }
    }
    var view = Self.view()
    view.scene.shape = PointCloud(
      points: .zeros([0, 3], dtype: .float64), normals: .zeros([0, 3], dtype: .float64))
    #expect(try SurfaceSplatting().render(view)[.alpha].max().value == 0)
    view.scene.lights = []
    #expect(try AlphaSplatting().render(view)[.alpha].max().value == 0)
  }

  @Test func badInputIsRefusedByName() throws {
    let view = Self.view()
    var bare = view
    bare.scene.shape.normals = nil
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return ""
    }
    #expect(message { _ = try SurfaceSplatting().render(bare) }.contains("cloud.normals"))
    #expect(message { _ = try AlphaSplatting().render(bare) }.contains("light.0"))
    let settings: [(SurfaceSplatting, String)] = [
      (SurfaceSplatting(cutoff: 0), "cutoff"), (SurfaceSplatting(thickness: -1), "thickness"),
      (SurfaceSplatting(lowPass: .nan), "lowPass"), (SurfaceSplatting(nearest: 0), "nearest"),
      (SurfaceSplatting(reachFactor: .infinity), "reachFactor"),
      (SurfaceSplatting(gradientLimit: 0), "gradientLimit"),
    ]
    for (renderer, name) in settings {
      #expect(message { _ = try renderer.render(view) }.contains(name))
    }
    #expect(message { _ = try AlphaSplatting(radius: 0).render(view) }.contains("radius"))
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let view = Self.view(count: 900, width: 60, height: 50).cast(to: .float32)
    let renderer = SurfaceSplatting(thickness: 0.3)
    func run(_ threads: Int) throws -> [[Float]] {
      try LumiRuntime.withThreads(threads) {
        let (output, gradients) = try renderer.evaluate(view)
        return output.smoothChannels.map { $0.image.scalars(as: Float.self) }
          + gradients.sorted { $0.key < $1.key }.map { $0.value.scalars(as: Float.self) }
      }
    }
    let single = try run(1)
    for threads in [1, 2, 7] { #expect(try run(threads) == single) }
  }
}
