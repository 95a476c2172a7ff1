import LumiTensor

/// How values along rays become one value a ray: the survey's Table 2 as interchangeable types.
///
/// Differentiable with respect to values and lengths.
public protocol RayAggregation: Sendable {
  /// - Parameters:
  ///   - values: [R, S], in the order of the distance; what they mean is up to the operator.
  ///   - lengths: [R, S], how long a piece of the ray each stands for. Operators on probabilities
  ///     take no notice.
  func weights(of values: Tensor, lengths: Tensor) -> RayWeights
}

/// How much of a ray's value comes from each of its samples, and from behind all of them.
public struct RayWeights: Sendable {
  /// [R, S].
  public let samples: Tensor
  /// [R].
  public let remainder: Tensor

  public init(samples: Tensor, remainder: Tensor) {
    self.samples = samples
    self.remainder = remainder
  }

  /// Σ weight·value + remainder·background.
  ///
  /// - Parameters:
  ///   - values: [R, S, C].
  ///   - background: [C].
  /// - Returns: [R, C].
  public func composite(_ values: Tensor, background: Tensor) -> Tensor {
    (samples.expandingDims(at: 2) * values).sum(axis: 1)
      + remainder.expandingDims(at: 1) * background
  }

  /// Σ weight·value + remainder·background for values [R, S]: [R].
  public func composite(_ values: Tensor, background: Double) -> Tensor {
    (samples * values).sum(axis: 1) + remainder * background
  }
}

/// The largest value counts, and with several the first (survey: "max"). Values are occupancies.
public struct MaximumAggregation: RayAggregation {
  public init() {}

  public func weights(of values: Tensor, lengths: Tensor) -> RayWeights {
    let largest = values.max(axis: 1, keepDims: true)
    let place = values.stoppingGradient().argmax(axis: 1, keepDims: true)
    let isLargest = Tensor.arange(values.shape[1], dtype: .int64).expandingDims(at: 0) .== place
    return RayWeights(
      samples: Tensor.where(isLargest, largest, 0), remainder: 1 - largest.squeezed(axis: 1))
  }
}

/// Where a ray stops, if every sample stops it with a probability: its occupancy (survey: event
/// probability). Σ weights + remainder = 1.
public struct TerminationAggregation: RayAggregation {
  public init() {}

  public func weights(of values: Tensor, lengths: Tensor) -> RayWeights {
    let passing = (1 - values).cumprod(axis: 1)
    let last = values.shape[1] - 1
    let before = passing.slice(axis: 1, from: 0, to: last)
    let arriving = Tensor.concatenate(
      [Tensor.ones([values.shape[0], 1], dtype: values.dtype), before], axis: 1)
    return RayWeights(
      samples: arriving * values,
      remainder: passing.slice(axis: 1, from: last, to: last + 1).squeezed(axis: 1))
  }
}

/// Light that a medium emits and absorbs: values are densities σ per unit of length, at least 0, and
/// weights T(1 - exp(-σδ)) with the transmittance T = exp(-Σσδ) up to the sample (Max 1995).
public struct EmissionAbsorption: RayAggregation {
  public init() {}

  public func weights(of values: Tensor, lengths: Tensor) -> RayWeights {
    let thickness = values * lengths
    let total = thickness.cumsum(axis: 1)
    let last = values.shape[1] - 1
    let behind = total.slice(axis: 1, from: last, to: last + 1).squeezed(axis: 1)
    return RayWeights(
      samples: (thickness - total).exp() * -(-thickness).expm1(), remainder: (-behind).exp())
  }
}

/// Opacity that is added up until it reaches 1 (survey: alpha; Lombardi et al. 2019): values are
/// opacities per unit of length, negative ones count as 0. Behind saturation nothing has a weight or
/// a derivative.
public struct SaturatingAlpha: RayAggregation {
  public init() {}

  public func weights(of values: Tensor, lengths: Tensor) -> RayWeights {
    let total = (values.clamped(min: 0) * lengths).cumsum(axis: 1).clamped(max: 1)
    let last = values.shape[1] - 1
    let before = total.slice(axis: 1, from: 0, to: last).padded(axis: 1, before: 1, after: 0)
    return RayWeights(
      samples: total - before,
      remainder: 1 - total.slice(axis: 1, from: last, to: last + 1).squeezed(axis: 1))
  }
}

/// Where values first fall below a level, as a signed distance does at the surface: the two samples
/// around the crossing, weighted so that the value between them is the level. A ray that begins
/// below the level is hit at its first sample; one that never gets there has only a remainder.
public struct LevelSetAggregation: RayAggregation {
  public var level: Double

  /// - Parameter level: 0 by default.
  public init(level: Double = 0) { self.level = level }

  public func weights(of values: Tensor, lengths: Tensor) -> RayWeights {
    let constant = values.stoppingGradient()
    let isBelow = (constant .< level).cast(to: values.dtype)
    let isHit = isBelow.max(axis: 1, keepDims: true) .> 0
    let place = isBelow.argmax(axis: 1, keepDims: true)
    let previous = (place - Tensor(1, dtype: .int64)).clamped(min: 0)
    let above = values.takeAlong(previous, axis: 1)
    let drop = above - values.takeAlong(place, axis: 1)
    // Without a crossing between two samples the first one counts whole.
    let crosses = isHit .&& (place .> 0)
    let share = Tensor.where(
      crosses, (above - level) / Tensor.where(crosses, drop, 1), 1)
    let index = Tensor.arange(values.shape[1], dtype: .int64).expandingDims(at: 0)
    let atHit = isHit .&& (index .== place)
    let atPrevious = crosses .&& (index .== previous)
    let samples = Tensor.where(atHit, share, 0) + Tensor.where(atPrevious, 1 - share, 0)
    return RayWeights(
      samples: samples, remainder: (1 - isHit.cast(to: values.dtype)).squeezed(axis: 1))
  }
}
