import Foundation
import LumiTensor

/// glTF 2.0 with one mesh and one primitive a material. Phong's ambient and specular terms have no
/// place in it and are left out.
struct GLTFWriter {
  private let mesh: MeshData
  private let file: String
  private var binary: [UInt8] = []
  private var views: [JSONValue] = []
  private var accessors: [JSONValue] = []

  static func binary(_ mesh: MeshData, file: String) throws(FileError) -> [UInt8] {
    var writer = GLTFWriter(mesh, file)
    let document = try writer.document(embedded: false)
    return GLBContainer.encode(document, writer.binary)
  }

  static func text(_ mesh: MeshData, file: String) throws(FileError) -> [UInt8] {
    var writer = GLTFWriter(mesh, file)
    return Array(try writer.document(embedded: true).text.utf8)
  }

  private init(_ mesh: MeshData, _ file: String) {
    self.mesh = mesh
    self.file = file
  }

  private mutating func document(embedded: Bool) throws(FileError) -> JSONValue {
    let primitives = self.primitives()
    var members: [String: JSONValue] = [
      "asset": ["version": .string("2.0"), "generator": .string("Lumigrad")].json,
      "scene": .number(0), "scenes": .array([["nodes": .array([.number(0)])].json]),
      "nodes": .array([["mesh": .number(0)].json]),
      "meshes": .array([["primitives": .array(primitives)].json]),
    ]
    var images: [JSONValue] = []
    var materials: [JSONValue] = []
    for material in mesh.materials {
      if let texture = material.texture {
        let png = try ImageFile.encode(
          texture.pixels, file: file, bitDepth: texture.storedBitDepth == 16 ? 16 : 8)
        images.append(
          ["bufferView": .number(Double(addView(png))), "mimeType": .string("image/png")].json)
      }
      materials.append(json(material, texture: material.texture == nil ? nil : images.count - 1))
    }
    if !materials.isEmpty { members["materials"] = .array(materials) }
    if !images.isEmpty {
      members["images"] = .array(images)
      members["textures"] = .array(images.indices.map { ["source": .number(Double($0))].json })
    }
    var buffer: [String: JSONValue] = ["byteLength": .number(Double(binary.count))]
    if embedded {
      let content = Data(binary).base64EncodedString()
      buffer["uri"] = .string("data:application/octet-stream;base64,\(content)")
    }
    guard binary.count < Int(UInt32.max) / 2 else {
      throw FileError(file: file, cause: .unwritable, message: "glTF holds up to 2 GiB")
    }
    members["buffers"] = .array([buffer.json])
    members["bufferViews"] = .array(views)
    members["accessors"] = .array(accessors)
    return .object(members)
  }

  private func json(_ material: MeshMaterial, texture: Int?) -> JSONValue {
    let color = material.diffuse
    let factor = [color.x, color.y, color.z, material.opacity].map { JSONValue.number(Double($0)) }
    var surface: [String: JSONValue] = [
      "baseColorFactor": .array(factor), "metallicFactor": .number(0),
    ]
    if let texture { surface["baseColorTexture"] = ["index": .number(Double(texture))].json }
    let emission = [material.emission.x, material.emission.y, material.emission.z]
    return [
      "name": .string(material.name), "pbrMetallicRoughness": surface.json,
      "emissiveFactor": .array(emission.map { .number(Double($0)) }),
    ].json
  }

  // MARK: - Geometry

  /// A vertex of glTF: a vertex of the mesh with one texture coordinate.
  private struct Corner: Hashable {
    var vertex: Int32
    var texcoord: Int32
  }

  private mutating func primitives() -> [JSONValue] {
    let faces = mesh.faces.scalars(as: Int32.self)
    let texcoords = mesh.faceTexcoords?.scalars(as: Int32.self)
    let materials =
      mesh.faceMaterials?.scalars(as: Int32.self) ?? [Int32](repeating: -1, count: mesh.faceCount)
    var order: [Corner] = []
    var known: [Corner: Int] = [:]
    // Every vertex is listed first with its first texture coordinate, so that a mesh without seams
    // keeps its numbering, unused vertices included.
    var first = [Int32](repeating: -1, count: mesh.vertexCount)
    if let texcoords {
      for (index, vertex) in faces.enumerated() where first[Int(vertex)] < 0 {
        first[Int(vertex)] = texcoords[index]
      }
    }
    func number(_ corner: Corner) -> Int {
      if let found = known[corner] { return found }
      known[corner] = order.count
      order.append(corner)
      return order.count - 1
    }
    for vertex in 0..<mesh.vertexCount {
      _ = number(Corner(vertex: Int32(vertex), texcoord: first[vertex]))
    }
    var indices: [Int32: [UInt32]] = [:]
    for (index, vertex) in faces.enumerated() {
      let corner = Corner(vertex: vertex, texcoord: texcoords?[index] ?? -1)
      indices[materials[index / 3], default: []].append(UInt32(number(corner)))
    }
    let attributes = self.attributes(order)
    guard !indices.isEmpty else {
      return [["attributes": attributes.json, "mode": .number(0)].json]
    }
    return indices.sorted { $0.key < $1.key }.map { material, list in
      var members: [String: JSONValue] = [
        "attributes": attributes.json, "mode": .number(4),
        "indices": .number(Double(addIndices(list))),
      ]
      if material >= 0 { members["material"] = .number(Double(material)) }
      return members.json
    }
  }

  private mutating func attributes(_ order: [Corner]) -> [String: JSONValue] {
    let vertices = order.map { Int($0.vertex) }
    var result = ["POSITION": addRows(of: mesh.vertices, vertices, bounds: true)]
    if let normals = mesh.normals { result["NORMAL"] = addRows(of: normals, vertices) }
    if let colors = mesh.colors { result["COLOR_0"] = addRows(of: colors, vertices) }
    if let texcoords = mesh.texcoords {
      // glTF's v runs downwards.
      var flipped = texcoords.scalars(as: Float.self)
      for index in stride(from: 1, to: flipped.count, by: 2) { flipped[index] = 1 - flipped[index] }
      let table = Tensor(flipped, shape: texcoords.shape)
      result["TEXCOORD_0"] = addRows(of: table, order.map { max(Int($0.texcoord), 0) })
    }
    return result.mapValues { .number(Double($0)) }
  }

  private mutating func addRows(of table: Tensor, _ rows: [Int], bounds: Bool = false) -> Int {
    let width = table.shape[1]
    let values = table.scalars(as: Float.self)
    var bytes: [UInt8] = []
    var least = [Float](repeating: .infinity, count: width)
    var most = [Float](repeating: -.infinity, count: width)
    for row in rows {
      for axis in 0..<width {
        let value = values[width * row + axis]
        bytes.append(littleEndian: value)
        least[axis] = min(least[axis], value)
        most[axis] = max(most[axis], value)
      }
    }
    var members: [String: JSONValue] = [
      "bufferView": .number(Double(addView(bytes))), "componentType": .number(5126),
      "count": .number(Double(rows.count)), "type": .string("VEC\(width)"),
    ]
    if bounds {
      members["min"] = .array(least.map { .number(Double($0)) })
      members["max"] = .array(most.map { .number(Double($0)) })
    }
    accessors.append(.object(members))
    return accessors.count - 1
  }

  private mutating func addIndices(_ indices: [UInt32]) -> Int {
    var bytes: [UInt8] = []
    for index in indices { bytes.append(littleEndian: index) }
    accessors.append(
      [
        "bufferView": .number(Double(addView(bytes))), "componentType": .number(5125),
        "count": .number(Double(indices.count)), "type": .string("SCALAR"),
      ].json)
    return accessors.count - 1
  }

  private mutating func addView(_ bytes: [UInt8]) -> Int {
    binary += [UInt8](repeating: 0, count: (4 - binary.count % 4) % 4)
    views.append(
      [
        "buffer": .number(0), "byteOffset": .number(Double(binary.count)),
        "byteLength": .number(Double(bytes.count)),
      ].json)
    binary += bytes
    return views.count - 1
  }
}

extension [String: JSONValue] {
  fileprivate var json: JSONValue { .object(self) }
}
