import Foundation

/// Words and numbers of a text file, with the line number for messages.
///
/// Numbers are parsed by strtod, which rounds correctly; the bytes carry a terminating zero so
/// that it cannot run past them.
struct TextCursor {
  let file: String
  private let bytes: [UInt8]
  private let end: Int
  private(set) var position: Int
  private(set) var line = 1
  /// Whether a backslash before a line end joins the lines (OBJ).
  var joinsLines = false
  /// A byte that starts a comment up to the end of the line.
  var comment: UInt8?

  init(file: String, bytes: [UInt8], position: Int = 0, end: Int? = nil) {
    self.file = file
    self.end = end ?? bytes.count
    self.bytes = bytes[..<self.end] + [0]
    self.position = position
  }

  var atEnd: Bool { position >= end }
  var remaining: Int { end - position }

  func error(_ cause: FileError.Cause, _ message: String) -> FileError {
    FileError(file: file, place: .line(line), cause: cause, message: message)
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0b || byte == 0x0c
  }

  private static func endsWord(_ byte: UInt8) -> Bool { isBlank(byte) || byte == 0x0a }

  mutating func skipBlanks() {
    while position < end {
      let byte = bytes[position]
      if Self.isBlank(byte) {
        position += 1
      } else if byte == 0x5c && joinsLines && joinedLineLength() > 0 {
        position += joinedLineLength()
        line += 1
      } else if byte == comment {
        while position < end && bytes[position] != 0x0a { position += 1 }
      } else {
        return
      }
    }
  }

  private func joinedLineLength() -> Int {
    if bytes[position + 1] == 0x0a { return 2 }
    let carriageReturn = bytes[position + 1] == 0x0d && position + 2 <= end
    return carriageReturn && bytes[position + 2] == 0x0a ? 3 : 0
  }

  /// Whether only blanks are left on the line; moves past them.
  mutating func lineEnds() -> Bool {
    skipBlanks()
    return atEnd || bytes[position] == 0x0a
  }

  mutating func nextLine() {
    while position < end && bytes[position] != 0x0a { position += 1 }
    if position < end {
      position += 1
      line += 1
    }
  }

  /// Moves to the next word, over line ends.
  mutating func skipSpace() {
    while lineEnds() && !atEnd { nextLine() }
  }

  /// The next word of this line, or nil at its end.
  mutating func word() -> String? {
    guard !lineEnds() else { return nil }
    let start = position
    while position < end && !Self.endsWord(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// What is left of the line without blanks at both ends.
  mutating func restOfLine() -> String {
    skipBlanks()
    let start = position
    while position < end && bytes[position] != 0x0a { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
      .trimmingCharacters(in: .whitespaces)
  }

  /// The next number of this line, as written: NaN and infinities included.
  mutating func number(_ what: @autoclosure () -> String) throws(FileError) -> Double {
    guard !lineEnds() else { throw error(.malformed, "\(what()) expected, the line ends") }
    var length = 0
    let value = bytes.withUnsafeBytes { raw in
      let start = raw.baseAddress!.assumingMemoryBound(to: CChar.self) + position
      var stop: UnsafeMutablePointer<CChar>?
      let value = strtod(start, &stop)
      length = stop.map { UnsafePointer($0) - start } ?? 0
      return value
    }
    let next = position + length
    guard length > 0 && next <= end && (next == end || Self.endsWord(bytes[next])) else {
      throw error(.malformed, "\(what()) expected, found \(quoted(word() ?? ""))")
    }
    position = next
    return value
  }

  mutating func finite(_ what: @autoclosure () -> String) throws(FileError) -> Double {
    let value = try number(what())
    guard value.isFinite && abs(value) <= Double(Float.greatestFiniteMagnitude) else {
      throw error(.notFinite, "\(what()) must be finite as a float32, found \(value)")
    }
    return value
  }

  /// A decimal integer at the position. It may be followed by anything; nil if there is none.
  mutating func leadingInteger() -> Int? {
    let start = position
    var index = position
    if bytes[index] == 0x2d || bytes[index] == 0x2b { index += 1 }
    let digits = index
    var value = 0
    while index < end, bytes[index] >= 0x30, bytes[index] <= 0x39 {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      guard !overflow, product < Int.max - 10 else { return nil }
      value = product + Int(bytes[index] - 0x30)
      index += 1
    }
    guard index > digits else { return nil }
    position = index
    return bytes[start] == 0x2d ? -value : value
  }

  mutating func integer(_ what: @autoclosure () -> String) throws(FileError) -> Int {
    let before = position
    guard !lineEnds(), let value = leadingInteger(),
      position == end || Self.endsWord(bytes[position])
    else {
      position = before
      throw error(.malformed, "\(what()) expected, found \(quoted(word() ?? "the line's end"))")
    }
    return value
  }

  /// Moves past `byte` if it is next.
  mutating func accept(_ byte: UInt8) -> Bool {
    guard position < end && bytes[position] == byte else { return false }
    position += 1
    return true
  }
}

extension TextCursor {
  /// Whether the current word is over.
  var atWordEnd: Bool {
    var copy = self
    return copy.lineEnds() || copy.position > position
  }

  /// Whether the bytes of an ascii text come next.
  func startsWith(_ text: StaticString) -> Bool {
    guard text.utf8CodeUnitCount <= remaining else { return false }
    return (0..<text.utf8CodeUnitCount).allSatisfy { bytes[position + $0] == text.utf8Start[$0] }
  }

  /// The next number of this line, and whether it is written in digits alone.
  mutating func numberAndForm(
    _ what: @autoclosure () -> String
  ) throws(FileError) -> (value: Double, isInteger: Bool) {
    skipBlanks()
    let start = position
    let value = try number(what())
    let digits = bytes[start..<position].allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2d }
    return (value, digits)
  }
}
