/// The declarations at the start of a PLY file.
struct PLYHeader {
  enum Format { case ascii, littleEndian, bigEndian }

  struct Property {
    var name: String
    var type: FileScalar
    /// The type of a list's length; nil for a single value.
    var countType: FileScalar?
  }

  struct Element {
    var name: String
    var count: Int
    var properties: [Property] = []

    /// Positions of single-valued properties; nil unless all are there.
    func indices(_ names: [String]) -> [Int]? {
      let found = names.compactMap { name in
        properties.firstIndex { $0.name == name && $0.countType == nil }
      }
      return found.count == names.count ? found : nil
    }
  }

  let file: String
  private(set) var format = Format.ascii
  private(set) var elements: [Element] = []
  /// Where the first value starts.
  private(set) var bodyOffset = 0

  /// Real headers are under a kilobyte; the bound keeps a missing end_header cheap.
  private static let mostBytes = 1 << 20
  private static let mostProperties = 4096

  init(_ bytes: [UInt8], file: String) throws(FileError) {
    self.file = file
    var cursor = TextCursor(file: file, bytes: bytes, end: min(bytes.count, Self.mostBytes))
    guard cursor.word() == "ply" else {
      throw cursor.error(bytes.isEmpty ? .truncated : .malformed, "\"ply\" expected")
    }
    cursor.nextLine()
    var formatKnown = false
    while true {
      guard !cursor.atEnd else { throw cursor.error(.truncated, "end_header expected") }
      let keyword = cursor.word()
      switch keyword {
      case "format":
        format = try Self.readFormat(&cursor)
        formatKnown = true
      case "element":
        guard let name = cursor.word() else { throw cursor.error(.malformed, "element name") }
        let count = try cursor.integer("count of element \(quoted(name))")
        guard count >= 0 else {
          throw cursor.error(.outOfRange, "count \(count) of element \(quoted(name))")
        }
        elements.append(Element(name: name, count: count))
      case "property": try readProperty(&cursor)
      case "end_header":
        cursor.nextLine()
        bodyOffset = cursor.position
        guard formatKnown else { throw cursor.error(.missing, "the format line") }
        return
      case "comment", "obj_info", nil: break
      default: throw cursor.error(.malformed, "unknown header line \(quoted(keyword ?? ""))")
      }
      cursor.nextLine()
    }
  }

  private static func readFormat(_ cursor: inout TextCursor) throws(FileError) -> Format {
    let name = cursor.word() ?? ""
    switch name {
    case "ascii": return .ascii
    case "binary_little_endian": return .littleEndian
    case "binary_big_endian": return .bigEndian
    default: throw cursor.error(.unsupported, "format \(quoted(name))")
    }
  }

  private mutating func readProperty(_ cursor: inout TextCursor) throws(FileError) {
    guard !elements.isEmpty else { throw cursor.error(.malformed, "a property before an element") }
    guard elements[elements.count - 1].properties.count < Self.mostProperties else {
      throw cursor.error(.limitExceeded, "more than \(Self.mostProperties) properties")
    }
    var countType: FileScalar?
    var typeName = cursor.word() ?? ""
    if typeName == "list" {
      let name = cursor.word() ?? ""
      countType = FileScalar(ply: name)
      guard let countType, !countType.isFloatingPoint else {
        throw cursor.error(.malformed, "a list cannot have a length of type \(quoted(name))")
      }
      typeName = cursor.word() ?? ""
    }
    guard let type = FileScalar(ply: typeName) else {
      throw cursor.error(.malformed, "unknown type \(quoted(typeName))")
    }
    guard let name = cursor.word() else { throw cursor.error(.malformed, "property name expected") }
    elements[elements.count - 1].properties.append(
      Property(name: name, type: type, countType: countType))
  }
}

extension FileScalar {
  /// By one of the two names that PLY has for a type; the format has no integers of 64 bits.
  init?(ply name: String) {
    switch name {
    case "char", "int8": self = .int8
    case "uchar", "uint8": self = .uint8
    case "short", "int16": self = .int16
    case "ushort", "uint16": self = .uint16
    case "int", "int32": self = .int32
    case "uint", "uint32": self = .uint32
    case "float", "float32": self = .float32
    case "double", "float64": self = .float64
    default: return nil
    }
  }

  /// The older of the two names, which every program reads.
  var plyName: String? {
    switch self {
    case .int8: "char"
    case .uint8: "uchar"
    case .int16: "short"
    case .uint16: "ushort"
    case .int32: "int"
    case .uint32: "uint"
    case .float32: "float"
    case .float64: "double"
    case .int64, .uint64: nil
    }
  }
}
