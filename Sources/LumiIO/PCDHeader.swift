/// The declarations at the start of a PCD file, of versions .5 to .7.
struct PCDHeader {
  enum Encoding: String {
    case ascii, binary
    case compressed = "binary_compressed"
  }

  struct Field {
    var name: String
    var type: FileScalar
    /// Numbers a point.
    var width: Int
    var byteCount: Int { type.byteCount * width }
    /// PCL names the bytes between fields so.
    var isPadding: Bool { name == "_" }
  }

  let file: String
  private(set) var fields: [Field] = []
  private(set) var count = 0
  private(set) var height = 1
  private(set) var viewpoint: [Double] = [0, 0, 0, 1, 0, 0, 0]
  private(set) var encoding = Encoding.ascii
  /// Behind the line DATA.
  private(set) var body: TextCursor

  private static let mostBytes = 1 << 20
  private static let mostFields = 4096
  private static let mostNumbers = 1 << 20

  var rowBytes: Int { fields.reduce(0) { $0 + $1.byteCount } }

  init(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) {
    self.file = file
    var lines: [String: [String]] = [:]
    var cursor = TextCursor(file: file, bytes: bytes, end: min(bytes.count, Self.mostBytes))
    while lines["DATA"] == nil {
      guard !cursor.atEnd else { throw cursor.error(.truncated, "the line DATA expected") }
      if cursor.startsWith("#") {
        cursor.nextLine()
        continue
      }
      if let keyword = cursor.word() {
        let known = ["VERSION", "FIELDS", "COLUMNS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT"]
        guard (known + ["VIEWPOINT", "POINTS", "DATA"]).contains(keyword) else {
          throw cursor.error(.malformed, "unknown header line \(quoted(keyword))")
        }
        var words: [String] = []
        while let word = cursor.word() { words.append(word) }
        lines[keyword == "COLUMNS" ? "FIELDS" : keyword] = words
      }
      cursor.nextLine()
    }
    body = TextCursor(file: file, bytes: bytes, position: cursor.position)
    try readFields(lines)
    try readCounts(lines, limits)
    if let words = lines["VIEWPOINT"] {
      viewpoint = words.compactMap { Double($0) }.filter(\.isFinite)
      guard viewpoint.count == 7 && words.count == 7 else {
        throw fail(.malformed, "VIEWPOINT", "seven finite numbers expected")
      }
    }
    let name = lines["DATA"]?.first ?? ""
    guard let encoding = Encoding(rawValue: name) else {
      throw fail(.unsupported, "DATA", "encoding \(quoted(name))")
    }
    self.encoding = encoding
  }

  func fail(_ cause: FileError.Cause, _ part: String, _ message: String) -> FileError {
    FileError(file: file, place: .part(part), cause: cause, message: message)
  }

  private mutating func readFields(_ lines: [String: [String]]) throws(FileError) {
    let names = lines["FIELDS"] ?? []
    guard !names.isEmpty else { throw fail(.missing, "FIELDS", "names expected") }
    guard names.count <= Self.mostFields else {
      throw fail(.limitExceeded, "FIELDS", "more than \(Self.mostFields)")
    }
    let widths = lines["COUNT"] ?? names.map { _ in "1" }
    for (line, words) in [
      ("SIZE", lines["SIZE"] ?? []), ("TYPE", lines["TYPE"] ?? []), ("COUNT", widths),
    ]
    where words.count != names.count {
      throw fail(.malformed, line, "\(words.count) words for \(names.count) fields")
    }
    var numbers = 0
    for (index, name) in names.enumerated() {
      let (size, kind) = (lines["SIZE"]![index], lines["TYPE"]![index])
      guard let type = FileScalar(pcd: kind, size: size) else {
        throw fail(
          .unsupported, "field \(quoted(name))", "TYPE \(quoted(kind)) of SIZE \(quoted(size))")
      }
      guard let width = Int(widths[index]), width >= 0, width <= Self.mostNumbers else {
        throw fail(.outOfRange, "field \(quoted(name))", "COUNT \(quoted(widths[index]))")
      }
      numbers += width
      if width > 0 { fields.append(Field(name: name, type: type, width: width)) }
    }
    guard numbers <= Self.mostNumbers, !fields.isEmpty else {
      throw fail(.outOfRange, "COUNT", "\(numbers) numbers a point")
    }
  }

  private mutating func readCounts(
    _ lines: [String: [String]], _ limits: ReadLimits
  ) throws(FileError) {
    func integer(_ line: String) throws(FileError) -> Int? {
      guard let words = lines[line] else { return nil }
      guard words.count == 1, let value = Int(words[0]), value >= 0 else {
        throw fail(.malformed, line, "an integer of at least 0 expected")
      }
      return value
    }
    let (points, width) = (try integer("POINTS"), try integer("WIDTH"))
    let rows = try integer("HEIGHT") ?? 1
    guard let wide = width ?? points else { throw fail(.missing, "POINTS", "a number expected") }
    let (area, overflow) = width == nil ? (wide, false) : wide.multipliedReportingOverflow(by: rows)
    guard !overflow, area == points ?? area else {
      throw fail(.malformed, "POINTS", "WIDTH \(wide) times HEIGHT \(rows) expected")
    }
    guard area <= limits.elements else {
      throw fail(.limitExceeded, "POINTS", "\(area), the limit is \(limits.elements)")
    }
    count = area
    height = width == nil || area == 0 ? 1 : rows
  }
}

extension FileScalar {
  init?(pcd kind: String, size: String) {
    switch kind + size {
    case "I1": self = .int8
    case "I2": self = .int16
    case "I4": self = .int32
    case "I8": self = .int64
    case "U1": self = .uint8
    case "U2": self = .uint16
    case "U4": self = .uint32
    case "U8": self = .uint64
    case "F4": self = .float32
    case "F8": self = .float64
    default: return nil
    }
  }

  var pcdKind: String {
    isFloatingPoint ? "F" : integers!.lowerBound < 0 ? "I" : "U"
  }
}
