import LumiTensor

/// The type of a number in a point file.
public enum FileScalar: String, Sendable, CaseIterable {
  case int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64

  public var byteCount: Int {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  /// What a tensor holds these numbers as: the smallest of its types that has them all. Numbers of
  /// 2⁶³ and more, which only uint64 has, are refused by readers.
  public var dtype: DType {
    switch self {
    case .int8, .uint8, .int16, .uint16, .int32: .int32
    case .uint32, .int64, .uint64: .int64
    case .float32: .float32
    case .float64: .float64
    }
  }

  public var isFloatingPoint: Bool { self == .float32 || self == .float64 }

  /// What a colour of this type is divided by to lie in 0...1.
  var colorScale: Double {
    switch self {
    case .uint8: 255
    case .uint16: 65535
    default: 1
    }
  }

  /// The integers of this type that a tensor can hold; nil for floating-point types.
  var integers: ClosedRange<Int64>? {
    switch self {
    case .int8: -128...127
    case .uint8: 0...255
    case .int16: -32768...32767
    case .uint16: 0...65535
    case .int32: Int64(Int32.min)...Int64(Int32.max)
    case .uint32: 0...Int64(UInt32.max)
    case .int64: .min ... .max
    case .uint64: 0 ... .max
    case .float32, .float64: nil
    }
  }
}
