import Foundation
import LumiIO
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

@testable import LumiMesh

/// What the methods of approximated gradients share: an ordinary picture, exact colours, and a
/// gradient for the geometry that is theirs.
struct ApproximatedGradientTests {
  enum Method: String, CaseIterable, Sendable {
    case openDR, openDRLines, localGradients, neuralMesh

    func renderer(_ shader: Shader) -> any Renderer<Mesh> {
      switch self {
      case .openDR, .openDRLines:
        var renderer = OpenDRRenderer(shader: shader)
        renderer.overdraws = self == .openDRLines
        return renderer
      case .localGradients: return LocalGradientRenderer(shader: shader)
      case .neuralMesh: return NeuralMeshRenderer(shader: shader)
      }
    }
  }

  @Test(arguments: Method.allCases, [Shader.flat, .gouraud, .blinnPhong])
  func coloursMaterialAndLightAreExact(_ method: Method, _ shader: Shader) throws {
    let view = Scenes.view(.uniform, lights: Scenes.lights.map(\.light))
    let lights = view.parameters.map(\.path).filter { $0.hasPrefix("light.") }
    try method.renderer(shader).check(
      view, ["mesh.color", "mesh.material.diffuse", "background"] + lights)
    try method.renderer(shader).check(Scenes.view(.texture), ["mesh.texture"])
  }

  /// A white triangle that should grow: its corners are pulled outwards by every method.
  @Test(arguments: Method.allCases, [(24, 24), (30, 18)])
  func wantingMorePixelsMakesItGrow(_ method: Method, _ size: (Int, Int)) throws {
    let camera = Camera.orthographic(
      from: [0, 0, 4], visibleHeight: 2, width: size.0, height: size.1, dtype: .float64)
    let mesh = AntialiasedRasterizerTests.triangle
    let (_, gradients) = try valueAndGradient(
      of: View(scene: Scene(mesh), camera: camera), withRespectTo: ["mesh.vertices"]
    ) {
      let alpha = try method.renderer(.gouraud).render($0)[.alpha]
      return (1 - alpha).square().sum()
    }
    let pull = -gradients["mesh.vertices"]!
    let centre = mesh.vertices.mean(axis: 0, keepDims: true)
    let outwards = (pull * (mesh.vertices - centre)).sum(axis: 1).scalars(as: Double.self)
    // OpenDR only sees pixels that are covered, where nothing is to be gained here.
    let isBlind = method == .openDR || method == .openDRLines
    #expect(outwards.allSatisfy { isBlind ? $0 == 0 : $0 > 0.01 }, "\(outwards)")
  }

  /// Pushed to one side by a ramp of weights, the whole triangle wants to go there.
  @Test(arguments: Method.allCases)
  func translationHasTheRightSign(_ method: Method) throws {
    let camera = AntialiasedRasterizerTests.flatCamera()
    var random = RandomGenerator(seed: 3)
    let target = AntialiasedRasterizerTests.triangle
    func alpha(_ offset: [Double]) throws -> Tensor {
      var moved = target
      moved.vertices = moved.vertices + Tensor(offset)
      return try HardRasterizer(channels: [.alpha]).render(Scene(moved), from: camera)[.alpha]
    }
    let wanted = try alpha([0, 0, 0])
    for _ in 0..<8 {
      let offset = random.uniform([2], low: -0.2, high: 0.2, dtype: .float64)
        .scalars(as: Double.self)
      var moved = target
      moved.vertices = moved.vertices + Tensor(offset + [0])
      let (_, gradients) = try valueAndGradient(
        of: View(scene: Scene(moved), camera: camera), withRespectTo: ["mesh.vertices"]
      ) {
        try (method.renderer(.gouraud).render($0)[.alpha] - wanted).square().sum()
      }
      let total = gradients["mesh.vertices"]!.sum(axis: 0).scalars(as: Double.self)
      #expect(total[0] * offset[0] + total[1] * offset[1] > 0)
    }
  }

  /// A gradient that is made up must not pass for the derivative.
  @Test(arguments: Method.allCases)
  func geometryIsNoDerivative(_ method: Method) {
    #expect(throws: GradientMismatch.self) {
      try method.renderer(.gouraud).check(Scenes.view(), ["mesh.vertices"])
    }
  }

  /// Depth of a frozen visibility moves with the vertices.
  @Test func depthOfTheNeuralMeshRendererIsExact() throws {
    try NeuralMeshRenderer(channels: [.depth]).check(Scenes.view(), ["mesh.vertices"])
  }
}

struct OpenDRTests {
  /// Inside a face of affine colour, all corners together get minus the picture's slope.
  @Test func interiorMovesWithTheSlope() throws {
    let size = 16
    let big = AntialiasedRasterizerTests.triangles(
      [[-9, -8, 0], [9, -7, 0], [1, 11, 0]], [[0, 1, 2]], [[1, 0, 0], [0, 1, 0], [0.2, 0.3, 1]])
    let view = AntialiasedRasterizerTests.view(big, AntialiasedRasterizerTests.flatCamera(size))
    var random = RandomGenerator(seed: 8)
    // The border has one-sided or no differences.
    var weights = random.uniform([size, size, 3], low: -1, dtype: .float64)
    let inner = Tensor((0..<size).map { $0 == 0 || $0 == size - 1 ? 0.0 : 1 })
    weights = weights * inner.reshaped([size, 1, 1]) * inner.reshaped([1, size, 1])
    func total(_ renderer: some Renderer<Mesh>) throws -> [Double] {
      try valueAndGradient(of: view, withRespectTo: ["mesh.vertices"]) {
        try (renderer.render($0)[.color] * weights).sum()
      }
      .gradients["mesh.vertices"]!.sum(axis: 0).scalars(as: Double.self)
    }
    var plain = OpenDRRenderer()
    plain.overdraws = false
    let exact = try total(HardRasterizer())
    for (a, b) in zip(try total(plain), exact) { #expect(abs(a - b) < 1e-10 * 20) }
    #expect(exact[0].magnitude > 0.01)
  }

  /// At an outline the covered side counts half of the step; the truth is 1.
  @Test func outlineCountsHalfWithoutLines() throws {
    let bar = AntialiasedRasterizerTests.triangles(
      [[-0.5, -9, 0], [0.42, -9, 0], [0.42, 9, 0], [-0.5, 9, 0]], [[0, 1, 2], [0, 2, 3]],
      Array(repeating: [1, 1, 1], count: 4))
    let camera = AntialiasedRasterizerTests.flatCamera(12)
    // The weights single out the outline on the right.
    let right = Tensor((0..<12).map { $0 > 6 ? 1.0 : 0 })
    func slope(_ overdraws: Bool) throws -> Double {
      var renderer = OpenDRRenderer()
      renderer.overdraws = overdraws
      let gradients = try valueAndGradient(
        of: View(scene: Scene(bar), camera: camera), withRespectTo: ["mesh.vertices"]
      ) {
        try (renderer.render($0)[.alpha] * right).sum()
      }.gradients
      return gradients["mesh.vertices"]!.sum(axis: 0).scalars(as: Double.self)[0]
    }
    // One pixel is 1/6 of a unit, and there are 12 rows.
    #expect(abs(try slope(false) / 72 - 0.5) < 1e-12)
    #expect(abs(try slope(true) / 72 - 1) < 0.1)
  }

  @Test func linesAreDrawnOverOutlines() throws {
    let view = AntialiasedRasterizerTests.view(AntialiasedRasterizerTests.triangle)
    var renderer = OpenDRRenderer()
    let lines = try renderer.render(view)[.alpha].sum().value
    renderer.overdraws = false
    let plain = try renderer.render(view)[.alpha].sum().value
    #expect(lines > plain + 10 && lines < plain + 60)
  }

  /// A line behind something is not drawn; the picture of a convex body inside another stays.
  @Test func hiddenOutlinesStayHidden() throws {
    let outer = Mesh.cube(dtype: .float64)
    var inner = Mesh.cube(dtype: .float64)
    inner.vertices = inner.vertices * 0.5
    let both = Mesh(
      vertices: .concatenate([outer.vertices, inner.vertices]),
      faces: .concatenate([outer.faces, inner.faces + Tensor(8, dtype: .int32)]),
      appearance: .vertexColors(
        .concatenate([
          .full([outer.vertexCount, 3], 0.3, dtype: .float64),
          .full([inner.vertexCount, 3], 0.9, dtype: .float64),
        ])))
    let camera = Scenes.camera(width: 40, height: 32)
    let image = try OpenDRRenderer().render(Scene(both), from: camera)[.color]
    #expect(outer.vertexCount == 8)
    #expect(image.scalars(as: Double.self).allSatisfy { $0 == 0 || abs($0 - 0.3) < 1e-12 })
  }
}

struct LocalGradientTests {
  /// The authors' own test: the better of two pushes, measured by pushing.
  @Test func gradientIsTheBetterPush() {
    var random = RandomGenerator(seed: 12)
    let shape = [6, 7, 3]
    let image = random.uniform(shape, dtype: .float64)
    let g = random.uniform(shape, low: -1, dtype: .float64)
    let place = LocalGradientRenderer.placeGradient(image, g, deadZone: 0)
    let (i, w) = (image.scalars(as: Double.self), g.scalars(as: Double.self))
    let h = 2.0 / 6
    for row in 1..<5 {
      for column in 1..<6 {
        func value(_ c: Int, _ k: Int) -> Double { i[(row * 7 + c) * 3 + k] }
        func gain(_ moves: [(to: Int, from: Int)]) -> Double {
          moves.reduce(0) { sum, move in
            (0..<3).reduce(sum) {
              $0 + (value(move.from, $1) - value(move.to, $1)) * w[(row * 7 + move.to) * 3 + $1] / h
            }
          }
        }
        let left = gain([(column - 1, column), (column, column + 1)])
        let right = gain([(column + 1, column), (column, column - 1)])
        let expected = min(left, right) >= 0 ? 0 : left < right ? -left : right
        #expect(abs(place[2 * (row * 7 + column)] - expected) < 1e-12)
      }
    }
  }

  @Test func smallDifferencesAreDead() {
    var random = RandomGenerator(seed: 12)
    let image = random.uniform([4, 4, 1], dtype: .float64)
    let g = random.uniform([4, 4, 1], low: -1e-6, high: 1e-6, dtype: .float64)
    let dead = LocalGradientRenderer.placeGradient(image, g, deadZone: 1e-4)
    let alive = LocalGradientRenderer.placeGradient(image, g, deadZone: 0)
    #expect(dead.allSatisfy { $0 == 0 } && alive.contains { $0 != 0 })
  }

  /// The last of two equal faces is seen.
  @Test func laterFaceWins() throws {
    var mesh = AntialiasedRasterizerTests.triangle
    mesh.faces = Tensor([[0, 1, 2], [0, 1, 2]] as [[Int32]])
    mesh.appearance = .faceColors(Tensor([[1.0, 0, 0], [0.0, 1, 0]]))
    let view = AntialiasedRasterizerTests.view(mesh)
    let image = try LocalGradientRenderer(channels: [.color, .faceIndex]).render(view)
    #expect(try image[.faceIndex].scalars(as: Int32.self).max() == 1)
    #expect(try image[.faceIndex].scalars(as: Int32.self).allSatisfy { $0 != 0 })
  }
}

struct NeuralMeshRendererTests {
  /// The words of the vectors that numbers cannot hold: 64 rows of 64 bits.
  @Test(arguments: ["inside", "outside"])
  func coverageOfTheOfficialTests(_ name: String) throws {
    let file = try ReferenceVector(contentsOf: "\(fixtures)/nmr-official-test-\(name).json")
    let words = try #require(file.expected.value("alpha_rows_hex").array).map { $0.string! }
    let vertices = try file.inputs.tensor("vertices")
    let faces = try file.inputs.tensor("faces").cast(to: .int32)
    let found = try HardRaster.visibility(
      vertices.gather(faces), ScreenSpace(width: 64, height: 64), perspective: true
    ).scalars(as: Int32.self)
    for row in 0..<64 {
      let bits = try #require(UInt64(words[row], radix: 16))
      for column in 0..<64 {
        #expect((found[row * 64 + column] >= 0) == (bits >> (63 - column) & 1 == 1))
      }
    }
  }

  /// Nothing to gain, nothing moves: a pixel outside that shall stay empty.
  @Test func gradientAsksTheLoss() throws {
    let view = AntialiasedRasterizerTests.view(AntialiasedRasterizerTests.triangle)
    func gradient(_ sign: Double) throws -> Tensor {
      var renderer = NeuralMeshRenderer(channels: [.alpha])
      renderer.antiAliasing = false
      return try valueAndGradient(of: view, withRespectTo: ["mesh.vertices"]) {
        let alpha = try renderer.render($0)[.alpha]
        return alpha.slice(axis: 0, from: 12, to: 13).slice(axis: 1, from: 22, to: 23).sum() * sign
      }.gradients["mesh.vertices"]!
    }
    #expect(try gradient(1).largest == 0)
    #expect(try gradient(-1).largest > 0.1)
  }

  /// Gradient of one far pixel falls with its distance.
  @Test func gradientIsInverseToTheDistance() throws {
    let bar = AntialiasedRasterizerTests.triangles(
      [[-0.5, -9, 0], [-0.3, -9, 0], [-0.3, 9, 0], [-0.5, 9, 0]], [[0, 1, 2], [0, 2, 3]],
      Array(repeating: [1, 1, 1], count: 4))
    let view = View(scene: Scene(bar), camera: AntialiasedRasterizerTests.flatCamera(20))
    func slope(_ column: Int) throws -> Double {
      var renderer = NeuralMeshRenderer(channels: [.alpha])
      renderer.antiAliasing = false
      let gradients = try valueAndGradient(of: view, withRespectTo: ["mesh.vertices"]) {
        try -renderer.render($0)[.alpha].slice(axis: 1, from: column, to: column + 1).sum()
      }.gradients
      return gradients["mesh.vertices"]!.sum(axis: 0).scalars(as: Double.self)[0]
    }
    // Pixel centres at -0.3 + 0.25 and twice that distance.
    let near = try slope(9)
    let far = try slope(12)
    #expect(near < 0 && far < 0)
    let ratio = near / far
    #expect(ratio > 1.9 && ratio < 2.3, "\(ratio)")
  }

  @Test func backFacesAreLeftOutIfWanted() throws {
    var mesh = AntialiasedRasterizerTests.triangle
    mesh.faces = Tensor([[0, 2, 1]] as [[Int32]])
    let view = AntialiasedRasterizerTests.view(mesh)
    var renderer = NeuralMeshRenderer(channels: [.alpha])
    #expect(try renderer.render(view)[.alpha].largest == 1)
    renderer.fillsBack = false
    #expect(try renderer.render(view)[.alpha].largest == 0)
    #expect(
      try renderer.render(AntialiasedRasterizerTests.view(AntialiasedRasterizerTests.triangle))[
        .alpha
      ].largest == 1)
  }

  @Test func epsilonIsChecked() {
    var renderer = NeuralMeshRenderer()
    renderer.epsilon = 0
    let view = AntialiasedRasterizerTests.view(AntialiasedRasterizerTests.triangle)
    #expect(throws: RenderError.self) { try renderer.render(view) }
  }

  /// The authors' teapot against their Blender picture, pixel for pixel.
  @Test func teapotMatchesBlender() throws {
    let folder = URL(fileURLWithPath: fixtures).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("shared/data/neural-renderer").path
    guard FileManager.default.fileExists(atPath: folder) else {
      print("skipped: no \(folder)")
      return
    }
    var mesh = try Mesh(contentsOf: folder + "/teapot.obj", dtype: .float64)
    mesh.vertices = mesh.vertices - mesh.vertices.min(axis: 0, keepDims: true)
    mesh.vertices = mesh.vertices / mesh.vertices.abs().max() * 2
    mesh.vertices = mesh.vertices - mesh.vertices.max(axis: 0, keepDims: true) / 2
    // Their x and y are those of the picture: a pinhole at 30 degrees, seen from -z with y up.
    let depth = 1 / tan(Double.pi / 6) + 1
    let z = mesh.vertices.slice(axis: 1, from: 2, to: 3) + depth
    let xy = mesh.vertices.slice(axis: 1, from: 0, to: 2) / (z * tan(Double.pi / 6))
    let corners = Tensor.concatenate([xy, z], axis: 1).gather(mesh.faces)
    let found = try HardRaster.visibility(
      corners, ScreenSpace(width: 256, height: 256), perspective: true, near: 0.1, far: 100
    ).scalars(as: Int32.self)
    let picture = try ImageFile.read(folder + "/teapot_blender.png").color
    let channels = picture.shape[2]
    let values = picture.scalars(as: Double.self)
    let different = found.indices.count { pixel in
      let least = values[pixel * channels..<pixel * channels + min(3, channels)].min()!
      return (found[pixel] >= 0) != (least < 1)
    }
    #expect(different == 0)
  }
}
