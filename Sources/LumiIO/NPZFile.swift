import LumiTensor

/// NPZ: a zip archive of NPY files, stored or deflated.
public enum NPZFile {
  /// Arrays by name, without ".npy".
  /// - Throws: ``FileError``; one broken member fails the whole file.
  public static func read(_ path: String, limits: ReadLimits = .standard) throws(FileError)
    -> [String: NumPyArray]
  {
    try decode(FileBytes.read(path, limits: limits), file: path, limits: limits)
  }

  /// Reads an archive that is already in memory; `file` is its name in errors.
  public static func decode(
    _ bytes: [UInt8], file: String, limits: ReadLimits = .standard
  ) throws(FileError) -> [String: NumPyArray] {
    var arrays: [String: NumPyArray] = [:]
    for member in try ZipArchive.members(bytes, file: file, limits: limits) {
      guard member.name.hasSuffix(".npy") else {
        throw FileError(
          file: file, place: .part("member \(quoted(member.name))"), cause: .unsupported,
          message: "only .npy members are read")
      }
      let content = try ZipArchive.content(of: member, in: bytes, file: file)
      let name = String(member.name.dropLast(4))
      let array = try NPYFile.decode(content, file: "\(file)/\(member.name)", limits: limits)
      guard arrays.updateValue(array, forKey: name) == nil else {
        throw FileError(
          file: file, place: .part("member \(quoted(member.name))"), cause: .malformed,
          message: "appears twice")
      }
    }
    return arrays
  }

  /// Writes the arrays in alphabetical order, without compression.
  /// - Throws: ``FileError``; the old file stays as it was.
  public static func write(_ arrays: [String: Tensor], to path: String) throws(FileError) {
    let members = arrays.keys.sorted().map { ("\($0).npy", NPYFile.encode(arrays[$0]!)) }
    guard let bytes = ZipArchive.stored(members) else {
      throw FileError(
        file: path, cause: .unwritable, message: "a zip archive without Zip64 holds up to 4 GiB")
    }
    try FileBytes.write(bytes, to: path)
  }
}
