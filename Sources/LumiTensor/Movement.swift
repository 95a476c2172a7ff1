/// Copies by element size alone, so that one loop serves every dtype.
enum Movement {
  static func empty(_ shape: [Int], like x: Tensor) -> Tensor {
    Tensor(
      storage: Storage(byteCount: shape.reduce(1, *) * x.dtype.byteCount), shape: shape,
      dtype: x.dtype)
  }

  // MARK: Strided reading

  /// Reads elements at `offset + Σ index·stride`.
  static func strided(_ x: Tensor, _ shape: [Int], _ strides: [Int], offset: Int) -> Tensor {
    let result = empty(shape, like: x)
    guard result.count > 0 else { return result }
    let walk = StridedWalk(shape, strides)
    switch x.dtype.byteCount {
    case 1: walk.copy(x, result, offset, UInt8.self)
    case 4: walk.copy(x, result, offset, UInt32.self)
    default: walk.copy(x, result, offset, UInt64.self)
    }
    return result
  }

  // MARK: Rows

  /// Copies `count` rows of `unit` elements; strides count elements from row to row.
  static func rows(
    _ count: Int, unit: Int, bytes: Int, from source: UnsafeRawPointer,
    to target: UnsafeMutableRawPointer, sourceStride: Int, targetStride: Int
  ) {
    switch bytes {
    case 1:
      rows(count, unit, source, target, sourceStride, targetStride, UInt8.self)
    case 4:
      rows(count, unit, source, target, sourceStride, targetStride, UInt32.self)
    default:
      rows(count, unit, source, target, sourceStride, targetStride, UInt64.self)
    }
  }

  private static func rows<T>(
    _ count: Int, _ unit: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer,
    _ sourceStride: Int, _ targetStride: Int, _ type: T.Type
  ) {
    let x = source.assumingMemoryBound(to: T.self)
    let y = target.assumingMemoryBound(to: T.self)
    inBlocks(count, of: Swift.max(1, Elementwise.block / Swift.max(unit, 1))) { range in
      for row in range { copyRow(unit, x + row * sourceStride, y + row * targetStride) }
    }
  }

  /// A few elements by themselves: a call to the C library costs more than they do.
  @inline(__always)
  static func copyRow<T>(_ count: Int, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>) {
    switch count {
    case 1: y[0] = x[0]
    case 2: (y[0], y[1]) = (x[0], x[1])
    case 3: (y[0], y[1], y[2]) = (x[0], x[1], x[2])
    case 4: (y[0], y[1], y[2], y[3]) = (x[0], x[1], x[2], x[3])
    default: y.update(from: x, count: count)
    }
  }

  static func place(_ x: Tensor, axis: Int, start: Int, step: Int, extent: Int) -> Tensor {
    var shape = x.shape
    shape[axis] = extent
    let result = empty(shape, like: x)
    let (outer, length, inner) = ShapeRules.around(axis, x.shape)
    let bytes = x.dtype.byteCount
    result.storage.pointer.initializeMemory(
      as: UInt8.self, repeating: 0, count: result.count * bytes)
    // Neighbouring units stay neighbours, or there is a single one per row: either way two strides
    // describe the copy.
    if step == 1 {
      rows(
        outer, unit: length * inner, bytes: bytes, from: x.storage.pointer,
        to: result.storage.pointer + start * inner * bytes, sourceStride: length * inner,
        targetStride: extent * inner)
    } else {
      for o in 0..<outer {
        rows(
          length, unit: inner, bytes: bytes, from: x.storage.pointer + o * length * inner * bytes,
          to: result.storage.pointer + (o * extent + start) * inner * bytes, sourceStride: inner,
          targetStride: step * inner)
      }
    }
    return result
  }

  static func concatenate(_ parts: [Tensor], _ axis: Int) -> Tensor {
    var shape = parts[0].shape
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let result = empty(shape, like: parts[0])
    let (outer, length, inner) = ShapeRules.around(axis, shape)
    let bytes = parts[0].dtype.byteCount
    var start = 0
    for part in parts {
      let unit = part.shape[axis] * inner
      rows(
        outer, unit: unit, bytes: bytes, from: part.storage.pointer,
        to: result.storage.pointer + start * bytes, sourceStride: unit, targetStride: length * inner
      )
      start += unit
    }
    return result
  }
}

/// Reads a dense tensor in another order.
struct StridedWalk {
  private var shape: [Int]
  private var strides: [Int]

  /// Neighbouring axes that read on evenly become one.
  init(_ shape: [Int], _ strides: [Int]) {
    var extents: [Int] = []
    var steps: [Int] = []
    for (extent, step) in zip(shape, strides) where extent != 1 {
      if let last = steps.last, last == step * extent {
        extents[extents.count - 1] *= extent
        steps[steps.count - 1] = step
      } else {
        extents.append(extent)
        steps.append(step)
      }
    }
    self.shape = extents.isEmpty ? [1] : extents
    self.strides = extents.isEmpty ? [1] : steps
  }

  /// The source's offset at the start of row `index`.
  private func offset(ofRow index: Int) -> Int {
    var rest = index
    var result = 0
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      result += rest % shape[axis] * strides[axis]
      rest /= shape[axis]
    }
    return result
  }

  func copy<T>(_ x: Tensor, _ result: Tensor, _ offset: Int, _ type: T.Type) {
    let source = UnsafePointer(x.storage.pointer.assumingMemoryBound(to: T.self)) + offset
    let target = result.storage.pointer.assumingMemoryBound(to: T.self)
    let last = shape.count - 1
    if last == 0 {
      inBlocks(shape[0], of: Elementwise.block) { range in
        row(range.count, source + range.lowerBound * strides[0], target + range.lowerBound)
      }
    } else if last > 0 && strides[last - 1] == 1 && strides[last] > 1 && shape[last - 1] >= 8 {
      transposePlanes(source, target)
    } else {
      copyRows(source, target)
    }
  }

  @inline(__always)
  private func row<T>(_ count: Int, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>) {
    let step = strides[strides.count - 1]
    switch step {
    case 1: Movement.copyRow(count, x, y)
    case 0: y.update(repeating: x[0], count: count)
    default: for i in 0..<count { y[i] = x[i * step] }
    }
  }

  private func copyRows<T>(_ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>) {
    let last = shape.count - 1
    let inner = shape[last]
    let even = shape[last - 1]
    let evenStep = strides[last - 1]
    let rows = shape[..<last].reduce(1, *)
    inBlocks(rows, of: Swift.max(1, Elementwise.block / inner)) { range in
      var at = range.lowerBound
      while at < range.upperBound {
        let count = Swift.min(even - at % even, range.upperBound - at)
        let from = source + offset(ofRow: at)
        for k in 0..<count { row(inner, from + k * evenStep, target + (at + k) * inner) }
        at += count
      }
    }
  }

  /// The last two axes exchange their roles: tiles keep both sides in the cache.
  private func transposePlanes<T>(_ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>) {
    let tile = 32
    let last = shape.count - 1
    let (height, width, step) = (shape[last - 1], shape[last], strides[last])
    let bands = (height + tile - 1) / tile
    let planes = shape[..<(last - 1)].reduce(1, *)
    inBlocks(planes * bands, of: Swift.max(1, Elementwise.block / (tile * width))) { range in
      for task in range {
        let (plane, band) = (task / bands, task % bands * tile)
        let from = source + offset(ofRow: plane * height)
        let to = target + plane * height * width
        let end = Swift.min(band + tile, height)
        for left in stride(from: 0, to: width, by: tile) {
          for row in band..<end {
            for column in left..<Swift.min(left + tile, width) {
              to[row * width + column] = from[column * step + row]
            }
          }
        }
      }
    }
  }
}
