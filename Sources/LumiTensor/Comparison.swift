infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence
infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .&& : LogicalConjunctionPrecedence
infix operator .|| : LogicalDisjunctionPrecedence

// Elementwise comparisons give bool tensors and have no derivative.
extension Tensor {
  enum Relation { case less, lessOrEqual, equal, notEqual }

  public static func .< (a: Tensor, b: Tensor) -> Tensor { compare(.less, a, b) }
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare(.lessOrEqual, a, b) }
  public static func .> (a: Tensor, b: Tensor) -> Tensor { compare(.less, b, a) }
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare(.lessOrEqual, b, a) }
  public static func .== (a: Tensor, b: Tensor) -> Tensor { compare(.equal, a, b) }
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare(.notEqual, a, b) }

  public static func .< (a: Tensor, b: Double) -> Tensor { a .< Tensor(b, dtype: a.dtype) }
  public static func .<= (a: Tensor, b: Double) -> Tensor { a .<= Tensor(b, dtype: a.dtype) }
  public static func .> (a: Tensor, b: Double) -> Tensor { a .> Tensor(b, dtype: a.dtype) }
  public static func .>= (a: Tensor, b: Double) -> Tensor { a .>= Tensor(b, dtype: a.dtype) }
  public static func .== (a: Tensor, b: Double) -> Tensor { a .== Tensor(b, dtype: a.dtype) }
  public static func .!= (a: Tensor, b: Double) -> Tensor { a .!= Tensor(b, dtype: a.dtype) }

  public static func .&& (a: Tensor, b: Tensor) -> Tensor { logical(a, b, "and") { $0 && $1 } }
  public static func .|| (a: Tensor, b: Tensor) -> Tensor { logical(a, b, "or") { $0 || $1 } }
  /// The opposite of a bool tensor.
  public func not() -> Tensor {
    require(dtype == .bool, "not: a tensor of dtype \(dtype)")
    let input = pointer(Bool.self)
    let count = count
    return .build(shape, Bool.self) { out in for i in 0..<count { out[i] = !input[i] } }
  }

  private static func compare(_ relation: Relation, _ a: Tensor, _ b: Tensor) -> Tensor {
    require(a.dtype == b.dtype, "compare: dtypes \(a.dtype) and \(b.dtype) differ")
    switch a.dtype {
    case .float32: return compare(relation, a, b, Float.self)
    case .float64: return compare(relation, a, b, Double.self)
    case .int32: return compare(relation, a, b, Int32.self)
    case .int64: return compare(relation, a, b, Int64.self)
    case .bool:
      return compare(relation, a.cast(to: .int32), b.cast(to: .int32), Int32.self)
    }
  }

  private static func compare<T: TensorScalar & Comparable>(
    _ relation: Relation, _ a: Tensor, _ b: Tensor, _ type: T.Type
  ) -> Tensor {
    Strip.forEach(a, b, "compare", T.self, Bool.self) { strip, x, y, out in
      switch relation {
      case .less: strip.map(x, y, out) { $0 < $1 }
      case .lessOrEqual: strip.map(x, y, out) { $0 <= $1 }
      case .equal: strip.map(x, y, out) { $0 == $1 }
      case .notEqual: strip.map(x, y, out) { $0 != $1 }
      }
    }
  }

  @inline(__always)
  private static func logical(
    _ a: Tensor, _ b: Tensor, _ name: String, _ combine: (Bool, Bool) -> Bool
  ) -> Tensor {
    require(
      a.dtype == .bool && b.dtype == .bool,
      "\(name): dtypes \(a.dtype) and \(b.dtype), expected bool")
    return Strip.forEach(a, b, name, Bool.self, Bool.self) { strip, x, y, out in
      strip.map(x, y, out, combine)
    }
  }

  /// `a` where `condition` holds, `b` elsewhere. Only the chosen side gets a derivative.
  public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    require(condition.dtype == .bool, "where: a condition of dtype \(condition.dtype)")
    require(a.dtype == b.dtype, "where: dtypes \(a.dtype) and \(b.dtype) differ")
    let shape = ShapeRules.broadcast(
      condition.shape, ShapeRules.broadcast(a.shape, b.shape, "where"), "where")
    let (shapeA, shapeB) = (a.shape, b.shape)
    return select(condition, a, b, shape).recorded("where", from: [a, b]) { cotangent, needs in
      let zero = Tensor(0, dtype: cotangent.dtype)
      return [
        needs[0] ? Tensor.where(condition, cotangent, zero).summed(to: shapeA) : nil,
        needs[1] ? Tensor.where(condition, zero, cotangent).summed(to: shapeB) : nil,
      ]
    }
  }

  public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Double) -> Tensor {
    .where(condition, a, Tensor(b, dtype: a.dtype))
  }

  public static func `where`(_ condition: Tensor, _ a: Double, _ b: Tensor) -> Tensor {
    .where(condition, Tensor(a, dtype: b.dtype), b)
  }

  private static func select(
    _ condition: Tensor, _ a: Tensor, _ b: Tensor, _ shape: [Int]
  ) -> Tensor {
    let mask = condition.detached.broadcast(to: shape)
    // A number stays one; anything else that is smaller is copied to the full shape.
    func operand(_ x: Tensor) -> Tensor { x.rank == 0 ? x : x.detached.broadcast(to: shape) }
    let (left, right) = (operand(a), operand(b))
    let result = Movement.empty(shape, like: a)
    switch a.dtype.byteCount {
    case 1: choose(mask, left, right, result, UInt8.self)
    case 4: choose(mask, left, right, result, UInt32.self)
    default: choose(mask, left, right, result, UInt64.self)
    }
    return result
  }

  private static func choose<T: FixedWidthInteger>(
    _ mask: Tensor, _ a: Tensor, _ b: Tensor, _ result: Tensor, _ type: T.Type
  ) {
    // Bits instead of branches: masks are seldom predictable.
    let condition = mask.storage.pointer.assumingMemoryBound(to: UInt8.self)
    let x = a.storage.pointer.assumingMemoryBound(to: T.self)
    let y = b.storage.pointer.assumingMemoryBound(to: T.self)
    let out = result.storage.pointer.assumingMemoryBound(to: T.self)
    inBlocks(result.count, of: Elementwise.block) { range in
      switch (a.rank > 0 || result.rank == 0, b.rank > 0 || result.rank == 0) {
      case (true, true): for i in range { out[i] = pick(condition[i], x[i], y[i]) }
      case (true, false):
        let other = y[0]
        for i in range { out[i] = pick(condition[i], x[i], other) }
      case (false, true):
        let other = x[0]
        for i in range { out[i] = pick(condition[i], other, y[i]) }
      case (false, false):
        let (yes, no) = (x[0], y[0])
        for i in range { out[i] = pick(condition[i], yes, no) }
      }
    }
  }
}

@inline(__always)
private func pick<T: FixedWidthInteger>(_ condition: UInt8, _ yes: T, _ no: T) -> T {
  let bits = 0 &- T(truncatingIfNeeded: condition)
  return (yes & bits) | (no & ~bits)
}
