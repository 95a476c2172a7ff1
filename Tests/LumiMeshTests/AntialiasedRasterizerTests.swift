import LumiRendering
import LumiScene
import LumiTensor
import Testing

@testable import LumiMesh

struct AntialiasedRasterizerTests {
  /// A camera whose screen coordinates are those of the world for a square image.
  static func flatCamera(_ size: Int = 24) -> Camera {
    .orthographic(
      from: [0, 0, 4], visibleHeight: 2, width: size, height: size, dtype: .float64)
  }

  static func triangles(_ points: [[Double]], _ faces: [[Int32]], _ colors: [[Double]]) -> Mesh {
    Mesh(
      vertices: Tensor(points), faces: Tensor(faces), appearance: .vertexColors(Tensor(colors)))
  }

  static let triangle = triangles(
    [[-0.71, -0.63, 0], [0.83, -0.37, 0], [0.11, 0.79, 0]], [[0, 1, 2]],
    [[1, 1, 1], [1, 1, 1], [1, 1, 1]])

  /// Two squares that cross each other in a line near x = 0 on the screen.
  static let crossing = triangles(
    [
      [-0.8, -0.7, 0.43], [0.9, -0.7, -0.51], [0.9, 0.7, -0.43], [-0.8, 0.7, 0.49],
      [-0.8, -0.77, -0.42], [0.9, -0.77, 0.45], [0.9, 0.77, 0.53], [-0.8, 0.77, -0.47],
    ], [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]],
    Array(repeating: [1, 0.2, 0.1], count: 4) + Array(repeating: [0.1, 0.3, 1], count: 4))

  static func view(_ mesh: Mesh, _ camera: Camera? = nil) -> View {
    View(scene: Scene(mesh, background: Scenes.background), camera: camera ?? flatCamera())
  }

  /// Exact coverage from a picture with 32 by 32 times the pixels.
  static func coverage(_ mesh: Mesh, _ size: Int = 24) throws -> Tensor {
    let fine = try HardRasterizer(channels: [.alpha]).render(view(mesh, flatCamera(size * 32)))
    return try fine[.alpha].reshaped([size, 32, size, 32]).mean(axis: 3).mean(axis: 1)
  }

  // MARK: Values

  @Test func outlineIsCloserToTheCoverageThanTheAliasedOne() throws {
    let exact = try Self.coverage(Self.triangle)
    let smooth = try AntialiasedRasterizer().render(Self.view(Self.triangle))[.alpha]
    let aliased = try HardRasterizer().render(Self.view(Self.triangle))[.alpha]
    let outline = (exact .> 0).cast(to: .float64) * (exact .< 1).cast(to: .float64)
    func error(_ image: Tensor) -> Double {
      ((image - exact).abs() * outline).sum().value / outline.sum().value
    }
    #expect(error(smooth) < 0.03)
    #expect(error(aliased) > 0.1)
  }

  @Test func pixelsAwayFromOutlinesStayAsTheyWere() throws {
    let view = Scenes.view()
    let smooth = try AntialiasedRasterizer().render(view)[.color]
    let aliased = try HardRasterizer().render(view)[.color]
    let changed = (smooth - aliased).abs().sum(axis: 2).scalars(as: Double.self)
    #expect(changed.contains { $0 > 0.01 })
    #expect(changed.count { $0 == 0 } > changed.count / 2)
    let depth = try AntialiasedRasterizer(channels: [.depth, .faceIndex]).render(view)
    let plain = try HardRasterizer(channels: [.depth, .faceIndex]).render(view)
    #expect(try depth[.depth].distance(to: plain[.depth]) < 1e-14)
    #expect(
      try depth[.faceIndex].scalars(as: Int32.self) == plain[.faceIndex].scalars(as: Int32.self))
  }

  /// Edges inside of a closed surface are nobody's outline.
  @Test func insideEdgesAreNotBlended() throws {
    let sphere = Mesh.icosphere(subdivisions: 2, dtype: .float64)
    let flat = Mesh(
      vertices: sphere.vertices, faces: sphere.faces,
      appearance: .faceColors(
        Tensor.arange(sphere.faceCount * 3).cast(to: .float64).sin()
          .reshaped([sphere.faceCount, 3])))
    let view = View(scene: Scene(flat), camera: Scenes.camera(width: 40, height: 40))
    let smooth = try AntialiasedRasterizer().render(view)
    let aliased = try HardRasterizer(channels: [.color, .alpha]).render(view)
    let alpha = try aliased[.alpha].scalars(as: Double.self)
    let difference = try (smooth[.color] - aliased[.color]).abs().sum(axis: 2)
      .scalars(as: Double.self)
    for row in 1..<39 {
      for column in 1..<39 where difference[row * 40 + column] > 0 {
        let around = [0, -1, 1, -40, 40].map { alpha[row * 40 + column + $0] }
        #expect(Set(around).count == 2, "pixel \(row), \(column) is not on the outline")
      }
    }
  }

  @Test func intersectionIsBlendedOnlyIfWanted() throws {
    func image(_ blends: Bool) throws -> Tensor {
      var renderer = AntialiasedRasterizer()
      renderer.blendsIntersections = blends
      return try renderer.render(Self.view(Self.crossing))[.color]
    }
    let aliased = try HardRasterizer().render(Self.view(Self.crossing))[.color]
    // The middle of the picture, away from the outlines.
    func middle(_ image: Tensor) -> Tensor {
      image.slice(axis: 0, from: 8, to: 16).slice(axis: 1, from: 6, to: 18)
    }
    #expect(try middle(image(false)).distance(to: middle(aliased)) == 0)
    #expect(try middle(image(true)).distance(to: middle(aliased)) > 0.05)
    let fine = try HardRasterizer().render(Self.view(Self.crossing, Self.flatCamera(24 * 32)))
    let exact = try fine[.color].reshaped([24, 32, 24, 32, 3]).mean(axis: 3).mean(axis: 1)
    let before = (middle(aliased) - middle(exact)).abs().mean().value
    let after = try (middle(image(true)) - middle(exact)).abs().mean().value
    #expect(after < before / 4)
  }

  /// Four vertices, two triangles, 8×8 pixels: no gap along the common edge.
  @Test func sharedEdgeHasNoHole() throws {
    let square = Self.triangles(
      [[-1.3, -1.2, 0], [1.1, -1.4, 0], [1.2, 1.3, 0], [-1.1, 1.2, 0]], [[0, 1, 2], [0, 2, 3]],
      Array(repeating: [1, 1, 1], count: 4))
    let alpha = try AntialiasedRasterizer().render(Self.view(square, Self.flatCamera(8)))[.alpha]
    #expect(alpha.scalars(as: Double.self).allSatisfy { abs($0 - 1) < 1e-14 })
  }

  // MARK: Gradients

  @Test func outlineMovesByItsDerivative() throws {
    let names = ["mesh.vertices", "mesh.vertexColors", "background"]
    let renderer = AntialiasedRasterizer(channels: [.color, .alpha, .depth])
    try renderer.check(Self.view(Self.triangle), names)
    let gradient = try renderer.evaluate(Self.view(Self.triangle)).gradients["mesh.vertices"]!
    #expect(gradient.largest > 0.1)
  }

  @Test(arguments: Scenes.cameras)
  func everyCamera(_ camera: (name: String, camera: Camera)) throws {
    try AntialiasedRasterizer(shader: .blinnPhong).check(
      Scenes.view(.texture, camera: camera.camera), ["mesh.vertices", "mesh.texture"])
  }

  /// Depth decides where faces cross, so z gets a gradient.
  @Test func intersectionMovesWithDepth() throws {
    let view = Self.view(Self.crossing)
    try AntialiasedRasterizer().check(view, ["mesh.vertices"])
    func byDepth(_ renderer: AntialiasedRasterizer) throws -> Double {
      try renderer.evaluate(view).gradients["mesh.vertices"]!
        .slice(axis: 1, from: 2, to: 3).largest
    }
    #expect(try byDepth(AntialiasedRasterizer()) > 0.1)
    var published = AntialiasedRasterizer()
    published.blendsIntersections = false
    #expect(try byDepth(published) == 0)
    let oblique = Camera.perspective(
      from: [0.6, 0.5, 3], verticalFieldOfView: 0.8, width: 21, height: 16, dtype: .float64)
    try AntialiasedRasterizer().check(Self.view(Self.crossing, oblique), ["mesh.vertices"])
  }

  /// Faces cut at the near plane keep their neighbours, so that the cut is no outline inside.
  @Test func clippedMeshKeepsItsTopology() throws {
    var camera = Camera.perspective(
      from: [0, 0, 1.2], verticalFieldOfView: 1.2, width: 20, height: 20, dtype: .float64)
    camera.near = 0.6
    let view = Self.view(Scenes.body(), camera)
    try AntialiasedRasterizer().check(view, ["mesh.vertices", "mesh.vertexColors"])
  }

  /// The published guard shortens gradients a little; without it they are the derivative.
  @Test func guardChangesTheGradient() throws {
    var guarded = AntialiasedRasterizer()
    guarded.reciprocalGuard = 1e-3
    let exact = try AntialiasedRasterizer().evaluate(Self.view(Self.triangle)).gradients
    let limited = try guarded.evaluate(Self.view(Self.triangle)).gradients
    let distance = limited["mesh.vertices"]!.distance(to: exact["mesh.vertices"]!)
    #expect(distance > 1e-6 && distance < 1e-2)
    #expect(throws: GradientMismatch.self) {
      try guarded.check(Self.view(Self.triangle), ["mesh.vertices"])
    }
  }

  // MARK: Hostile input

  @Test func threeFacesOnOneEdge() throws {
    let fan = Self.triangles(
      [[0, -0.8, 0], [0, 0.8, 0], [0.7, 0, 0.1], [-0.7, 0, 0.2], [0.3, 0.1, 0.9]],
      [[0, 1, 2], [1, 0, 3], [0, 1, 4]], Array(repeating: [0.5, 0.6, 0.7], count: 5))
    try DegenerateTests.expectFinite(AntialiasedRasterizer(), Self.view(fan))
  }

  @Test func negativeParametersAreNamed() {
    var renderer = AntialiasedRasterizer()
    renderer.slack = -1
    #expect(throws: RenderError.self) { try renderer.render(Self.view(Self.triangle)) }
    renderer.slack = 0.1
    renderer.reciprocalGuard = .nan
    #expect(throws: RenderError.self) { try renderer.render(Self.view(Self.triangle)) }
  }
}
