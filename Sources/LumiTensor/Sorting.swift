extension Tensor {
  /// The order that sorts an axis, as int64. Equal elements keep their order; NaN goes last.
  public func argsort(axis: Int = -1, descending: Bool = false) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "argsort")
    switch dtype {
    case .float32:
      return argsort(place, descending, Float.self) { Self.rank($0.bitPattern, $0.isNaN) }
    case .float64:
      return argsort(place, descending, Double.self) { Self.rank($0.bitPattern, $0.isNaN) }
    case .int32:
      return argsort(place, descending, Int32.self) { UInt64(UInt32(bitPattern: $0 ^ .min)) }
    case .int64: return argsort(place, descending, Int64.self) { UInt64(bitPattern: $0 ^ .min) }
    case .bool: return cast(to: .int32).argsort(axis: place, descending: descending)
    }
  }

  /// An integer that orders floating-point bits as their numbers; nil for NaN. Zeros are equal.
  @inline(__always)
  private static func rank<Bits: FixedWidthInteger & UnsignedInteger>(
    _ bits: Bits, _ isNaN: Bool
  ) -> UInt64? {
    let sign: Bits = 1 << (Bits.bitWidth - 1)
    if isNaN { return nil }
    return UInt64(bits & sign == 0 ? bits | sign : 0 &- bits)
  }

  @inline(__always)
  private func argsort<T: TensorScalar>(
    _ axis: Int, _ descending: Bool, _ type: T.Type, _ rank: (T) -> UInt64?
  ) -> Tensor {
    let (outer, length, inner) = ShapeRules.around(axis, shape)
    let input = pointer(T.self)
    return .build(shape, Int64.self) { out in
      guard count > 0 else { return }
      inBlocks(outer * inner, of: Swift.max(1, (1 << 12) / length)) { range in
        var keys = [SortKey](repeating: SortKey(rank: 0, position: 0), count: length)
        for line in range {
          let base = line / inner * length * inner + line % inner
          for k in 0..<length {
            let value = rank(input[base + k * inner])
            keys[k] = SortKey(
              rank: value.map { descending ? ~$0 : $0 } ?? .max, position: Int64(k))
          }
          keys.sort()
          for k in 0..<length { out[base + k * inner] = keys[k].position }
        }
      }
    }
  }

  /// Sorted along an axis, with the positions that the elements came from (int64).
  public func sorted(
    axis: Int = -1, descending: Bool = false
  ) -> (values: Tensor, indices: Tensor) {
    let order = argsort(axis: axis, descending: descending)
    return (takeAlong(order, axis: axis), order)
  }

  /// The `k` largest along an axis, largest first, with their positions (int64).
  public func topK(_ k: Int, axis: Int = -1) -> (values: Tensor, indices: Tensor) {
    let place = ShapeRules.axis(axis, rank: rank, "topK")
    require(
      (0...shape[place]).contains(k), "topK: \(k) of axis \(axis) of shape \(shape)")
    let order = argsort(axis: place, descending: true).slice(axis: place, from: 0, to: k)
    return (takeAlong(order, axis: place), order)
  }
}

/// Positions decide between equals, which makes any sort a stable one.
private struct SortKey: Comparable {
  let rank: UInt64
  let position: Int64

  static func < (a: SortKey, b: SortKey) -> Bool {
    a.rank < b.rank || (a.rank == b.rank && a.position < b.position)
  }
}
