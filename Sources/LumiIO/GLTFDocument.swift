import Foundation

/// A glTF file's JSON and its buffers, loaded and bounded, with checked access to the parts.
struct GLTFDocument {
  let file: String
  let json: JSONValue
  private(set) var buffers: [[UInt8]] = []

  init(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) {
    self.file = file
    var binary: [UInt8]?
    if bytes.starts(with: GLBContainer.magic) {
      let chunks = try GLBContainer.decode(bytes, file: file)
      json = try JSONValue.parse(chunks.json, file: file, limits: limits)
      binary = chunks.binary
    } else {
      json = try JSONValue.parse(bytes, file: file, limits: limits)
    }
    guard json["asset"]?["version"]?.string?.hasPrefix("2.") == true else {
      throw fail("asset.version", .unsupported, "glTF 2 expected")
    }
    if let required = json["extensionsRequired"]?.array, !required.isEmpty {
      throw fail("extensionsRequired", .unsupported, required.map(\.text).joined(separator: ", "))
    }
    for (index, buffer) in try list("buffers").enumerated() {
      buffers.append(try load(buffer, index, binary, limits))
    }
  }

  func fail(_ path: String, _ cause: FileError.Cause, _ message: String) -> FileError {
    FileError(file: file, place: .part(path), cause: cause, message: message)
  }

  /// A top-level list; empty if it is not there.
  func list(_ key: String) throws(FileError) -> [JSONValue] {
    guard let value = json[key] else { return [] }
    guard let entries = value.array else {
      throw fail(key, .malformed, "an array expected, found \(value.kind)")
    }
    return entries
  }

  /// A whole number from 0 below `limit`; nil if the key is absent.
  func index(
    _ key: String, of value: JSONValue, _ path: String, below limit: Int = 1 << 40
  ) throws(FileError) -> Int? {
    guard let member = value[key] else { return nil }
    guard let index = member.integer, index >= 0, index < limit else {
      throw fail(
        "\(path).\(key)", .outOfRange,
        "a whole number from 0 below \(limit) expected, found \(member.number ?? .nan)")
    }
    return index
  }

  /// Bytes of a buffer view.
  func viewBytes(_ view: Int) throws(FileError) -> [UInt8] {
    let views = try list("bufferViews")
    guard view < views.count else {
      throw fail("bufferViews", .outOfRange, "view \(view), there are \(views.count)")
    }
    let range = try viewRange(views[view], "bufferViews[\(view)]")
    return Array(buffers[range.buffer][range.bytes])
  }

  func viewRange(
    _ view: JSONValue, _ path: String
  ) throws(FileError) -> (buffer: Int, bytes: Range<Int>) {
    guard let buffer = try index("buffer", of: view, path, below: buffers.count),
      let length = try index("byteLength", of: view, path)
    else { throw fail(path, .missing, "buffer and byteLength expected") }
    let offset = try index("byteOffset", of: view, path) ?? 0
    guard offset + length <= buffers[buffer].count else {
      throw fail(
        path, .outOfRange,
        "bytes \(offset)..<\(offset + length), buffer \(buffer) has \(buffers[buffer].count)")
    }
    return (buffer, offset..<offset + length)
  }

  private func load(
    _ buffer: JSONValue, _ index: Int, _ binary: [UInt8]?, _ limits: ReadLimits
  ) throws(FileError) -> [UInt8] {
    let path = "buffers[\(index)]"
    guard let length = try self.index("byteLength", of: buffer, path) else {
      throw fail(path, .missing, "byteLength expected")
    }
    var content: [UInt8]
    if let uri = buffer["uri"]?.string {
      content = try resource(uri, path, limits)
    } else if index == 0, let binary {
      content = binary
    } else {
      throw fail(path, .missing, "uri expected")
    }
    guard content.count >= length else {
      throw fail(path, .truncated, "\(length) bytes expected, found \(content.count)")
    }
    return content
  }

  /// Bytes of a data URI or of a file beside this one.
  func resource(_ uri: String, _ path: String, _ limits: ReadLimits) throws(FileError) -> [UInt8] {
    if uri.hasPrefix("data:") {
      guard let comma = uri.firstIndex(of: ","), uri[..<comma].hasSuffix(";base64"),
        let data = Data(base64Encoded: String(uri[uri.index(after: comma)...]))
      else { throw fail(path, .malformed, "a base64 data URI expected, found \(quoted(uri))") }
      return Array(data)
    }
    guard let name = uri.removingPercentEncoding, let found = SiblingFile.path(name, beside: file)
    else { throw fail(path, .missing, "no file \(quoted(uri))") }
    return try FileBytes.read(found, limits: limits)
  }
}

/// Materials of a glTF document.
enum GLTFMaterials {
  static func read(
    _ document: GLTFDocument, limits: ReadLimits, _ warnings: inout [String]
  ) throws(FileError) -> [MeshMaterial] {
    var result: [MeshMaterial] = []
    var images: [Int: Image] = [:]
    for (index, entry) in try document.list("materials").enumerated() {
      let path = "materials[\(index)]"
      let surface = entry["pbrMetallicRoughness"] ?? .null
      let base = try color(surface["baseColorFactor"], 4, [1, 1, 1, 1], document, path)
      let emission = try color(entry["emissiveFactor"], 3, [0, 0, 0], document, path)
      var material = MeshMaterial(
        name: entry["name"]?.string ?? "", diffuse: SIMD3(base[0], base[1], base[2]),
        emission: SIMD3(emission[0], emission[1], emission[2]), opacity: base[3])
      if let texture = surface["baseColorTexture"] {
        let textures = try document.list("textures")
        if let number = try document.index("index", of: texture, path, below: textures.count),
          let source = try document.index(
            "source", of: textures[number], "textures[\(number)]",
            below: document.list("images").count)
        {
          material.texturePath = try document.list("images")[source]["uri"]?.string
            .flatMap { $0.hasPrefix("data:") ? nil : $0 }
          if images[source] == nil {
            images[source] = try image(source, document, limits, &warnings)
          }
          material.texture = images[source]
        }
      }
      result.append(material)
    }
    return result
  }

  private static func color(
    _ value: JSONValue?, _ count: Int, _ standard: [Float], _ document: GLTFDocument,
    _ path: String
  ) throws(FileError) -> [Float] {
    guard let value else { return standard }
    let numbers = (value.array ?? []).compactMap(\.number).map { Float($0) }
    guard numbers.count == count, numbers.allSatisfy(\.isFinite) else {
      throw document.fail(path, .malformed, "a colour of \(count) numbers expected")
    }
    return numbers
  }

  private static func image(
    _ index: Int, _ document: GLTFDocument, _ limits: ReadLimits, _ warnings: inout [String]
  ) throws(FileError) -> Image? {
    let entry = try document.list("images")[index]
    let path = "images[\(index)]"
    let bytes: [UInt8]
    if let view = try document.index("bufferView", of: entry, path) {
      bytes = try document.viewBytes(view)
    } else if let uri = entry["uri"]?.string {
      guard uri.hasPrefix("data:") else {
        return try SiblingFile.texture(
          uri.removingPercentEncoding ?? uri, beside: document.file, limits: limits,
          warnings: &warnings)
      }
      bytes = try document.resource(uri, path, limits)
    } else {
      throw document.fail(path, .missing, "uri or bufferView expected")
    }
    guard SiblingFile.isPNG(bytes) else {
      warnings.append("\(path) is not a PNG; left out")
      return nil
    }
    return try ImageFile.decode(bytes, file: "\(document.file)/\(path)", limits: limits)
  }
}
