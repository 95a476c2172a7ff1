import Foundation
import LumiMesh
import Lumigrad
import Testing

@Suite struct PolygonRenderingTests {
  /// An L-shaped face of six corners that starts where it cannot be a fan, and a quad behind it.
  static func scene() -> Scene<PolygonMesh> {
    let vertices = Tensor([
      [-0.9, 0.9, 0], [-0.9, -0.9, 0], [0.9, -0.9, 0], [0.9, -0.3, 0], [-0.3, -0.3, 0],
      [-0.3, 0.9, 0], [-1.5, -1.5, -1], [1.5, -1.5, -1], [1.5, 1.5, -1], [-1.5, 1.5, -1.0],
    ])
    var mesh = PolygonMesh(
      vertices: vertices, polygons: [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]])
    mesh.appearance = .faceColors(Tensor([[1.0, 0.2, 0.1], [0.1, 0.3, 0.9]]))
    return Scene(mesh)
  }
  static let camera = Camera.perspective(
    from: [0.2, 0.1, 3], verticalFieldOfView: radians(degrees: 60), width: 40, height: 32,
    dtype: .float64)

  @Test func faceIndicesAreThePolygons() throws {
    let renderer = HardRasterizer(channels: [.color, .faceIndex])
    let output = try renderer.render(Self.scene(), from: Self.camera)
    let seen = try output[.faceIndex].scalars(as: Int32.self)
    #expect(Set(seen) == [-1, 0, 1])
    // The notch of the L shows the quad: half-way between its inner corner and its outer one.
    let points = Self.camera.pixels(
      ofCameraPoints: Self.camera.cameraPoints(
        Tensor([[0.3, 0.3, 0], [-0.6, 0.3, 0], [0.3, -0.6, 0]])))
    let pixels = points.scalars(as: Double.self)
    let found = (0..<3).map { k in
      seen[Int(pixels[2 * k + 1]) * 40 + Int(pixels[2 * k])]
    }
    #expect(found == [1, 0, 0])
    let colors = try output[.color].scalars(as: Double.self)
    for (pixel, face) in seen.enumerated() where face >= 0 {
      #expect(abs(colors[3 * pixel] - [1, 0.1][Int(face)]) < 1e-12)
    }
  }

  @Test func gradientsComeBackToPolygons() throws {
    let scene = Self.scene()
    let cut = try scene.shape.triangulation()
    let renderer = AntialiasedRasterizer(channels: [.color])
    let names = ["mesh.vertices", "mesh.faceColors"]
    let values = try names.map { try scene.parameter($0) }
    try checkGradients(at: values, names: names, steps: [1e-5, 1e-6], tolerance: 1e-5) { x in
      let moved = try scene.replacing([names[0]: x[0], names[1]: x[1]])
      return try renderer.render(moved, triangulation: cut, from: Self.camera)[.color].square()
    }
  }

  @Test func errorsAreTyped() {
    var scene = Self.scene()
    scene.shape.sizes = Tensor([Int32(6), 5])
    #expect(throws: SceneError.self) { try HardRasterizer().render(scene, from: Self.camera) }
  }

  @Test func polygonFilesKeepTheirPolygons() throws {
    let folder = NSTemporaryDirectory() + "lumi-polygons-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/l.obj"
    try """
    v 0 3 0
    v 0 0 0
    v 3 0 0
    v 3 1 0
    v 1 1 0
    v 1 3 0
    f 4 5 6 1 2 3
    f 1 2 3
    """.write(toFile: path, atomically: true, encoding: .utf8)
    let mesh = try PolygonMesh(contentsOf: path, dtype: .float64)
    #expect(mesh.polygonCount == 2 && mesh.dtype == .float64)
    let (triangles, record) = try mesh.triangulated()
    let areas = record.polygons(summing: triangles.faceAreas()).scalars(as: Double.self)
    #expect(areas == [5, 4.5])
    #expect(try Mesh(contentsOf: path).faceCount == 5)
  }
}

@Suite struct BatchRenderingTests {
  static func scenes() -> [Scene<Mesh>] {
    [
      Scene(Scenes.body(.vertexColors)), Scene(Scenes.body(.texture, seed: 9)),
      Scene(
        Mesh(vertices: .zeros([0, 3], dtype: .float64), faces: .zeros([0, 3], dtype: .int32))),
      Scene(Mesh.icosphere(subdivisions: 2, dtype: .float64)),
    ]
  }

  static let cameras = [(24, 16), (7, 31), (5, 5), (32, 32)].map { width, height in
    Camera.perspective(
      from: [0.5, 0.4, 3.5], verticalFieldOfView: radians(degrees: 45), width: width,
      height: height, dtype: .float64)
  }

  @Test func batchesAreTheirPictures() throws {
    let renderer = SoftRasterizer()
    let outputs = try renderer.render(Self.scenes(), from: Self.cameras)
    #expect(outputs.map(\.width) == [24, 7, 5, 32] && outputs.map(\.height) == [16, 31, 5, 32])
    for (index, output) in outputs.enumerated() {
      let alone = try renderer.render(Self.scenes()[index], from: Self.cameras[index])
      for (a, b) in zip(output.smoothChannels, alone.smoothChannels) {
        #expect(a.image.bits == b.image.bits, "\(index) \(a.name)")
      }
    }
    #expect(throws: RenderError.self) {
      try renderer.render(Self.scenes(), from: Array(Self.cameras.dropLast()))
    }
    #expect(try renderer.render([], from: [Camera]()).isEmpty)
  }

  @Test func packedGradientsAreThoseOfEachMesh() throws {
    let meshes = Self.scenes().map(\.shape)
    let batch = MeshBatch(meshes)
    let renderer = AntialiasedRasterizer()
    func loss(_ outputs: [RenderOutput]) -> Tensor {
      outputs.map { $0.weightedSum() }.reduce(Tensor(0, dtype: .float64)) { $0 + $1 }
    }
    func packed(_ vertices: Tensor) throws -> Tensor {
      loss(try renderer.render(batch.replacing(["vertices": vertices]), from: Self.cameras))
    }
    let bits = try [1, 4].map { threads in
      try LumiRuntime.withThreads(threads) {
        try gradient(at: batch.vertices) { try packed($0) }.bits
      }
    }
    #expect(bits[0] == bits[1])
    let all = try gradient(at: batch.vertices) { try packed($0) }
    for index in [0, 1, 3] {
      let own = try gradient(at: meshes[index].vertices) { vertices in
        var mesh = meshes[index]
        mesh.vertices = vertices
        return try renderer.render(Scene(mesh), from: Self.cameras[index]).weightedSum()
      }
      let part = all[batch.vertexOffsets[index]..<batch.vertexOffsets[index + 1]]
      #expect(part.distance(to: own) < 1e-14)
    }
  }

  @Test func batchTopologyIsThatOfEachMesh() throws {
    let meshes = Self.scenes().map(\.shape)
    let batch = MeshBatch(meshes)
    let topology = batch.topology
    let edgeOffsets = batch.offsets(of: topology.edges)
    let pairOffsets = batch.offsets(of: topology.interiorEdges)
    let edgeLoss = Loss.edgeLength(
      vertices: batch.vertices, edges: topology.edges, offsets: edgeOffsets)
    let pairLoss = Loss.normalConsistency(
      vertices: batch.vertices, pairs: topology.interiorEdges, offsets: pairOffsets)
    let smoothness = Loss.laplacian(
      vertices: batch.vertices, faces: batch.faces, edges: topology.edges,
      offsets: batch.vertexOffsets)
    for (index, mesh) in meshes.enumerated() {
      let own = MeshTopology(mesh)
      let expected = [
        Loss.edgeLength(vertices: mesh.vertices, edges: own.edges),
        Loss.normalConsistency(vertices: mesh.vertices, pairs: own.interiorEdges),
        Loss.laplacian(vertices: mesh.vertices, faces: mesh.faces, edges: own.edges),
      ]
      for (found, known) in zip([edgeLoss, pairLoss, smoothness], expected) {
        #expect(abs(found[index].value - known.value) < 1e-13)
      }
    }
  }
}
