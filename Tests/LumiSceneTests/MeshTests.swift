import Foundation
import LumiScene
import LumiTensor
import Testing

// MARK: Primitives

private let closedPrimitives: [(String, Mesh, Int)] = [
  ("icosphere 0", .icosphere(subdivisions: 0, dtype: .float64), 2),
  ("icosphere 3", .icosphere(subdivisions: 3, radius: 0.7, dtype: .float64), 2),
  ("cube", .cube(size: 2, dtype: .float64), 2),
  ("torus", .torus(majorSegments: 11, minorSegments: 5, dtype: .float64), 0),
  ("cylinder", .cylinder(segments: 7, dtype: .float64), 2),
]

@Test(arguments: closedPrimitives.indices)
func primitivesAreWatertight(index: Int) throws {
  let (_, mesh, characteristic) = closedPrimitives[index]
  let topology = MeshTopology(mesh)
  #expect(topology.isWatertight)
  #expect(topology.eulerCharacteristic == characteristic)
  #expect(topology.boundaryEdges.count == 0 && topology.nonManifoldEdges.count == 0)
  #expect(mesh.volume().value > 0)
  #expect(try mesh.validated().faceCount == mesh.faceCount)
}

@Test(arguments: [0, 2, 4])
func convexPrimitivesFaceOutwards(index: Int) {
  let mesh = closedPrimitives[index].1
  let (a, b, c) = mesh.faceCorners()
  #expect((mesh.faceNormals() * (a + b + c)).sum(axis: 1).min().value > 0)
}

@Test func torusFacesOutwards() {
  let mesh = Mesh.torus(majorRadius: 1, minorRadius: 0.4, dtype: .float64)
  let (a, b, c) = mesh.faceCorners()
  let middle = (a + b + c) / 3
  let flat = middle * doubles([1, 0, 1])
  let outwards = middle - flat.unitVectors()
  #expect((mesh.faceNormals() * outwards).sum(axis: 1).min().value > 0)
}

@Test func measuresConverge() {
  let counts = [12, 42, 162, 642, 2562]
  var previous = 1.0
  for (level, count) in counts.enumerated() {
    let mesh = Mesh.icosphere(subdivisions: level, radius: 2, dtype: .float64)
    #expect(mesh.vertexCount == count)
    #expect(difference(mesh.vertices.norm(axis: 1), .full([count], 2, dtype: .float64)) < 1e-14)
    let error = 1 - mesh.volume().value / (4 / 3 * .pi * 8)
    let areaError = 1 - mesh.surfaceArea().value / (4 * .pi * 4)
    #expect(error > 0 && areaError > 0 && areaError < error)
    // Second order: in the end four times better at each level.
    #expect(error < previous / (level < 2 ? 2 : 3.4))
    previous = error
  }
  let torus = Mesh.torus(
    majorRadius: 2, minorRadius: 0.5, majorSegments: 300, minorSegments: 200, dtype: .float64)
  #expect(abs(torus.volume().value / (2 * .pi * .pi * 2 * 0.25) - 1) < 1e-3)
  #expect(abs(torus.surfaceArea().value / (4 * .pi * .pi * 2 * 0.5) - 1) < 1e-3)
  let cylinder = Mesh.cylinder(radius: 0.5, height: 3, segments: 500, dtype: .float64)
  #expect(abs(cylinder.volume().value / (.pi * 0.25 * 3) - 1) < 1e-4)
  #expect(abs(cylinder.surfaceArea().value / (.pi * 3 + .pi * 0.5) - 1) < 1e-4)
  let cube = Mesh.cube(size: 3, dtype: .float64)
  #expect(abs(cube.volume().value - 27) < 1e-12 && abs(cube.surfaceArea().value - 54) < 1e-12)
}

@Test func planeFacesTheViewer() {
  let plane = Mesh.plane(width: 3, height: 2, columns: 4, rows: 3, dtype: .float64)
  let topology = MeshTopology(plane)
  #expect(!topology.isWatertight && topology.eulerCharacteristic == 1)
  #expect(topology.boundaryEdges.shape == [14, 2])
  #expect(abs(plane.surfaceArea().value - 6) < 1e-13)
  let normals = doubles([0, 0, 1]).broadcast(to: [24, 3])
  #expect(difference(plane.faceNormals(), normals) < 1e-14)
  let (low, high) = plane.boundingBox()
  #expect(difference(low, doubles([-1.5, -1, 0])) == 0)
  #expect(difference(high, doubles([1.5, 1, 0])) == 0)
}

@Test func textureCoordinatesFollowTheSurface() throws {
  let image = Tensor.ones([4, 4, 3], dtype: .float64)
  for mesh in [
    Mesh.cube(texture: image, dtype: .float64), .plane(texture: image, dtype: .float64),
    .torus(majorSegments: 9, minorSegments: 6, texture: image, dtype: .float64),
    .cylinder(segments: 9, texture: image, dtype: .float64),
  ] {
    guard case .texture(_, let coordinates, let faces) = try mesh.validated().appearance else {
      Issue.record("no texture")
      continue
    }
    #expect(coordinates.min().value >= 0 && coordinates.max().value <= 1)
    // Seen from outside the image is not mirrored: counter-clockwise faces stay so.
    let corners = coordinates.gather(faces)
    let (p, q) = (corners[.all, 1] - corners[.all, 0], corners[.all, 2] - corners[.all, 0])
    let area = p[.all, 0] * q[.all, 1] - p[.all, 1] * q[.all, 0]
    #expect(area.min().value > 1e-4)
  }
}

// MARK: Normals, areas, Laplacians

private func wobbly(_ seed: UInt64 = 3) -> Mesh {
  var random = RandomGenerator(seed: seed)
  var mesh = Mesh.icosphere(subdivisions: 0, dtype: .float64)
  mesh.vertices = mesh.vertices + random.normal([12, 3], deviation: 0.1, dtype: .float64)
  return mesh
}

@Test func normalsOfTheSphere() {
  let mesh = Mesh.icosphere(subdivisions: 3, radius: 3, dtype: .float64)
  #expect(difference(mesh.computedVertexNormals(), mesh.vertices / 3) < 0.02)
  #expect(difference(mesh.shadingNormals(), mesh.computedVertexNormals()) == 0)
  var given = mesh
  given.vertexNormals = mesh.vertices
  #expect(difference(given.shadingNormals(), mesh.vertices / 3) < 1e-14)
  let areas = mesh.faceAreaVectors().norm(axis: 1) * 0.5
  #expect(difference(mesh.faceAreas(), areas) < 1e-15)
  // A closed surface's area vectors add up to nothing.
  #expect(difference(mesh.faceAreaVectors().sum(axis: 0), .zeros([3], dtype: .float64)) < 1e-12)
}

@Test func meshDerivatives() throws {
  let mesh = wobbly()
  let topology = MeshTopology(mesh)
  func moved(_ vertices: Tensor) -> Mesh {
    var result = mesh
    result.vertices = vertices
    return result
  }
  let functions: [(String, (Mesh) -> Tensor)] = [
    ("faceNormals", { $0.faceNormals() }), ("faceAreas", { $0.faceAreas() }),
    ("vertexNormals", { $0.computedVertexNormals() }),
    ("uniformLaplacian", { $0.uniformLaplacian(topology) }),
    ("cotangentLaplacian", { $0.cotangentLaplacian(differentiableWeights: true) }),
    ("edgeLengths", { $0.edgeLengths(topology) }), ("volume", { $0.volume() }),
    ("surfaceArea", { $0.surfaceArea() }),
    ("centredAndScaled", { $0.centredAndScaled().vertices }),
    ("vertexMean", { $0.centredAndScaled(around: .vertexMean, radius: 2).vertices }),
    ("boundingBox", { Tensor.concatenate([$0.boundingBox().minimum, $0.boundingBox().maximum]) }),
  ]
  for (name, function) in functions {
    try checkGradients(at: [mesh.vertices], names: [name]) { function(moved($0[0])) }
  }
}

@Test func laplaciansMatchPyTorch3D() throws {
  let file = try reference("mesh/losses-pytorch3d.json")
  let inputs = try #require(file["inputs"] as? [String: Any])
  let expected = try #require(file["expected"] as? [String: Any])
  let vertices = try tensor(inputs["vertices"])
  let faces = try tensor(inputs["faces"]).cast(to: .int32)
  let topology = MeshTopology(faces: faces, vertexCount: 8)
  for (name, laplacian) in [
    ("laplacian_uniform", { $0.uniformLaplacian(topology) }),
    ("laplacian_cot", { $0.cotangentLaplacian() }),
  ] as [(String, (Mesh) -> Tensor)] {
    let (value, slope) = valueAndGradient(at: vertices) {
      laplacian(Mesh(vertices: $0, faces: faces)).norm(axis: 1).mean()
    }
    #expect(difference(value, try tensor(expected[name])) < 1e-8)
    #expect(difference(slope, try tensor(expected["grad_\(name)"])) < 1e-8)
  }
  let target = try #require(inputs["target_length"] as? Double)
  let (edge, slope) = valueAndGradient(at: vertices) {
    (Mesh(vertices: $0, faces: faces).edgeLengths(topology) - target).square().mean()
  }
  #expect(difference(edge, try tensor(expected["edge"])) < 1e-8)
  #expect(difference(slope, try tensor(expected["grad_edge"])) < 1e-8)
}

@Test func cotangentLaplacianVanishesOnAPlane() {
  // Linear functions are harmonic: inside a plane grid of any cell shape the Laplacian is 0.
  let mesh = Mesh.plane(width: 2, height: 5, columns: 4, rows: 3, dtype: .float64)
  let laplacian = mesh.cotangentLaplacian()
  for row in 1..<3 {
    for column in 1..<4 {
      #expect(
        difference(laplacian[.index(row * 5 + column)], .zeros([3], dtype: .float64)) < 1e-14)
    }
  }
}

@Test func centredAndScaledMeshesFit() {
  var mesh = wobbly()
  mesh.vertices = mesh.vertices * 7 + doubles([3, -2, 9])
  let box = mesh.centredAndScaled(radius: 0.5)
  let (low, high) = box.boundingBox()
  #expect(difference(low + high, .zeros([3], dtype: .float64)) < 1e-14)
  #expect(abs(box.vertices.norm(axis: 1).max().value - 0.5) < 1e-15)
  let mean = mesh.centredAndScaled(around: .vertexMean).vertices.mean(axis: 0)
  #expect(difference(mean, .zeros([3], dtype: .float64)) < 1e-14)
}

@Test(arguments: [DType.float32, .float64])
func degenerateMeshesAreFinite(dtype: DType) {
  let lists: [([[Double]], [[Int32]])] = [
    ([[0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 5, 5]], [[0, 1, 2]]),  // zero area, one vertex alone
    ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], [[0, 1, 2]]),  // one point
    ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 1]]),  // normals cancel
    ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 1], [2, 2, 2]]),  // corners coincide
    ([[0, 0, 0], [1e-25, 0, 0], [0, 1e-25, 0]], [[0, 1, 2]]),
  ]
  for (points, faces) in lists {
    let vertices = Tensor(points).cast(to: dtype)
    let topology = MeshTopology(faces: Tensor(faces), vertexCount: points.count)
    for function in [
      { $0.faceNormals() }, { $0.faceAreas() }, { $0.computedVertexNormals() },
      { $0.uniformLaplacian(topology) }, { $0.cotangentLaplacian(differentiableWeights: true) },
      { $0.edgeLengths(topology) }, { $0.centredAndScaled().vertices }, { $0.volume() },
    ] as [(Mesh) -> Tensor] {
      let value = function(Mesh(vertices: vertices, faces: Tensor(faces)))
      let slope = gradient(at: vertices, unreachable: .zeros) {
        function(Mesh(vertices: $0, faces: Tensor(faces))).sum()
      }
      #expect(allFinite(value) && allFinite(slope))
    }
  }
}

@Test func emptyMesh() throws {
  let mesh = Mesh(vertices: .zeros([0, 3]), faces: Tensor.zeros([0, 3], dtype: .int32))
  let topology = MeshTopology(try mesh.validated())
  #expect(!topology.isWatertight && topology.eulerCharacteristic == 0)
  #expect(mesh.surfaceArea().value == 0 && mesh.volume().value == 0)
  #expect(mesh.computedVertexNormals().shape == [0, 3])
  #expect(mesh.uniformLaplacian(topology).shape == [0, 3])
  #expect(mesh.cotangentLaplacian().shape == [0, 3])
  #expect(mesh.edgeLengths(topology).shape == [0])
  #expect(mesh.boundingBox().maximum.scalars(as: Float.self) == [0, 0, 0])
  #expect(mesh.centredAndScaled().vertexCount == 0)
}

// MARK: Topology

@Test func topologyOfTwoTriangles() {
  // 3 is above, 0-2 shared; 4 belongs to nothing.
  let faces = Tensor([[Int32(0), 1, 2], [0, 2, 3]])
  let topology = MeshTopology(faces: faces, vertexCount: 5)
  #expect(
    topology.edges.scalars(as: Int32.self) == [0, 1, 0, 2, 0, 3, 1, 2, 2, 3])
  #expect(topology.interiorEdges.scalars(as: Int32.self) == [0, 2, 1, 3])
  #expect(topology.facePairs.scalars(as: Int32.self) == [0, 1])
  #expect(topology.boundaryEdges.scalars(as: Int32.self) == [0, 1, 0, 3, 1, 2, 2, 3])
  #expect(topology.neighbourOffsets.scalars(as: Int32.self) == [0, 3, 5, 8, 10, 10])
  #expect(topology.vertexNeighbours.scalars(as: Int32.self) == [1, 2, 3, 0, 2, 0, 1, 3, 0, 2])
  #expect(topology.degrees(dtype: .float32).scalars(as: Float.self) == [3, 2, 3, 2, 0])
  #expect(topology.eulerCharacteristic == 1)
}

@Test func topologyTellsBadMeshesApart() {
  let cube = Mesh.cube()
  #expect(MeshTopology(cube).edges.shape == [18, 2])
  #expect(MeshTopology(cube).facePairs.shape == [18, 2])
  // One face turned over: closed, but not oriented.
  var faces = cube.faces.scalars(as: Int32.self)
  faces.swapAt(0, 1)
  #expect(!MeshTopology(faces: Tensor(faces, shape: [12, 3]), vertexCount: 8).isWatertight)
  // A third face on one edge.
  let fin = cube.faces.scalars(as: Int32.self) + [0, 1, 8]
  let finned = MeshTopology(faces: Tensor(fin, shape: [13, 3]), vertexCount: 9)
  #expect(!finned.isWatertight && finned.nonManifoldEdges.scalars(as: Int32.self) == [0, 1])
  // Faces with a repeated vertex are no faces.
  let extra = cube.faces.scalars(as: Int32.self) + [0, 0, 1, 5, 5, 5]
  let same = MeshTopology(faces: Tensor(extra, shape: [14, 3]), vertexCount: 8)
  #expect(same.isWatertight && same.eulerCharacteristic == 2)
}

@Test func interiorEdgesGiveAgreeingNormals() {
  let mesh = wobbly()
  let topology = MeshTopology(mesh)
  let corners = mesh.vertices.gather(topology.interiorEdges)
  let edge = corners[.all, 1] - corners[.all, 0]
  let first = Tensor.cross(edge, corners[.all, 2] - corners[.all, 0]).unitVectors()
  let second = Tensor.cross(corners[.all, 3] - corners[.all, 0], edge).unitVectors()
  let normals = mesh.faceNormals().gather(topology.facePairs)
  let own = normals[.all, 0].dot(normals[.all, 1])
  #expect(difference(first.dot(second), own) < 1e-13)
}

// MARK: Batches

@Test func batchesHoldMeshesOfAnySize() {
  let meshes = [
    Mesh.cube(texture: .ones([2, 2, 3])), Mesh.icosphere(subdivisions: 1), Mesh.plane(),
  ]
  let batch = MeshBatch(meshes)
  #expect(batch.vertexOffsets == [0, 8, 50, 54] && batch.faceOffsets == [0, 12, 92, 94])
  #expect(batch.vertices.shape == [54, 3] && batch.faces.shape == [94, 3])
  for (index, mesh) in meshes.enumerated() {
    let own = batch.mesh(index)
    #expect(difference(own.vertices, mesh.vertices) == 0)
    #expect(own.faces.scalars(as: Int32.self) == mesh.faces.scalars(as: Int32.self))
    #expect(own.appearance.parameters.map(\.path) == mesh.appearance.parameters.map(\.path))
  }
  // Packed faces address packed vertices.
  let packed = Mesh(vertices: batch.vertices, faces: batch.faces)
  let total = meshes.reduce(0) { $0 + $1.surfaceArea().value }
  #expect(abs(packed.surfaceArea().value - total) < 1e-4)
  let slope = gradient(at: batch.vertices) { vertices in
    try! batch.replacing(["vertices": vertices]).mesh(1).volume()
  }
  #expect(slope[.range(0..<8)].abs().max().value == 0)
  #expect(slope[.range(8..<50)].abs().max().value > 0)
  #expect(slope[.range(50..<54)].abs().max().value == 0)
}
