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
    precondition(dtype == .bool, "not: a tensor of dtype \(dtype)")
    let input = pointer(Bool.self)
    return .build(shape, Bool.self) { out in for i in 0..<count { out[i] = !input[i] } }
  }

  private static func compare(_ relation: Relation, _ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.dtype == b.dtype, "compare: dtypes \(a.dtype) and \(b.dtype) differ")
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
    let shape = ShapeRules.broadcast(a.shape, b.shape, "compare")
    let plan = BroadcastPlan(a.shape, b.shape, to: shape)
    return Elementwise.rows(plan, a, b, shape, T.self, Bool.self) { n, x, stepX, y, stepY, out in
      @inline(__always) func each(_ f: (T, T) -> Bool) {
        for i in 0..<n { out[i] = f(x[i * stepX], y[i * stepY]) }
      }
      switch relation {
      case .less: each { $0 < $1 }
      case .lessOrEqual: each { $0 <= $1 }
      case .equal: each { $0 == $1 }
      case .notEqual: each { $0 != $1 }
      }
    }
  }

  private static func logical(
    _ a: Tensor, _ b: Tensor, _ name: String, _ combine: (Bool, Bool) -> Bool
  ) -> Tensor {
    precondition(
      a.dtype == .bool && b.dtype == .bool, "\(name): dtypes \(a.dtype) and \(b.dtype), expected bool")
    let shape = ShapeRules.broadcast(a.shape, b.shape, name)
    let plan = BroadcastPlan(a.shape, b.shape, to: shape)
    return Elementwise.rows(plan, a, b, shape, Bool.self, Bool.self) { n, x, stepX, y, stepY, out in
      for i in 0..<n { out[i] = combine(x[i * stepX], y[i * stepY]) }
    }
  }

  /// `a` where `condition` holds, `b` elsewhere. Only the chosen side gets a derivative.
  public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(condition.dtype == .bool, "where: a condition of dtype \(condition.dtype)")
    precondition(a.dtype == b.dtype, "where: dtypes \(a.dtype) and \(b.dtype) differ")
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
    switch a.dtype {
    case .float32: return select(mask, a, b, Float.self)
    case .float64: return select(mask, a, b, Double.self)
    case .int32: return select(mask, a, b, Int32.self)
    case .int64: return select(mask, a, b, Int64.self)
    case .bool: return select(mask, a, b, Bool.self)
    }
  }

  private static func select<T: TensorScalar>(
    _ mask: Tensor, _ a: Tensor, _ b: Tensor, _ type: T.Type
  ) -> Tensor {
    let plan = BroadcastPlan(a.shape, b.shape, to: mask.shape)
    let choose = mask.pointer(Bool.self)
    return .build(mask.shape, T.self) { out in
      guard mask.count > 0 else { return }
      let x = a.pointer(T.self)
      let y = b.pointer(T.self)
      let inner = plan.inner
      let stepX = plan.stridesA.last!
      let stepY = plan.stridesB.last!
      plan.forEachRow(0..<plan.rows) { offsetX, offsetY, row in
        for i in 0..<inner {
          let at = row * inner + i
          out[at] = choose[at] ? x[offsetX + i * stepX] : y[offsetY + i * stepY]
        }
      }
    }
  }
}
