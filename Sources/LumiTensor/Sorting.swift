extension Tensor {
  /// The order that sorts an axis, as int64. Equal elements keep their order; NaN goes last.
  public func argsort(axis: Int = -1, descending: Bool = false) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "argsort")
    switch dtype {
    case .float32: return argsort(place, descending, Float.self) { $0.isNaN }
    case .float64: return argsort(place, descending, Double.self) { $0.isNaN }
    case .int32: return argsort(place, descending, Int32.self) { _ in false }
    case .int64: return argsort(place, descending, Int64.self) { _ in false }
    case .bool: return cast(to: .int32).argsort(axis: place, descending: descending)
    }
  }

  private func argsort<T: TensorScalar & Comparable>(
    _ axis: Int, _ descending: Bool, _ type: T.Type, _ isNaN: (T) -> Bool
  ) -> Tensor {
    let (outer, length, inner) = ShapeRules.around(axis, shape)
    let input = pointer(T.self)
    return .build(shape, Int64.self) { out in
      for o in 0..<outer {
        for i in 0..<inner {
          let base = o * length * inner + i
          // Swift's sort is stable.
          let order = (0..<length).sorted { a, b in
            let left = input[base + a * inner]
            let right = input[base + b * inner]
            if isNaN(left) || isNaN(right) { return !isNaN(left) && isNaN(right) }
            return descending ? left > right : left < right
          }
          for k in 0..<length { out[base + k * inner] = Int64(order[k]) }
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
    precondition(
      (0...shape[place]).contains(k), "topK: \(k) of axis \(axis) of shape \(shape)")
    let order = argsort(axis: place, descending: true).slice(axis: place, from: 0, to: k)
    return (takeAlong(order, axis: place), order)
  }
}
