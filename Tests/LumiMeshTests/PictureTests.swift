import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Where things appear, and with which values.
struct PictureTests {
  static func triangle(_ points: [[Double]]) -> Mesh {
    Mesh(vertices: Tensor(points), faces: Tensor([[0, 1, 2]] as [[Int32]]))
  }

  static func front(_ size: Int = 16, orthographic: Bool = false) -> Camera {
    orthographic
      ? Camera.orthographic(
        from: [0, 0, 4], visibleHeight: 4, width: size, height: size, dtype: .float64)
      : Camera.perspective(
        from: [0, 0, 4], verticalFieldOfView: radians(degrees: 60), width: size, height: size,
        dtype: .float64)
  }

  static var soft: SoftRasterizer {
    var renderer = SoftRasterizer()
    renderer.sigma = 1e-4
    return renderer
  }

  /// World up and right are the image's, whatever the camera model.
  @Test(arguments: [false, true])
  func upperRightIsUpperRight(_ orthographic: Bool) throws {
    let mesh = Self.triangle([[0.2, 0.1, 0], [1.8, 0.1, 0], [1.8, 1.7, 0]])
    let view = View(scene: Scene(mesh), camera: Self.front(orthographic: orthographic))
    let half = orthographic ? 2 : 4 / Double(3).squareRoot()
    let expected = (0..<256).map { pixel in
      let x = (Double(pixel % 16) + 0.5) / 8 * half - half
      let y = half - (Double(pixel / 16) + 0.5) / 8 * half
      return x < 1.8 && y > 0.1 && y < x - 0.1
    }
    for renderer in [Self.soft, HardRasterizer(), PyTorch3DSoftRasterizer()] as [any Renderer<Mesh>]
    {
      let alpha = try renderer.render(view)[.alpha].scalars(as: Double.self)
      #expect(alpha.map { $0 > 0.5 } == expected)
    }
  }

  /// Texture coordinates are OpenGL's: the image's upper left texel is at (0, 1).
  @Test func textureIsUpright() throws {
    // Upper left red, upper right green, lower left blue, lower right white.
    let image = Tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1], shape: [2, 2, 3])
    let mesh = Mesh.plane(width: 3, height: 3, texture: image, dtype: .float64)
    let camera = Camera.orthographic(
      from: [0, 0, 2], visibleHeight: 3, width: 2, height: 2, dtype: .float64)
    let view = View(scene: Scene(mesh), camera: camera)
    var soft = Self.soft
    soft.backgroundEpsilon = 1e-9
    soft.sigma = 1e-6
    for renderer in [HardRasterizer(), soft] as [any Renderer<Mesh>] {
      let picture = try renderer.render(view)[.color]
      #expect(picture.distance(to: image) < 1e-3)
    }
    let hard = try HardRasterizer().render(view)[.color]
    #expect(hard.distance(to: image) < 1e-12)
  }

  /// A cube shows each side's image upright and not mirrored.
  @Test func cubeSideIsNotMirrored() throws {
    let image = Tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1], shape: [2, 2, 3])
    let mesh = Mesh.cube(size: 2, texture: image, dtype: .float64)
    for eye in [SIMD3<Double>(0, 0, 4), [4, 0, 0], [-4, 0, 0], [0, 0, -4]] {
      let camera = Camera.orthographic(
        from: eye, visibleHeight: 2, width: 2, height: 2, dtype: .float64)
      let picture = try HardRasterizer().render(View(scene: Scene(mesh), camera: camera))[.color]
      #expect(picture.distance(to: image) < 1e-12, "\(eye)")
    }
  }

  @Test(arguments: [false, true])
  func depthIsCameraZ(_ orthographic: Bool) throws {
    // The plane x + z = 0 in the world: z_camera = 4 - z = 4 + x.
    let mesh = Self.triangle([[-2, -2, 2], [2, -2, -2], [0, 2.5, 0]])
    let camera = Self.front(orthographic: orthographic)
    let output = try HardRasterizer().render(View(scene: Scene(mesh), camera: camera))
    let depth = try output[.depth].scalars(as: Double.self)
    let alpha = try output[.alpha].scalars(as: Double.self)
    let focal = camera.focalLength.scalars(as: Double.self)[0]
    var seen = 0
    for pixel in depth.indices where alpha[pixel] > 0 {
      let a = (Double(pixel % 16) + 0.5 - 8) / focal
      // Perspective: x = a z and z = 4 + x give z = 4/(1 - a).
      #expect(abs(depth[pixel] - (orthographic ? 4 + a : 4 / (1 - a))) < 1e-12)
      seen += 1
    }
    #expect(seen > 60)
  }

  /// A colour that is the world's x is x at every pixel: perspective-correct.
  @Test(arguments: HardRasterizer.Path.allCases)
  func interpolationIsPerspectiveCorrect(_ path: HardRasterizer.Path) throws {
    var mesh = Self.triangle([[-2, -2, 2], [2, -2, -2], [0, 2.5, 0]])
    mesh.appearance = .vertexColors(mesh.vertices.slice(axis: 1, from: 0, to: 1))
    let camera = Self.front()
    let scene = Scene(mesh, background: Tensor([0.0]))
    let output = try HardRasterizer(path: path).render(scene, from: camera)
    let color = try output[.color].scalars(as: Double.self)
    let alpha = try output[.alpha].scalars(as: Double.self)
    let focal = camera.focalLength.scalars(as: Double.self)[0]
    for pixel in color.indices where alpha[pixel] > 0 {
      let a = (Double(pixel % 16) + 0.5 - 8) / focal
      #expect(abs(color[pixel] - (4 / (1 - a) - 4)) < 1e-12)
    }
  }

  /// No pixel centre falls between faces that share an edge, wherever their vertices are.
  @Test func sharedEdgesLeaveNoGap() throws {
    var random = RandomGenerator(seed: 6)
    for (columns, rows) in [(1, 1), (8, 8), (3, 5), (13, 7)] {
      for dtype in [DType.float64, .float32] {
        for jitter in [0.0, 0.3] {
          var mesh = Mesh.plane(width: 5, height: 5, columns: columns, rows: rows, dtype: dtype)
          let cell = 5 / Double(max(columns, rows))
          let noise = random.uniform(
            mesh.vertices.shape, low: -jitter * cell, high: jitter * cell, dtype: dtype)
          // Only x and y move; the border is outside of the view.
          mesh.vertices = mesh.vertices + noise * Tensor([1.0, 1, 0]).cast(to: dtype)
          let camera = Camera.orthographic(
            from: [0, 0, 4], visibleHeight: columns == 1 ? 1 : 2, width: 64, height: 64,
            dtype: dtype)
          let output = try HardRasterizer().render(Scene(mesh), from: camera)
          #expect(try output[.alpha].sum().value == 4096)
        }
      }
    }
  }

  /// The nearer of two triangles is seen; behind the far plane there is nothing.
  @Test func nearerHidesFarther() throws {
    let points = [
      [-3.0, -3, 1], [3, -3, 1], [0, 3, 1], [-3, -3, 0.5], [3, -3, 0.5], [0, 3, 0.5],
    ]
    for order in [[[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]] as [[[Int32]]] {
      let mesh = Mesh(vertices: Tensor(points), faces: Tensor(order))
      var camera = Self.front()
      let depth = try HardRasterizer().render(Scene(mesh), from: camera)[.depth]
      #expect(Set(depth.scalars(as: Double.self).map { ($0 * 1e9).rounded() / 1e9 }) == [0, 3])
      camera.far = 2.9
      #expect(try HardRasterizer().render(Scene(mesh), from: camera)[.alpha].largest == 0)
      camera.far = 3.2
      camera.near = 3.1
      #expect(try HardRasterizer().render(Scene(mesh), from: camera)[.alpha].largest == 0)
    }
  }
}
