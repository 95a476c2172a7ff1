import Foundation

/// Whole files as bytes: bounded reading and writing that never leaves half a file.
package enum FileBytes {
  /// Between a file's name and six characters in the name of the temporary file of a write. A
  /// program that is killed leaves it.
  package static let remainsMark = ".partial."

  /// Reads a regular file. Pipes and devices are refused: they could block or never end.
  static func read(_ path: String, limits: ReadLimits) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, systemError()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path, systemError()) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw unreadable(path, "expected a regular file")
    }
    guard status.st_size <= limits.fileBytes else {
      throw FileError(
        file: path, cause: .limitExceeded,
        message: "\(status.st_size) bytes, the limit is \(limits.fileBytes)")
    }
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
      while count < buffer.count {
        let step = Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
        if step < 0 && errno == EINTR { continue }
        if step < 0 { failure = systemError() }
        if step <= 0 { break }
        count += step
      }
    }
    if let failure { throw unreadable(path, failure) }
    return bytes
  }

  /// Writes to a new file in the same folder, then renames it over `path`, so that a reader sees
  /// either the old content or the new one, and a failure leaves the old file as it was.
  static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    // The target of a symbolic link is replaced, not the link itself.
    let target = realpath(path, nil).map { resolved in
      defer { free(resolved) }
      return String(cString: resolved)
    }
    let final = target ?? path
    var template = Array("\(final)\(remainsMark)XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw unwritable(path, systemError()) }
    let temporary = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    var failure = writeAll(bytes, to: descriptor)
    // mkstemp makes the file private; give it the mode of the file it replaces, or the usual one.
    var status = stat()
    let mode = stat(final, &status) == 0 ? status.st_mode & 0o777 : 0o666 & ~currentMask()
    if failure == nil && fchmod(descriptor, mode) != 0 { failure = systemError() }
    if close(descriptor) != 0 && failure == nil { failure = systemError() }
    if failure == nil && rename(temporary, final) != 0 { failure = systemError() }
    if let failure {
      unlink(temporary)
      throw unwritable(path, failure)
    }
    syncFolder(of: final)
  }

  /// Makes the renaming itself last. Where the system cannot do that for folders, the content is
  /// whole all the same.
  private static func syncFolder(of path: String) {
    let folder = (path as NSString).deletingLastPathComponent
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> String? {
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let step = Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
        if step < 0 && errno == EINTR { continue }
        if step < 0 { return systemError() }
        done += step
      }
      return fsync(descriptor) == 0 ? nil : systemError()
    }
  }

  /// The process's file mode mask. Reading it by umask() would change it for other threads.
  private static func currentMask() -> mode_t {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Umask:") }),
      let mask = mode_t(line.dropFirst(6).trimmingCharacters(in: .whitespaces), radix: 8)
    else { return 0o022 }
    return mask
  }

  private static func systemError() -> String { String(cString: strerror(errno)) }

  private static func unreadable(_ path: String, _ message: String) -> FileError {
    FileError(file: path, cause: .unreadable, message: message)
  }

  private static func unwritable(_ path: String, _ message: String) -> FileError {
    FileError(file: path, cause: .unwritable, message: message)
  }
}
