import LumiTensor

/// One reference case: numbers that any implementation of a method can be compared with.
public struct ReferenceVector: Sendable {
  public var method: String
  public var caseName: String
  public var description: String
  /// Axis orders, guards and tie rules: a text or an object.
  public var conventions: JSONValue
  public var inputs: ReferenceFields
  public var expected: ReferenceFields
  /// Named bounds, `abs` and `rel` among them.
  public var tolerance: [String: Double]
  public var provenance: String

  /// Reads a case file.
  /// - Throws: ``FileError`` that names the file and the key.
  public init(contentsOf path: String, limits: ReadLimits = .standard) throws(FileError) {
    try self.init(JSONValue.read(path, limits: limits), file: path)
  }

  /// Takes a case from parsed JSON; `file` is its name in errors.
  public init(_ document: JSONValue, file: String) throws(FileError) {
    guard let members = document.object else {
      throw FileError(
        file: file, cause: .malformed, message: "an object expected, found \(document.kind)")
    }
    let root = ReferenceFields(file: file, path: "", values: members)
    method = try root.string("method")
    caseName = try root.string("case")
    description = try root.string("description")
    conventions = try root.value("conventions")
    inputs = try root.fields("inputs")
    expected = try root.fields("expected")
    provenance = try root.string("provenance")
    let bounds = try root.fields("tolerance")
    // A remark in words may stand beside the bounds.
    tolerance = bounds.values.compactMapValues(\.number)
    if let bad = tolerance.first(where: { $0.value < 0 }) {
      throw bounds.fail(bad.key, .outOfRange, "a tolerance of \(bad.value)")
    }
  }
}

/// Named values of a reference case. Every access that fails names the file and the key.
public struct ReferenceFields: Sendable {
  public let file: String
  /// Keys from the root to here, "inputs.parameters"; empty at the root.
  public let path: String
  public let values: [String: JSONValue]

  /// Values of `file` under `path`, which errors name.
  public init(file: String, path: String, values: [String: JSONValue]) {
    self.file = file
    self.path = path
    self.values = values
  }

  /// In alphabetical order.
  public var keys: [String] { values.keys.sorted() }

  /// Whether the key is there with another value than null.
  public func has(_ key: String) -> Bool { values[key].map { $0 != .null } ?? false }

  public func value(_ key: String) throws(FileError) -> JSONValue {
    guard let value = values[key] else { throw fail(key, .missing, "the key is missing") }
    return value
  }

  public func string(_ key: String) throws(FileError) -> String {
    guard let text = try value(key).string else { throw mismatch(key, "a string") }
    return text
  }

  public func number(_ key: String) throws(FileError) -> Double {
    guard let number = try value(key).number else { throw mismatch(key, "a number") }
    return number
  }

  public func integer(_ key: String) throws(FileError) -> Int {
    guard let number = try value(key).integer else { throw mismatch(key, "a whole number") }
    return number
  }

  /// true, false, 1 or 0.
  public func bool(_ key: String) throws(FileError) -> Bool {
    switch try value(key) {
    case .bool(let value): return value
    case .number(1): return true
    case .number(0): return false
    default: throw mismatch(key, "true or false")
    }
  }

  public func fields(_ key: String) throws(FileError) -> ReferenceFields {
    guard let members = try value(key).object else { throw mismatch(key, "an object") }
    return ReferenceFields(file: file, path: qualified(key), values: members)
  }

  /// Numbers nested to any depth as float64; true and false count as 1 and 0.
  /// - Throws: ``FileError`` if rows differ in length or hold something else than numbers.
  public func tensor(_ key: String) throws(FileError) -> Tensor {
    try tensor(of: value(key), key)
  }

  /// A list of arrays of different shapes, such as the weights of layers.
  public func tensors(_ key: String) throws(FileError) -> [Tensor] {
    guard let list = try value(key).array else { throw mismatch(key, "an array") }
    var result: [Tensor] = []
    for (index, entry) in list.enumerated() {
      result.append(try tensor(of: entry, "\(key)[\(index)]"))
    }
    return result
  }

  func fail(_ key: String, _ cause: FileError.Cause, _ message: String) -> FileError {
    FileError(file: file, place: .part("key \(qualified(key))"), cause: cause, message: message)
  }

  private func qualified(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private func mismatch(_ key: String, _ expected: String) -> FileError {
    fail(key, .malformed, "\(expected) expected, found \(values[key]?.kind ?? "nothing")")
  }

  private func tensor(of value: JSONValue, _ key: String) throws(FileError) -> Tensor {
    var shape: [Int] = []
    var first = value
    while case .array(let entries) = first {
      shape.append(entries.count)
      guard let next = entries.first else { break }
      first = next
    }
    var numbers: [Double] = []
    try flatten(value, shape[...], key, into: &numbers)
    return Tensor(numbers, shape: shape)
  }

  private func flatten(
    _ value: JSONValue, _ shape: ArraySlice<Int>, _ key: String, into numbers: inout [Double]
  ) throws(FileError) {
    switch value {
    case .array(let entries):
      guard entries.count == shape.first else {
        throw fail(
          key, .malformed,
          "ragged: a row has \(entries.count) entries, \(shape.first.map(String.init) ?? "no row") "
            + "expected")
      }
      for entry in entries { try flatten(entry, shape.dropFirst(), key, into: &numbers) }
    case .number(let number) where shape.isEmpty: numbers.append(number)
    case .bool(let flag) where shape.isEmpty: numbers.append(flag ? 1 : 0)
    default:
      throw fail(
        key, .malformed,
        shape.isEmpty
          ? "a number expected, found \(value.kind)" : "ragged: a row expected, found \(value.kind)"
      )
    }
  }
}
