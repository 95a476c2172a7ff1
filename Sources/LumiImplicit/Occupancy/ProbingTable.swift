import LumiLearning
import LumiScene
import LumiTensor

/// Which anchors rays meet: what field probing looks the field up by.
///
/// An anchor is a point with a ball around; a ray meets it if it passes through the ball ahead of its
/// origin. All rays of all views share the anchors, so that the field is evaluated once an anchor and
/// not once a sample of every ray. Which are met is a choice without a derivative.
public struct ProbingTable: Sendable {
  /// R + 1 numbers: the list of ray r is `offsets[r]..<offsets[r + 1]`.
  public let offsets: [Int]
  /// int32 [offsets.last!], the anchors' numbers, ascending within a list.
  public let anchors: Tensor

  /// - Parameters:
  ///   - rays: [R, 3] each, directions of any length.
  ///   - anchors: [N, 3].
  ///   - radius: of the balls, τ. Published about 0.03 in a working volume of side 1; about half a
  ///     spacing to a spacing of the anchors. Much smaller, and many rays meet nothing; larger, and
  ///     bodies come out smaller by as much.
  public init(of rays: CameraRays, anchors: Tensor, radius: Double) {
    let found = rayNeighbours(
      origins: rays.origins, directions: rays.directions, points: anchors, radius: radius)
    self.init(offsets: found.offsets, anchors: found.indices)
  }

  /// - Parameters:
  ///   - offsets: R + 1 numbers from 0 up.
  ///   - anchors: int32 [offsets.last!].
  public init(offsets: [Int], anchors: Tensor) {
    require(
      offsets.first == 0 && anchors.shape == [offsets.last!] && anchors.dtype == .int32
        && zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 },
      "ProbingTable: offsets \(offsets.prefix(8))…, anchors \(anchors.dtype) \(anchors.shape)")
    self.offsets = offsets
    self.anchors = anchors
  }

  /// R.
  public var rayCount: Int { offsets.count - 1 }

  /// The largest value that each ray meets; of equal ones the first anchor's.
  ///
  /// - Parameter values: [N], of all anchors. The derivative reaches the chosen ones only.
  public func maximum(of values: Tensor) -> ProbedMaximum {
    require(values.rank == 1, "ProbingTable.maximum: values \(values.shape), expected [N]")
    let all = values.stoppingGradient().scalars(as: Double.self)
    let listed = anchors.scalars(as: Int32.self)
    var chosen = [Int64](repeating: 0, count: rayCount)
    var isProbed = [Bool](repeating: false, count: rayCount)
    for ray in 0..<rayCount where offsets[ray] < offsets[ray + 1] {
      var best = Int(listed[offsets[ray]])
      for place in offsets[ray]..<offsets[ray + 1] where all[Int(listed[place])] > all[best] {
        best = Int(listed[place])
      }
      (chosen[ray], isProbed[ray]) = (Int64(best), true)
    }
    let rows = Tensor(chosen)
    let found =
      values.count == 0 ? Tensor.zeros([rayCount], dtype: values.dtype) : values.gather(rows)
    let mask = Tensor(isProbed)
    return ProbedMaximum(values: .where(mask, found, 0), anchors: rows, isProbed: mask)
  }

  /// The table without the pairs of a ray and an anchor that a test turns down.
  func filtered(_ keeps: (_ ray: Int, _ anchor: Int) -> Bool) -> ProbingTable {
    let listed = anchors.scalars(as: Int32.self)
    var kept: [Int32] = []
    kept.reserveCapacity(listed.count)
    var starts = [0]
    for ray in 0..<rayCount {
      for place in offsets[ray]..<offsets[ray + 1] where keeps(ray, Int(listed[place])) {
        kept.append(listed[place])
      }
      starts.append(kept.count)
    }
    return ProbingTable(offsets: starts, anchors: Tensor(kept))
  }
}

/// What rays found among the anchors that they meet.
public struct ProbedMaximum: Sendable {
  /// [R], 0 for rays that meet no anchor.
  public let values: Tensor
  /// int64 [R], where the values are from; 0 for rays that meet no anchor.
  public let anchors: Tensor
  /// bool [R], whether a ray meets an anchor.
  public let isProbed: Tensor

  /// How what was found is compared with silhouettes.
  public enum Measure: String, Sendable, Codable, CaseIterable {
    /// (occupancy - silhouette)², as published. Where a field is certain and wrong, it has next to no
    /// derivative.
    case squared
    /// The cross entropy of occupancy and silhouette, whose derivative with respect to the logit is
    /// their difference.
    case crossEntropy
  }

  /// The mean over the probed rays, []; 0 if there is none. ``values`` are logits of occupancy.
  ///
  /// - Parameters:
  ///   - silhouette: [R], 1 on the object and 0 beside.
  ///   - measure: squared by default.
  public func silhouetteLoss(_ silhouette: Tensor, measure: Measure = .squared) -> Tensor {
    require(
      silhouette.shape == values.shape && silhouette.dtype == values.dtype,
      "silhouetteLoss: \(values.dtype) \(values.shape) and \(silhouette.dtype) \(silhouette.shape)")
    let losses: Tensor
    switch measure {
    case .squared: losses = (values.sigmoid() - silhouette).square()
    case .crossEntropy: losses = values.softplus() - silhouette * values
    }
    let count = isProbed.cast(to: values.dtype).sum().value
    return Tensor.where(isProbed, losses, 0).sum() / max(count, 1)
  }
}
