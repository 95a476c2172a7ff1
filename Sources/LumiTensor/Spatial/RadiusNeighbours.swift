/// Which points of a set lie within a radius of each of others: lists of any length.
public struct RadiusNeighbours: Sendable {
  /// N + 1 numbers: the list of query i is `offsets[i]..<offsets[i + 1]`.
  public let offsets: [Int]
  /// int32 [offsets.last!], nearest first; of equally near ones the first.
  public let indices: Tensor
  /// float64, beside ``indices``, without a derivative.
  public let squaredDistances: Tensor

  /// int32, beside ``indices``: the query that each entry belongs to.
  public var queries: Tensor {
    var rows: [Int32] = []
    rows.reserveCapacity(offsets.last ?? 0)
    for row in 0..<offsets.count - 1 {
      for _ in offsets[row]..<offsets[row + 1] { rows.append(Int32(row)) }
    }
    return Tensor(rows)
  }

  /// Orders one list by distance, then number.
  static func sort(
    _ list: Range<Int>, _ indices: UnsafeMutablePointer<Int32>,
    _ squared: UnsafeMutablePointer<Double>
  ) {
    guard list.count > 1 else { return }
    let sorted = list.map { (squared[$0], indices[$0]) }.sorted { $0 < $1 }
    for (place, entry) in zip(list, sorted) { (squared[place], indices[place]) = entry }
  }
}

/// The points of `y` within a radius of every point of `x`, that distance included, exactly.
///
/// Distances are taken in double precision. A point that is not finite is near to nothing.
///
/// - Complexity: O((N + M) log M + L log L) for well spread points and lists of L entries together,
///   whose memory it takes: a radius as large as the cloud means N·M entries.
/// - Parameters:
///   - x: [N, D] with D from 1 to 3.
///   - y: [M, D] of the same dtype.
///   - radius: at least 0 and finite.
public func radiusNeighbours(of x: Tensor, in y: Tensor, radius: Double) -> RadiusNeighbours {
  requirePoints("radiusNeighbours", x, y)
  require(
    radius >= 0 && radius.isFinite && (1...3).contains(x.shape[1]),
    """
    radiusNeighbours: radius \(radius) for points of shape \(x.shape), expected a finite radius of \
    at least 0 and 1 to 3 coordinates
    """)
  return PointTree(y).within(radius, of: PointTree.coordinates(x))
}
