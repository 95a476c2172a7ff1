import Foundation
import LumiTensor

/// An array of a NumPy file, with what the file said about it.
public struct NumPyArray: Sendable {
  /// In row-major order, whatever the file's order. float32, float64, int32, int64 and bool as
  /// stored; float16 becomes float32; int8, uint8, int16 and uint16 become int32; uint32 and
  /// uint64 become int64.
  public var tensor: Tensor
  /// The file's type without byte order: "f4", "u1", "b1".
  public var storedType: String
  public var wasFortranOrder: Bool
  public var wasBigEndian: Bool
}

/// NPY files, versions 1 to 3. Objects, strings, complex numbers and records are not read.
public enum NPYFile {
  /// - Throws: ``FileError``.
  public static func read(_ path: String, limits: ReadLimits = .standard) throws(FileError)
    -> NumPyArray
  {
    try decode(FileBytes.read(path, limits: limits), file: path, limits: limits)
  }

  /// Reads an array that is already in memory; `file` is its name in errors.
  public static func decode(
    _ bytes: [UInt8], file: String, limits: ReadLimits = .standard
  ) throws(FileError) -> NumPyArray {
    let header = try NPYHeader(bytes, file: file, limits: limits)
    return try NPYBody(bytes: bytes, header: header).array()
  }

  /// Writes version 1.0, row-major, little-endian, in the tensor's own type.
  /// - Throws: ``FileError``; the old file stays as it was.
  public static func write(_ tensor: Tensor, to path: String) throws(FileError) {
    try FileBytes.write(encode(tensor), to: path)
  }

  /// The bytes that ``write(_:to:)`` writes.
  public static func encode(_ tensor: Tensor) -> [UInt8] {
    let type =
      switch tensor.dtype {
      case .float32: "<f4"
      case .float64: "<f8"
      case .int32: "<i4"
      case .int64: "<i8"
      case .bool: "|b1"
      }
    var bytes = header(type, fortranOrder: false, shape: tensor.shape)
    bytes.append(elementsOf: tensor)
    return bytes
  }

  /// Everything before the elements, version 1.0.
  static func header(_ type: String, fortranOrder: Bool, shape: [Int]) -> [UInt8] {
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    let order = fortranOrder ? "True" : "False"
    var text = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(extents)), }"
    // The data starts at a multiple of 64 bytes, so that it can be mapped.
    text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes.append(littleEndian: UInt16(text.utf8.count))
    bytes += text.utf8
    return bytes
  }
}

/// The element types of NumPy that are read.
enum NPYScalar: String {
  case f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1

  var byteCount: Int { Int(rawValue.dropFirst())! }
}

/// The dictionary at the start of an NPY file.
struct NPYHeader {
  let file: String
  private(set) var scalar = NPYScalar.f4
  private(set) var bigEndian = false
  private(set) var fortranOrder = false
  private(set) var shape: [Int] = []
  private(set) var count = 0
  private(set) var dataOffset = 0

  /// NumPy itself reads no more.
  private static let mostBytes = 10_000
  private static let mostAxes = 32

  init(_ bytes: [UInt8], file: String, limits: ReadLimits) throws(FileError) {
    self.file = file
    var cursor = ByteCursor(file: file, bytes: bytes)
    guard bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw FileError(
        file: file, place: .byte(0), cause: bytes.count < 6 ? .truncated : .malformed,
        message: "the signature \\x93NUMPY expected")
    }
    cursor.position = 6
    let version = try cursor.integer(UInt8.self)
    _ = try cursor.integer(UInt8.self)
    guard (1...3).contains(version) else {
      throw fail(.unsupported, "format version \(version); 1 to 3 are read")
    }
    let length =
      version == 1 ? Int(try cursor.integer(UInt16.self)) : Int(try cursor.integer(UInt32.self))
    guard length <= Self.mostBytes else {
      throw fail(.limitExceeded, "a header of \(length) bytes, the limit is \(Self.mostBytes)")
    }
    let text = String(decoding: try cursor.take(length), as: UTF8.self)
    dataOffset = cursor.position
    try parse(text)
    try checkSize(bytes.count - dataOffset, limits)
  }

  private func fail(_ cause: FileError.Cause, _ message: String) -> FileError {
    FileError(file: file, place: .part("header"), cause: cause, message: message)
  }

  /// The header is a Python dictionary of three known entries; nothing else is accepted.
  private mutating func parse(_ text: String) throws(FileError) {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard trimmed.hasPrefix("{"), trimmed.hasSuffix("}") else {
      throw fail(.malformed, "a dictionary expected, found \(quoted(trimmed))")
    }
    let type = try entry("descr", in: trimmed)
    guard let quote = type.first, quote == "'" || quote == "\"",
      let close = type.dropFirst().firstIndex(of: quote)
    else { throw fail(.unsupported, "descr \(quoted(type)); plain number types are read") }
    try setType(String(type[type.index(after: type.startIndex)..<close]))
    let order = try entry("fortran_order", in: trimmed)
    guard order.hasPrefix("True") || order.hasPrefix("False") else {
      throw fail(.malformed, "fortran_order \(quoted(order))")
    }
    fortranOrder = order.hasPrefix("True")
    let extents = try entry("shape", in: trimmed)
    guard extents.hasPrefix("("), let close = extents.firstIndex(of: ")") else {
      throw fail(.malformed, "shape \(quoted(extents))")
    }
    let inner = extents[extents.index(after: extents.startIndex)..<close]
    let words = inner.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    guard words.count <= Self.mostAxes else {
      throw fail(.limitExceeded, "\(words.count) axes, the limit is \(Self.mostAxes)")
    }
    for word in words where !(word.isEmpty && words.count == 1) {
      guard let extent = Int(word), extent >= 0 else {
        throw fail(.outOfRange, "an extent of \(quoted(word))")
      }
      shape.append(extent)
    }
  }

  /// What follows `'name':`.
  private func entry(_ name: String, in text: String) throws(FileError) -> String {
    for quote in ["'", "\""] {
      if let key = text.range(of: "\(quote)\(name)\(quote)") {
        let rest = text[key.upperBound...].drop { $0 == " " }
        guard rest.first == ":" else { break }
        return String(rest.dropFirst().drop { $0 == " " })
      }
    }
    throw fail(.missing, "the entry \(name) is missing")
  }

  private mutating func setType(_ name: String) throws(FileError) {
    guard let order = name.first, "<>|=".contains(order),
      let scalar = NPYScalar(rawValue: String(name.dropFirst()))
    else { throw fail(.unsupported, "element type \(quoted(name))") }
    self.scalar = scalar
    bigEndian = order == ">"
  }

  private mutating func checkSize(_ available: Int, _ limits: ReadLimits) throws(FileError) {
    count = 1
    // Extents beside a zero must not overflow the count either.
    var span = 1
    for extent in shape {
      let (product, overflow) = span.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow, product <= limits.elements else {
        throw fail(.limitExceeded, "shape \(shape), the limit is \(limits.elements) elements")
      }
      span = product
      count *= extent
    }
    guard count * scalar.byteCount <= available else {
      throw fail(
        .truncated,
        "shape \(shape) needs \(count * scalar.byteCount) bytes, \(available) are left")
    }
  }
}

/// The elements after an NPY header.
private struct NPYBody {
  let bytes: [UInt8]
  let header: NPYHeader

  func array() throws(FileError) -> NumPyArray {
    NumPyArray(
      tensor: try tensor(), storedType: header.scalar.rawValue,
      wasFortranOrder: header.fortranOrder, wasBigEndian: header.bigEndian)
  }

  private func tensor() throws(FileError) -> Tensor {
    switch header.scalar {
    case .f2: return convert(UInt16.self) { Float(halfBits: $0) }
    case .f4: return convert(UInt32.self) { Float(bitPattern: $0) }
    case .f8: return convert(UInt64.self) { Double(bitPattern: $0) }
    case .i1: return convert(Int8.self) { Int32($0) }
    case .u1: return convert(UInt8.self) { Int32($0) }
    case .i2: return convert(Int16.self) { Int32($0) }
    case .u2: return convert(UInt16.self) { Int32($0) }
    case .i4: return convert(Int32.self) { $0 }
    case .u4: return convert(UInt32.self) { Int64($0) }
    case .i8: return convert(Int64.self) { $0 }
    case .b1: return convert(UInt8.self) { $0 != 0 }
    case .u8:
      try checkUnsigned()
      return convert(UInt64.self) { Int64(truncatingIfNeeded: $0) }
    }
  }

  private func raw<Raw: FixedWidthInteger>(_ source: UnsafeRawBufferPointer, _ index: Int) -> Raw {
    let offset = header.dataOffset + index * MemoryLayout<Raw>.size
    let value = source.loadUnaligned(fromByteOffset: offset, as: Raw.self)
    return header.bigEndian ? Raw(bigEndian: value) : Raw(littleEndian: value)
  }

  private func checkUnsigned() throws(FileError) {
    let bad = bytes.withUnsafeBytes { source in
      (0..<header.count).first { (raw(source, $0) as UInt64) > UInt64(Int64.max) }
    }
    guard let bad else { return }
    throw FileError(
      file: header.file, place: .part("element \(bad)"), cause: .outOfRange,
      message: "an unsigned value beyond the range of int64")
  }

  private func convert<Raw: FixedWidthInteger, Scalar: TensorScalar>(
    _ type: Raw.Type, _ element: (Raw) -> Scalar
  ) -> Tensor {
    let shape = header.shape
    return .build(shape, Scalar.self) { out in
      bytes.withUnsafeBytes { source in
        guard header.fortranOrder && shape.count > 1 else {
          for index in 0..<header.count { out[index] = element(raw(source, index)) }
          return
        }
        // The first axis runs fastest in the file; `position` counts like an odometer.
        var position = [Int](repeating: 0, count: shape.count)
        let strides = rowMajorStrides(shape)
        var target = 0
        for index in 0..<header.count {
          out[target] = element(raw(source, index))
          for axis in 0..<shape.count {
            position[axis] += 1
            target += strides[axis]
            if position[axis] < shape[axis] { break }
            target -= shape[axis] * strides[axis]
            position[axis] = 0
          }
        }
      }
    }
  }

  private func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }
}

extension Float {
  /// IEEE binary16. Swift's Float16 does not exist on every Linux platform.
  init(halfBits bits: UInt16) {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 0x1f)
    let fraction = Float(bits & 0x3ff)
    switch exponent {
    case 0: self = sign * fraction * 0x1p-24
    case 31: self = fraction == 0 ? sign * .infinity : .nan
    default:
      self =
        sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    }
  }
}
