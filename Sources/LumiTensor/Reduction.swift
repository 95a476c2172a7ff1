// Reductions over axes. `axis` nil means all; negative axes count from the end. Sums are made of
// fixed blocks added in order, so that no bit depends on threads.

extension Tensor {
  /// The sum over all elements, or along one axis.
  public func sum(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    sum(axes: axis.map { [$0] } ?? Array(0..<rank), keepDims: keepDims)
  }

  /// The sum along several axes.
  public func sum(axes: [Int], keepDims: Bool = false) -> Tensor {
    let own = shape
    var summed = [Bool](repeating: false, count: own.count)
    for axis in axes { summed[ShapeRules.axis(axis, rank: rank, "sum")] = true }
    let kept = own.indices.map { summed[$0] ? 1 : own[$0] }
    let result = Reduction.sum(self, summed).reshapedRaw(kept)
      .recorded("sum", from: [self]) { cotangent, _ in [cotangent.broadcast(to: own)] }
    return keepDims ? result : result.reshaped(own.indices.filter { !summed[$0] }.map { own[$0] })
  }

  /// Sums broadcast axes away, so that the result has `target`'s shape: broadcasting's derivative.
  public func summed(to target: [Int]) -> Tensor {
    if shape == target { return self }
    let missing = rank - target.count
    require(missing >= 0, "summed: shape \(shape) to \(target)")
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
    require(dtype == .bool, "any: a tensor of dtype \(dtype)")
    return sum(axis: axis, keepDims: keepDims) .> 0
  }

  /// Whether all elements of a bool tensor are true.
  public func all(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    not().any(axis: axis, keepDims: keepDims).not()
  }

  /// The Euclidean norm √(Σx² + ε²). With ε = 0 the derivative at the zero vector is taken as 0.
  public func norm(axis: Int? = nil, keepDims: Bool = false, epsilon: Double = 0) -> Tensor {
    require(dtype.isFloatingPoint, "norm: a tensor of dtype \(dtype)")
    let plain = detached
    let squared = plain.square().sum(axis: axis, keepDims: true)
    let value = (epsilon > 0 ? squared + epsilon * epsilon : squared).sqrt()
    let result = value.recordedKeepingOutput("norm", from: [self]) { cotangent, length, _ in
      let zero = length.detached .== 0
      return [self * (cotangent / Tensor.where(zero, 1, length))]
    }
    guard !keepDims else { return result }
    return axis.map { result.squeezed(axis: $0) } ?? result.reshaped([])
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
