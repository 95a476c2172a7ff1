// Reading and adding at positions that tensors hold.

extension Tensor {
  /// The elements at `indices` along an axis: shape `shape[..<axis] + indices.shape +
  /// shape[(axis + 1)...]`. An index out of range stops the program.
  public func gather(_ indices: Tensor, axis: Int = 0) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "gather")
    let extent = shape[place]
    let positions = Positions(indices, below: extent, "gather")
    let target = Array(shape[..<place]) + indices.shape + Array(shape[(place + 1)...])
    let (outer, _, inner) = ShapeRules.around(place, shape)
    let result = Movement.empty(target, like: self)
    switch dtype.byteCount {
    case 1: positions.gather(self, result, outer, extent, inner, UInt8.self)
    case 4: positions.gather(self, result, outer, extent, inner, UInt32.self)
    default: positions.gather(self, result, outer, extent, inner, UInt64.self)
    }
    return result.recorded("gather", from: [self]) { cotangent, _ in
      [cotangent.scatteredAdd(at: indices, axis: place, extent: extent)]
    }
  }

  /// Zeros of extent `count` along axis 0 plus `rows` at `indices`, added in order of appearance.
  ///
  /// `rows` has shape `indices.shape + rest`; the result `[count] + rest`.
  public static func scatterAdd(rows: Tensor, at indices: Tensor, count: Int) -> Tensor {
    require(
      Array(rows.shape.prefix(indices.rank)) == indices.shape && count >= 0,
      "scatterAdd: rows of shape \(rows.shape) at indices of shape \(indices.shape) of \(count)")
    return rows.scatteredAdd(at: indices, axis: 0, extent: count)
  }

  /// The transpose of ``gather(_:axis:)``.
  func scatteredAdd(at indices: Tensor, axis: Int, extent: Int) -> Tensor {
    let positions = Positions(indices, below: extent, "scatterAdd")
    let rest = Array(shape[(axis + indices.rank)...])
    let target = Array(shape[..<axis]) + [extent] + rest
    let outer = shape[..<axis].reduce(1, *)
    let inner = rest.reduce(1, *)
    let result: Tensor
    switch dtype {
    case .float32: result = positions.scatter(self, outer, extent, inner, target, Float.self)
    case .float64: result = positions.scatter(self, outer, extent, inner, target, Double.self)
    case .int32: result = positions.scatter(self, outer, extent, inner, target, Int32.self)
    case .int64: result = positions.scatter(self, outer, extent, inner, target, Int64.self)
    case .bool: fatalError("scatterAdd: a tensor of dtype bool")
    }
    return result.recorded("scatterAdd", from: [self]) { cotangent, _ in
      [cotangent.gather(indices, axis: axis)]
    }
  }

  /// One element per position of `indices` along an axis; `indices` has this tensor's shape but for
  /// that axis.
  public func takeAlong(_ indices: Tensor, axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "takeAlong")
    let extent = shape[place]
    var expected = shape
    if indices.rank == rank { expected[place] = indices.shape[place] }
    require(
      indices.shape == expected,
      "takeAlong: indices of shape \(indices.shape) for shape \(shape) along axis \(axis)")
    let positions = Positions(indices, below: extent, "takeAlong")
    let result = Movement.empty(indices.shape, like: self)
    switch dtype.byteCount {
    case 1: positions.takeAlong(self, result, place, UInt8.self)
    case 4: positions.takeAlong(self, result, place, UInt32.self)
    default: positions.takeAlong(self, result, place, UInt64.self)
    }
    return result.recorded("takeAlong", from: [self]) { cotangent, _ in
      [cotangent.scatteredAlong(indices, axis: place, extent: extent)]
    }
  }

  /// The transpose of ``takeAlong(_:axis:)``.
  private func scatteredAlong(_ indices: Tensor, axis: Int, extent: Int) -> Tensor {
    let positions = Positions(indices, below: extent, "scatterAlong")
    var target = shape
    target[axis] = extent
    let result: Tensor
    switch dtype {
    case .float32: result = positions.scatterAlong(self, axis, target, Float.self)
    case .float64: result = positions.scatterAlong(self, axis, target, Double.self)
    case .int32: result = positions.scatterAlong(self, axis, target, Int32.self)
    case .int64: result = positions.scatterAlong(self, axis, target, Int64.self)
    case .bool: fatalError("scatterAlong: a tensor of dtype bool")
    }
    return result.recorded("scatterAlong", from: [self]) { cotangent, _ in
      [cotangent.takeAlong(indices, axis: axis)]
    }
  }
}

/// Indices, checked against an extent, and the loops that follow them.
private struct Positions {
  private let indices: Tensor
  private var at: UnsafePointer<Int64> { indices.pointer(Int64.self) }

  init(_ indices: Tensor, below extent: Int, _ operation: String) {
    require(
      indices.dtype == .int32 || indices.dtype == .int64,
      "\(operation): indices of dtype \(indices.dtype)")
    self.indices = indices.detached.cast(to: .int64)
    let positions = at
    let limit = UInt64(extent)
    var fits = true
    // As unsigned numbers, negative positions are too large as well.
    for k in 0..<indices.count { fits = fits && UInt64(bitPattern: positions[k]) < limit }
    if fits { return }
    let wrong = (0..<indices.count).first { UInt64(bitPattern: positions[$0]) >= limit }!
    fatalError("\(operation): index \(positions[wrong]), expected 0..<\(extent)")
  }

  func gather<T>(
    _ x: Tensor, _ result: Tensor, _ outer: Int, _ extent: Int, _ inner: Int, _ type: T.Type
  ) {
    let source = UnsafePointer(x.storage.pointer.assumingMemoryBound(to: T.self))
    let target = result.storage.pointer.assumingMemoryBound(to: T.self)
    let count = indices.count
    let positions = at
    for o in 0..<outer {
      let (from, to) = (source + o * extent * inner, target + o * count * inner)
      inBlocks(count, of: Swift.max(1, Elementwise.block / 4 / Swift.max(inner, 1))) { range in
        for k in range {
          Movement.copyRow(inner, from + Int(positions[k]) * inner, to + k * inner)
        }
      }
    }
  }

  /// Where many rows meet, each of a few bands of the result is the work of one thread: rows are
  /// added in order of appearance whatever the number of bands or threads.
  func scatter<T: TensorScalar & AdditiveArithmetic>(
    _ x: Tensor, _ outer: Int, _ extent: Int, _ inner: Int, _ target: [Int], _ type: T.Type
  ) -> Tensor {
    let source = x.pointer(T.self)
    let positions = at
    let count = indices.count
    return .build(target, T.self) { out in
      out.update(repeating: .zero, count: outer * extent * inner)
      let bands = count * inner < Elementwise.block ? 1 : 4
      let height = (extent + bands - 1) / bands
      let task = { (index: Int) in
        let (o, band) = (index / bands, index % bands)
        let (from, to) = (source + o * count * inner, out + o * extent * inner)
        let low = Int64(band * height)
        let high = low + Int64(height)
        for k in 0..<count where positions[k] >= low && positions[k] < high {
          addRow(inner, from + k * inner, to + Int(positions[k]) * inner)
        }
      }
      if outer * bands * count * inner < Elementwise.block {
        for index in 0..<outer * bands { task(index) }
      } else {
        parallelFor(outer * bands, task)
      }
    }
  }

  @inline(__always)
  private func addRow<T: AdditiveArithmetic>(
    _ count: Int, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>
  ) {
    for i in 0..<count { y[i] += x[i] }
  }

  func takeAlong<T>(_ x: Tensor, _ result: Tensor, _ axis: Int, _ type: T.Type) {
    let source = UnsafePointer(x.storage.pointer.assumingMemoryBound(to: T.self))
    let target = result.storage.pointer.assumingMemoryBound(to: T.self)
    let (outer, taken, inner) = ShapeRules.around(axis, indices.shape)
    let extent = x.shape[axis]
    let positions = at
    inBlocks(outer, of: Swift.max(1, Elementwise.block / Swift.max(taken * inner, 1))) { range in
      for o in range {
        let from = source + o * extent * inner
        for k in o * taken..<(o + 1) * taken {
          for i in 0..<inner {
            target[k * inner + i] = from[Int(positions[k * inner + i]) * inner + i]
          }
        }
      }
    }
  }

  func scatterAlong<T: TensorScalar & AdditiveArithmetic>(
    _ x: Tensor, _ axis: Int, _ target: [Int], _ type: T.Type
  ) -> Tensor {
    let source = x.pointer(T.self)
    let (outer, taken, inner) = ShapeRules.around(axis, indices.shape)
    let extent = target[axis]
    let positions = at
    return .build(target, T.self) { out in
      out.update(repeating: .zero, count: outer * extent * inner)
      inBlocks(outer, of: Swift.max(1, Elementwise.block / Swift.max(taken * inner, 1))) { range in
        for o in range {
          let to = out + o * extent * inner
          for k in o * taken..<(o + 1) * taken {
            for i in 0..<inner {
              to[Int(positions[k * inner + i]) * inner + i] += source[k * inner + i]
            }
          }
        }
      }
    }
  }
}
