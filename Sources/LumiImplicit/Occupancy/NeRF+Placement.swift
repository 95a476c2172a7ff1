import LumiRendering
import LumiScene
import LumiTensor

// Where samples are on rays, and what part of a ray each stands for.

extension NeRF {
  /// Random numbers of some rays; nil for regular places and no noise.
  struct Numbers {
    /// [R, samples] in [0, 1]: where in its piece a sample is.
    var offsets: Tensor?
    /// [R, importanceSamples] in [0, 1]: shares of the weight, or where in its piece of the shares.
    var shares: Tensor?
    /// Normal, [R, samples] and [R, samples + importanceSamples].
    var noise: (coarse: Tensor, fine: Tensor)?
  }

  /// The numbers of the rays `range` of a picture: the same however rays are put into blocks.
  func numbers(_ range: Range<Int>, dtype: DType) -> Numbers {
    guard let seed else { return Numbers() }
    func drawn(
      _ count: Int, stream: UInt64, _ draw: (inout RandomGenerator, [Int]) -> Tensor
    ) -> Tensor {
      // Random numbers come in pairs; every ray begins with a new one.
      let pairs = (count + 1) / 2
      var random = RandomGenerator(
        seed: seed, stream: stream, position: UInt64(range.lowerBound * pairs))
      return draw(&random, [range.count, 2 * pairs]).slice(axis: 1, from: 0, to: count)
    }
    func uniform(_ count: Int, stream: UInt64) -> Tensor {
      drawn(count, stream: stream) { $0.uniform($1, dtype: dtype) }
    }
    func normal(_ count: Int, stream: UInt64) -> Tensor {
      drawn(count, stream: stream) { $0.normal($1, deviation: densityNoise, dtype: dtype) }
    }
    return Numbers(
      offsets: uniform(samples, stream: 0), shares: uniform(importanceSamples, stream: 1),
      noise: densityNoise == 0
        ? nil : (normal(samples, stream: 2), normal(samples + importanceSamples, stream: 3)))
  }

  /// The part of every ray that is sampled, [R, 1] each.
  struct Part {
    let near, far: Tensor

    /// The part of rays that meet the bounds.
    init(_ interval: RayInterval) {
      near = interval.near.clamped(min: 0).expandingDims(at: 1)
      far = interval.far.expandingDims(at: 1)
    }

    init(near: Tensor, far: Tensor) {
      self.near = near
      self.far = far
    }

    /// The same without a derivative.
    var constant: Part { Part(near: near.stoppingGradient(), far: far.stoppingGradient()) }

    func distances(atFractions fractions: Tensor) -> Tensor { near + (far - near) * fractions }

    /// Ends and middles of neighbours, [R, S + 1].
    func edges(of distances: Tensor) -> Tensor {
      .concatenate([near, distances.middles, far], axis: 1)
    }
  }

  /// Distances of the first pass, [R, S].
  func coarseDistances(_ part: Part, offsets: Tensor?) -> Tensor {
    let dtype = part.near.dtype
    func placed(_ fractions: Tensor) -> Tensor {
      guard spacing == .disparity else { return part.distances(atFractions: fractions) }
      return 1 / ((1 - fractions) / part.near.clamped(min: 1e-6) + fractions / part.far)
    }
    switch quadrature {
    case .centred:
      let places = Tensor.arange(samples, dtype: dtype).expandingDims(at: 0)
      return placed((places + (offsets ?? Tensor(0.5, dtype: dtype))) / Double(samples))
    case .released:
      let regular = placed(.linspace(0, 1, samples, dtype: dtype).expandingDims(at: 0))
      guard let offsets else { return regular }
      let middles = regular.middles
      let lower = Tensor.concatenate(
        [regular.slice(axis: 1, from: 0, to: 1), middles], axis: 1)
      let upper = Tensor.concatenate(
        [middles, regular.slice(axis: 1, from: samples - 1, to: samples)], axis: 1)
      return lower + (upper - lower) * offsets
    }
  }

  /// Distances of samples by importance, [R, importanceSamples]: a constant share of the way from the
  /// near end to the far end.
  func importanceDistances(
    _ part: Part, _ coarse: Tensor, weights: Tensor, shares: Tensor?
  ) -> Tensor {
    let (distances, weights) = (coarse.stoppingGradient(), weights.stoppingGradient())
    let dtype = distances.dtype
    let (near, far) = (part.near.stoppingGradient(), part.far.stoppingGradient())
    let found: Tensor
    switch quadrature {
    case .centred:
      let places = Tensor.arange(importanceSamples, dtype: dtype)
      found = ImportanceSampling.distances(
        edges: .concatenate([near, distances.middles, far], axis: 1), weights: weights,
        at: (places + (shares ?? Tensor(0.5, dtype: dtype))) / Double(importanceSamples))
    case .released:
      found = ImportanceSampling.distances(
        edges: distances.middles, weights: weights.slice(axis: 1, from: 1, to: samples - 1),
        at: shares ?? .linspace(0, 1, importanceSamples, dtype: dtype))
    }
    return part.distances(atFractions: (found - near) / (far - near))
  }

  /// What part of the ray each of the samples stands for, [R, S].
  func lengths(of distances: Tensor, _ part: Part) -> Tensor {
    switch quadrature {
    case .centred: return part.edges(of: distances).steps
    case .released(let last):
      let tail = Tensor.full([distances.shape[0], 1], last, dtype: distances.dtype)
      return .concatenate([distances.steps, tail], axis: 1)
    }
  }

  /// What every sample contributes.
  func weights(of densities: Tensor, lengths: Tensor) -> RayWeights {
    switch quadrature {
    case .centred: EmissionAbsorption().weights(of: densities, lengths: lengths)
    case .released: ReleasedAbsorption().weights(of: densities, lengths: lengths)
    }
  }
}

/// ``EmissionAbsorption`` as the authors' program has it: every sample lets 1e-10 more light pass, so
/// that gradients behind an opaque one are finite, and the weights may add up to a little more than 1.
struct ReleasedAbsorption: RayAggregation {
  func weights(of values: Tensor, lengths: Tensor) -> RayWeights {
    let opacities = -(-(values * lengths)).expm1()
    let last = values.shape[1] - 1
    let passing = (1 - opacities + 1e-10).cumprod(axis: 1).slice(axis: 1, from: 0, to: last)
    let arriving = Tensor.concatenate(
      [.ones([values.shape[0], 1], dtype: values.dtype), passing], axis: 1)
    let samples = opacities * arriving
    return RayWeights(samples: samples, remainder: 1 - samples.sum(axis: 1))
  }
}

extension Tensor {
  /// Differences of neighbours along axis 1.
  fileprivate var steps: Tensor {
    slice(axis: 1, from: 1, to: shape[1]) - slice(axis: 1, from: 0, to: shape[1] - 1)
  }

  /// Means of neighbours along axis 1.
  fileprivate var middles: Tensor {
    (slice(axis: 1, from: 1, to: shape[1]) + slice(axis: 1, from: 0, to: shape[1] - 1)) * 0.5
  }
}
