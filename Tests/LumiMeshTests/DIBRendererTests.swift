import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import Testing

@testable import LumiMesh

struct DIBRendererTests {
  /// Without the published cut-offs, whose steps differences would meet.
  static func renderer(_ inverseSigma: Double = 300) -> DIBRenderer {
    var renderer = DIBRenderer()
    renderer.inverseSigma = inverseSigma
    renderer.reach = 1
    renderer.facesPerPixel = .max
    return renderer
  }

  @Test(arguments: Scenes.cameras)
  func imageAndMaskMoveByTheirDerivative(_ camera: (name: String, camera: Camera)) throws {
    try Self.renderer().check(
      Scenes.view(camera: camera.camera), ["mesh.vertices", "mesh.vertexColors", "background"])
    var phong = Self.renderer()
    phong.shader = .phong
    try phong.check(
      Scenes.view(.texture, camera: camera.camera), ["mesh.vertices", "mesh.texture"])
  }

  /// The mask of one triangle, written out pixel by pixel.
  @Test func maskIsTheFormulaOfTheDistance() throws {
    let mesh = AntialiasedRasterizerTests.triangle
    let view = AntialiasedRasterizerTests.view(mesh)
    let mask = try Self.renderer().render(view)[.alpha].scalars(as: Double.self)
    let points = mesh.vertices.scalars(as: Double.self)
    let inside = try HardRasterizer().render(view)[.alpha].scalars(as: Double.self)
    for pixel in 0..<24 * 24 {
      let x = Double(2 * (pixel % 24) - 23) / 24
      let y = Double(23 - 2 * (pixel / 24)) / 24
      var nearest = Double.infinity
      for k in 0..<3 {
        let (ax, ay) = (points[3 * k], points[3 * k + 1])
        let (bx, by) = (points[(3 * k + 3) % 9], points[(3 * k + 4) % 9])
        let (dx, dy) = (bx - ax, by - ay)
        let t = min(max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0), 1)
        nearest = min(nearest, hypot(x - ax - t * dx, y - ay - t * dy))
      }
      let expected = inside[pixel] == 1 ? 1 : exp(-300 * nearest * nearest)
      #expect(abs(mask[pixel] - expected) < 1e-9)
    }
  }

  /// Two equal faces: 1 - (1 - A)².
  @Test func duplicateFacesUnite() throws {
    var mesh = AntialiasedRasterizerTests.triangle
    let once = try Self.renderer().render(AntialiasedRasterizerTests.view(mesh))[.alpha]
    mesh.faces = Tensor([[0, 1, 2], [2, 1, 0]] as [[Int32]])
    let twice = try Self.renderer().render(AntialiasedRasterizerTests.view(mesh))[.alpha]
    #expect(twice.distance(to: 1 - (1 - once).square()) < 1e-14)
    var first = Self.renderer()
    first.facesPerPixel = 1
    let limited = try first.render(AntialiasedRasterizerTests.view(mesh))[.alpha]
    #expect(limited.distance(to: once) < 1e-14)
  }

  /// The mask pulls from outside only: a triangle that should shrink feels nothing.
  @Test func coveredPixelsDoNotPull() throws {
    let view = AntialiasedRasterizerTests.view(AntialiasedRasterizerTests.triangle)
    let inside = try HardRasterizer().render(view)[.alpha]
    func pull(_ weights: Tensor) throws -> Double {
      try valueAndGradient(of: view, withRespectTo: ["mesh.vertices"]) {
        try (Self.renderer().render($0)[.alpha] * weights).sum()
      }.gradients["mesh.vertices"]!.largest
    }
    #expect(try pull(inside) == 0)
    #expect(try pull(1 - inside) > 1)
  }

  @Test func parametersAreNamed() {
    let view = AntialiasedRasterizerTests.view(AntialiasedRasterizerTests.triangle)
    let changes: [(inout DIBRenderer) -> Void] = [
      { $0.inverseSigma = 0 }, { $0.reach = -1 }, { $0.facesPerPixel = 0 },
      { $0.reciprocalGuard = .nan }, { $0.inverseSigma = .infinity },
    ]
    for change in changes {
      var renderer = DIBRenderer()
      change(&renderer)
      #expect(throws: RenderError.self) { try renderer.render(view) }
    }
  }
}

struct GenovaRendererTests {
  @Test(arguments: Scenes.cameras)
  func pictureMovesByItsDerivative(_ camera: (name: String, camera: Camera)) throws {
    try GenovaRenderer(shader: .blinnPhong, channels: [.color, .alpha, .depth]).check(
      Scenes.view(camera: camera.camera), ["mesh.vertices", "mesh.vertexColors", "background"])
  }

  /// Another route to the same picture and the same derivative.
  @Test func agreesWithTheHardRasterizer() throws {
    let genova = try GenovaRenderer(channels: [.color, .depth]).evaluate(Scenes.view())
    let hard = try HardRasterizer(channels: [.color, .depth]).evaluate(Scenes.view())
    #expect(worstDistance(genova, hard).distance < 1e-9)
  }

  /// One factor on all homogeneous coordinates changes nothing, so each pixel's gradient is
  /// orthogonal to them. Also with a corner behind the eye.
  @Test func gradientIsOrthogonalToTheCorners() {
    let screen = ScreenSpace(width: 15, height: 11)
    let corners = Tensor(
      [-2.1, -1.3, 0, 2, 1.9, -0.8, 0, 1.5, 0.3, 2.2, 0, -0.4], shape: [1, 3, 4])
    let visibility = HomogeneousRaster.visibility(corners, screen, range: -1...1)
    let fragments = HardRaster.fragments(
      visibility, corners: corners.slice(axis: 2, from: 0, to: 3), screen)
    #expect(fragments.count > 20)
    var random = RandomGenerator(seed: 6)
    let g = random.uniform([fragments.count, 3], low: -1, dtype: .float64)
    let (_, gradient) = valueAndGradient(at: corners) {
      (HomogeneousRaster.weights($0, fragments, smallestTwiceArea: 0) * g).sum()
    }
    #expect((gradient * corners).sum().value.magnitude < 1e-9 * gradient.largest)
    #expect(gradient.largest > 0.1)
    #expect(gradient.slice(axis: 2, from: 2, to: 3).largest == 0)
  }

  @Test func weightsAddUpAndTellThePlace() throws {
    let screen = ScreenSpace(width: 15, height: 11)
    let corners = Tensor(
      [-2.1, -1.3, 0, 2, 1.9, -0.8, 0, 1.5, 0.3, 2.2, 0, -0.4], shape: [1, 3, 4])
    let visibility = HomogeneousRaster.visibility(corners, screen, range: -1...1)
    let fragments = HardRaster.fragments(
      visibility, corners: corners.slice(axis: 2, from: 0, to: 3), screen)
    let weights = HomogeneousRaster.weights(corners, fragments, smallestTwiceArea: 0)
    #expect((weights.sum(axis: 1) - 1).largest < 1e-12)
    let place = fragments.interpolate(corners, weights: weights)
    let w = place.slice(axis: 1, from: 3, to: 4)
    #expect((place.slice(axis: 1, from: 0, to: 2) / w - fragments.centers).largest < 1e-12)
  }
}
