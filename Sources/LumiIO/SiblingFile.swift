import Foundation

/// Files that another file names: material libraries, textures, buffers.
enum SiblingFile {
  /// The path of `name` beside `file`, or nil if there is no such regular file. An absolute name,
  /// usually of the exporter's machine, is looked up by its last component only.
  static func path(_ name: String, beside file: String) -> String? {
    let clean = name.replacingOccurrences(of: "\\", with: "/")
    let relative = clean.hasPrefix("/") ? (clean as NSString).lastPathComponent : clean
    guard !relative.isEmpty && !relative.utf8.contains(0) else { return nil }
    let folder = (file as NSString).deletingLastPathComponent
    let path = (folder as NSString).appendingPathComponent(relative)
    var status = stat()
    guard stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG else { return nil }
    return path
  }

  /// The texture `name` of `file` in linear light. Missing ones and other formats than PNG give a
  /// warning and nil; a PNG that is broken throws.
  static func texture(
    _ name: String, beside file: String, limits: ReadLimits, warnings: inout [String]
  ) throws(FileError) -> Image? {
    guard let path = path(name, beside: file) else {
      warnings.append("texture \(quoted(name)) is missing")
      return nil
    }
    let bytes = try FileBytes.read(path, limits: limits)
    guard isPNG(bytes) || path.lowercased().hasSuffix(".png") else {
      warnings.append("texture \(quoted(name)) is not a PNG; left out")
      return nil
    }
    return try ImageFile.decode(bytes, file: path, limits: limits)
  }

  static func isPNG(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  }
}
