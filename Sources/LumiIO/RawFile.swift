import LumiTensor

/// Files of nothing but numbers, whose meaning the reader has to know.
public enum RawFile {
  /// The numbers' type; tensors get it as ``NumPyArray/tensor`` says.
  public enum Element: String, Sendable, CaseIterable {
    case float16 = "f2"
    case float32 = "f4"
    case float64 = "f8"
    case int8 = "i1"
    case int16 = "i2"
    case int32 = "i4"
    case int64 = "i8"
    case uint8 = "u1"
    case uint16 = "u2"
    case uint32 = "u4"
    case uint64 = "u8"
    /// A byte; anything but 0 is true.
    case bool = "b1"

    public var byteCount: Int { Int(rawValue.dropFirst())! }

    init(_ dtype: DType) {
      self =
        switch dtype {
        case .float32: .float32
        case .float64: .float64
        case .int32: .int32
        case .int64: .int64
        case .bool: .bool
        }
    }
  }

  /// Which index runs fastest in the file.
  public enum Order: Sendable, CaseIterable {
    /// The last, as in NumPy and C: z in a grid [X, Y, Z].
    case lastAxisFastest
    /// The first, as in Fortran and most programs that write volumes: x in a grid [X, Y, Z].
    case firstAxisFastest
  }

  /// What a file's bytes mean.
  public struct Layout: Sendable, Equatable {
    public var element: Element
    /// Extents 0 or more.
    public var shape: [Int]
    public var order: Order
    public var bigEndian: Bool
    /// Bytes before the first number.
    public var offset: Int

    /// - Parameters:
    ///   - element: the numbers' type.
    ///   - shape: the tensor's.
    ///   - order: which index runs fastest; the last by default.
    ///   - bigEndian: whether the most significant byte comes first; false by default.
    ///   - offset: bytes before the first number; 0 by default.
    public init(
      _ element: Element, shape: [Int], order: Order = .lastAxisFastest, bigEndian: Bool = false,
      offset: Int = 0
    ) {
      self.element = element
      self.shape = shape
      self.order = order
      self.bigEndian = bigEndian
      self.offset = offset
    }
  }

  /// The numbers of a file that holds exactly what the layout says: one byte more or less is an error,
  /// because nothing else could tell that the layout is wrong.
  ///
  /// - Throws: ``FileError``.
  public static func read(
    _ path: String, _ layout: Layout, limits: ReadLimits = .standard
  ) throws(FileError) -> Tensor {
    try decode(FileBytes.read(path, limits: limits), layout, file: path, limits: limits)
  }

  /// Reads numbers that are already in memory; `file` is their name in errors.
  public static func decode(
    _ bytes: [UInt8], _ layout: Layout, file: String, limits: ReadLimits = .standard
  ) throws(FileError) -> Tensor {
    guard layout.offset >= 0 && layout.offset <= bytes.count else {
      throw FileError(
        file: file, cause: .truncated,
        message: "an offset of \(layout.offset) in \(bytes.count) bytes")
    }
    guard layout.shape.count <= 32 else {
      throw FileError(
        file: file, cause: .limitExceeded,
        message: "\(layout.shape.count) axes, the limit is 32")
    }
    // NumPy's reader knows all types, orders and limits: give it the header that the file lacks.
    let fortran = layout.order == .firstAxisFastest
    let header = NPYFile.header(
      "\(layout.bigEndian ? ">" : "<")\(layout.element.rawValue)", fortranOrder: fortran,
      shape: layout.shape)
    let array = try NPYFile.decode(header + bytes[layout.offset...], file: file, limits: limits)
    let size = array.tensor.count * layout.element.byteCount
    guard size == bytes.count - layout.offset else {
      throw FileError(
        file: file, cause: .malformed,
        message: "\(bytes.count - layout.offset) bytes, shape \(layout.shape) needs \(size)")
    }
    return array.tensor
  }

  /// Writes a tensor's numbers in its own type.
  ///
  /// - Returns: the layout that reads them.
  /// - Throws: ``FileError``; the old file stays as it was.
  @discardableResult
  public static func write(
    _ tensor: Tensor, to path: String, order: Order = .lastAxisFastest, bigEndian: Bool = false
  ) throws(FileError) -> Layout {
    let layout = Layout(
      Element(tensor.dtype), shape: tensor.shape, order: order, bigEndian: bigEndian)
    try FileBytes.write(encode(tensor, order: order, bigEndian: bigEndian), to: path)
    return layout
  }

  /// The bytes that ``write(_:to:order:bigEndian:)`` writes.
  public static func encode(
    _ tensor: Tensor, order: Order = .lastAxisFastest, bigEndian: Bool = false
  ) -> [UInt8] {
    let ordered =
      order == .firstAxisFastest && tensor.rank > 1
      ? tensor.transposed(Array((0..<tensor.rank).reversed())) : tensor
    let size = ordered.dtype.byteCount
    var bytes = withExtendedLifetime(ordered) {
      Array(UnsafeRawBufferPointer(start: ordered.storage.pointer, count: ordered.count * size))
    }
    guard bigEndian && size > 1 else { return bytes }
    for start in stride(from: 0, to: bytes.count, by: size) {
      bytes[start..<start + size].reverse()
    }
    return bytes
  }
}
