import Foundation
import LumiIO
import LumiTensor
import Testing

/// Files with polygons that are no fans: an L of six corners, a quad and a triangle.
@Suite(.timeLimit(.minutes(2))) struct PolygonFileTests {
  static let obj = """
    v 0 0 0
    v 1 1 0
    v 1 3 0
    v 0 3 0
    v 3 0 0
    v 3 1 0
    v 9 9 9
    vt 0 0
    vt 1 0
    vt 1 1
    f 4/1 1/2 5/3 6/1 2/2 3/3
    f 1 5 6 2
    f 1/1 2/2 7/3
    """
  static let off = """
    OFF
    7 3 0
    0 0 0
    1 1 0
    1 3 0
    0 3 0
    3 0 0
    3 1 0
    9 9 9
    6 3 0 4 5 1 2
    4 0 4 5 1
    3 0 1 6
    """
  static let ply = """
    ply
    format ascii 1.0
    element vertex 7
    property float x
    property float y
    property float z
    element face 3
    property list uchar int vertex_indices
    end_header
    0 0 0
    1 1 0
    1 3 0
    0 3 0
    3 0 0
    3 1 0
    9 9 9
    6 3 0 4 5 1 2
    4 0 4 5 1
    3 0 1 6
    """
  static let files: [(MeshFile.Format, String)] = [(.obj, obj), (.off, off), (.ply, ply)]

  /// The areas of the triangles of one polygon.
  private func areas(_ mesh: MeshData, polygon: Int32) throws -> [Float] {
    let p = mesh.vertices.scalars(as: Float.self)
    let f = mesh.faces.scalars(as: Int32.self)
    let sources = try #require(mesh.facePolygons).scalars(as: Int32.self)
    return sources.indices.filter { sources[$0] == polygon }.map { face in
      let c = (0..<3).map { 3 * Int(f[3 * face + $0]) }
      return
        ((p[c[1]] - p[c[0]]) * (p[c[2] + 1] - p[c[0] + 1])
        - (p[c[1] + 1] - p[c[0] + 1]) * (p[c[2]] - p[c[0]])) / 2
    }
  }

  @Test(arguments: files.indices)
  func concavePolygonsAreCoveredAndKept(_ index: Int) throws {
    let (format, text) = Self.files[index]
    let mesh = try MeshFile.decode(Array(text.utf8), format: format, file: "l")
    #expect(mesh.faceCount == 7)
    #expect(mesh.facePolygons?.scalars(as: Int32.self) == [0, 0, 0, 0, 1, 1, 2])
    let parts = try areas(mesh, polygon: 0)
    #expect(parts.allSatisfy { $0 > 0 })
    #expect(parts.reduce(0, +) == 5)
    let polygons = try #require(mesh.polygons)
    #expect(polygons.sizes.scalars(as: Int32.self) == [6, 4, 3])
    #expect(
      polygons.corners.scalars(as: Int32.self) == [3, 0, 4, 5, 1, 2, 0, 4, 5, 1, 0, 1, 6])
    if format == .obj {
      #expect(
        polygons.texcoords?.scalars(as: Int32.self)
          == [0, 1, 2, 0, 1, 2, -1, -1, -1, -1, 0, 1, 2])
      // Triangle corners keep the coordinates of the polygon's corners.
      let corner: [Int32: Int32] = [3: 0, 0: 1, 4: 2, 5: 0, 1: 1, 2: 2]
      let vertices = mesh.faces.scalars(as: Int32.self).prefix(12)
      let coordinates = try #require(mesh.faceTexcoords).scalars(as: Int32.self).prefix(12)
      for (vertex, coordinate) in zip(vertices, coordinates) {
        #expect(corner[vertex] == coordinate)
      }
    }
    try checkWhole(mesh)
  }

  @Test func trianglesAloneHaveNoPolygons() throws {
    let mesh = try MeshFile.decode(
      Array("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n".utf8), format: .obj, file: "t")
    #expect(mesh.polygons == nil && mesh.facePolygons == nil)
    // Polygons that come after triangles count from the first.
    let mixed = try MeshFile.decode(
      Array("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3\nf 1 2 3 4\n".utf8), format: .obj,
      file: "m")
    #expect(mixed.polygons?.sizes.scalars(as: Int32.self) == [3, 4])
    #expect(mixed.polygons?.corners.scalars(as: Int32.self) == [0, 1, 2, 0, 1, 2, 3])
  }

  private func ring(_ count: Int, dent: Double) -> [UInt8] {
    var text = ""
    for corner in 0..<count {
      let turn = 2 * Double.pi * Double(corner) / Double(count)
      let radius = corner % 2 == 0 ? 1 : dent
      text += "v \(radius * cos(turn)) \(radius * sin(turn)) 0\n"
    }
    return Array((text + "f " + (1...count).map(String.init).joined(separator: " ") + "\n").utf8)
  }

  @Test func longPolygonsAreFansOrRefused() throws {
    #expect(
      try MeshFile.decode(ring(9000, dent: 1), format: .obj, file: "r").faceCount == 8998)
    #expect(
      try MeshFile.decode(ring(4000, dent: 0.8), format: .obj, file: "r").faceCount == 3998)
    #expect {
      try MeshFile.decode(ring(5000, dent: 0.8), format: .obj, file: "r")
    } throws: { error in
      let error = error as? FileError
      return error?.cause == .limitExceeded && error?.place == .part("face 0")
    }
  }

  @Test(arguments: files.indices)
  func damagedPolygonsAreReadOrRefused(_ index: Int) throws {
    let (format, text) = Self.files[index]
    var refused = 0
    for trial in 0..<400 {
      var mutator = Mutator(seed: UInt64(trial) &* 15_485_863 &+ 3)
      do {
        let mesh = try MeshFile.decode(
          mutator.damage(Array(text.utf8)), format: format, file: "damaged")
        try checkWhole(mesh)
        guard let polygons = mesh.polygons else { continue }
        let sizes = polygons.sizes.scalars(as: Int32.self)
        #expect(sizes.allSatisfy { $0 >= 3 })
        #expect(sizes.reduce(0) { $0 + Int($1) } == polygons.corners.count)
        #expect(sizes.reduce(0) { $0 + Int($1) - 2 } == mesh.faceCount)
        let corners = polygons.corners.scalars(as: Int32.self)
        #expect(corners.allSatisfy { $0 >= 0 && Int($0) < mesh.vertexCount })
      } catch let error as FileError {
        refused += 1
        #expect(error.file == "damaged")
      }
    }
    #expect(refused > 40)
  }
}
