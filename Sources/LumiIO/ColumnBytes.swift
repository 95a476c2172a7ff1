import LumiTensor

/// Numbers of one type at a constant distance in a block of bytes: how binary files hold a column.
struct ColumnBytes {
  /// Of the first number.
  var offset: Int
  /// From one row to the next.
  var stride: Int
  var rows: Int
  /// Numbers a row, beside each other.
  var width = 1
  var bigEndian = false

  /// The caller has checked that the bytes are there.
  func read(_ type: FileScalar, _ bytes: [UInt8]) -> Tensor {
    switch type {
    case .int8: read(bytes, Int8.self) { Int32($0) }
    case .uint8: read(bytes, UInt8.self) { Int32($0) }
    case .int16: read(bytes, Int16.self) { Int32($0) }
    case .uint16: read(bytes, UInt16.self) { Int32($0) }
    case .int32: read(bytes, Int32.self) { $0 }
    case .uint32: read(bytes, UInt32.self) { Int64($0) }
    case .int64: read(bytes, Int64.self) { $0 }
    case .uint64: read(bytes, UInt64.self) { Int64(truncatingIfNeeded: $0) }
    case .float32: read(bytes, UInt32.self) { Float(bitPattern: $0) }
    case .float64: read(bytes, UInt64.self) { Double(bitPattern: $0) }
    }
  }

  private func read<Raw: FixedWidthInteger, Value: TensorScalar>(
    _ bytes: [UInt8], _ raw: Raw.Type, _ convert: (Raw) -> Value
  ) -> Tensor {
    let size = MemoryLayout<Raw>.size
    return bytes.withUnsafeBytes { bytes in
      Tensor.build(width == 1 ? [rows] : [rows, width], Value.self) { out in
        for row in 0..<rows {
          for column in 0..<width {
            let place = offset + row * stride + column * size
            let word = bytes.loadUnaligned(fromByteOffset: place, as: Raw.self)
            out[row * width + column] = convert(
              bigEndian ? Raw(bigEndian: word) : Raw(littleEndian: word))
          }
        }
      }
    }
  }

  /// The numbers have been checked to fit their type.
  func write(_ type: FileScalar, _ values: Tensor, _ bytes: inout [UInt8]) {
    switch type {
    case .int8, .uint8:
      write(values, &bytes, Int32.self) { UInt8(truncatingIfNeeded: $0) }
    case .int16, .uint16:
      write(values, &bytes, Int32.self) { UInt16(truncatingIfNeeded: $0) }
    case .int32: write(values, &bytes, Int32.self) { $0 }
    case .uint32: write(values, &bytes, Int64.self) { UInt32(truncatingIfNeeded: $0) }
    case .int64, .uint64: write(values, &bytes, Int64.self) { $0 }
    case .float32: write(values, &bytes, Float.self) { $0.bitPattern }
    case .float64: write(values, &bytes, Double.self) { $0.bitPattern }
    }
  }

  private func write<Raw: FixedWidthInteger, Value: TensorScalar>(
    _ values: Tensor, _ bytes: inout [UInt8], _ type: Value.Type, _ convert: (Value) -> Raw
  ) {
    let size = MemoryLayout<Raw>.size
    values.withUnsafeScalars(as: Value.self) { values in
      bytes.withUnsafeMutableBytes { bytes in
        for row in 0..<rows {
          for column in 0..<width {
            let word = convert(values[row * width + column])
            bytes.storeBytes(
              of: bigEndian ? word.bigEndian : word.littleEndian,
              toByteOffset: offset + row * stride + column * size, as: Raw.self)
          }
        }
      }
    }
  }
}

/// Collects a column's numbers one at a time, as text and lists need.
struct ColumnBuilder {
  let type: FileScalar
  private var floats: [Float] = []
  private var doubles: [Double] = []
  private var integers: [Int64] = []

  init(_ type: FileScalar) { self.type = type }

  /// False if the type does not have that number.
  mutating func append(_ value: Double) -> Bool {
    guard let range = type.integers else {
      if type == .float32 { floats.append(Float(value)) } else { doubles.append(value) }
      return true
    }
    guard let integer = Int64(exactly: value), range.contains(integer) else { return false }
    integers.append(integer)
    return true
  }

  func tensor(_ shape: [Int]) -> Tensor {
    switch type {
    case .float32: Tensor(floats, shape: shape)
    case .float64: Tensor(doubles, shape: shape)
    default: Tensor(integers, shape: shape).cast(to: type.dtype)
    }
  }
}

extension PointColumn {
  /// Why a file cannot hold the column: a number that the type does not have, a name with blanks.
  func check(_ file: String) throws(FileError) {
    let place = FileError.Place.part("column \(quoted(name))")
    guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
      throw FileError(
        file: file, place: place, cause: .malformed, message: "a name without blanks expected")
    }
    try check(type, values, place, file)
    guard let lists else { return }
    try check(lists.countType, Tensor(lists.sizes), place, file)
  }

  private func check(
    _ type: FileScalar, _ values: Tensor, _ place: FileError.Place, _ file: String
  ) throws(FileError) {
    guard let range = type.integers else { return }
    let numbers = values.scalars(as: Int64.self)
    guard let bad = numbers.first(where: { !range.contains($0) }) else { return }
    throw FileError(
      file: file, place: place, cause: .outOfRange, message: "\(bad) is no \(type.rawValue)")
  }

  /// How text files hold the numbers: the shortest text that reads back to the same number.
  func texts() -> [String] {
    switch type {
    case .float32: values.scalars(as: Float.self).map { "\($0)" }
    case .float64: values.scalars(as: Double.self).map { "\($0)" }
    default: values.scalars(as: Int64.self).map { "\($0)" }
    }
  }
}
