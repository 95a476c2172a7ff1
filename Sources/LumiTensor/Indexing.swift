/// What an entry of a tensor's subscript may be: an Int, a range of Ints or a ``TensorIndex``.
public protocol TensorSelection {
  var tensorIndex: TensorIndex { get }
}

/// One entry of a tensor's subscript.
public struct TensorIndex: Sendable, TensorSelection {
  enum Entry { case all, newAxis, index(Int), range(Range<Int>), stride(Int, Int, Int) }
  let entry: Entry

  public var tensorIndex: TensorIndex { self }
}

extension Int: TensorSelection {
  public var tensorIndex: TensorIndex { .index(self) }
}

extension Range: TensorSelection where Bound == Int {
  public var tensorIndex: TensorIndex { .range(self) }
}

extension TensorSelection where Self == TensorIndex {
  /// The whole axis.
  public static var all: TensorIndex { TensorIndex(entry: .all) }
  /// A new axis of extent 1.
  public static var newAxis: TensorIndex { TensorIndex(entry: .newAxis) }
  /// One element; the axis goes. Negative positions count from the end.
  public static func index(_ position: Int) -> TensorIndex { TensorIndex(entry: .index(position)) }
  /// A half-open range.
  public static func range(_ range: Range<Int>) -> TensorIndex { TensorIndex(entry: .range(range)) }
  /// From, to (exclusive), step.
  public static func stride(_ from: Int, _ to: Int, _ step: Int) -> TensorIndex {
    TensorIndex(entry: .stride(from, to, step))
  }
}

extension Tensor {
  /// Parts of a tensor, an entry per axis, such as `t[.all, 0, 1..<3]`; missing entries mean the
  /// whole axis.
  public subscript<each Selection: TensorSelection>(_ entries: repeat each Selection) -> Tensor {
    var list: [TensorIndex.Entry] = []
    for entry in repeat each entries { list.append(entry.tensorIndex.entry) }
    return selecting(list)
  }

  private func selecting(_ entries: [TensorIndex.Entry]) -> Tensor {
    var result = self
    var axis = 0
    for entry in entries {
      switch entry {
      case .all: axis += 1
      case .newAxis:
        result = result.expandingDims(at: axis)
        axis += 1
      case .index(let position):
        precondition(axis < result.rank, "subscript: \(entries.count) entries for shape \(shape)")
        let place = position < 0 ? position + result.shape[axis] : position
        precondition(
          (0..<result.shape[axis]).contains(place),
          "subscript: position \(position) of axis \(axis) of shape \(shape)")
        result = result.slice(axis: axis, from: place, to: place + 1).squeezed(axis: axis)
      case .range(let range):
        result = result.slice(axis: axis, from: range.lowerBound, to: range.upperBound)
        axis += 1
      case .stride(let from, let to, let step):
        result = result.slice(axis: axis, from: from, to: to, by: step)
        axis += 1
      }
    }
    return result
  }

  /// The elements at `indices` along an axis: shape `shape[..<axis] + indices.shape +
  /// shape[(axis + 1)...]`. An index out of range stops the program.
  public func gather(_ indices: Tensor, axis: Int = 0) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "gather")
    let extent = shape[place]
    let positions = indices.positions(below: extent, "gather")
    let target = Array(shape[..<place]) + indices.shape + Array(shape[(place + 1)...])
    let (outer, length, inner) = ShapeRules.around(place, shape)
    let result = Movement.empty(target, like: self)
    let bytes = inner * dtype.byteCount
    for o in 0..<outer {
      for (k, position) in positions.enumerated() {
        (result.storage.pointer + (o * positions.count + k) * bytes)
          .copyMemory(from: storage.pointer + (o * length + position) * bytes, byteCount: bytes)
      }
    }
    return result.recorded("gather", from: [self]) { cotangent, _ in
      [cotangent.scatteredAdd(at: indices, axis: place, extent: extent)]
    }
  }

  /// Zeros of extent `count` along axis 0 plus `rows` at `indices`, added in order of appearance.
  ///
  /// `rows` has shape `indices.shape + rest`; the result `[count] + rest`.
  public static func scatterAdd(rows: Tensor, at indices: Tensor, count: Int) -> Tensor {
    precondition(
      Array(rows.shape.prefix(indices.rank)) == indices.shape,
      "scatterAdd: rows of shape \(rows.shape) at indices of shape \(indices.shape)")
    return rows.scatteredAdd(at: indices, axis: 0, extent: count)
  }

  /// The transpose of ``gather(_:axis:)``.
  func scatteredAdd(at indices: Tensor, axis: Int, extent: Int) -> Tensor {
    let positions = indices.positions(below: extent, "scatterAdd")
    let rest = Array(shape[(axis + indices.rank)...])
    let target = Array(shape[..<axis]) + [extent] + rest
    let outer = shape[..<axis].reduce(1, *)
    let inner = rest.reduce(1, *)
    let result: Tensor
    switch dtype {
    case .float32: result = scatter(positions, outer, extent, inner, target, Float.self)
    case .float64: result = scatter(positions, outer, extent, inner, target, Double.self)
    case .int32: result = scatter(positions, outer, extent, inner, target, Int32.self)
    case .int64: result = scatter(positions, outer, extent, inner, target, Int64.self)
    case .bool: preconditionFailure("scatterAdd: a tensor of dtype bool")
    }
    return result.recorded("scatterAdd", from: [self]) { cotangent, _ in
      [cotangent.gather(indices, axis: axis)]
    }
  }

  private func scatter<T: TensorScalar & AdditiveArithmetic>(
    _ positions: [Int], _ outer: Int, _ extent: Int, _ inner: Int, _ target: [Int], _ type: T.Type
  ) -> Tensor {
    let input = pointer(T.self)
    return .build(target, T.self) { out in
      out.update(repeating: .zero, count: outer * extent * inner)
      for o in 0..<outer {
        for (k, position) in positions.enumerated() {
          let from = input + (o * positions.count + k) * inner
          let to = out + (o * extent + position) * inner
          for i in 0..<inner { to[i] += from[i] }
        }
      }
    }
  }

  /// One element per position of `indices` along an axis; `indices` has this tensor's shape but for
  /// that axis.
  public func takeAlong(_ indices: Tensor, axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "takeAlong")
    let extent = shape[place]
    requireAlong(indices, shape, place, "takeAlong")
    let positions = indices.positions(below: extent, "takeAlong")
    let (outer, taken, inner) = ShapeRules.around(place, indices.shape)
    let result = Movement.empty(indices.shape, like: self)
    let bytes = dtype.byteCount
    forEachAlong(outer, taken, inner) { o, k, i in
      let at = (o * taken + k) * inner + i
      (result.storage.pointer + at * bytes).copyMemory(
        from: storage.pointer + ((o * extent + positions[at]) * inner + i) * bytes,
        byteCount: bytes)
    }
    return result.recorded("takeAlong", from: [self]) { cotangent, _ in
      [cotangent.scatteredAlong(indices, axis: place, extent: extent)]
    }
  }

  /// The transpose of ``takeAlong(_:axis:)``.
  private func scatteredAlong(_ indices: Tensor, axis: Int, extent: Int) -> Tensor {
    let positions = indices.positions(below: extent, "scatterAlong")
    let result: Tensor
    switch dtype {
    case .float32: result = scatterAlong(positions, axis, extent, Float.self)
    case .float64: result = scatterAlong(positions, axis, extent, Double.self)
    case .int32: result = scatterAlong(positions, axis, extent, Int32.self)
    case .int64: result = scatterAlong(positions, axis, extent, Int64.self)
    case .bool: preconditionFailure("scatterAlong: a tensor of dtype bool")
    }
    return result.recorded("scatterAlong", from: [self]) { cotangent, _ in
      [cotangent.takeAlong(indices, axis: axis)]
    }
  }

  private func scatterAlong<T: TensorScalar & AdditiveArithmetic>(
    _ positions: [Int], _ axis: Int, _ extent: Int, _ type: T.Type
  ) -> Tensor {
    let (outer, taken, inner) = ShapeRules.around(axis, shape)
    var target = shape
    target[axis] = extent
    let input = pointer(T.self)
    return .build(target, T.self) { out in
      out.update(repeating: .zero, count: outer * extent * inner)
      forEachAlong(outer, taken, inner) { o, k, i in
        let at = (o * taken + k) * inner + i
        out[(o * extent + positions[at]) * inner + i] += input[at]
      }
    }
  }

  /// The elements as positions, checked against an extent.
  private func positions(below extent: Int, _ operation: String) -> [Int] {
    precondition(
      dtype == .int32 || dtype == .int64, "\(operation): indices of dtype \(dtype)")
    let result =
      dtype == .int32
      ? withUnsafeScalars(as: Int32.self) { $0.map { Int($0) } }
      : withUnsafeScalars(as: Int64.self) { $0.map { Int($0) } }
    if let wrong = result.first(where: { $0 < 0 || $0 >= extent }) {
      preconditionFailure("\(operation): index \(wrong), expected 0..<\(extent)")
    }
    return result
  }
}

private func requireAlong(_ indices: Tensor, _ shape: [Int], _ axis: Int, _ operation: String) {
  var expected = shape
  if indices.rank == shape.count { expected[axis] = indices.shape[axis] }
  precondition(
    indices.shape == expected,
    "\(operation): indices of shape \(indices.shape) for shape \(shape) along axis \(axis)")
}

@inline(__always)
private func forEachAlong(
  _ outer: Int, _ length: Int, _ inner: Int, _ body: (Int, Int, Int) -> Void
) {
  for o in 0..<outer { for k in 0..<length { for i in 0..<inner { body(o, k, i) } } }
}
