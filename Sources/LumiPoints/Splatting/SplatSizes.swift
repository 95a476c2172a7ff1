import LumiTensor

/// How large the Gaussian around a surface point is, in its tangent plane.
public enum SplatSizes: Sendable, Equatable {
  /// For each point half of the squared distance to its sixth neighbour, kept within limits:
  /// published as 5e-5 and 0.01, for objects about 1 in size.
  case neighbours(limits: ClosedRange<Double> = 5e-5...0.01)
  /// The mean of that over the cloud ("invariant"), kept within limits, published as 5e-5 and 1e-3.
  case mean(limits: ClosedRange<Double> = 5e-5...1e-3)

  /// Neighbours that count.
  static let neighbours = 6
  /// The squared distance where a cloud has fewer.
  static let lonelySquaredDistance = 1e-3

  /// Variances [N] for points [N, 3], without a derivative.
  ///
  /// - Complexity: O(N log N).
  public func variances(of points: Tensor) -> Tensor {
    let squared = Self.sixthNeighbour(points)
    switch self {
    case .neighbours(let limits):
      return (squared * 0.5).clamped(min: limits.lowerBound, max: limits.upperBound)
        .cast(to: points.dtype)
    case .mean(let limits):
      guard points.shape[0] > 0 else { return squared.cast(to: points.dtype) }
      let mean = (squared * 0.5).mean().value
      let variance = min(max(mean, limits.lowerBound), limits.upperBound)
      return .full([points.shape[0]], variance, dtype: points.dtype)
    }
  }

  /// Squared distances float64 [N] to the sixth nearest other point.
  static func sixthNeighbour(_ points: Tensor) -> Tensor {
    let count = points.shape[0]
    guard count > neighbours else {
      return .full([count], lonelySquaredDistance, dtype: .float64)
    }
    let fixed = points.stoppingGradient()
    return nearestNeighbours(of: fixed, in: fixed, count: neighbours + 1)
      .squaredDistances.column(neighbours)
  }
}
