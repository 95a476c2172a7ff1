import LumiTensor

/// One tensor of a safetensors file: the header's claim, checked against the file.
struct SafetensorsEntry {
  let name: String
  let type: SafetensorsType
  let shape: [Int]
  /// Of the elements, from the start of the file.
  let range: Range<Int>

  func tensor(_ bytes: [UInt8], file: String) throws(FileError) -> Tensor {
    switch type {
    case .bool: return try flags(bytes, file: file)
    case .float16: return halves(bytes) { Float(halfBits: $0) }
    case .bfloat16: return halves(bytes) { Float(bitPattern: UInt32($0) << 16) }
    default:
      let column = ColumnBytes(
        offset: range.lowerBound, stride: type.byteCount, rows: range.count / type.byteCount)
      let values = column.read(type.scalar!, bytes)
      if type == .uint64, let bad = values.scalars(as: Int64.self).firstIndex(where: { $0 < 0 }) {
        throw fail(
          file, .outOfRange, "element \(bad) is 2^63 or more, which no tensor type has")
      }
      return values.reshaped(shape)
    }
  }

  private func flags(_ bytes: [UInt8], file: String) throws(FileError) -> Tensor {
    let raw = bytes[range]
    if let bad = raw.firstIndex(where: { $0 > 1 }) {
      throw FileError(
        file: file, place: .byte(bad), cause: .malformed,
        message: "tensor \(quoted(name)): a truth value of \(bytes[bad]), expected 0 or 1")
    }
    return Tensor(raw.map { $0 == 1 }, shape: shape)
  }

  private func halves(_ bytes: [UInt8], _ convert: (UInt16) -> Float) -> Tensor {
    bytes.withUnsafeBytes { source in
      .build(shape, Float.self) { out in
        for index in 0..<range.count / 2 {
          let raw = source.loadUnaligned(
            fromByteOffset: range.lowerBound + 2 * index, as: UInt16.self)
          out[index] = convert(UInt16(littleEndian: raw))
        }
      }
    }
  }

  private func fail(_ file: String, _ cause: FileError.Cause, _ message: String) -> FileError {
    FileError(file: file, place: .part("tensor \(quoted(name))"), cause: cause, message: message)
  }
}

/// The JSON at the start of a safetensors file.
struct SafetensorsHeader {
  static let metadataKey = "__metadata__"
  /// The format's own limit.
  private static let mostBytes = 100_000_000
  private static let mostAxes = 32

  let file: String
  private(set) var metadata: [String: String] = [:]
  /// In the order of their bytes.
  private(set) var entries: [SafetensorsEntry] = []
  private let dataStart: Int
  private let fileEnd: Int
  private let limits: ReadLimits

  init(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) {
    self.file = file
    self.limits = limits
    var cursor = ByteCursor(file: file, bytes: bytes)
    let length = try cursor.integer(UInt64.self)
    guard length <= Self.mostBytes else {
      throw FileError(
        file: file, place: .byte(0), cause: .limitExceeded,
        message: "a header of \(length) bytes, the limit is \(Self.mostBytes)")
    }
    let text = Array(try cursor.take(Int(length)))
    (dataStart, fileEnd) = (cursor.position, bytes.count)
    guard text.first == UInt8(ascii: "{") else {
      throw FileError(
        file: file, place: .byte(8), cause: .malformed,
        message: "a header that begins with { expected")
    }
    for (name, value) in try Self.members(text, file: file, limits: limits) {
      if name == Self.metadataKey {
        metadata = try texts(value)
      } else {
        entries.append(try entry(name, value))
      }
    }
    try checkCover()
  }

  /// The members of the header in alphabetical order, so that of several faults always the same is
  /// reported.
  private static func members(
    _ text: [UInt8], file: String, limits: ReadLimits
  ) throws(FileError) -> [(key: String, value: JSONValue)] {
    do throws(FileError) {
      guard case .object(let members) = try JSONValue.parse(text, file: file, limits: limits) else {
        throw FileError(
          file: file, place: .byte(0), cause: .malformed, message: "an object expected")
      }
      return members.sorted { $0.key < $1.key }
    } catch {
      // The header ends too early, not the file; places count from the start of the file.
      var moved = error
      if case .byte(let offset) = error.place { moved.place = .byte(8 + offset) }
      if error.cause == .truncated { moved.cause = .malformed }
      throw moved
    }
  }

  private func texts(_ value: JSONValue) throws(FileError) -> [String: String] {
    guard let members = value.object else {
      throw fail(Self.metadataKey, .malformed, "an object expected, found \(value.kind)")
    }
    var result: [String: String] = [:]
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      guard let text = value.string else {
        throw fail(
          Self.metadataKey, .malformed, "\(quoted(key)) is \(value.kind), expected a string")
      }
      result[key] = text
    }
    return result
  }

  private func entry(_ name: String, _ value: JSONValue) throws(FileError) -> SafetensorsEntry {
    let part = "tensor \(quoted(name))"
    guard let members = value.object else {
      throw fail(part, .malformed, "an object expected, found \(value.kind)")
    }
    for key in members.keys.sorted() where !["dtype", "shape", "data_offsets"].contains(key) {
      throw fail(part, .malformed, "the key \(quoted(key)) does not belong here")
    }
    guard let word = members["dtype"] else { throw fail(part, .missing, "dtype is missing") }
    guard let type = word.string.flatMap(SafetensorsType.init) else {
      throw fail(part, .unsupported, "dtype \(word.string.map { quoted($0) } ?? word.kind)")
    }
    let shape = try whole(members["shape"], "shape", part)
    let offsets = try whole(members["data_offsets"], "data_offsets", part)
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw fail(part, .malformed, "data_offsets \(offsets), expected begin and end")
    }
    guard offsets[1] <= fileEnd - dataStart else {
      throw fail(
        part, .outOfRange,
        "data_offsets \(offsets), the file has \(fileEnd - dataStart) bytes of data")
    }
    let count = try elementCount(shape, part)
    guard count * type.byteCount == offsets[1] - offsets[0] else {
      throw fail(
        part, .malformed,
        "\(type.rawValue) \(shape) needs \(count * type.byteCount) bytes, data_offsets \(offsets) hold "
          + "\(offsets[1] - offsets[0])")
    }
    return SafetensorsEntry(
      name: name, type: type, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
  }

  private func whole(
    _ value: JSONValue?, _ key: String, _ part: String
  ) throws(FileError) -> [Int] {
    guard let value else { throw fail(part, .missing, "\(key) is missing") }
    guard let list = value.array else {
      throw fail(part, .malformed, "\(key): an array expected, found \(value.kind)")
    }
    guard list.count <= Self.mostAxes else {
      throw fail(
        part, .limitExceeded, "\(key): \(list.count) numbers, the limit is \(Self.mostAxes)")
    }
    var result: [Int] = []
    for (index, entry) in list.enumerated() {
      guard let number = entry.integer, number >= 0 else {
        let found = entry.number.map { "\($0)" } ?? entry.kind
        throw fail(part, .outOfRange, "\(key)[\(index)] is \(found), expected a whole number")
      }
      result.append(number)
    }
    return result
  }

  /// Extents beside a zero must not overflow either.
  private func elementCount(_ shape: [Int], _ part: String) throws(FileError) -> Int {
    var span = 1
    for extent in shape {
      let (product, overflow) = span.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow, product <= limits.elements else {
        throw fail(part, .limitExceeded, "shape \(shape), the limit is \(limits.elements) elements")
      }
      span = product
    }
    return shape.contains(0) ? 0 : span
  }

  /// Sorts the entries by place. Neither holes nor overlaps: nothing can hide in the file, and no
  /// byte is two tensors'.
  private mutating func checkCover() throws(FileError) {
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.name)
        < ($1.range.lowerBound, $1.range.upperBound, $1.name)
    }
    var end = dataStart
    for entry in entries {
      guard entry.range.lowerBound == end else {
        let fault = entry.range.lowerBound < end ? "overlaps the one before" : "follows a hole"
        throw fail(
          "tensor \(quoted(entry.name))", .malformed,
          "begins at byte \(entry.range.lowerBound - dataStart) of the data and \(fault), which "
            + "ends at \(end - dataStart)")
      }
      end = entry.range.upperBound
    }
    guard end == fileEnd else {
      throw FileError(
        file: file, place: .byte(end), cause: .malformed,
        message: "\(fileEnd - end) bytes that belong to no tensor")
    }
  }

  private func fail(_ part: String, _ cause: FileError.Cause, _ message: String) -> FileError {
    FileError(file: file, place: .part(part), cause: cause, message: message)
  }
}
