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

  private var remaining: Int { header.format == .ascii ? text.remaining : binary.remaining }

  /// Counts are claims: the rest of the file must be able to hold them.
  func checkCount(_ element: PLYHeader.Element, _ limits: ReadLimits) throws(FileError) {
    let place = FileError.Place.part("element \(element.name)")
    guard element.count <= limits.elements else {
      throw FileError(
        file: header.file, place: place, cause: .limitExceeded,
        message: "count \(element.count), the limit is \(limits.elements)")
    }
    guard !element.properties.isEmpty || element.count == 0 else {
      throw FileError(
        file: header.file, place: place, cause: .malformed,
        message: "\(element.count) rows without properties")
    }
    let least = element.properties.reduce(0) { sum, property in
      sum + (header.format == .ascii ? 2 : (property.countType ?? property.type).byteCount)
    }
    // The last ascii value needs no separator.
    guard element.count <= (remaining + 1) / max(least, 1) else {
      throw FileError(
        file: header.file, place: place, cause: .truncated,
        message: "\(element.count) rows of \(least) bytes or more, \(remaining) bytes are left")
    }
  }

  /// All properties of an element, each with all its rows.
  mutating func columns(_ element: PLYHeader.Element) throws(FileError) -> [PointColumn] {
    if header.format != .ascii && element.properties.allSatisfy({ $0.countType == nil }) {
      return try stridedColumns(element)
    }
    var builders = element.properties.map { ColumnBuilder($0.type) }
    var sizes = element.properties.map { _ in [Int32]() }
    for index in 0..<element.count {
      for (column, property) in element.properties.enumerated() {
        var fits = true
        if let countType = property.countType {
          var count: Int32 = 0
          try readList(property, countType, element, index) { value in
            fits = builders[column].append(value) && fits
            count += 1
          }
          sizes[column].append(count)
        } else {
          fits = builders[column].append(try value(property.type, element, index))
        }
        guard fits else {
          throw FileError(
            file: header.file, place: .part("\(element.name) \(index)"), cause: .outOfRange,
            message: "\(quoted(property.name)) is no \(property.type.rawValue)")
        }
      }
    }
    return element.properties.indices.map { column in
      let property = element.properties[column]
      let count = sizes[column].reduce(0) { $0 + Int($1) }
      return PointColumn(
        property.name, property.type,
        builders[column].tensor([property.countType == nil ? element.count : count]),
        lists: property.countType.map { .init(sizes: sizes[column], countType: $0) })
    }
  }

  private mutating func stridedColumns(
    _ element: PLYHeader.Element
  ) throws(FileError) -> [PointColumn] {
    let stride = element.properties.reduce(0) { $0 + $1.type.byteCount }
    let start = binary.position
    try binary.need(stride * element.count)
    binary.position += stride * element.count
    var offset = start
    return element.properties.map { property in
      defer { offset += property.type.byteCount }
      let place = ColumnBytes(
        offset: offset, stride: stride, rows: element.count, bigEndian: binary.bigEndian)
      return PointColumn(property.name, property.type, place.read(property.type, binary.bytes))
    }
  }

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
    _ property: PLYHeader.Property, _ countType: FileScalar, _ element: PLYHeader.Element,
    _ index: Int, _ body: (Double) -> Void
  ) throws(FileError) {
    let claimed = try value(countType, element, index)
    let least = header.format == .ascii ? 1 : property.type.byteCount
    guard let count = Int(exactly: claimed), count >= 0, count <= remaining / least else {
      throw FileError(
        file: header.file, place: .part("\(element.name) \(index)"), cause: .outOfRange,
        message: "list \(quoted(property.name)) of length \(claimed), \(remaining) bytes are left")
    }
    for _ in 0..<count { body(try value(property.type, element, index)) }
  }

  private mutating func value(
    _ type: FileScalar, _ element: PLYHeader.Element, _ index: Int
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
    case .int64, .uint64: preconditionFailure("PLY has no integers of 64 bits")
    }
  }
}
