// Cumulative operations along an axis. Both rest on the linear recurrence y[i] = a[i]·y[i-1] + b[i]:
// its derivative is the same recurrence run backwards, which is right where factors are zero.

extension Tensor {
  /// Sums of the elements up to and including each position.
  public func cumsum(axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "cumsum")
    return Scan.run(nil, self, place)
      .recorded("cumsum", from: [self]) { cotangent, _ in
        [cotangent.flipped(axis: place).cumsum(axis: place).flipped(axis: place)]
      }
  }

  /// Products of the elements up to and including each position.
  public func cumprod(axis: Int) -> Tensor {
    let place = ShapeRules.axis(axis, rank: rank, "cumprod")
    guard shape[place] > 0 else { return self }
    let first = slice(axis: place, from: 0, to: 1)
    let start = first.padded(axis: place, before: 0, after: shape[place] - 1)
    return Tensor.linearRecurrence(self, start, axis: place)
  }

  /// y[i] = a[i]·y[i-1] + b[i] along an axis, with y[-1] = 0; a[0] has no influence.
  public static func linearRecurrence(_ a: Tensor, _ b: Tensor, axis: Int) -> Tensor {
    require(
      a.shape == b.shape && a.dtype == b.dtype,
      "linearRecurrence: \(a.dtype) \(a.shape) and \(b.dtype) \(b.shape)")
    let place = ShapeRules.axis(axis, rank: a.rank, "linearRecurrence")
    return Scan.run(a, b, place)
      .recordedKeepingOutput("linearRecurrence", from: [a, b]) { cotangent, y, _ in
        let length = a.shape[place]
        guard length > 0 else { return [cotangent, cotangent] }
        // Shifted so that element i carries a[i+1], the factor from y[i] to y[i+1].
        let next = a.slice(axis: place, from: 1, to: length)
          .padded(axis: place, before: 0, after: 1)
        let adjoint = linearRecurrence(
          next.flipped(axis: place), cotangent.flipped(axis: place), axis: place
        ).flipped(axis: place)
        let previous = y.slice(axis: place, from: 0, to: length - 1)
          .padded(axis: place, before: 1, after: 0)
        return [adjoint * previous, adjoint]
      }
  }
}

enum Scan {
  /// `a` nil means factors of 1.
  static func run(_ a: Tensor?, _ b: Tensor, _ axis: Int) -> Tensor {
    switch b.dtype {
    case .float32: run(a, b, axis, Float.self)
    case .float64: run(a, b, axis, Double.self)
    case .int32: run(a, b, axis, Int32.self)
    case .int64: run(a, b, axis, Int64.self)
    case .bool: fatalError("cumulative operation: a tensor of dtype bool")
    }
  }

  private static func run<T: TensorScalar & Numeric>(
    _ a: Tensor?, _ b: Tensor, _ axis: Int, _ type: T.Type
  ) -> Tensor {
    let (outer, length, inner) = ShapeRules.around(axis, b.shape)
    let addend = b.pointer(T.self)
    let factor = a?.pointer(T.self)
    let size = length * inner
    return .build(b.shape, T.self) { out in
      guard size > 0 else { return }
      inBlocks(outer, of: Swift.max(1, Elementwise.block / size)) { range in
        for o in range {
          let (add, to) = (addend + o * size, out + o * size)
          // The first factor has no part, lest it turn an infinity into 0·∞.
          to.update(from: add, count: inner)
          if let factor {
            let by = factor + o * size
            for at in inner..<size { to[at] = by[at] * to[at - inner] + add[at] }
          } else {
            for at in inner..<size { to[at] = to[at - inner] + add[at] }
          }
        }
      }
    }
  }
}
