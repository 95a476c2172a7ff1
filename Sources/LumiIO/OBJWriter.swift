import Foundation
import LumiTensor

/// Wavefront OBJ with its MTL and PNG files. Numbers have the fewest digits that read back to the
/// same float32.
enum OBJWriter {
  static func write(_ mesh: MeshData, to path: String) throws(FileError) {
    let folder = (path as NSString).deletingLastPathComponent
    let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    let names = materialNames(mesh)
    // The OBJ comes last, so that it never names files that are not there yet.
    if !mesh.materials.isEmpty {
      let library = try materialLibrary(mesh, names, stem, folder)
      try FileBytes.write(
        Array(library.utf8), to: (folder as NSString).appendingPathComponent("\(stem).mtl"))
    }
    try FileBytes.write(Array(geometry(mesh, names, stem).utf8), to: path)
  }

  /// OBJ names end at the line and must differ.
  private static func materialNames(_ mesh: MeshData) -> [String] {
    var used: Set<String> = []
    return mesh.materials.enumerated().map { index, material in
      var name = String(material.name.unicodeScalars.map { $0.value <= 32 ? "_" : Character($0) })
      if name.isEmpty || name.hasPrefix("#") { name = "material_\(index)" }
      while !used.insert(name).inserted { name += "_\(index)" }
      return name
    }
  }

  private static func materialLibrary(
    _ mesh: MeshData, _ names: [String], _ stem: String, _ folder: String
  ) throws(FileError) -> String {
    var text = ""
    for (index, material) in mesh.materials.enumerated() {
      text += "newmtl \(names[index])\n"
      for (key, color) in [
        ("Ka", material.ambient), ("Kd", material.diffuse), ("Ks", material.specular),
        ("Ke", material.emission),
      ] { text += "\(key) \(color.x) \(color.y) \(color.z)\n" }
      text += "Ns \(material.shininess)\nd \(material.opacity)\n"
      guard let texture = material.texture else { continue }
      let name = "\(stem)_\(index).png"
      try ImageFile.write(
        texture.pixels, to: (folder as NSString).appendingPathComponent(name),
        bitDepth: texture.storedBitDepth == 16 ? 16 : 8)
      text += "map_Kd \(name)\n"
    }
    return text
  }

  private static func geometry(_ mesh: MeshData, _ names: [String], _ stem: String) -> String {
    var text = mesh.materials.isEmpty ? "" : "mtllib \(stem).mtl\n"
    let positions = mesh.vertices.scalars(as: Float.self)
    let colors = mesh.colors?.scalars(as: Float.self) ?? []
    let channels = mesh.colors?.shape[1] ?? 0
    for vertex in 0..<mesh.vertexCount {
      text += "v " + row(positions, vertex, 3)
      if channels > 0 { text += " " + row(colors, vertex, channels, upTo: 3) }
      text += "\n"
    }
    for (keyword, tensor) in [("vt", mesh.texcoords), ("vn", mesh.normals)] {
      guard let tensor else { continue }
      let values = tensor.scalars(as: Float.self)
      for index in 0..<tensor.shape[0] {
        text += "\(keyword) " + row(values, index, tensor.shape[1]) + "\n"
      }
    }
    return text + faces(mesh, names)
  }

  private static func row(
    _ values: [Float], _ index: Int, _ width: Int, upTo count: Int = .max
  ) -> String {
    values[width * index..<width * index + min(width, count)].map { "\($0)" }
      .joined(separator: " ")
  }

  private static func faces(_ mesh: MeshData, _ names: [String]) -> String {
    var text = ""
    let faces = mesh.faces.scalars(as: Int32.self)
    let texcoords = mesh.faceTexcoords?.scalars(as: Int32.self)
    let materials = mesh.faceMaterials?.scalars(as: Int32.self)
    var current: Int32 = -1
    for face in 0..<mesh.faceCount {
      if let material = materials?[face], material != current {
        // OBJ cannot go back to "no material"; an undefined name comes nearest.
        text += material >= 0 ? "usemtl \(names[Int(material)])\n" : "usemtl none\n"
        current = material
      }
      text += "f"
      for corner in 3 * face..<3 * face + 3 {
        let vertex = faces[corner] + 1
        let texcoord = texcoords.flatMap { $0[corner] >= 0 ? "\($0[corner] + 1)" : nil }
        text += " \(vertex)"
        if mesh.normals != nil {
          text += "/\(texcoord ?? "")/\(vertex)"
        } else if let texcoord {
          text += "/\(texcoord)"
        }
      }
      text += "\n"
    }
    return text
  }
}
