import LumiScene
import LumiTensor
import Testing

@Suite struct SubdivisionTests {
  /// Six triangles around a vertex, the ring being the boundary.
  static func fan() -> Mesh {
    var random = RandomGenerator(seed: 95)
    let faces = (0..<Int32(6)).flatMap { ring -> [Int32] in [0, 1 + ring, 1 + (ring + 1) % 6] }
    return Mesh(
      vertices: random.normal([7, 3], dtype: .float64), faces: Tensor(faces, shape: [6, 3]))
  }

  @Test func midpointsKeepTheSurface() throws {
    let mesh = Mesh.torus(majorSegments: 7, minorSegments: 5, dtype: .float64)
    let fine = try mesh.subdivided(times: 2)
    #expect(fine.faceCount == 16 * mesh.faceCount)
    #expect(abs(fine.surfaceArea().value - mesh.surfaceArea().value) < 1e-12)
    #expect(abs(fine.volume().value - mesh.volume().value) < 1e-12)
    let topology = MeshTopology(fine)
    #expect(topology.isWatertight && topology.eulerCharacteristic == 0)
    // A face's parts lie on it, in its orientation.
    let parents = mesh.faceNormals().repeated(16, axis: 0)
    #expect(difference(fine.faceNormals(), parents) < 1e-12)
  }

  /// The weights of Loop's rules by hand: 1/10 from each of six neighbours would be wrong, 1/16 is
  /// right; 3/8 and 1/8 on edges; 3/4 and 1/8 on the boundary.
  @Test func loopWeightsByHand() throws {
    let mesh = Self.fan()
    let step = MeshSubdivision(faces: mesh.faces, vertexCount: 7, scheme: .loop)
    let rows = step.matrix.times(.eye(7, dtype: .float64))
    #expect(rows.shape == [19, 7])
    func row(_ index: Int) -> [Double] { rows[index].scalars(as: Double.self) }
    #expect(row(0).enumerated().allSatisfy { abs($1 - ($0 == 0 ? 0.625 : 0.0625)) < 1e-15 })
    #expect(row(1) == [0, 0.75, 0.125, 0, 0, 0, 0.125])
    // Edges are sorted by their vertices: 0-1 is the first, 1-2 the seventh.
    #expect(row(7) == [0.375, 0.375, 0.125, 0, 0, 0, 0.125])
    #expect(row(13) == [0, 0.5, 0.5, 0, 0, 0, 0])
    #expect(difference(rows.sum(axis: 1), .ones([19], dtype: .float64)) < 1e-15)
  }

  @Test func valenceThreeByHand() {
    // At a tetrahedron's corner: (5/8 - (3/8 - 1/8)²)/3 = 3/16 a neighbour.
    let faces = Tensor([[Int32(0), 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    let step = MeshSubdivision(faces: faces, vertexCount: 4, scheme: .loop)
    let rows = step.matrix.times(.eye(4, dtype: .float64))
    let expected = [7.0 / 16, 3.0 / 16, 3.0 / 16, 3.0 / 16]
    for (found, known) in zip(rows[0].scalars(as: Double.self), expected) {
      #expect(abs(found - known) < 1e-15)
    }
  }

  @Test func loopSmoothsClosedMeshes() throws {
    let cube = Mesh.cube(dtype: .float64)
    let fine = try cube.subdivided(.loop, times: 4)
    #expect(MeshTopology(fine).isWatertight)
    #expect(fine.volume().value < cube.volume().value && fine.volume().value > 0)
    func roughest(_ mesh: Mesh) -> Double {
      let normals = mesh.faceNormals().gather(MeshTopology(mesh).facePairs)
      return normals[.all, 0].dot(normals[.all, 1]).min().value
    }
    #expect(abs(roughest(cube)) < 1e-12)
    #expect(roughest(fine) > 0.98)
    // A flat grid stays flat, and its boundary on the boundary.
    let plane = try Mesh.plane().cast(to: .float64).subdivided(times: 2)
    let smooth = try plane.subdivided(.loop)
    let extent = smooth.boundingBox()
    #expect(difference(extent.minimum, plane.boundingBox().minimum) < 0.2)
    #expect(abs(smooth.volume().value - plane.volume().value) < 1e-12)
  }

  @Test(arguments: MeshSubdivision.Scheme.allCases)
  func derivatives(_ scheme: MeshSubdivision.Scheme) throws {
    let mesh = Self.fan()
    let step = MeshSubdivision(faces: mesh.faces, vertexCount: 7, scheme: scheme)
    try checkGradients(at: [mesh.vertices]) { step.apply($0[0]).square() }
    try checkGradients(at: [mesh.vertices]) { x in
      gradient(at: x[0]) { step.apply($0).square().square().sum() }
    }
  }

  @Test func attributesFollow() throws {
    var mesh = Self.fan()
    let colors = mesh.vertices * 2 + 1
    mesh.appearance = .vertexColors(colors)
    mesh.vertexNormals = mesh.computedVertexNormals()
    for scheme in MeshSubdivision.Scheme.allCases {
      let fine = try mesh.subdivided(scheme, times: 2).validated()
      guard case .vertexColors(let carried) = fine.appearance else {
        Issue.record("vertex colours expected")
        return
      }
      // Affine functions of the position stay affine functions of it.
      #expect(difference(carried, fine.vertices * 2 + 1) < 1e-12)
      #expect(fine.vertexNormals?.shape == fine.vertices.shape)
    }
    mesh.appearance = .faceColors(doubles((0..<6).map(Double.init), [6, 1]))
    guard case .faceColors(let repeated) = try mesh.subdivided().appearance else {
      Issue.record("face colours expected")
      return
    }
    #expect(repeated.scalars(as: Double.self) == (0..<24).map { Double($0 / 4) })
    mesh.appearance = .faceTexels(.ones([6, 4, 3], dtype: .float64))
    #expect(throws: SceneError.self) { try mesh.subdivided() }
  }

  @Test func textureCoordinatesStayOnTheirSeams() throws {
    let cube = Mesh.cube(texture: .ones([4, 4, 3], dtype: .float64), dtype: .float64)
    let fine = try cube.subdivided(.midpoint).validated()
    guard case .texture(_, let uv, let corners) = fine.appearance,
      case .texture(_, let oldUV, let oldCorners) = cube.appearance
    else {
      Issue.record("textures expected")
      return
    }
    // Each face's area in the image is shared by its parts.
    func areas(_ uv: Tensor, _ corners: Tensor) -> Tensor {
      let c = uv.gather(corners)
      let (u, v) = (c[.all, 1] - c[.all, 0], c[.all, 2] - c[.all, 0])
      return u[.all, 0] * v[.all, 1] - u[.all, 1] * v[.all, 0]
    }
    let parts = areas(uv, corners).reshaped([cube.faceCount, 4]).sum(axis: 1)
    #expect(difference(parts, areas(oldUV, oldCorners)) < 1e-14)
  }

  @Test func degenerateMeshes() throws {
    let vertices = doubles([0, 0, 0, 1, 0, 0, 0, 1, 0, 9, 9, 9, 0, 0, 1], [5, 3])
    // A face that uses a vertex twice, one that is a point, an edge with three faces, and vertex 3
    // without a face.
    let faces = Tensor([
      [Int32(0), 1, 2], [0, 0, 1], [2, 2, 2], [1, 0, 4], [0, 1, 2],
    ])
    for scheme in MeshSubdivision.Scheme.allCases {
      let fine = try Mesh(vertices: vertices, faces: faces).subdivided(scheme, times: 2)
      #expect(fine.faceCount == 80)
      #expect(allFinite(fine.vertices))
      #expect(difference(fine.vertices[3], doubles([9, 9, 9])) == 0)
      let nothing = try Mesh(vertices: .zeros([0, 3]), faces: .zeros([0, 3], dtype: .int32))
        .subdivided(scheme, times: 2)
      #expect(nothing.vertexCount == 0 && nothing.faceCount == 0)
    }
  }
}

@Suite struct SurfaceSamplingTests {
  /// Two triangles, one of three times the other's area, and one without.
  static func mesh() -> Mesh {
    Mesh(
      vertices: doubles(
        [0, 0, 0, 1, 0, 0, 0, 1, 0, 5, 0, 1, 5, 3, 1, 5, 0, 2, 7, 7, 7], [7, 3]),
      faces: Tensor([[Int32(0), 1, 2], [3, 4, 5], [0, 1, 1], [6, 6, 6]]))
  }

  @Test func samplesAreSpreadByArea() throws {
    var random = RandomGenerator(seed: 96)
    let samples = try Self.mesh().sampleSurface(20_000, using: &random)
    let faces = samples.faces.scalars(as: Int32.self)
    let share = Double(faces.count { $0 == 1 }) / 20_000
    #expect(abs(share - 0.75) < 0.015)
    #expect(!faces.contains { $0 > 1 })
    // Uniform on a triangle: barycentric coordinates have the mean 1/3 and the variance 1/18.
    let mean = samples.barycentrics.mean(axis: 0)
    #expect(difference(mean, .full([3], 1.0 / 3, dtype: .float64)) < 0.01)
    let variance = samples.barycentrics.variance(axis: 0)
    #expect(difference(variance, .full([3], 1.0 / 18, dtype: .float64)) < 0.002)
    #expect(samples.barycentrics.min().value >= 0)
    #expect(difference(samples.barycentrics.sum(axis: 1), .ones([20_000], dtype: .float64)) < 1e-14)
  }

  @Test func samplesLieOnTheirFaces() throws {
    var random = RandomGenerator(seed: 97)
    let mesh = Mesh.icosphere(subdivisions: 1, dtype: .float64)
    let samples = try mesh.sampleSurface(300, using: &random)
    #expect(samples.points.shape == [300, 3] && samples.normals.shape == [300, 3])
    let (a, _, _) = mesh.faceCorners()
    let height = (samples.points - a.gather(samples.faces)).dot(samples.normals)
    #expect(height.abs().max().value < 1e-14)
    let colors = mesh.vertices * 3 - 1
    #expect(difference(samples.interpolate(vertexValues: colors), samples.points * 3 - 1) < 1e-13)
    let corners = colors.gather(mesh.faces)
    #expect(difference(samples.interpolate(cornerValues: corners), samples.points * 3 - 1) < 1e-13)
  }

  @Test func derivatives() throws {
    let mesh = Mesh.icosphere(subdivisions: 0, dtype: .float64)
    try checkGradients(at: [mesh.vertices, mesh.vertices + 0.5]) { x in
      var moved = mesh
      moved.vertices = x[0]
      // The same faces and places at every step, whatever the areas.
      var fixed = RandomGenerator(seed: 98)
      let places = try mesh.sampleSurface(20, using: &fixed)
      let samples = SurfaceSamples(moved, faces: places.faces, barycentrics: places.barycentrics)
      return samples.points.square().sum(axis: 1) + samples.normals[.all, 0]
        + samples.interpolate(vertexValues: x[1]).square().sum(axis: 1)
    }
  }

  @Test func sameNumbersGiveTheSameSamples() throws {
    let mesh = Mesh.icosphere(subdivisions: 3)
    let bits = try [1, 4].map { threads in
      try LumiRuntime.withThreads(threads) {
        var random = RandomGenerator(seed: 99)
        return try mesh.sampleSurface(1000, using: &random).points.scalars(as: Float.self)
      }
    }
    #expect(bits[0] == bits[1])
    // Two calls continue the sequence.
    var random = RandomGenerator(seed: 99)
    let first = try mesh.sampleSurface(10, using: &random)
    let second = try mesh.sampleSurface(10, using: &random)
    #expect(difference(first.points, second.points) > 0)
    #expect(first.points.scalars(as: Float.self) == Array(bits[0].prefix(30)))
  }

  @Test func withoutASurfaceThereIsAnError() {
    var random = RandomGenerator(seed: 1)
    let flat = Mesh(
      vertices: .zeros([3, 3]), faces: Tensor([[Int32(0), 1, 2]]))
    let empty = Mesh(vertices: .zeros([0, 3]), faces: .zeros([0, 3], dtype: .int32))
    var broken = Mesh.icosphere(subdivisions: 0)
    broken.vertices = broken.vertices * Double.nan
    for mesh in [flat, empty, broken] {
      #expect(throws: SceneError.self) { try mesh.sampleSurface(5, using: &random) }
    }
    #expect(throws: Never.self) {
      let none = try Mesh.icosphere(subdivisions: 0).sampleSurface(0, using: &random)
      #expect(none.points.shape == [0, 3])
    }
  }
}
