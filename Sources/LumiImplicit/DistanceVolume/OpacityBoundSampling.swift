import Foundation
import LumiRendering
import LumiTensor

/// VolSDF's algorithm 1: samples until the error of opacity along a ray is bounded, then samples by
/// what is left of the light.
///
/// Between two samples the distance to the surface is at least d*, which follows from the values at
/// both and from their spacing; hence the error of the rectangle rule is bounded (theorem 1). A ray
/// whose bound is too large for its β gets samples where the bound grows, and meanwhile the smallest β+
/// for which it holds, by bisection. Rays that are done leave the others alone.
struct OpacityBoundSampling {
  /// The error of opacity.
  var tolerance: Double
  /// Samples at the start.
  var first: Int
  /// Samples of every further step.
  var perStep: Int
  var steps: Int
  var bisections: Int
  /// Samples by weight, in the end.
  var last: Int
  /// Samples that are kept of those that the bound was formed from, both ends among them.
  var kept: Int

  /// Samples of a ray.
  var count: Int { last + kept }

  /// - Parameters:
  ///   - placement: the rays.
  ///   - offsets: [R, first], where in equal pieces the first samples are; nil for even ones.
  ///   - beta: the width of the surface, above 0.
  /// - Returns: [R, count], ascending.
  func distances(_ placement: SamplePlacement, offsets: Tensor?, beta: Double) -> Tensor {
    let rays = placement.near.count
    var rows = Tensor.arange(rays)
    let start = placement.even(first, offsets: offsets)
    var placed = PlacedValues(distances: start, values: placement.values(at: start, rows: rows))
    // With this width the first samples are good enough whatever the field (lemma 2).
    var upper =
      (placed.lengths.square().sum(axis: 1, keepDims: true)
      / (4 * log1p(tolerance))).sqrt().clamped(min: beta)
    var result = Tensor.zeros([rays, count], dtype: placement.near.dtype)
    for step in 1...max(steps, 1) {
      upper = narrowed(placed, beta: beta, upper: upper)
      let isDone =
        step >= steps
        ? [Bool](repeating: true, count: rows.count)
        : (upper .<= beta * (1 + 1e-6)).scalars(as: Bool.self)
      let done = Self.positions(isDone, true)
      if done.count > 0 {
        let found = final(placed.gather(done), widths: upper.gather(done))
        result = result + .scatterAdd(rows: found, at: rows.gather(done), count: rays)
      }
      let open = Self.positions(isDone, false)
      guard open.count > 0 else { break }
      (rows, placed, upper) = (rows.gather(open), placed.gather(open), upper.gather(open))
      let bound = OpacityBound(placed, widths: upper)
      let more = ImportanceSampling.distances(
        edges: placed.distances, weights: bound.errors,
        at: Tensor.linspace(0, 1, perStep, dtype: placed.distances.dtype))
      placed = placed.merged(more, placement.values(at: more, rows: rows))
    }
    return result
  }

  /// The smallest width from beta to the upper one for which the bound holds, [K, 1].
  private func narrowed(_ placed: PlacedValues, beta: Double, upper: Tensor) -> Tensor {
    func holds(_ widths: Tensor) -> Tensor {
      OpacityBound(placed, widths: widths).largest .<= tolerance
    }
    let target = Tensor.full(upper.shape, beta, dtype: upper.dtype)
    var high = Tensor.where(holds(target), target, upper)
    var low = target
    for _ in 0..<bisections {
      let middle = (low + high) * 0.5
      let isGood = holds(middle)
      high = Tensor.where(isGood, middle, high)
      low = Tensor.where(isGood, low, middle)
    }
    return high
  }

  private func final(_ placed: PlacedValues, widths: Tensor) -> Tensor {
    let dtype = placed.distances.dtype
    let weights = EmissionAbsorption().weights(
      of: placed.earlier(VolSDF.density(placed.values, width: widths)), lengths: placed.lengths)
    let samples = ImportanceSampling.distances(
      edges: placed.distances, weights: weights.samples,
      at: Tensor.linspace(0, 1, last, dtype: dtype))
    guard kept > 0 else { return samples }
    let columns = Tensor.linspace(0, Double(placed.distances.shape[1] - 1), kept).cast(to: .int32)
    return ImportanceSampling.merged(samples, placed.distances.gather(columns, axis: 1))
  }

  private static func positions(_ flags: [Bool], _ wanted: Bool) -> Tensor {
    Tensor(flags.indices.filter { flags[$0] == wanted }.map { Int32($0) })
  }
}

/// How far off opacity can be that the rectangle rule gives at the samples of rays.
struct OpacityBound {
  /// [K, S - 1]: at the end of every interval.
  let errors: Tensor

  /// [K, 1].
  var largest: Tensor { errors.max(axis: 1, keepDims: true) }

  /// - Parameters:
  ///   - placed: distances along rays, and values of the field.
  ///   - widths: β, [K, 1].
  init(_ placed: PlacedValues, widths: Tensor) {
    let lengths = placed.lengths
    let nearest = Self.nearestSurface(
      lengths, placed.earlier(placed.values), placed.later(placed.values))
    let free = lengths * placed.earlier(VolSDF.density(placed.values, width: widths))
    let ofInterval = (-nearest / widths).exp() * lengths.square() / (widths.square() * 4)
    // Light that arrives at the interval; exp of more than this is as good as infinite.
    let arriving = (free - free.cumsum(axis: 1)).exp()
    errors = ofInterval.cumsum(axis: 1).clamped(max: 13.8).expm1() * arriving
  }

  /// d*: how near the surface can come between two samples, a lower bound. Two balls around the ends
  /// are free of surface.
  static func nearestSurface(_ lengths: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    let (first, second) = (a.abs(), b.abs())
    let (c2, a2, b2) = (lengths.square(), first.square(), second.square())
    let half = (lengths + first + second) * 0.5
    let area = (half * (half - lengths) * (half - first) * (half - second)).clamped(min: 0).sqrt()
    let height = area * 2 / lengths.clamped(min: 1e-30)
    let isTriangle = first + second .> lengths
    var result = Tensor.where(isTriangle, height, 0)
    result = Tensor.where(c2 + b2 .<= a2, second, result)
    result = Tensor.where(c2 + a2 .<= b2, first, result)
    // A change of sign means a surface in between.
    return Tensor.where(a * b .> 0, result, 0)
  }
}
