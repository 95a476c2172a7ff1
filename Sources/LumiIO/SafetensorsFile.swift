import LumiTensor

/// Named tensors and strings, as a safetensors file holds them.
public struct SafetensorsContent: Sendable {
  /// In the tensor's own type where it has the file's. float16 and bfloat16 become float32; int8,
  /// uint8, int16 and uint16 become int32; uint32 and uint64 become int64. All of these are exact.
  public var tensors: [String: Tensor]
  public var metadata: [String: String]
  /// The file's types by tensor name, such as "F32" or "BF16".
  public var storedTypes: [String: String]
}

/// Safetensors files: a length, a JSON header, and the tensors' bytes behind each other.
///
/// Format: https://github.com/huggingface/safetensors. Types of 8 bits and less beside int8, uint8
/// and bool, and complex numbers, are not read. As in the format's own library, the tensors must
/// cover the data without holes or overlaps, and a header has at most 100 MB.
public enum SafetensorsFile {
  /// - Throws: ``FileError``; one broken tensor fails the whole file.
  public static func read(_ path: String, limits: ReadLimits = .standard) throws(FileError)
    -> SafetensorsContent
  {
    try decode(FileBytes.read(path, limits: limits), file: path, limits: limits)
  }

  /// Reads a file that is already in memory; `file` is its name in errors.
  public static func decode(
    _ bytes: [UInt8], file: String, limits: ReadLimits = .standard
  ) throws(FileError) -> SafetensorsContent {
    let header = try SafetensorsHeader(bytes, file: file, limits: limits)
    var tensors: [String: Tensor] = [:]
    for entry in header.entries { tensors[entry.name] = try entry.tensor(bytes, file: file) }
    let types = header.entries.map { ($0.name, $0.type.rawValue) }
    return SafetensorsContent(
      tensors: tensors, metadata: header.metadata,
      storedTypes: Dictionary(uniqueKeysWithValues: types))
  }

  /// Writes every tensor in its own type.
  ///
  /// Equal content gives equal bytes: wide types come first, so that all are aligned, and names of
  /// one width in alphabetical order.
  ///
  /// - Throws: ``FileError``; the old file stays as it was.
  public static func write(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String
  ) throws(FileError) {
    guard tensors[SafetensorsHeader.metadataKey] == nil else {
      throw FileError(
        file: path, cause: .malformed,
        message: "a tensor cannot be named \(SafetensorsHeader.metadataKey)")
    }
    try FileBytes.write(encode(tensors, metadata: metadata), to: path)
  }

  /// The bytes that ``write(_:metadata:to:)`` writes. A tensor named "\_\_metadata\_\_" stops the
  /// program.
  public static func encode(
    _ tensors: [String: Tensor], metadata: [String: String] = [:]
  ) -> [UInt8] {
    require(
      tensors[SafetensorsHeader.metadataKey] == nil,
      "SafetensorsFile: a tensor cannot be named \(SafetensorsHeader.metadataKey)")
    let ordered = tensors.sorted {
      let (a, b) = ($0.value.dtype.byteCount, $1.value.dtype.byteCount)
      return a == b ? $0.key < $1.key : a > b
    }
    var header: [String: JSONValue] = [:]
    if !metadata.isEmpty {
      header[SafetensorsHeader.metadataKey] = .object(metadata.mapValues { .string($0) })
    }
    var offset = 0
    for (name, tensor) in ordered {
      let end = offset + tensor.count * tensor.dtype.byteCount
      header[name] = .object([
        "dtype": .string(SafetensorsType(tensor.dtype).rawValue),
        "shape": .array(tensor.shape.map { .number(Double($0)) }),
        "data_offsets": .array([.number(Double(offset)), .number(Double(end))]),
      ])
      offset = end
    }
    var text = Array(JSONValue.object(header).text.utf8)
    text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + text.count + offset)
    bytes.append(littleEndian: UInt64(text.count))
    bytes += text
    for (_, tensor) in ordered { bytes.append(elementsOf: tensor) }
    return bytes
  }
}

extension Array where Element == UInt8 {
  /// A tensor's elements in row-major order, little-endian, in its own type.
  mutating func append(elementsOf tensor: Tensor) {
    withExtendedLifetime(tensor) {
      append(
        contentsOf: UnsafeRawBufferPointer(
          start: tensor.storage.pointer, count: tensor.count * tensor.dtype.byteCount))
    }
  }
}

/// The element types that are read, by the format's names.
enum SafetensorsType: String {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  init(_ dtype: DType) {
    switch dtype {
    case .float32: self = .float32
    case .float64: self = .float64
    case .int32: self = .int32
    case .int64: self = .int64
    case .bool: self = .bool
    }
  }

  /// The same type of point files, which share the conversions; nil where they have none.
  var scalar: FileScalar? {
    switch self {
    case .float64: .float64
    case .float32: .float32
    case .int64: .int64
    case .int32: .int32
    case .int16: .int16
    case .int8: .int8
    case .uint64: .uint64
    case .uint32: .uint32
    case .uint16: .uint16
    case .uint8: .uint8
    case .float16, .bfloat16, .bool: nil
    }
  }

  var byteCount: Int { scalar?.byteCount ?? (self == .bool ? 1 : 2) }
}
