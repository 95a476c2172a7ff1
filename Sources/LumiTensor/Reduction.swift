import CLumiKernels

// Reductions over axes. `axis` nil means all; negative axes count from the end. Sums are made of
// fixed blocks added in order, so that no bit depends on threads.

extension Tensor {
  /// The sum over all elements, or along one axis.
  public func sum(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    sum(axes: axis.map { [$0] } ?? Array(0..<rank), keepDims: keepDims)
  }

  /// The sum along several axes.
  public func sum(axes: [Int], keepDims: Bool = false) -> Tensor {
    let sorted = Set(axes.map { ShapeRules.axis($0, rank: rank, "sum") }).sorted()
    var kept = shape
    for axis in sorted { kept[axis] = 1 }
    let own = shape
    let result = Reduction.sum(self, axes: sorted).reshapedRaw(kept)
      .recorded("sum", from: [self]) { cotangent, _ in [cotangent.broadcast(to: own)] }
    return keepDims
      ? result : result.reshaped(own.indices.filter { !sorted.contains($0) }.map { own[$0] })
  }

  /// Sums broadcast axes away, so that the result has `target`'s shape: broadcasting's derivative.
  public func summed(to target: [Int]) -> Tensor {
    if shape == target { return self }
    let missing = rank - target.count
    precondition(missing >= 0, "summed: shape \(shape) to \(target)")
    let axes = shape.indices.filter { axis in
      axis < missing || (target[axis - missing] == 1 && shape[axis] != 1)
    }
    return sum(axes: axes, keepDims: true).reshaped(target)
  }

  /// The mean; NaN of no elements. Of integers and bools as float64.
  public func mean(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    mean(axes: axis.map { [$0] } ?? Array(0..<rank), keepDims: keepDims)
  }

  /// The mean along several axes.
  public func mean(axes: [Int], keepDims: Bool = false) -> Tensor {
    let places = Set(axes.map { ShapeRules.axis($0, rank: rank, "mean") })
    let number = places.reduce(1) { $0 * shape[$1] }
    let floating = dtype.isFloatingPoint ? self : cast(to: .float64)
    return floating.sum(axes: axes, keepDims: keepDims) / Double(number)
  }

  /// The mean squared deviation from the mean (divided by the count).
  public func variance(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    let floating = dtype.isFloatingPoint ? self : cast(to: .float64)
    return (floating - floating.mean(axis: axis, keepDims: true)).square()
      .mean(axis: axis, keepDims: keepDims)
  }

  /// The product; its derivative is right at zeros, too.
  public func prod(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    guard let axis else {
      let result = flattened().prod(axis: 0)
      return keepDims ? result.reshaped([Int](repeating: 1, count: rank)) : result
    }
    let place = ShapeRules.axis(axis, rank: rank, "prod")
    guard shape[place] > 0 else {
      var ones = shape
      ones[place] = 1
      let result = Tensor.ones(ones, dtype: dtype)
      return keepDims ? result : result.squeezed(axis: place)
    }
    let last = cumprod(axis: place).slice(axis: place, from: shape[place] - 1, to: shape[place])
    return keepDims ? last : last.squeezed(axis: place)
  }

  /// The largest element. With ties the derivative goes to the first.
  public func max(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    extremum(axis, keepDims) { $0.argmax(axis: $1, keepDims: true) }
  }

  /// The smallest element. With ties the derivative goes to the first.
  public func min(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    extremum(axis, keepDims) { $0.argmin(axis: $1, keepDims: true) }
  }

  private func extremum(
    _ axis: Int?, _ keepDims: Bool, _ locate: (Tensor, Int) -> Tensor
  ) -> Tensor {
    guard let axis else {
      let flat = flattened()
      let result = flat.takeAlong(locate(flat, 0), axis: 0)
      return result.reshaped(keepDims ? [Int](repeating: 1, count: rank) : [])
    }
    let place = ShapeRules.axis(axis, rank: rank, "max")
    let result = takeAlong(locate(self, place), axis: place)
    return keepDims ? result : result.squeezed(axis: place)
  }

  /// The position of the largest element along an axis as int64; the first NaN wins, else the first
  /// of equals.
  public func argmax(axis: Int, keepDims: Bool = false) -> Tensor {
    Reduction.locate(self, axis, keepDims, largest: true)
  }

  /// The position of the smallest element along an axis as int64.
  public func argmin(axis: Int, keepDims: Bool = false) -> Tensor {
    Reduction.locate(self, axis, keepDims, largest: false)
  }

  /// Whether any element of a bool tensor is true.
  public func any(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    precondition(dtype == .bool, "any: a tensor of dtype \(dtype)")
    return sum(axis: axis, keepDims: keepDims) .> 0
  }

  /// Whether all elements of a bool tensor are true.
  public func all(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    not().any(axis: axis, keepDims: keepDims).not()
  }

  /// The Euclidean norm √(Σx² + ε²). With ε = 0 the derivative at the zero vector is taken as 0.
  public func norm(axis: Int? = nil, keepDims: Bool = false, epsilon: Double = 0) -> Tensor {
    let squared = square().sum(axis: axis, keepDims: keepDims)
    if epsilon > 0 { return (squared + epsilon * epsilon).sqrt() }
    let zero = squared.detached .== 0
    let safe = Tensor.where(zero, Tensor.ones(like: squared.detached), squared)
    return Tensor.where(zero, Tensor.zeros(like: squared.detached), safe.sqrt())
  }

  /// x / max(‖x‖, ε) along an axis: below ε a plain division, so that the derivative stays finite.
  public func normalized(axis: Int = -1, epsilon: Double = 1e-12) -> Tensor {
    let length = norm(axis: axis, keepDims: true)
    return self / length.clamped(min: epsilon)
  }

  /// log Σ exp(x), without overflow.
  public func logSumExp(axis: Int, keepDims: Bool = false) -> Tensor {
    let peak = detached.max(axis: axis, keepDims: true)
    let finite = Tensor.where(peak.isFinite(), peak, Tensor.zeros(like: peak))
    let result = (self - finite).exp().sum(axis: axis, keepDims: true).log() + finite
    return keepDims ? result : result.squeezed(axis: axis)
  }

  /// exp(x) / Σ exp(x), without overflow.
  public func softmax(axis: Int) -> Tensor {
    (self - logSumExp(axis: axis, keepDims: true)).exp()
  }
}

/// The loops behind the reductions.
enum Reduction {
  /// Elements per partial sum of a long row.
  static let block = 1 << 16

  /// Sums axes that are sorted and distinct; the result keeps no particular shape.
  static func sum(_ x: Tensor, axes: [Int]) -> Tensor {
    if x.dtype == .bool { return sum(x.cast(to: .int64), axes: axes) }
    var result = x.detached
    var shape = x.shape
    var last = axes.count
    while last > 0 {
      // Neighbouring axes reduce as one.
      var first = last - 1
      while first > 0 && axes[first - 1] == axes[first] - 1 { first -= 1 }
      let outer = shape[..<axes[first]].reduce(1, *)
      let length = shape[axes[first]...axes[last - 1]].reduce(1, *)
      let inner = shape[(axes[last - 1] + 1)...].reduce(1, *)
      result = sum(result, outer, length, inner)
      shape.removeSubrange(axes[first]...axes[last - 1])
      last = first
    }
    return result
  }

  private static func sum(_ x: Tensor, _ outer: Int, _ length: Int, _ inner: Int) -> Tensor {
    switch x.dtype {
    case .float32:
      sum(x, outer, length, inner, Float.self, row: { lumi_sum_f32($0, $1) }) {
        lumi_add_rows_f32($0, $1, $2, $3, $4)
      }
    case .float64: sum(x, outer, length, inner, Double.self, row: pairwise, rows: addRows)
    case .int32: sum(x, outer, length, inner, Int32.self, row: pairwise, rows: addRows)
    case .int64: sum(x, outer, length, inner, Int64.self, row: pairwise, rows: addRows)
    case .bool: preconditionFailure("sum: a tensor of dtype bool")
    }
  }

  private static func sum<T: TensorScalar & AdditiveArithmetic>(
    _ x: Tensor, _ outer: Int, _ length: Int, _ inner: Int, _ type: T.Type,
    row: (Int, UnsafePointer<T>) -> T,
    rows: (Int, Int, UnsafePointer<T>, Int, UnsafeMutablePointer<T>) -> Void
  ) -> Tensor {
    let input = x.pointer(T.self)
    return .build([outer, inner], T.self) { out in
      if inner == 1 {
        sumRows(input, outer, length, out, row)
      } else {
        sumColumns(input, outer, length, inner, out, rows)
      }
    }
  }

  private static func sumRows<T: AdditiveArithmetic>(
    _ x: UnsafePointer<T>, _ outer: Int, _ length: Int, _ out: UnsafeMutablePointer<T>,
    _ row: (Int, UnsafePointer<T>) -> T
  ) {
    if length <= block {
      inBlocks(outer, of: Swift.max(1, block / Swift.max(length, 1))) { range in
        for i in range { out[i] = row(length, x + i * length) }
      }
      return
    }
    let blocks = (length + block - 1) / block
    for i in 0..<outer {
      let base = x + i * length
      withUnsafeTemporaryAllocation(of: T.self, capacity: blocks) { partial in
        let sums = partial.baseAddress!
        parallelFor(blocks) { b in
          sums[b] = row(Swift.min(block, length - b * block), base + b * block)
        }
        var total = T.zero
        for b in 0..<blocks { total += sums[b] }
        out[i] = total
      }
    }
  }

  private static func sumColumns<T: AdditiveArithmetic>(
    _ x: UnsafePointer<T>, _ outer: Int, _ length: Int, _ inner: Int,
    _ out: UnsafeMutablePointer<T>,
    _ rows: (Int, Int, UnsafePointer<T>, Int, UnsafeMutablePointer<T>) -> Void
  ) {
    out.update(repeating: .zero, count: outer * inner)
    let perBlock = Swift.max(1, block / Swift.max(inner, 1))
    if outer == 1 && length > 2 * perBlock {
      let blocks = (length + perBlock - 1) / perBlock
      withUnsafeTemporaryAllocation(of: T.self, capacity: blocks * inner) { partial in
        let sums = partial.baseAddress!
        sums.update(repeating: .zero, count: blocks * inner)
        parallelFor(blocks) { b in
          rows(
            Swift.min(perBlock, length - b * perBlock), inner, x + b * perBlock * inner, inner,
            sums + b * inner)
        }
        rows(blocks, inner, UnsafePointer(sums), inner, out)
      }
    } else {
      inBlocks(outer, of: Swift.max(1, block / Swift.max(length * inner, 1))) { range in
        for i in range { rows(length, inner, x + i * length * inner, inner, out + i * inner) }
      }
    }
  }

  /// The readable twin of `lumi_sum_f32`: halves are summed apart, so that the rounding error grows
  /// with the logarithm of the count.
  static func pairwise<T: AdditiveArithmetic>(_ count: Int, _ x: UnsafePointer<T>) -> T {
    if count <= 32 {
      var total = T.zero
      for i in 0..<count { total += x[i] }
      return total
    }
    let half = count / 2
    return pairwise(half, x) + pairwise(count - half, x + half)
  }

  /// The readable twin of `lumi_add_rows_f32`.
  static func addRows<T: AdditiveArithmetic>(
    _ rows: Int, _ columns: Int, _ x: UnsafePointer<T>, _ stride: Int,
    _ y: UnsafeMutablePointer<T>
  ) {
    for row in 0..<rows {
      for column in 0..<columns { y[column] += x[row * stride + column] }
    }
  }

  static func locate(_ x: Tensor, _ axis: Int, _ keepDims: Bool, largest: Bool) -> Tensor {
    let place = ShapeRules.axis(axis, rank: x.rank, "argmax")
    precondition(x.shape[place] > 0, "argmax: axis \(axis) of shape \(x.shape) is empty")
    let result: Tensor
    switch x.dtype {
    case .float32: result = locate(x, place, largest, Float.self) { $0.isNaN }
    case .float64: result = locate(x, place, largest, Double.self) { $0.isNaN }
    case .int32: result = locate(x, place, largest, Int32.self) { _ in false }
    case .int64: result = locate(x, place, largest, Int64.self) { _ in false }
    case .bool: result = locate(x.cast(to: .int32), place, largest, Int32.self) { _ in false }
    }
    var kept = x.shape
    kept[place] = 1
    if keepDims { return result.reshapedRaw(kept) }
    kept.remove(at: place)
    return result.reshapedRaw(kept)
  }

  private static func locate<T: TensorScalar & Comparable>(
    _ x: Tensor, _ axis: Int, _ largest: Bool, _ type: T.Type, _ isNaN: (T) -> Bool
  ) -> Tensor {
    let (outer, length, inner) = ShapeRules.around(axis, x.shape)
    let input = x.pointer(T.self)
    return .build([outer, inner], Int64.self) { out in
      for o in 0..<outer {
        for i in 0..<inner {
          let base = input + o * length * inner + i
          var best = 0
          for k in 1..<Swift.max(length, 1) {
            let candidate = base[k * inner]
            let holder = base[best * inner]
            if isNaN(holder) { break }
            if isNaN(candidate) || (largest ? candidate > holder : candidate < holder) { best = k }
          }
          out[o * inner + i] = Int64(best)
        }
      }
    }
  }
}
