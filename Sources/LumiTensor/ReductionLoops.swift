import CLumiKernels

/// The loops behind the reductions. How a sum is cut into parts follows from the shape alone, and
/// parts are added in order.
enum Reduction {
  /// Elements per partial sum of a long row.
  static let block = 1 << 16

  /// Sums the marked axes; the result keeps no particular shape.
  static func sum(_ x: Tensor, _ summed: [Bool]) -> Tensor {
    if x.dtype == .bool { return sum(x.cast(to: .int64), summed) }
    var result = x.detached
    var inner = 1
    var last = summed.count - 1
    while last >= 0 {
      // Neighbouring axes that share a fate count as one.
      var first = last
      while first > 0 && summed[first - 1] == summed[last] { first -= 1 }
      let length = x.shape[first...last].reduce(1, *)
      if !summed[last] {
        inner *= length
      } else if length != 1 {
        result = sum(result, x.shape[..<first].reduce(1, *), length, inner)
      }
      last = first - 1
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
    case .bool: fatalError("sum: a tensor of dtype bool")
    }
  }

  @inline(__always)
  private static func sum<T: TensorScalar & AdditiveArithmetic>(
    _ x: Tensor, _ outer: Int, _ length: Int, _ inner: Int, _ type: T.Type,
    row: (Int, UnsafePointer<T>) -> T,
    rows: (Int, Int, UnsafePointer<T>, Int, UnsafeMutablePointer<T>) -> Void
  ) -> Tensor {
    let input = x.pointer(T.self)
    return .build([outer, inner], T.self) { out in
      if length * inner <= 32 || length == 0 {
        sumShort(input, outer, length, inner, out)
      } else if inner == 1 {
        sumRows(input, outer, length, out, row)
      } else {
        for o in 0..<(length * inner > block ? outer : 0) {
          sumColumns(input + o * length * inner, length, inner, out + o * inner, rows)
        }
        guard length * inner <= block else { return }
        inBlocks(outer, of: Swift.max(1, block / (length * inner))) { range in
          for o in range {
            addColumns(input + o * length * inner, length, inner, inner, out + o * inner, rows)
          }
        }
      }
    }
  }

  /// Lines so short that a call for each would cost more than the sum.
  @inline(__always)
  private static func sumShort<T: AdditiveArithmetic>(
    _ x: UnsafePointer<T>, _ outer: Int, _ length: Int, _ inner: Int,
    _ out: UnsafeMutablePointer<T>
  ) {
    inBlocks(outer, of: Swift.max(1, block / Swift.max(length * inner, 1))) { range in
      for o in range {
        let from = x + o * length * inner
        for i in 0..<inner {
          var total = T.zero
          for k in 0..<length { total += from[k * inner + i] }
          out[o * inner + i] = total
        }
      }
    }
  }

  private static func sumRows<T: AdditiveArithmetic>(
    _ x: UnsafePointer<T>, _ outer: Int, _ length: Int, _ out: UnsafeMutablePointer<T>,
    _ row: (Int, UnsafePointer<T>) -> T
  ) {
    if length <= block {
      inBlocks(outer, of: Swift.max(1, block / length)) { range in
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
        out[i] = row(blocks, sums)
      }
    }
  }

  /// Adds up `length` rows of `inner` elements: bands of rows and of columns in parallel, then the
  /// bands of rows in order.
  private static func sumColumns<T: AdditiveArithmetic>(
    _ x: UnsafePointer<T>, _ length: Int, _ inner: Int, _ out: UnsafeMutablePointer<T>,
    _ rows: (Int, Int, UnsafePointer<T>, Int, UnsafeMutablePointer<T>) -> Void
  ) {
    let width = Swift.min(inner, 4096)
    let columnBands = (inner + width - 1) / width
    let height = Swift.max(256, block / width)
    let rowBands = (length + height - 1) / height
    let partial = Storage(byteCount: rowBands * inner * MemoryLayout<T>.stride)
    let sums = rowBands == 1 ? out : partial.pointer.bindMemory(to: T.self, capacity: 1)
    parallelFor(rowBands * columnBands) { task in
      let (row, column) = (task / columnBands * height, task % columnBands * width)
      addColumns(
        x + row * inner + column, Swift.min(height, length - row), Swift.min(width, inner - column),
        inner, sums + task / columnBands * inner + column, rows)
    }
    guard rowBands > 1 else { return }
    parallelFor(columnBands) { band in
      let count = Swift.min(width, inner - band * width)
      addColumns(sums + band * width, rowBands, count, inner, out + band * width, rows)
    }
  }

  /// The sum of `length` rows of `width` elements that are `stride` apart.
  private static func addColumns<T: AdditiveArithmetic>(
    _ x: UnsafePointer<T>, _ length: Int, _ width: Int, _ stride: Int,
    _ out: UnsafeMutablePointer<T>,
    _ rows: (Int, Int, UnsafePointer<T>, Int, UnsafeMutablePointer<T>) -> Void
  ) {
    out.update(repeating: .zero, count: width)
    guard width == stride && width <= 32 && length >= 64 else {
      return rows(length, width, x, stride, out)
    }
    // Several short rows make a long one, which the loop likes better and rounding too.
    let group = 64 / width
    withUnsafeTemporaryAllocation(of: T.self, capacity: group * width) { buffer in
      let wide = buffer.baseAddress!
      wide.update(repeating: .zero, count: group * width)
      rows(length / group, group * width, x, group * width, wide)
      rows(group, width, wide, width, out)
    }
    let done = length / group * group
    rows(length - done, width, x + done * width, width, out)
  }

  /// The readable twin of `lumi_sum_f32`: halves are summed apart, so that the rounding error grows
  /// with the logarithm of the count.
  package static func pairwise<T: AdditiveArithmetic>(_ count: Int, _ x: UnsafePointer<T>) -> T {
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

  // MARK: Positions of extrema

  static func locate(_ x: Tensor, _ axis: Int, _ keepDims: Bool, largest: Bool) -> Tensor {
    let place = ShapeRules.axis(axis, rank: x.rank, "argmax")
    require(x.shape[place] > 0, "argmax: axis \(axis) of shape \(x.shape) is empty")
    let result: Tensor
    switch x.dtype {
    case .float32: result = locate(x, place, largest, Float.self)
    case .float64: result = locate(x, place, largest, Double.self)
    case .int32: result = locate(x, place, largest, Int32.self)
    case .int64: result = locate(x, place, largest, Int64.self)
    case .bool: result = locate(x.cast(to: .int32), place, largest, Int32.self)
    }
    var kept = x.shape
    kept[place] = 1
    if keepDims { return result.reshapedRaw(kept) }
    kept.remove(at: place)
    return result.reshapedRaw(kept)
  }

  private static func locate<T: TensorScalar & Comparable>(
    _ x: Tensor, _ axis: Int, _ largest: Bool, _ type: T.Type
  ) -> Tensor {
    largest
      ? locate(x, axis, T.self) { a, b in a > b || (a != a && b == b) }
      : locate(x, axis, T.self) { a, b in a < b || (a != a && b == b) }
  }

  /// The first position whose element `beats` all before it; NaN beats numbers.
  @inline(__always)
  private static func locate<T: TensorScalar & Comparable>(
    _ x: Tensor, _ axis: Int, _ type: T.Type, _ beats: (T, T) -> Bool
  ) -> Tensor {
    let (outer, length, inner) = ShapeRules.around(axis, x.shape)
    let input = x.pointer(T.self)
    return .build([outer, inner], Int64.self) { out in
      if outer * inner == 1 {
        out[0] = Int64(locateInLongLine(input, length, beats))
        return
      }
      inBlocks(outer, of: Swift.max(1, block / Swift.max(length * inner, 1))) { range in
        for o in range {
          let (from, to) = (input + o * length * inner, out + o * inner)
          if inner == 1 {
            to[0] = Int64(locateInLine(from, 0..<length, beats))
            continue
          }
          to.update(repeating: 0, count: inner)
          for k in 1..<Swift.max(length, 1) {
            for i in 0..<inner where beats(from[k * inner + i], from[Int(to[i]) * inner + i]) {
              to[i] = Int64(k)
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private static func locateInLine<T>(
    _ x: UnsafePointer<T>, _ range: Range<Int>, _ beats: (T, T) -> Bool
  ) -> Int {
    var best = range.lowerBound
    var value = x[best]
    for k in range where beats(x[k], value) {
      best = k
      value = x[k]
    }
    return best
  }

  @inline(__always)
  private static func locateInLongLine<T>(
    _ x: UnsafePointer<T>, _ length: Int, _ beats: (T, T) -> Bool
  ) -> Int {
    let blocks = (length + block - 1) / block
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: blocks) { buffer in
      let best = buffer.baseAddress!
      inBlocks(length, of: block) { range in
        best[range.lowerBound / block] = locateInLine(x, range, beats)
      }
      return (0..<blocks).reduce(best[0]) { beats(x[best[$1]], x[$0]) ? best[$1] : $0 }
    }
  }
}
