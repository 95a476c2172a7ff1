// Operations that move elements without changing them.

extension Tensor {
  /// Another shape for the same elements, unknown to the tape.
  func reshapedRaw(_ shape: [Int]) -> Tensor {
    Tensor(storage: storage, shape: shape, dtype: dtype)
  }

  /// The same elements in row-major order under another shape. One extent may be -1.
  public func reshaped(_ target: [Int]) -> Tensor {
    var resolved = target
    if let unknown = target.firstIndex(of: -1) {
      let others = target.enumerated().reduce(1) { $1.offset == unknown ? $0 : $0 * $1.element }
      require(
        others > 0 && count % others == 0, "reshaped: shape \(shape) to \(target)")
      resolved[unknown] = count / others
    }
    require(
      resolved.allSatisfy { $0 >= 0 } && resolved.reduce(1, *) == count,
      "reshaped: shape \(shape) to \(target)")
    if resolved == shape { return self }
    let original = shape
    return reshapedRaw(resolved).recorded("reshaped", from: [self]) { cotangent, _ in
      [cotangent.reshaped(original)]
    }
  }

  /// One axis.
  public func flattened() -> Tensor { reshaped([count]) }

  /// A new axis of extent 1 at `axis` of the result.
  public func expandingDims(at axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank + 1, "expandingDims")
    var target = shape
    target.insert(1, at: place)
    return reshaped(target)
  }

  /// Without an axis of extent 1.
  public func squeezed(axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "squeezed")
    require(shape[place] == 1, "squeezed: axis \(axis) of shape \(shape)")
    var target = shape
    target.remove(at: place)
    return reshaped(target)
  }

  /// A larger shape by repeating axes of extent 1 and adding axes in front.
  public func broadcast(to target: [Int]) -> Tensor {
    if shape == target { return self }
    require(
      ShapeRules.broadcast(shape, target, "broadcast") == target,
      "broadcast: shape \(shape) to \(target)")
    let own = shape
    let strides = ShapeRules.broadcastStrides(shape, to: target)
    return Movement.strided(self, target, strides, offset: 0)
      .recorded("broadcast", from: [self]) { cotangent, _ in [cotangent.summed(to: own)] }
  }

  /// Axes in another order: axis i of the result is axis `order[i]` of this tensor.
  public func transposed(_ order: Int...) -> Tensor { transposed(order) }

  /// Axes in another order; an empty order swaps the last two.
  public func transposed(_ order: [Int]) -> Tensor {
    var axes = order.map { ShapeRules.axis($0, rank: rank, "transposed") }
    if axes.isEmpty {
      require(rank >= 2, "transposed: shape \(shape) has fewer than two axes")
      axes = Array(0..<rank - 2) + [rank - 1, rank - 2]
    }
    require(axes.sorted() == Array(0..<rank), "transposed: order \(order) for shape \(shape)")
    if axes == Array(0..<rank) { return self }
    let strides = ShapeRules.strides(shape)
    var inverse = axes
    for (index, axis) in axes.enumerated() { inverse[axis] = index }
    return Movement.strided(self, axes.map { shape[$0] }, axes.map { strides[$0] }, offset: 0)
      .recorded("transposed", from: [self]) { cotangent, _ in [cotangent.transposed(inverse)] }
  }

  /// With two axes exchanged.
  public func swappedAxes(_ a: Int, _ b: Int) -> Tensor {
    var order = Array(0..<rank)
    order.swapAt(
      ShapeRules.axis(a, rank: rank, "swappedAxes"), ShapeRules.axis(b, rank: rank, "swappedAxes"))
    return transposed(order)
  }

  // MARK: Parts and joins

  /// Elements `from..<to` of an axis.
  public func slice(axis: Int, from: Int, to: Int, by step: Int = 1) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "slice")
    require(
      step > 0 && from >= 0 && from <= to && to <= shape[place],
      "slice: \(from)..<\(to) by \(step) of axis \(axis) of shape \(shape)")
    return strided(axis: place, start: from, step: step, count: (to - from + step - 1) / step)
  }

  /// In reverse order along an axis.
  public func flipped(axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "flipped")
    return strided(
      axis: place, start: Swift.max(shape[place] - 1, 0), step: -1, count: shape[place])
  }

  /// `count` elements of an axis from `start` in steps of `step`, which may be negative.
  private func strided(axis: Int, start: Int, step: Int, count: Int) -> Tensor {
    if start == 0 && step == 1 && count == shape[axis] { return self }
    var target = shape
    target[axis] = count
    var strides = ShapeRules.strides(shape)
    let offset = count > 0 ? start * strides[axis] : 0
    strides[axis] *= step
    let full = shape[axis]
    return Movement.strided(self, target, strides, offset: offset)
      .recorded("slice", from: [self]) { cotangent, _ in
        [cotangent.placed(axis: axis, start: start, step: step, into: full)]
      }
  }

  /// Zeros of extent `extent` along an axis with this tensor at `start`, `start + step`, …
  private func placed(axis: Int, start: Int, step: Int, into extent: Int) -> Tensor {
    let number = shape[axis]
    return Movement.place(self, axis: axis, start: start, step: step, extent: extent)
      .recorded("place", from: [self]) { cotangent, _ in
        [cotangent.strided(axis: axis, start: start, step: step, count: number)]
      }
  }

  /// Zeros added in front of and behind an axis.
  public func padded(axis: Int, before: Int, after: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "padded")
    require(before >= 0 && after >= 0, "padded: \(before) before and \(after) after")
    if before == 0 && after == 0 { return self }
    return placed(axis: place, start: before, step: 1, into: before + shape[place] + after)
  }

  /// One after the other along an existing axis.
  public static func concatenate(_ parts: [Tensor], axis: Int = 0) -> Tensor {
    require(!parts.isEmpty, "concatenate: no tensors")
    let first = parts[0]
    let place = ShapeRules.axis(axis, rank: first.rank, "concatenate")
    for part in parts {
      var expected = first.shape
      if part.rank == first.rank { expected[place] = part.shape[place] }
      require(
        part.dtype == first.dtype && part.shape == expected,
        "concatenate: \(parts.map { "\($0.dtype) \($0.shape)" }) along axis \(axis)")
    }
    if parts.count == 1 { return first }
    let extents = parts.map { $0.shape[place] }
    return Movement.concatenate(parts, place)
      .recorded("concatenate", from: parts) { cotangent, needs in
        var start = 0
        return extents.enumerated().map { index, extent in
          defer { start += extent }
          return needs[index]
            ? cotangent.slice(axis: place, from: start, to: start + extent) : nil
        }
      }
  }

  /// One after the other along a new axis.
  public static func stack(_ parts: [Tensor], axis: Int = 0) -> Tensor {
    concatenate(parts.map { $0.expandingDims(at: axis) }, axis: axis)
  }

  /// Parts of the given sizes along an axis; the sizes add up to its extent.
  public func split(sizes: [Int], axis: Int = 0) -> [Tensor] {
    let place = ShapeRules.axis(axis, rank: rank, "split")
    require(
      sizes.reduce(0, +) == shape[place], "split: sizes \(sizes) of axis \(axis) of shape \(shape)")
    var start = 0
    let parts = sizes.map { size in
      defer { start += size }
      return detached.slice(axis: place, from: start, to: start + size)
    }
    // One operation: a slice's own derivative is as large as the whole.
    return customOperation("split", inputs: [self], outputs: parts, differentiableTwice: true) {
      cotangents, _ in
      // Outputs at the end that nothing used have no place in the list.
      let whole = parts.enumerated().map { index, part in
        (index < cotangents.count ? cotangents[index] : nil) ?? Tensor.zeros(like: part)
      }
      return [Tensor.concatenate(whole, axis: place)]
    }
  }

  /// Every element `times` times in a row along an axis.
  public func repeated(_ times: Int, axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "repeated")
    var wide = shape
    wide.insert(times, at: place + 1)
    var target = shape
    target[place] *= times
    return expandingDims(at: place + 1).broadcast(to: wide).reshaped(target)
  }

  /// The whole tensor `times` times along an axis.
  public func tiled(_ times: Int, axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "tiled")
    var wide = shape
    wide.insert(times, at: place)
    var target = shape
    target[place] *= times
    return expandingDims(at: place).broadcast(to: wide).reshaped(target)
  }
}
