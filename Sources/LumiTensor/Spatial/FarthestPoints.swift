/// Positions of `count` points of [N, 3] that are far from each other: after the first, each is the
/// one whose nearest chosen point is farthest away; of equally far ones the first.
///
/// T. Gonzalez, "Clustering to Minimize the Maximum Intercluster Distance", 1985; Y. Eldar et al.,
/// "The Farthest Point Strategy for Progressive Image Sampling", 1997. No point of the cloud is
/// farther from the chosen ones than twice the least possible. Points that are not finite are never
/// chosen, and no point is chosen twice.
///
/// - Complexity: O(N·count).
/// - Parameters:
///   - points: [N, 3].
///   - count: 0 or more.
///   - first: where to begin; the first finite point after it if it is not finite.
/// - Returns: int32 [count], or fewer if there are fewer finite points.
public func farthestPoints(of points: Tensor, count: Int, first: Int = 0) -> Tensor {
  require(
    points.rank == 2 && points.shape[1] == 3 && count >= 0
      && (points.shape[0] == 0 || (0..<points.shape[0]).contains(first)),
    "farthestPoints: \(count) of shape \(points.shape) from \(first), expected [N, 3]")
  let places = points3(points)
  // The squared distance to the nearest chosen point; below 0 for what cannot be chosen.
  var distances = places.map {
    $0.x.isFinite && $0.y.isFinite && $0.z.isFinite ? Double.infinity : -1
  }
  let start = places.indices.map { (first + $0) % places.count }.first { distances[$0] > 0 }
  var chosen: [Int32] = []
  guard count > 0, var latest = start else { return Tensor(chosen) }
  while true {
    chosen.append(Int32(latest))
    distances[latest] = -1
    if chosen.count == count { return Tensor(chosen) }
    let place = places[latest]
    var (best, farthest) = (-1, -1.0)
    distances.withUnsafeMutableBufferPointer { distances in
      places.withUnsafeBufferPointer { places in
        for item in 0..<places.count where distances[item] >= 0 {
          let d = places[item] - place
          let squared = d.x * d.x + d.y * d.y + d.z * d.z
          // A distance that overflows is no number to compare by; it stays the largest.
          if squared < distances[item] { distances[item] = squared }
          if distances[item] > farthest { (best, farthest) = (item, distances[item]) }
        }
      }
    }
    guard best >= 0 else { return Tensor(chosen) }
    latest = best
  }
}
