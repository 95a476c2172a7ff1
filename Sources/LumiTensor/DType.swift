/// The element type of a ``Tensor``.
public enum DType: String, Sendable, CaseIterable, CustomStringConvertible {
  case float32, float64, int32, int64, bool

  /// Bytes per element.
  public var byteCount: Int {
    switch self {
    case .bool: 1
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }

  /// Whether gradients exist for this type.
  public var isFloatingPoint: Bool { self == .float32 || self == .float64 }

  public var description: String { rawValue }
}

/// A Swift type that a ``Tensor`` can hold.
public protocol TensorScalar: Sendable {
  static var dtype: DType { get }
}

extension Float: TensorScalar { public static var dtype: DType { .float32 } }
extension Double: TensorScalar { public static var dtype: DType { .float64 } }
extension Int32: TensorScalar { public static var dtype: DType { .int32 } }
extension Int64: TensorScalar { public static var dtype: DType { .int64 } }
extension Bool: TensorScalar { public static var dtype: DType { .bool } }
