import Foundation

/// Where finished cases are kept while a run is under way: one JSON file a case, written as a whole
/// or not at all, and a manifest that says which run they belong to.
public struct CaseStore: Sendable {
  /// What a run must share with the one that it goes on with.
  public struct Manifest: Codable, Sendable, Equatable {
    public var schema: Int
    public var problemsVersion: Int
    public var mode: BenchmarkMode
    /// Identifies the program and its settings: cases of another program are not reused.
    public var program: String

    public init(mode: BenchmarkMode, program: String) {
      schema = BenchmarkReport.currentSchema
      problemsVersion = GradientProblem.version
      self.mode = mode
      self.program = program
    }
  }

  private let folder: URL

  /// - Parameters:
  ///   - path: the folder, made if it is not there.
  ///   - manifest: of the run that starts now.
  ///   - resuming: whether to keep the cases of an interrupted run. Otherwise they are removed.
  /// - Throws: ``CaseStoreError/otherRun(path:expected:actual:)`` if the cases there are of another
  ///   run, and what the file system says.
  public init(path: String, manifest: Manifest, resuming: Bool) throws {
    folder = URL(fileURLWithPath: path, isDirectory: true)
    let file = folder.appendingPathComponent("manifest.json")
    let files = FileManager.default
    if resuming, files.fileExists(atPath: file.path) {
      let found: Manifest
      do {
        found = try BenchmarkCoding.value(from: Data(contentsOf: file))
      } catch {
        throw CaseStoreError.unreadable(path: file.path, reason: "\(error)")
      }
      guard found == manifest else {
        throw CaseStoreError.otherRun(path: path, expected: manifest, actual: found)
      }
      return
    }
    // Only what a store wrote is removed: the path may be a folder with other things in it.
    for name in (try? files.contentsOfDirectory(atPath: path)) ?? [] where name.hasSuffix(".json") {
      try files.removeItem(at: folder.appendingPathComponent(name))
    }
    try files.createDirectory(at: folder, withIntermediateDirectories: true)
    try BenchmarkCoding.data(manifest).write(to: file, options: .atomic)
  }

  /// A finished case, or nil. A file that cannot be read counts as not there: the case runs again.
  func value<Value: Decodable>(_ key: String, _ type: Value.Type = Value.self) -> Value? {
    guard let data = try? Data(contentsOf: url(key)) else { return nil }
    return try? BenchmarkCoding.value(from: data)
  }

  func save(_ value: some Encodable, as key: String) throws {
    try BenchmarkCoding.data(value).write(to: url(key), options: .atomic)
  }

  /// Names come from plug-ins: bytes that are no letters or digits are escaped, so that different
  /// keys have different files.
  private func url(_ key: String) -> URL {
    let name = key.utf8.map { byte -> String in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
        String(UnicodeScalar(byte))
      default: "_" + String(byte, radix: 16)
      }
    }.joined()
    // File names have limits; a number made of all of the key keeps long ones apart.
    let isLong = name.count > 180
    let hash = key.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
      (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    let short = isLong ? name.prefix(160) + "-" + String(hash, radix: 16) : name[...]
    return folder.appendingPathComponent("case-\(short).json")
  }
}

/// Why a run cannot go on.
public enum CaseStoreError: Error, Sendable, CustomStringConvertible {
  case otherRun(path: String, expected: CaseStore.Manifest, actual: CaseStore.Manifest)
  case unreadable(path: String, reason: String)

  public var description: String {
    switch self {
    case .otherRun(let path, let expected, let actual):
      """
      \(path) holds cases of another run (\(Self.line(actual))), expected \(Self.line(expected)); \
      run without --resume to start anew
      """
    case .unreadable(let path, let reason): "\(path): \(reason)"
    }
  }

  private static func line(_ manifest: CaseStore.Manifest) -> String {
    """
    schema \(manifest.schema), problems \(manifest.problemsVersion), \(manifest.mode.rawValue), \
    program \(manifest.program)
    """
  }
}
