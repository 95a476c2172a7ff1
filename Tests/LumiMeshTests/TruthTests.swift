import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

/// The exact, area-sampled coverage of a triangle and its derivative (truth-coverage-triangle).
struct TruthTests {
  static let truth = try! ReferenceCase(contentsOf: "\(fixtures)/truth-coverage-triangle.json")

  /// The truth's triangle before an orthographic camera whose pixels are the truth's.
  static func view() throws -> View {
    let xy = try truth.tensor("vertices")
    let vertices = Tensor.concatenate([xy, .full([3, 1], 0, dtype: .float64)], axis: 1)
    let value = try truth.tensor("value").reshaped([1])
    let mesh = Mesh(
      vertices: vertices, faces: Tensor([[0, 1, 2]] as [[Int32]]), appearance: .uniform(value))
    let size = try truth.integer("image_size")
    let camera = Camera.orthographic(
      from: [0, 0, 2], visibleHeight: 2, width: size, height: size, dtype: .float64)
    let scene = Scene(mesh, background: try truth.tensor("background").reshaped([1]))
    return View(scene: scene, camera: camera)
  }

  static var exactImage: Tensor { truth.expected["image"]!.expandingDims(at: 2) }

  static func meanError(_ image: Tensor) -> Double { (image - exactImage).abs().mean().value }

  /// The picture is the truth's up to sampling at pixel centres: orientation, row order, values.
  @Test func hardPictureResemblesTheTruth() throws {
    let image = try HardRasterizer().render(Self.view())[.color]
    #expect(Self.meanError(image) < 0.05)
    let flipped = image.flipped(axis: 0)
    #expect(Self.meanError(flipped) > 2 * Self.meanError(image))
    // A pixel that the triangle covers whole, or not at all, agrees.
    for (a, b) in zip(
      image.scalars(as: Double.self), Self.exactImage.scalars(as: Double.self))
    where abs(b - 0.1) < 1e-12 || abs(b - 0.8) < 1e-12 {
      #expect(abs(a - b) < 1e-12)
    }
  }

  /// The documented limit: no gradient at silhouettes.
  @Test(arguments: HardRasterizer.Path.allCases)
  func uniformTriangleGetsNoGradientFromTheHardRasterizer(_ path: HardRasterizer.Path) throws {
    let view = try Self.view()
    let gradients = try HardRasterizer(channels: [.color, .alpha], path: path)
      .evaluate(view).gradients
    #expect(gradients["mesh.vertices"]!.largest < 1e-12)
    #expect(Self.truth.expected["jac_vertices"]!.largest > 0.1)
    #expect(gradients["mesh.color"]!.largest > 0.1)
  }

  static func soft(_ sigma: Double) -> SoftRasterizer {
    var renderer = SoftRasterizer()
    renderer.sigma = sigma
    renderer.gamma = 1e-4
    return renderer
  }

  /// Alpha as a picture: background + coverage (value - background).
  static func softImage(_ view: View, sigma: Double) throws -> Tensor {
    let alpha = try soft(sigma).render(view)[.alpha].expandingDims(at: 2)
    return alpha * 0.7 + 0.1
  }

  @Test func biasFallsWithSigma() throws {
    let view = try Self.view()
    let errors = try [0.3, 0.1, 0.03, 0.01, 3e-3].map {
      Self.meanError(try Self.softImage(view, sigma: $0))
    }
    for (wide, narrow) in zip(errors, errors.dropFirst()) { #expect(narrow < wide) }
    #expect(errors.first! > 0.1)
    #expect(errors.last! < 0.02)
  }

  /// Softness gives the silhouette a gradient that points where the truth's does.
  @Test func softGradientPointsWhereTheTruthPoints() throws {
    let view = try Self.view()
    var random = RandomGenerator(seed: 12)
    var cosines: [Double] = []
    for _ in 0..<5 {
      let smooth = Self.smoothWeights(&random)
      let exact = (Self.truth.expected["jac_vertices"]! * smooth.reshaped([12, 12, 1, 1]))
        .sum(axes: [0, 1]).flattened()
      let found = try gradient(at: view.scene.shape.vertices) { vertices in
        var moved = view
        moved.scene.shape.vertices = vertices
        return (try Self.softImage(moved, sigma: 3e-3).squeezed(axis: 2) * smooth).sum()
      }.slice(axis: 1, from: 0, to: 2).flattened()
      let cosine = (exact * found).sum() / (exact.norm() * found.norm())
      cosines.append(cosine.value)
    }
    #expect(cosines.min()! > 0.95)
  }

  /// Weights that vary slowly over the image.
  private static func smoothWeights(_ random: inout RandomGenerator) -> Tensor {
    let c = random.uniform([4], low: -1, dtype: .float64).scalars(as: Double.self)
    let values = (0..<144).map { i in
      let (y, x) = (Double(i / 12) / 11 - 0.5, Double(i % 12) / 11 - 0.5)
      return c[0] + 2 * c[1] * x + 2 * c[2] * y + 4 * c[3] * x * y
    }
    return Tensor(values, shape: [12, 12])
  }
}
