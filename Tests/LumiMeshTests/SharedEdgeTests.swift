import Foundation
import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Two triangles with a common edge leave no gap between them, however they lie on the pixels.
struct SharedEdgeTests {
  typealias Method = DegenerateTests.Method

  /// Four vertices, two triangles.
  struct Square {
    /// Turn in degrees; at 0 and 45 the diagonal or the sides go through pixel centres.
    var angle = 0.0
    /// Pixels of an 8×8 image.
    var offset = SIMD2<Double>(0, 0)
    var usesOtherDiagonal = false
    /// Whether the faces are wound like each other.
    var isOriented = true

    static let all: [Square] = {
      var squares: [Square] = []
      for angle in [0, 45, 90, 135, 17.3, 211] {
        for offset in [[0, 0], [0.5, 0.5], [0.5, 0], [0.31, -0.27]] as [SIMD2<Double>] {
          for usesOtherDiagonal in [false, true] {
            squares.append(
              Square(
                angle: angle, offset: offset, usesOtherDiagonal: usesOtherDiagonal,
                isOriented: squares.count % 3 != 0))
          }
        }
      }
      return squares
    }()

    static let halfSide = 0.8

    /// In the plane z = 0.2 x, so that perspective matters.
    var mesh: Mesh {
      let turn = radians(degrees: angle)
      let corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)].flatMap { corner -> [Double] in
        let (x, y) = (Self.halfSide * Double(corner.0), Self.halfSide * Double(corner.1))
        let world = SIMD2(x * cos(turn) - y * sin(turn), x * sin(turn) + y * cos(turn)) + shift
        return [world.x, world.y, 0.2 * world.x]
      }
      let first: [Int32] = usesOtherDiagonal ? [0, 1, 3] : [0, 1, 2]
      let second: [Int32] = usesOtherDiagonal ? [1, 2, 3] : [0, 2, 3]
      return Mesh(
        vertices: Tensor(corners, shape: [4, 3]),
        faces: Tensor(
          first + (isOriented ? second : second.reversed()), shape: [2, 3]),
        appearance: .uniform(Tensor([0.9, 0.5, 0.2])))
    }

    var shift: SIMD2<Double> { offset * 0.25 }

    /// Whether a point of the plane z = 0.2 x is inside by a margin.
    func holds(_ x: Double, _ y: Double, margin: Double) -> Bool {
      let turn = radians(degrees: -angle)
      let (dx, dy) = (x - shift.x, y - shift.y)
      let local = SIMD2(dx * cos(turn) - dy * sin(turn), dx * sin(turn) + dy * cos(turn))
      return max(local.x.magnitude, local.y.magnitude) < Self.halfSide - margin
    }
  }

  static func camera(_ width: Int, _ height: Int, orthographic: Bool) -> Camera {
    let visible = 2 * Double(height) / Double(min(width, height))
    return orthographic
      ? .orthographic(
        from: [0, 0, 4], visibleHeight: visible, width: width, height: height, dtype: .float64)
      : .perspective(
        from: [0, 0, 4], verticalFieldOfView: 2 * atan(visible / 8), width: width, height: height,
        dtype: .float64)
  }

  /// Row-major pixels whose centres see the square's inside, more than a pixel from its border: what
  /// antialiases or draws outlines may change the rest.
  static func inside(_ square: Square, _ camera: Camera, orthographic: Bool) -> [Int] {
    let shorter = Double(min(camera.width, camera.height))
    let pixel = 2 / shorter
    return (0..<camera.width * camera.height).filter { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: camera.width)
      var x = (Double(2 * column + 1 - camera.width)) / shorter
      var y = (Double(camera.height - 1 - 2 * row)) / shorter
      if !orthographic {
        // The ray from (0, 0, 4) through (x, y, 0) meets z = 0.2 x.
        let t = 4 / (4 + 0.2 * x)
        (x, y) = (x * t, y * t)
      }
      return square.holds(x, y, margin: 1.1 * pixel)
    }
  }

  @Test(arguments: Method.allCases, [(8, 8), (24, 8), (8, 24), (1, 8), (8, 1)])
  func noGap(_ method: Method, _ size: (Int, Int)) throws {
    var seen = 0
    for (index, square) in Square.all.enumerated() {
      for orthographic in [true, false] {
        let camera = Self.camera(size.0, size.1, orthographic: orthographic)
        // What is seen from its front only lacks the face that is wound the other way.
        let isWhole = square.isOriented || method != .neuralMeshFront
        let pixels =
          isWhole ? Self.inside(square, camera, orthographic: orthographic) : []
        let view = View(
          scene: Scene(square.mesh, background: Scenes.background), camera: camera
        ).cast(to: index % 2 == 0 ? .float64 : .float32)
        let (output, gradients) = try method.renderer.evaluate(view)
        for (name, image) in output.smoothChannels {
          #expect(image.isAllFinite, "\(name), \(square)")
        }
        for (name, gradient) in gradients { #expect(gradient.isAllFinite, "\(name), \(square)") }
        try Self.expectNoGap(method, output, pixels, "\(square), orthographic \(orthographic)")
        seen += pixels.count
      }
    }
    // A pixel of 1×8 is larger than the square's inside.
    #expect(min(size.0, size.1) == 1 || seen > 500)
  }

  private static func expectNoGap(
    _ method: Method, _ output: RenderOutput, _ pixels: [Int], _ comment: Comment
  ) throws {
    guard let least = method.leastCoverage else { return }
    let alpha = try output[.alpha].scalars(as: Double.self)
    for pixel in pixels {
      #expect(alpha[pixel] >= least - 1e-6 && alpha[pixel] <= 1 + 1e-6, comment)
    }
    guard least == 1 || method == .softHard, output.channels.contains(.color) else { return }
    let colors = try output[.color].scalars(as: Double.self)
    for pixel in pixels {
      for (channel, expected) in [0.9, 0.5, 0.2].enumerated() {
        #expect(abs(colors[3 * pixel + channel] - expected) < 1e-6, comment)
      }
    }
  }

  /// The test above sees a gap: without one of the faces it would fail.
  @Test func aMissingFaceWouldBeSeen() throws {
    let square = Square(angle: 17.3)
    var mesh = square.mesh
    mesh.faces = mesh.faces.slice(axis: 0, from: 0, to: 1)
    let camera = Self.camera(8, 8, orthographic: true)
    let alpha = try HardRasterizer().render(View(scene: Scene(mesh), camera: camera))[.alpha]
      .scalars(as: Double.self)
    let pixels = Self.inside(square, camera, orthographic: true)
    #expect(pixels.contains { alpha[$0] == 0 })
  }
}

extension DegenerateTests.Method {
  /// Alpha inside of a surface at least; nil if there is no such bound.
  var leastCoverage: Double? {
    switch self {
    // The sum over faces, by their number.
    case .softHard: 0.5
    // Blobs at four vertices leave holes in faces.
    case .rhodin: nil
    // Where two faces meet, each covers the pixel with probability ½, both with 1 - ½·½.
    case .soft, .softByTensorOperations, .silhouettes, .pytorch3D: 0.75
    // Distances in units of each face's own size: one face alone gives ½.
    case .softBarycentric: 0.5
    default: 1
    }
  }
}

extension DegenerateTests {
  /// Images of one row or column, and geometry of every kind.
  @Test(arguments: Method.allCases, [(1, 9), (9, 1)])
  func degenerateGeometryOnLines(_ method: Method, _ size: (Int, Int)) throws {
    for geometry in Self.geometries {
      for dtype in [DType.float64, .float32] {
        try Self.expectFinite(method.renderer, Self.view(geometry, size: size).cast(to: dtype))
      }
    }
  }

  /// A closed body around the camera, cut by the near plane.
  @Test(arguments: Method.allCases)
  func bodyAcrossTheNearPlane(_ method: Method) throws {
    for distance in [0.3, 0.9, 1.0, 1.15] {
      for orthographic in [false, true] {
        var view = Scenes.view()
        view.camera =
          orthographic
          ? .orthographic(
            from: [0.1, 0.2, distance], visibleHeight: 2, width: 9, height: 7, near: 0.2,
            dtype: .float64)
          : .perspective(
            from: [0.1, 0.2, distance], verticalFieldOfView: 0.9, width: 9, height: 7, near: 0.2,
            dtype: .float64)
        try Self.expectFinite(method.renderer, view)
        try Self.expectFinite(method.renderer, view.cast(to: .float32))
      }
    }
  }

  /// Nothing of a mesh can be drawn.
  @Test(arguments: Method.allCases, [Double.nan, .infinity, -.infinity, 1e300])
  func noVertexIsUsable(_ method: Method, _ value: Double) throws {
    var view = Scenes.view()
    view.scene.shape.vertices = .full(view.scene.shape.vertices.shape, value, dtype: .float64)
    for dtype in [DType.float64, .float32] {
      let view = view.cast(to: dtype)
      try Self.expectFinite(method.renderer, view)
      #expect(try method.renderer.render(view)[.alpha].largest == 0)
    }
  }
}
