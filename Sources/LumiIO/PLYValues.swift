/// The values after a PLY header, one row at a time, whatever the encoding.
struct PLYValues {
  private let header: PLYHeader
  private var text: TextCursor
  private var binary: ByteCursor
  private var single: [Double] = []

  init(_ bytes: [UInt8], _ header: PLYHeader) throws(FileError) {
    self.header = header
    let isText = header.format == .ascii
    text = TextCursor(
      file: header.file, bytes: isText ? bytes : [], position: isText ? header.bodyOffset : 0)
    binary = ByteCursor(file: header.file, bytes: bytes, position: header.bodyOffset)
    binary.bigEndian = header.format == .bigEndian
  }

  var remaining: Int { header.format == .ascii ? text.remaining : binary.remaining }

  /// The single values of a row, in the order of its properties; lists leave a 0.
  mutating func row(_ element: PLYHeader.Element, _ index: Int) throws(FileError) -> [Double] {
    single.removeAll(keepingCapacity: true)
    for property in element.properties {
      if let countType = property.countType {
        try readList(property, countType, element, index) { _ in }
        single.append(0)
      } else {
        single.append(try value(property.type, element, index))
      }
    }
    return single
  }

  /// Two lists of a row; the rest is walked over.
  mutating func row(
    _ element: PLYHeader.Element, _ index: Int, list: Int, second: Int?
  ) throws(FileError) -> (list: [Double], second: [Double]) {
    var first: [Double] = []
    var other: [Double] = []
    for (position, property) in element.properties.enumerated() {
      guard let countType = property.countType else {
        _ = try value(property.type, element, index)
        continue
      }
      try readList(property, countType, element, index) { value in
        if position == list {
          first.append(value)
        } else if position == second {
          other.append(value)
        }
      }
    }
    return (first, other)
  }

  private mutating func readList(
    _ property: PLYHeader.Property, _ countType: PLYHeader.Scalar, _ element: PLYHeader.Element,
    _ index: Int, _ body: (Double) -> Void
  ) throws(FileError) {
    let claimed = try value(countType, element, index)
    let least = header.format == .ascii ? 1 : property.type.size
    guard let count = Int(exactly: claimed), count >= 0, count <= remaining / least else {
      throw FileError(
        file: header.file, place: .part("\(element.name) \(index)"), cause: .outOfRange,
        message: "list \(quoted(property.name)) of length \(claimed), \(remaining) bytes are left")
    }
    for _ in 0..<count { body(try value(property.type, element, index)) }
  }

  private mutating func value(
    _ type: PLYHeader.Scalar, _ element: PLYHeader.Element, _ index: Int
  ) throws(FileError) -> Double {
    if header.format == .ascii {
      text.skipSpace()
      guard !text.atEnd else {
        throw FileError(
          file: header.file, place: .part("\(element.name) \(index)"), cause: .truncated,
          message: "the file ends after \(index) of \(element.count) rows")
      }
      return try text.number("a value of \(element.name) \(index)")
    }
    switch type {
    case .int8: return Double(try binary.integer(Int8.self))
    case .uint8: return Double(try binary.integer(UInt8.self))
    case .int16: return Double(try binary.integer(Int16.self))
    case .uint16: return Double(try binary.integer(UInt16.self))
    case .int32: return Double(try binary.integer(Int32.self))
    case .uint32: return Double(try binary.integer(UInt32.self))
    case .float32: return Double(try binary.float())
    case .float64: return try binary.double()
    }
  }
}
