import LumiScene
import LumiTensor
import Testing

/// Depth images as points, as triangles, and back.
struct DepthImageTests {
  private static let camera = Camera.perspective(
    from: [0.3, -0.2, 3], verticalFieldOfView: 0.9, width: 7, height: 5, dtype: .float64)

  /// The slanted plane z = 1/(a + b x + c y) over pixels, which is a plane in the world.
  private static func plane(holeAt hole: Int? = nil) throws -> DepthImage {
    let pixels = camera.pixelCentres()
    let x = pixels.slice(axis: 2, from: 0, to: 1).squeezed(axis: 2)
    let y = pixels.slice(axis: 2, from: 1, to: 2).squeezed(axis: 2)
    var depth = 1 / (0.4 + x * 0.01 + y * 0.005)
    if let hole {
      var numbers = depth.scalars(as: Double.self)
      numbers[hole] = .nan
      depth = Tensor(numbers, shape: depth.shape)
    }
    return try DepthImage(
      depth: depth, colors: Tensor.stack([x, y, x * y], axis: 2), camera: camera)
  }

  @Test func pointsProjectToTheirPixels() throws {
    let image = try Self.plane()
    let (pixels, depth) = Self.camera.project(image.positions())
    #expect((pixels - Self.camera.pixelCentres()).abs().max().value < 1e-12)
    #expect((depth - image.depth).abs().max().value < 1e-12)
  }

  @Test func aCloudGivesItsImageBack() throws {
    let image = try Self.plane(holeAt: 17)
    let cloud = image.pointCloud(withNormals: true)
    #expect(cloud.count == 34)
    let back = try DepthImage(of: cloud, from: Self.camera)
    let expected = Tensor.where(image.isMeasured, image.depth, 0)
    #expect((back.depth - expected).abs().max().value < 1e-12)
    #expect(back.isMeasured.scalars(as: Bool.self).count { !$0 } == 1)
    let colors = try #require(back.colors)
    let difference = Tensor.where(
      image.isMeasured.expandingDims(at: 2), colors - image.colors!, 0)
    #expect(difference.abs().max().value < 1e-12)
  }

  /// Of a plane all normals are one, facing the camera, also at the border and beside a hole.
  @Test func normalsOfAPlane() throws {
    let cloud = try Self.plane(holeAt: 17).pointCloud(withNormals: true)
    let normals = try #require(cloud.normals)
    let first = normals[0]
    let spread = (normals - first).abs().max(axis: 1).scalars(as: Double.self)
    #expect(spread.count { $0 > 1e-9 } == 0)
    let towards = (Self.camera.centre - cloud.points).unitVectors()
    #expect((normals * towards).sum(axis: 1).min().value > 0)
  }

  @Test func trianglesFaceTheCameraAndLeaveOutHolesAndJumps() throws {
    let whole = try Self.plane().mesh()
    #expect(whole.faceCount == 2 * 6 * 4 && whole.vertexCount == 35)
    let pixels = Self.camera.project(whole.vertices).pixels.scalars(as: Double.self)
    let faces = whole.faces.scalars(as: Int32.self).map(Int.init)
    for face in 0..<whole.faceCount {
      let corner = (0..<3).map {
        SIMD2(pixels[2 * faces[3 * face + $0]], pixels[2 * faces[3 * face + $0] + 1])
      }
      let (a, b) = (corner[1] - corner[0], corner[2] - corner[0])
      // Rows grow downwards: counter-clockwise to the eye is a negative area.
      #expect(a.x * b.y - a.y * b.x < 0)
    }
    // The pixel in the middle is a corner of six of the 48 triangles.
    #expect(try Self.plane(holeAt: 17).mesh().faceCount == 42)
    var jump = try Self.plane()
    jump.depth = jump.depth + Tensor.arange(7, dtype: .float64).floor().clamped(min: 3, max: 4)
    #expect(jump.mesh(jump: 0.1).faceCount == 40)
  }

  @Test func gradientsReachDepthAndCamera() throws {
    let image = try Self.plane()
    try checkGradients(at: [image.depth, Self.camera.rotation, Self.camera.focalLength]) { inputs in
      var camera = Self.camera
      (camera.rotation, camera.focalLength) = (inputs[1], inputs[2])
      let moved = try DepthImage(depth: inputs[0], camera: camera)
      let cloud = moved.pointCloud(withNormals: true)
      return Tensor.concatenate([cloud.points, cloud.normals!], axis: 1)
    }
    let points = image.pointCloud().points
    try checkGradients(at: [points]) {
      try DepthImage(of: PointCloud(points: $0[0]), from: Self.camera).depth
    }
  }

  @Test func badInput() throws {
    let error = try #require(throws: SceneError.self) {
      _ = try DepthImage(depth: .zeros([5, 6], dtype: .float64), camera: Self.camera)
    }
    #expect(error.description == "depth: expected float64 [5, 7], found float64 [5, 6]")
    let nothing = try DepthImage(depth: .zeros([5, 7], dtype: .float64), camera: Self.camera)
    #expect(nothing.pointCloud(withNormals: true).count == 0 && nothing.mesh().faceCount == 0)
    #expect(nothing.positions().isFinite().all().item(as: Bool.self))
    let empty = try DepthImage(
      of: PointCloud(points: .zeros([0, 3], dtype: .float64)), from: Self.camera)
    #expect(empty.depth.abs().max().value == 0)
    let behind = PointCloud(points: Tensor([0.0, 0, 9, .nan, 0, 0], shape: [2, 3]))
    #expect(try DepthImage(of: behind, from: Self.camera).depth.max().value == 0)
  }
}
