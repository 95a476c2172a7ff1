extension Tensor {
  /// `value` everywhere. For bool, anything but 0 is true.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32) -> Tensor {
    switch dtype {
    case .float32: filled(shape, Float(value))
    case .float64: filled(shape, value)
    case .int32: filled(shape, whole(value) as Int32)
    case .int64: filled(shape, whole(value) as Int64)
    case .bool: filled(shape, value != 0)
    }
  }

  /// A fraction must not vanish unseen when a literal meets an integer tensor.
  private static func whole<I: FixedWidthInteger & TensorScalar>(_ value: Double) -> I {
    guard let result = I(exactly: value) else {
      fatalError("\(value) beside a tensor of dtype \(I.dtype)")
    }
    return result
  }

  private static func filled<T: TensorScalar>(_ shape: [Int], _ value: T) -> Tensor {
    require(shape.allSatisfy { $0 >= 0 }, "full: shape \(shape)")
    return .build(shape, T.self) { out in
      out.update(repeating: value, count: shape.reduce(1, *))
    }
  }

  public static func zeros(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    full(shape, 0, dtype: dtype)
  }

  public static func ones(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    full(shape, 1, dtype: dtype)
  }

  /// Zeros of another tensor's shape and dtype.
  public static func zeros(like other: Tensor) -> Tensor { zeros(other.shape, dtype: other.dtype) }
  /// Ones of another tensor's shape and dtype.
  public static func ones(like other: Tensor) -> Tensor { ones(other.shape, dtype: other.dtype) }

  /// The identity matrix.
  public static func eye(_ size: Int, dtype: DType = .float32) -> Tensor {
    let values = (0..<size * size).map { $0 % (size + 1) == 0 ? 1.0 : 0 }
    return Tensor(values, shape: [size, size]).cast(to: dtype)
  }

  /// 0, 1, …, `count` - 1.
  public static func arange(_ count: Int, dtype: DType = .int32) -> Tensor {
    Tensor((0..<count).map { Int64($0) }).cast(to: dtype)
  }

  /// `from`, `from + step`, … below `to` (above it for a negative step).
  public static func arange(
    _ from: Double, _ to: Double, _ step: Double, dtype: DType = .float32
  ) -> Tensor {
    Tensor(Array(stride(from: from, to: to, by: step))).cast(to: dtype)
  }

  /// `count` equally spaced values, both ends included.
  public static func linspace(
    _ from: Double, _ to: Double, _ count: Int, dtype: DType = .float32
  ) -> Tensor {
    let step = count > 1 ? (to - from) / Double(count - 1) : 0
    return Tensor((0..<count).map { $0 == count - 1 && $0 > 0 ? to : from + Double($0) * step })
      .cast(to: dtype)
  }

  /// The elements as another type: floats to integers towards zero (NaN to 0, out of range to the
  /// nearest end), anything to bool as "not 0". Differentiable between floating-point types.
  public func cast(to target: DType) -> Tensor {
    if target == dtype { return self }
    let result: Tensor
    switch dtype {
    case .float32: result = castFloating(Float.self, target)
    case .float64: result = castFloating(Double.self, target)
    case .int32: result = castInteger(Int32.self, target)
    case .int64: result = castInteger(Int64.self, target)
    case .bool:
      let input = pointer(Bool.self)
      result = Tensor.build(shape, Int32.self) { out in
        for i in 0..<count { out[i] = input[i] ? 1 : 0 }
      }.cast(to: target)
    }
    guard dtype.isFloatingPoint && target.isFloatingPoint else { return result }
    let own = dtype
    return result.recorded("cast", from: [self]) { cotangent, _ in [cotangent.cast(to: own)] }
  }

  private func castFloating<T: BinaryFloatingPoint & TensorScalar>(
    _ type: T.Type, _ target: DType
  ) -> Tensor {
    switch target {
    case .float32: converted(T.self) { Float($0) }
    case .float64: converted(T.self) { Double($0) }
    case .int32: converted(T.self) { saturated($0) as Int32 }
    case .int64: converted(T.self) { saturated($0) as Int64 }
    case .bool: converted(T.self) { $0 != 0 }
    }
  }

  private func castInteger<T: FixedWidthInteger & TensorScalar>(
    _ type: T.Type, _ target: DType
  ) -> Tensor {
    switch target {
    case .float32: converted(T.self) { Float($0) }
    case .float64: converted(T.self) { Double($0) }
    case .int32: converted(T.self) { Int32(clamping: $0) }
    case .int64: converted(T.self) { Int64(clamping: $0) }
    case .bool: converted(T.self) { $0 != 0 }
    }
  }

  @inline(__always)
  private func converted<T: TensorScalar, Out: TensorScalar>(
    _ type: T.Type, _ convert: (T) -> Out
  ) -> Tensor {
    let input = pointer(T.self)
    return .build(shape, Out.self) { out in for i in 0..<count { out[i] = convert(input[i]) } }
  }
}

@inline(__always)
private func saturated<T: BinaryFloatingPoint, I: FixedWidthInteger>(_ value: T) -> I {
  if value.isNaN { return 0 }
  if value >= T(I.max) { return .max }
  if value <= T(I.min) { return .min }
  return I(value)
}
