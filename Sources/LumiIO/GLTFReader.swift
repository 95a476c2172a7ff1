import Foundation

/// glTF 2.0, as .gltf with embedded or external buffers and as .glb, read through assimp.
///
/// The document is checked first and assimp gets a GLB written anew from the checked parts: its
/// own reader follows what a file says about sizes and links. All meshes of the scene are joined
/// with their nodes' transforms applied. Materials keep base colour, opacity, emission and base
/// colour texture. Not read: sparse accessors, required extensions such as Draco, lines;
/// animations, skins, morph targets and cameras are skipped.
enum GLTFReader {
  static func read(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) -> MeshData
  {
    let document = try GLTFDocument(bytes, file: file, limits: limits)
    let check = try GLTFCheck(document, limits: limits)
    var builder = MeshBuilder(file: file)
    builder.materials = try GLTFMaterials.read(document, limits: limits, &builder.warnings)
    try AssimpImport.append(
      GLBContainer.encode(check.checked, check.binary), hint: "glb", to: &builder,
      materialCount: builder.materials.count)
    return try builder.finish()
  }
}

/// The two chunks of a GLB file.
enum GLBContainer {
  static let magic: [UInt8] = Array("glTF".utf8)

  static func decode(
    _ bytes: [UInt8], file: String
  ) throws(FileError) -> (json: [UInt8], binary: [UInt8]) {
    var cursor = ByteCursor(file: file, bytes: bytes, position: 4)
    let version = try cursor.integer(UInt32.self)
    guard version == 2 else {
      throw FileError(
        file: file, place: .byte(4), cause: .unsupported, message: "glTF version \(version)")
    }
    let length = Int(try cursor.integer(UInt32.self))
    guard length == bytes.count else {
      throw FileError(
        file: file, place: .byte(8), cause: length > bytes.count ? .truncated : .malformed,
        message: "a length of \(length) bytes, the file has \(bytes.count)")
    }
    var chunks: [UInt32: [UInt8]] = [:]
    while cursor.remaining > 0 {
      let count = Int(try cursor.integer(UInt32.self))
      let type = try cursor.integer(UInt32.self)
      let content = Array(try cursor.take(count))
      if chunks[type] == nil { chunks[type] = content }
    }
    guard let json = chunks[0x4e4f_534a] else {
      throw FileError(file: file, cause: .missing, message: "the JSON chunk")
    }
    return (json, chunks[0x004e_4942] ?? [])
  }

  static func encode(_ document: JSONValue, _ binary: [UInt8]) -> [UInt8] {
    var json = Array(document.text.utf8)
    while json.count % 4 != 0 { json.append(0x20) }
    let padding = [UInt8](repeating: 0, count: (4 - binary.count % 4) % 4)
    var bytes = magic
    bytes.append(littleEndian: 2 as UInt32)
    let binaryChunk = binary.isEmpty ? 0 : 8 + binary.count + padding.count
    bytes.append(littleEndian: UInt32(20 + json.count + binaryChunk))
    bytes.append(littleEndian: UInt32(json.count))
    bytes.append(littleEndian: 0x4e4f_534a as UInt32)
    bytes += json
    guard !binary.isEmpty else { return bytes }
    bytes.append(littleEndian: UInt32(binary.count + padding.count))
    bytes.append(littleEndian: 0x004e_4942 as UInt32)
    return bytes + binary + padding
  }
}

extension JSONValue {
  /// JSON text with members in alphabetical order, so that equal values give equal files.
  var text: String {
    switch self {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .number(let number):
      number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
    case .string(let string): Self.escaped(string)
    case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.key < $1.key }.map { "\(Self.escaped($0.key)):\($0.value.text)" }
        .joined(separator: ",") + "}"
    }
  }

  private static func escaped(_ string: String) -> String {
    var result = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case _ where scalar.value < 32:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
