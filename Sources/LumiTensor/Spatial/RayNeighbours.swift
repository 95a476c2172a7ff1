/// Which points lie within a radius of each of several rays, as a beam that thick would meet them:
/// lists of any length.
public struct RayNeighbours: Sendable {
  /// R + 1 numbers: the list of ray r is `offsets[r]..<offsets[r + 1]`.
  public let offsets: [Int]
  /// int32 [offsets.last!], ascending within a list.
  public let indices: Tensor

  /// What rounding may move where a ray meets a box: a bound for boxes that must lose no point.
  static func margin(radius: Double, _ rays: [Double], _ places: [Double]) -> Double {
    func largest(_ values: [Double]) -> Double {
      values.reduce(0) { $1.isFinite ? max($0, $1.magnitude) : $0 }
    }
    return 1e-9 * radius + 1e-12 * (largest(rays) + largest(places))
  }

  /// All pairs: the readable twin of the search through a tree.
  package static func ofAllPairs(
    origins: Tensor, directions: Tensor, points: Tensor, radius: Double
  ) -> RayNeighbours {
    func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { a.x * b.x + a.y * b.y + a.z * b.z }
    let (starts, along, places) = (points3(origins), points3(directions), points3(points))
    var offsets = [0]
    var indices: [Int32] = []
    for (start, direction) in zip(starts, along) {
      let inverse = 1 / dot(direction, direction)
      for (index, place) in places.enumerated() {
        let apart = place - start
        let t = dot(apart, direction) * inverse
        let off = apart - t * direction
        if t > 0 && dot(off, off) <= radius * radius { indices.append(Int32(index)) }
      }
      offsets.append(indices.count)
    }
    return RayNeighbours(offsets: offsets, indices: Tensor(indices))
  }
}

/// The points within a radius of every ray, that distance included, and ahead of its origin, exactly:
/// p counts for o + t d if t = (p - o)·d/|d|² is above 0 and |p - o - t d| at most the radius.
///
/// Distances are taken in double precision. Points and rays that are not finite, and rays whose
/// direction is 0, meet nothing.
///
/// - Complexity: O(N log N + R·(N^⅓ + N·radius²) + L log L) for points that are well spread in a unit
///   cube and lists of L entries together, whose memory it takes.
/// - Parameters:
///   - origins: [R, 3].
///   - directions: [R, 3], of any length.
///   - points: [N, 3].
///   - radius: at least 0 and finite.
public func rayNeighbours(
  origins: Tensor, directions: Tensor, points: Tensor, radius: Double
) -> RayNeighbours {
  requirePoints("rayNeighbours", origins, points)
  require(
    radius >= 0 && radius.isFinite && points.shape[1] == 3 && origins.shape == directions.shape
      && origins.dtype == directions.dtype,
    """
    rayNeighbours: radius \(radius), origins \(origins.shape), directions \(directions.dtype) \
    \(directions.shape), points \(points.shape); expected a finite radius of at least 0, [R, 3] \
    twice and [N, 3]
    """)
  let rays = Tensor.concatenate(
    [origins.stoppingGradient(), directions.stoppingGradient()], axis: 1)
  return PointTree(points).along(rays.scalars(as: Double.self), radius: radius)
}
