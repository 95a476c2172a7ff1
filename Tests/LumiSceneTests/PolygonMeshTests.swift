import LumiScene
import LumiTensor
import Testing

@Suite struct PolygonMeshTests {
  /// A house front: a quad, a concave hexagon, a triangle and a quad without area.
  static let polygons: [[Int32]] = [
    [0, 1, 2, 3], [4, 3, 2, 5, 6, 7], [8, 9, 10], [0, 1, 1, 0],
  ]

  static func house() -> PolygonMesh {
    let vertices = doubles(
      [
        0, 0, 0, 2, 0, 0, 2, 1, 0, 0, 1, 0,  // The quad.
        0, 3, 0, 2, 3, 0, 1, 1.4, 0, 0.5, 2.5, 0,  // The hexagon with quad's upper edge.
        5, 0, 1, 6, 0, 1, 5, 1, 2,
      ], [11, 3])
    return PolygonMesh(vertices: vertices, polygons: polygons)
  }

  @Test func trianglesKnowWhereTheyComeFrom() throws {
    let (mesh, record) = try Self.house().triangulated()
    #expect(record.polygons.scalars(as: Int32.self) == [0, 0, 1, 1, 1, 1, 2, 3, 3])
    #expect(record.triangleCount == 9 && record.cornerCount == 17)
    let corners = record.corners.scalars(as: Int32.self)
    let flat = Self.polygons.flatMap { $0 }
    #expect(mesh.faces.scalars(as: Int32.self) == corners.map { flat[Int($0)] })
    // Every triangle's corners lie in its polygon's range.
    let starts: [Int32] = [0, 4, 10, 13, 17]
    for (place, corner) in corners.enumerated() {
      let polygon = Int(record.polygons.scalars(as: Int32.self)[place / 3])
      #expect(corner >= starts[polygon] && corner < starts[polygon + 1])
    }
  }

  @Test func areasOfConcavePolygonsAreRight() throws {
    let house = Self.house()
    let (mesh, record) = try house.triangulated()
    let areas = record.polygons(summing: mesh.faceAreas()).scalars(as: Double.self)
    // The hexagon by the shoelace formula.
    let outline = [(0.0, 3.0), (0, 1), (2, 1), (2, 3), (1, 1.4), (0.5, 2.5)]
    var twice = 0.0
    for (a, b) in zip(outline, outline.dropFirst() + [outline[0]]) {
      twice += a.0 * b.1 - b.0 * a.1
    }
    let expected = [2, twice / 2, 0.5.squareRoot(), 0]
    for (found, known) in zip(areas, expected) { #expect(abs(found - known) < 1e-12) }
  }

  @Test func valuesAndGradientsComeBackToPolygons() throws {
    var random = RandomGenerator(seed: 91)
    let record = try Self.house().triangulation()
    let perPolygon = random.normal([4, 2], dtype: .float64)
    let perCorner = random.normal([17, 2], dtype: .float64)
    let perTriangle = random.normal([9, 2], dtype: .float64)
    let areas = random.uniform([9], low: 0.1, dtype: .float64)
    try checkGradients(at: [perPolygon]) { record.triangles(ofPolygons: $0[0]).square() }
    try checkGradients(at: [perCorner]) { record.triangles(ofCorners: $0[0]).square() }
    try checkGradients(at: [perTriangle, areas]) {
      record.polygons(averaging: $0[0], weights: $0[1]).square()
    }
    // A polygon's value spread over its triangles averages to itself.
    let back = record.polygons(
      averaging: record.triangles(ofPolygons: perPolygon), weights: areas)
    #expect(difference(back, perPolygon) < 1e-14)
    // Summing is the transpose of spreading.
    let left = (record.triangles(ofPolygons: perPolygon) * perTriangle).sum()
    let right = (perPolygon * record.polygons(summing: perTriangle)).sum()
    #expect(abs(left.value - right.value) < 1e-12)
    let atCorners = random.normal([9, 3, 2], dtype: .float64)
    let up = (record.triangles(ofCorners: perCorner) * atCorners).sum()
    let down = (perCorner * record.corners(summing: atCorners)).sum()
    #expect(abs(up.value - down.value) < 1e-12)
    let weightless = record.polygons(
      averaging: perTriangle, weights: Tensor.zeros([9], dtype: .float64))
    #expect(allFinite(weightless))
    let seen = Tensor([Int32(-1), 0, 5, 8], shape: [2, 2])
    #expect(record.polygons(ofTriangles: seen).scalars(as: Int32.self) == [-1, 0, 1, 3])
  }

  @Test func appearancesFollow() throws {
    var house = Self.house()
    house.appearance = .faceColors(doubles((0..<12).map(Double.init), [4, 3]))
    let colored = try house.triangulated()
    guard case .faceColors(let colors) = colored.mesh.appearance else {
      Issue.record("face colours expected")
      return
    }
    #expect(colors[.all, 0].scalars(as: Double.self) == [0, 0, 3, 3, 3, 3, 6, 9, 9])
    house.appearance = .texture(
      image: .ones([2, 2, 3], dtype: .float64), coordinates: doubles([0, 0, 1, 0, 1, 1], [3, 2]),
      faces: Tensor((0..<17).map { Int32($0 % 3) }))
    let textured = try house.triangulated()
    guard case .texture(_, _, let faces) = textured.mesh.appearance else {
      Issue.record("a texture expected")
      return
    }
    let expected = textured.triangulation.corners.scalars(as: Int32.self).map { $0 % 3 }
    #expect(faces.scalars(as: Int32.self) == expected)
    #expect(try house.validated().polygonCount == 4)
    #expect(
      house.parameters.map(\.path).prefix(3) == ["vertices", "texture", "textureCoordinates"])
  }

  @Test func aRecordIsKeptWhileVerticesMove() throws {
    let house = Self.house()
    let record = try house.triangulation()
    try checkGradients(at: [house.vertices]) { vertices in
      var moved = house
      moved.vertices = vertices[0]
      return record.polygons(summing: try moved.mesh(record).faceAreas().square())
    }
    #expect(throws: SceneError.self) {
      try PolygonMesh(vertices: house.vertices, polygons: [[0, 1, 2]]).mesh(record)
    }
  }

  @Test func edgesLeaveDiagonalsOut() throws {
    let edges = try PolygonMesh(
      vertices: .zeros([6, 3]), polygons: [[0, 1, 2, 3], [2, 1, 4, 4]]
    )
    .edges()
    #expect(edges.scalars(as: Int32.self) == [0, 1, 0, 3, 1, 2, 1, 4, 2, 3, 2, 4])
  }

  @Test func trianglesArePolygonsToo() throws {
    let mesh = Mesh.cube(texture: .ones([2, 2, 3]))
    let back = try PolygonMesh(mesh).triangulated().mesh
    #expect(back.faces.scalars(as: Int32.self) == mesh.faces.scalars(as: Int32.self))
    guard case .texture(_, _, let faces) = back.appearance,
      case .texture(_, _, let own) = mesh.appearance
    else {
      Issue.record("a texture expected")
      return
    }
    #expect(faces.scalars(as: Int32.self) == own.scalars(as: Int32.self))
  }

  @Test func badPolygonsAreErrors() throws {
    let vertices = Tensor.zeros([4, 3])
    func expectError(_ field: String, _ index: Int?, _ mesh: PolygonMesh) {
      #expect {
        try mesh.validated()
      } throws: { error in
        let error = error as? SceneError
        return error?.field == field && error?.index == index
      }
    }
    func mesh(_ sizes: [Int32], _ corners: [Int32]) -> PolygonMesh {
      PolygonMesh(vertices: vertices, sizes: Tensor(sizes), corners: Tensor(corners))
    }
    expectError("mesh.sizes", 1, mesh([3, 2], [0, 1, 2, 0, 1]))
    expectError("mesh.sizes", 0, mesh([-7], []))
    expectError("mesh.corners", nil, mesh([4], [0, 1, 2]))
    expectError("mesh.corners", nil, mesh([3], [0, 1, 2, 3]))
    expectError("mesh.corners", 1, mesh([3], [0, 4, 2]))
    expectError("mesh.corners", 2, mesh([3], [0, 1, -1]))
    expectError("mesh.corners", nil, mesh([.max, .max], [0, 1, 2]))
    var wrong = mesh([4], [0, 1, 2, 3])
    wrong.sizes = Tensor([4.0])
    expectError("mesh.sizes", nil, wrong)
    wrong = mesh([4], [0, 1, 2, 3])
    wrong.appearance = .faceTexels(.ones([2, 4, 3]))
    expectError("mesh.faceTexels", nil, wrong)
    wrong.appearance = .faceColors(.ones([2, 3]))
    expectError("mesh.faceColors", nil, wrong)
    #expect(try mesh([], []).triangulated().mesh.faceCount == 0)
    #expect(try mesh([], []).edges().shape == [0, 2])
    // A zigzag ring of 5,000 corners is above the limit for ears.
    let turns = Tensor.linspace(0, 2 * Double.pi, 5001, dtype: .float64)[.range(0..<5000)]
    let radii = (0..<5000).map { $0 % 2 == 0 ? 1 : 0.9 }
    let ring = Tensor.stack(
      [turns.cos() * Tensor(radii), turns.sin() * Tensor(radii), turns * 0], axis: 1)
    expectError(
      "mesh.sizes", 0, PolygonMesh(vertices: ring, polygons: [(0..<5000).map { Int32($0) }]))
  }
}
