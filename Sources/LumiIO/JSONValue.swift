import Foundation

/// A JSON document. Numbers are doubles, parsed with correct rounding.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Parses a whole file.
  /// - Throws: ``FileError`` with the byte where the text stops being JSON.
  public static func read(_ path: String, limits: ReadLimits = .standard) throws(FileError)
    -> JSONValue
  {
    try parse(FileBytes.read(path, limits: limits), file: path, limits: limits)
  }

  /// Parses bytes; `file` is their name in errors.
  public static func parse(
    _ bytes: [UInt8], file: String, limits: ReadLimits = .standard
  ) throws(FileError) -> JSONValue {
    var parser = JSONParser(file: file, bytes: bytes + [0], mostDepth: limits.depth)
    return try parser.document()
  }

  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  public var number: Double? {
    guard case .number(let value) = self else { return nil }
    return value
  }

  /// The number if it is whole and fits.
  public var integer: Int? { number.flatMap { Int(exactly: $0) } }

  public var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }

  public var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  public var array: [JSONValue]? {
    guard case .array(let values) = self else { return nil }
    return values
  }

  public var object: [String: JSONValue]? {
    guard case .object(let members) = self else { return nil }
    return members
  }

  /// What kind of value it is, for messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// Foundation's JSON reader boxes every number and reports no position; the vectors are mostly
/// numbers, so this one goes straight to doubles.
private struct JSONParser {
  let file: String
  /// Ends with a zero byte, where every scan stops.
  let bytes: [UInt8]
  let mostDepth: Int
  var position = 0
  var depth = 0

  mutating func document() throws(FileError) -> JSONValue {
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    let result = try value()
    skipSpace()
    guard position == bytes.count - 1 else { throw fail("the end of the file expected") }
    return result
  }

  func fail(_ message: String) -> FileError {
    let atEnd = position >= bytes.count - 1
    return FileError(
      file: file, place: .byte(position), cause: atEnd ? .truncated : .malformed,
      message: atEnd ? "\(message), the file ends" : message)
  }

  mutating func skipSpace() {
    while [0x20, 0x0a, 0x0d, 0x09].contains(bytes[position]) { position += 1 }
  }

  mutating func value() throws(FileError) -> JSONValue {
    skipSpace()
    switch bytes[position] {
    case UInt8(ascii: "{"): return try nested { parser throws(FileError) in try parser.object() }
    case UInt8(ascii: "["): return try nested { parser throws(FileError) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return .number(try number())
    }
  }

  mutating func nested(
    _ body: (inout JSONParser) throws(FileError) -> JSONValue
  ) throws(FileError) -> JSONValue {
    guard depth < mostDepth else {
      throw FileError(
        file: file, place: .byte(position), cause: .limitExceeded,
        message: "nested deeper than \(mostDepth)")
    }
    depth += 1
    position += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  mutating func array() throws(FileError) -> JSONValue {
    var values: [JSONValue] = []
    skipSpace()
    if accept("]") { return .array(values) }
    while true {
      values.append(try value())
      skipSpace()
      if accept("]") { return .array(values) }
      guard accept(",") else { throw fail("\",\" or \"]\" expected") }
    }
  }

  mutating func object() throws(FileError) -> JSONValue {
    var members: [String: JSONValue] = [:]
    skipSpace()
    if accept("}") { return .object(members) }
    while true {
      skipSpace()
      let key = try string()
      skipSpace()
      guard accept(":") else { throw fail("\":\" expected") }
      guard members.updateValue(try value(), forKey: key) == nil else {
        throw fail("the key \(quoted(key)) appears twice")
      }
      skipSpace()
      if accept("}") { return .object(members) }
      guard accept(",") else { throw fail("\",\" or \"}\" expected") }
    }
  }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func word(_ text: StaticString, _ result: JSONValue) throws(FileError) -> JSONValue {
    let count = text.utf8CodeUnitCount
    guard bytes.count - 1 - position >= count,
      (0..<count).allSatisfy({ bytes[position + $0] == text.utf8Start[$0] })
    else { throw fail("a value expected") }
    position += count
    return result
  }

  /// strtod also takes hexadecimal, "inf" and "nan", so the shape is checked first.
  mutating func number() throws(FileError) -> Double {
    var stop = position
    func digits(_ index: inout Int) -> Bool {
      let start = index
      while bytes[index] >= 0x30 && bytes[index] <= 0x39 { index += 1 }
      return index > start
    }
    if bytes[stop] == UInt8(ascii: "-") { stop += 1 }
    let first = stop
    var valid = digits(&stop) && (bytes[first] != UInt8(ascii: "0") || stop == first + 1)
    if valid && bytes[stop] == UInt8(ascii: ".") {
      stop += 1
      valid = digits(&stop)
    }
    if valid && (bytes[stop] == UInt8(ascii: "e") || bytes[stop] == UInt8(ascii: "E")) {
      stop += 1
      if bytes[stop] == UInt8(ascii: "-") || bytes[stop] == UInt8(ascii: "+") { stop += 1 }
      valid = digits(&stop)
    }
    guard valid else { throw fail("a value expected") }
    let result = bytes.withUnsafeBytes {
      strtod($0.baseAddress!.assumingMemoryBound(to: CChar.self) + position, nil)
    }
    guard result.isFinite else { throw fail("a number too large for a double") }
    position = stop
    return result
  }

  mutating func string() throws(FileError) -> String {
    guard accept("\"") else { throw fail("a string expected") }
    var text: [UInt8] = []
    while true {
      let byte = bytes[position]
      guard byte >= 0x20 else { throw fail("a string is not closed") }
      position += 1
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\") { text += try escape() } else { text.append(byte) }
    }
    guard let result = String(validating: text, as: UTF8.self) else {
      throw fail("a string is not UTF-8")
    }
    return result
  }

  mutating func escape() throws(FileError) -> [UInt8] {
    let byte = bytes[position]
    position += byte == 0 ? 0 : 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw fail("unknown escape")
    }
  }

  /// One unit, or a surrogate pair; a lone surrogate becomes U+FFFD.
  mutating func unicodeEscape() throws(FileError) -> [UInt8] {
    let first = try hexadecimalUnit()
    var code = UInt32(first)
    if first & 0xfc00 == 0xd800, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    {
      position += 2
      let second = UInt32(try hexadecimalUnit())
      code = second & 0xfc00 == 0xdc00 ? 0x10000 + (code & 0x3ff) << 10 + (second & 0x3ff) : 0xfffd
    }
    return Array(String(Unicode.Scalar(code) ?? "\u{fffd}").utf8)
  }

  mutating func hexadecimalUnit() throws(FileError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw fail("four hexadecimal digits expected")
      }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }
}
