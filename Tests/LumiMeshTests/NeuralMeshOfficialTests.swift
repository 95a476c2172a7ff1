import Foundation
import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

/// What the authors of the Neural Mesh Renderer published, met by the renderer itself.
struct NeuralMeshOfficialTests {
  /// Their camera: a pinhole at 30 degrees on the z axis that sees the square [-1, 1]² at z = 0.
  static func camera(_ size: Int, orthographic: Bool) -> Camera {
    let eye = SIMD3<Double>(0, 0, -(1 / tan(Double.pi / 6) + 1))
    return orthographic
      ? .orthographic(
        from: eye, visibleHeight: 2, width: size, height: size, near: 0.1, far: 100,
        dtype: .float64)
      : .perspective(
        from: eye, verticalFieldOfView: radians(degrees: 60), width: size, height: size, near: 0.1,
        far: 100, dtype: .float64)
  }

  /// Vertices as the authors write them, seen so that their x grows to the right: from -z our x
  /// grows to the left.
  static func mirrored(_ vertices: Tensor) -> Tensor {
    vertices * Tensor([-1.0, 1, 1])
  }

  struct UnitTest: Sendable {
    let vertices: [[Double]]
    let row, column: Int
    let sign: Double
    let published: [[Double]]
  }

  /// Their two tests of silhouettes: |alpha - 1| at a pixel outside, |alpha| at one inside.
  static let unitTests = [
    UnitTest(
      vertices: [[0.8, 0.8, 1], [0, -0.5, 1], [0.2, -0.4, 1]], row: 25, column: 35, sign: -1,
      published: [[1.6725862, -0.26021874, 0], [1.41986704, -1.64284933, 0], [0, 0, 0]]),
    UnitTest(
      vertices: [[0.8, 0.8, 1], [-0.5, -0.8, 1], [0.8, -0.8, 1]], row: 40, column: 50, sign: 1,
      published: [
        [0.98646867, 1.04628897, 0], [-1.03415668, -0.10403691, 0], [3.00094461, -1.55173182, 0],
      ]),
  ]

  @Test(arguments: unitTests)
  func publishedGradients(_ test: UnitTest) throws {
    let mesh = Mesh(
      vertices: Tensor(test.vertices), faces: Tensor([[0, 1, 2]] as [[Int32]]))
    var renderer = NeuralMeshRenderer(channels: [.alpha])
    renderer.antiAliasing = false
    let (_, gradient) = try valueAndGradient(at: mesh.vertices) { vertices in
      var moved = mesh
      moved.vertices = Self.mirrored(vertices)
      let alpha = try renderer.render(
        Scene(moved), from: Self.camera(64, orthographic: true))[.alpha]
      return alpha.slice(axis: 0, from: test.row, to: test.row + 1)
        .slice(axis: 1, from: test.column, to: test.column + 1).sum() * test.sign
    }
    let found = gradient.scalars(as: Double.self)
    for (value, expected) in zip(found, test.published.flatMap { $0 }) {
      #expect(abs(value - expected) <= 0.01 * abs(expected), "\(value), published \(expected)")
    }
  }

  /// The teapot against the authors' Blender picture, pixel for pixel.
  @Test func teapotSilhouette() throws {
    guard let folder = Self.data else { return }
    var mesh = try Mesh(contentsOf: folder + "/teapot.obj", dtype: .float64)
    mesh.vertices = mesh.vertices - mesh.vertices.min(axis: 0, keepDims: true)
    mesh.vertices = mesh.vertices / mesh.vertices.abs().max() * 2
    mesh.vertices = Self.mirrored(
      mesh.vertices - mesh.vertices.max(axis: 0, keepDims: true) / 2)
    var renderer = NeuralMeshRenderer(channels: [.alpha])
    renderer.antiAliasing = false
    let alpha = try renderer.render(Scene(mesh), from: Self.camera(256, orthographic: false))[
      .alpha
    ].scalars(as: Double.self)
    let picture = try ImageFile.read(folder + "/teapot_blender.png").color
    let channels = picture.shape[2]
    let values = picture.scalars(as: Double.self)
    let covered = alpha.indices.map { pixel in
      values[pixel * channels..<pixel * channels + min(3, channels)].min()! < 1
    }
    #expect(alpha.count == 65_536 && covered.count(where: { $0 }) == 7580)
    #expect(zip(alpha, covered).count { ($0 > 0) != $1 } == 0)
  }

  /// The authors' data; nil, with a message, where they are not.
  static let data: String? = {
    let root = URL(fileURLWithPath: fixtures).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let folder =
      (ProcessInfo.processInfo.environment["LUMIGRAD_DATA"]
        ?? root.deletingLastPathComponent().appendingPathComponent("shared/data").path)
      + "/neural-renderer"
    if FileManager.default.fileExists(atPath: folder) { return folder }
    print("skipped: no \(folder)")
    return nil
  }()
}
