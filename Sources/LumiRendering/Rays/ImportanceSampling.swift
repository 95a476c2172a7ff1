import LumiTensor

/// Samples where they matter: by inverting how weight adds up along a ray (hierarchical sampling;
/// B. Mildenhall et al., "NeRF", ECCV 2020, section 5.2).
///
/// Samples are constants: how they would move with edges and weights is left out of derivatives, as
/// published.
public enum ImportanceSampling {
  /// Where given shares of the weight have been passed, if it is spread evenly within every interval.
  ///
  /// An interval with less than 1e-5 of the weight is not divided: its samples are at its beginning,
  /// as in the published code, which so avoids divisions by nothing.
  ///
  /// - Parameters:
  ///   - edges: [R, B], ascending, B at least 2.
  ///   - weights: [R, B - 1], of the intervals between edges; negative ones and those that are not
  ///     finite count as 0.
  ///   - shares: [N] for all rays or [R, N], in [0, 1].
  ///   - padding: added to every weight, so that a ray without any is sampled evenly over its
  ///     intervals; 1e-5 by default.
  /// - Returns: [R, N], in the order of the shares.
  /// - Complexity: O(R (B + N log B)).
  public static func distances(
    edges: Tensor, weights: Tensor, at shares: Tensor, padding: Double = 1e-5
  ) -> Tensor {
    let dtype = edges.dtype
    require(
      edges.rank == 2 && edges.shape[1] >= 2
        && weights.shape == [edges.shape[0], edges.shape[1] - 1]
        && (shares.rank == 1 || (shares.rank == 2 && shares.shape[0] == edges.shape[0]))
        && dtype.isFloatingPoint && weights.dtype == dtype && shares.dtype == dtype,
      "ImportanceSampling: edges \(dtype) \(edges.shape), weights \(weights.dtype) "
        + "\(weights.shape), shares \(shares.dtype) \(shares.shape); expected [R, B], [R, B - 1], "
        + "[N] or [R, N]")
    return dtype == .float64
      ? distances(edges, weights, shares, padding, Double.self)
      : distances(edges, weights, shares, padding, Float.self)
  }

  /// All samples of a ray in the order of their distance.
  ///
  /// - Parameters:
  ///   - first: [R, M].
  ///   - second: [R, N].
  /// - Returns: [R, M + N]; differentiable.
  public static func merged(_ first: Tensor, _ second: Tensor) -> Tensor {
    Tensor.concatenate([first, second], axis: 1).sorted(axis: 1).values
  }

  /// Sums are in double precision whatever the type, and the last is 1 to the bit: its rounding would
  /// decide in which interval a share of 1 is.
  private static func distances<Scalar: TensorScalar & BinaryFloatingPoint>(
    _ edges: Tensor, _ weights: Tensor, _ shares: Tensor, _ padding: Double, _ type: Scalar.Type
  ) -> Tensor {
    let (rays, count) = (edges.shape[0], edges.shape[1])
    let wanted = shares.shape.last!
    let (edge, weight, share) = (
      edges.pointer(Scalar.self), weights.pointer(Scalar.self), shares.pointer(Scalar.self)
    )
    let ofEachRay = shares.rank == 2
    return .build([rays, wanted], Scalar.self) { out in
      let perBlock = max(1, (1 << 14) / (count + wanted))
      parallelFor((rays + perBlock - 1) / perBlock) { block in
        var passed = [Double](repeating: 0, count: count)
        for ray in block * perBlock..<min((block + 1) * perBlock, rays) {
          accumulate(weight + ray * (count - 1), padding, into: &passed)
          let start = edge + ray * count
          let own = share + (ofEachRay ? ray * wanted : 0)
          for index in 0..<wanted {
            out[ray * wanted + index] = Scalar(invert(Double(own[index]), passed, start))
          }
        }
      }
    }
  }

  /// The share of all weight before every edge.
  private static func accumulate<Scalar: BinaryFloatingPoint>(
    _ weights: UnsafePointer<Scalar>, _ padding: Double, into passed: inout [Double]
  ) {
    var sum = 0.0
    for index in 1..<passed.count {
      let weight = Double(weights[index - 1])
      sum += (weight > 0 && weight.isFinite ? weight : 0) + padding
      passed[index] = sum
    }
    let scale = sum > 0 ? 1 / sum : 0
    for index in 1..<passed.count { passed[index] *= scale }
    passed[passed.count - 1] = 1
  }

  private static func invert<Scalar: BinaryFloatingPoint>(
    _ share: Double, _ passed: [Double], _ edges: UnsafePointer<Scalar>
  ) -> Double {
    // How many edges have at most this share before them.
    var (low, high) = (0, passed.count)
    while low < high {
      let middle = (low + high) / 2
      if passed[middle] <= share { low = middle + 1 } else { high = middle }
    }
    let below = max(low - 1, 0)
    let above = min(low, passed.count - 1)
    let width = passed[above] - passed[below]
    let place = (share - passed[below]) / (width < 1e-5 ? 1 : width)
    let start = Double(edges[below])
    return start + place * (Double(edges[above]) - start)
  }
}
