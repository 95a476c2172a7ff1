/// A position in a file's bytes that never leaves them. Every read is checked against the end.
struct ByteCursor {
  let file: String
  let bytes: [UInt8]
  var position: Int
  var bigEndian = false

  init(file: String, bytes: [UInt8], position: Int = 0) {
    self.file = file
    self.bytes = bytes
    self.position = position
  }

  var remaining: Int { bytes.count - position }

  mutating func need(_ count: Int) throws(FileError) {
    guard count >= 0 && count <= remaining else {
      throw FileError(
        file: file, place: .byte(position), cause: .truncated,
        message: "\(count) more bytes expected, \(remaining) left")
    }
  }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(FileError) -> Value {
    let size = MemoryLayout<Value>.size
    try need(size)
    let raw = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Value.self) }
    position += size
    return bigEndian ? Value(bigEndian: raw) : Value(littleEndian: raw)
  }

  mutating func float() throws(FileError) -> Float {
    Float(bitPattern: try integer(UInt32.self))
  }

  mutating func double() throws(FileError) -> Double {
    Double(bitPattern: try integer(UInt64.self))
  }

  mutating func take(_ count: Int) throws(FileError) -> ArraySlice<UInt8> {
    try need(count)
    defer { position += count }
    return bytes[position..<position + count]
  }
}

extension Array where Element == UInt8 {
  mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  mutating func append(littleEndian value: Float) { append(littleEndian: value.bitPattern) }
}
