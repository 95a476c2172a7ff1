// Sums and means over runs of rows: batches of things of different sizes, packed without padding.

extension Tensor {
  /// The sums [S, ...] of runs of rows: run i is `offsets[i]..<offsets[i + 1]`. Runs follow each
  /// other from row 0 to the last; empty ones give 0.
  ///
  /// - Complexity: O(number of elements).
  public func segmentSums(_ offsets: [Int]) -> Tensor {
    require(
      rank >= 1 && offsets.first == 0 && offsets.last == shape[0]
        && zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 },
      "segmentSums: offsets \(offsets.prefix(8))… for shape \(shape)")
    var segments: [Int32] = []
    segments.reserveCapacity(shape[0])
    for segment in 0..<offsets.count - 1 {
      for _ in offsets[segment]..<offsets[segment + 1] { segments.append(Int32(segment)) }
    }
    return Tensor.scatterAdd(rows: self, at: Tensor(segments), count: offsets.count - 1)
  }

  /// The means [S, ...] of runs of rows, as ``segmentSums(_:)`` gives the sums; 0 for empty runs.
  public func segmentMeans(_ offsets: [Int]) -> Tensor {
    let sums = segmentSums(offsets)
    let sizes = zip(offsets, offsets.dropFirst()).map { Double(Swift.max($1 - $0, 1)) }
    let divisor = Tensor(sizes, shape: [sizes.count] + shape.dropFirst().map { _ in 1 })
    return sums / divisor.cast(to: dtype)
  }
}
