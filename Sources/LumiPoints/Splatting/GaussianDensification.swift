import Foundation
import LumiScene
import LumiTensor

/// Adaptive density control of 3D Gaussian splatting: which Gaussians are doubled, split and left
/// out while a cloud is optimised.
///
/// Feed it the gradients by places on the image after every picture (``record(gradient:radii:camera:)``),
/// and now and then let it revise the cloud (``revise(_:extent:random:)``). Where the mean gradient
/// is large, the pictures want what the cloud cannot give: small Gaussians get a twin, large ones
/// are split in two. Transparent ones go, and, if asked for, huge ones. The optimiser's memory of
/// rows is the caller's to follow up; ``Revision`` says how.
///
/// B. Kerbl, G. Kopanas, T. Leimkühler, G. Drettakis, ACM Transactions on Graphics 42(4), 2023,
/// section 5; constants as in the released program.
public struct GaussianDensification: Sendable {
  /// The mean length of the gradient by the place on the image, both sides being 2 units long, from
  /// which on a Gaussian is doubled or split. Default 2e-4.
  public var gradientThreshold = 2e-4
  /// Gaussians whose longest standard deviation is above this share of the scene's extent are split,
  /// others get a twin. Default 0.01.
  public var splitShare = 0.01
  /// Opacities below go. Default 0.005.
  public var leastOpacity = 0.005
  /// Gaussians longer than this share of the extent go; nil keeps them. Default nil; the released
  /// program takes 0.1 once opacities have been reset.
  public var largestShare: Double?
  /// Gaussians with a radius above this many pixels in any picture go; nil, the default, keeps them.
  public var largestRadius: Double?
  /// No more Gaussians than this: those with the largest gradients come first. Default: no limit.
  public var largestCount = Int.max

  /// What has been recorded since the last revision.
  public private(set) var statistics = Statistics()

  public struct Statistics: Sendable {
    /// Sums of the gradients' lengths.
    public fileprivate(set) var lengths: [Double] = []
    /// In how many pictures each Gaussian was seen.
    public fileprivate(set) var views: [Int] = []
    /// The largest radius of each, in pixels.
    public fileprivate(set) var radii: [Double] = []
  }

  /// A cloud after density control, and how its rows come from those before.
  public struct Revision: Sendable {
    public let cloud: GaussianCloud
    /// int32: the rows that are still there, in order; they come first.
    public let kept: Tensor
    /// How many rows are new, behind them.
    public let added: Int
    /// How many Gaussians got a twin, were split in two, and went.
    public let cloned, split, pruned: Int
  }

  public init() {}

  /// Takes note of one picture.
  ///
  /// - Parameters:
  ///   - gradient: [N, 2], of the loss by places on the image, in pixels.
  ///   - radii: of every Gaussian on the image; 0 for those that it does not show. See
  ///     ``ProjectedGaussians/radii(width:height:)``.
  ///   - camera: the view.
  public mutating func record(gradient: Tensor, radii: [Double], camera: Camera) {
    let count = radii.count
    require(
      gradient.shape == [count, 2], "record: gradient \(gradient.shape), expected [\(count), 2]")
    if statistics.lengths.count != count {
      require(
        statistics.lengths.isEmpty,
        "record: \(count) Gaussians, \(statistics.lengths.count) before; revise in between")
      statistics = Statistics()
      statistics.lengths = [Double](repeating: 0, count: count)
      statistics.views = [Int](repeating: 0, count: count)
      statistics.radii = statistics.lengths
    }
    let values = gradient.scalars(as: Double.self)
    let (halfWidth, halfHeight) = (Double(camera.width) / 2, Double(camera.height) / 2)
    for row in 0..<count where radii[row] > 0 {
      let (x, y) = (values[2 * row] * halfWidth, values[2 * row + 1] * halfHeight)
      statistics.lengths[row] += (x * x + y * y).squareRoot()
      statistics.views[row] += 1
      statistics.radii[row] = max(statistics.radii[row], radii[row])
    }
  }

  /// Doubles, splits and leaves out Gaussians by what was recorded, which is then forgotten.
  ///
  /// - Parameters:
  ///   - cloud: what the pictures were of.
  ///   - extent: the scene's size in world units; the published one is 1.1 times the radius of the
  ///     cameras' places around their mean.
  ///   - random: where halves of split Gaussians lie.
  public mutating func revise(
    _ cloud: GaussianCloud, extent: Double, random: inout RandomGenerator
  ) -> Revision {
    let count = cloud.count
    require(
      statistics.lengths.isEmpty || statistics.lengths.count == count,
      "revise: \(count) Gaussians, \(statistics.lengths.count) recorded")
    let longest = cloud.longestScales()
    let (cloned, split) = wanting(count).reduce(into: ([Int](), [Int]())) { lists, row in
      if longest[row] > splitShare * extent { lists.1.append(row) } else { lists.0.append(row) }
    }
    let isSplit = Set(split)
    let isGone = gone(cloud, longest, extent)
    let kept = (0..<count).filter { !isSplit.contains($0) && !isGone[$0] }
    let twins = cloud.gathering(rows(cloned.filter { !isGone[$0] }))
    let halves = cloud.gathering(rows(split.filter { !isGone[$0] }.flatMap { [$0, $0] }))
      .halved(random: &random)
    statistics = Statistics()
    let added = twins.count + halves.count
    return Revision(
      cloud: cloud.gathering(rows(kept)).appending(twins).appending(halves), kept: rows(kept),
      added: added, cloned: twins.count, split: halves.count / 2,
      pruned: isGone.count { $0 })
  }

  /// A cloud whose opacities are at most this: what the released program does every 3000 steps, so
  /// that Gaussians that nobody needs stay transparent and go.
  public static func resettingOpacities(
    of cloud: GaussianCloud, to largest: Double = 0.01
  ) -> GaussianCloud {
    var result = cloud
    result.opacityLogits = cloud.opacityLogits.stoppingGradient()
      .clamped(max: log(largest / (1 - largest)))
    return result
  }

  /// Rows whose mean gradient is above the threshold; the largest first where there is no room for
  /// all.
  private func wanting(_ count: Int) -> [Int] {
    let means = zip(statistics.lengths, statistics.views).map { $0 / Double(max($1, 1)) }
    let all = means.indices.filter { means[$0] >= gradientThreshold && statistics.views[$0] > 0 }
    let room = max(largestCount - count, 0)
    guard all.count > room else { return all }
    return all.sorted { (means[$1], $0) < (means[$0], $1) }.prefix(room).sorted()
  }

  private func gone(_ cloud: GaussianCloud, _ longest: [Double], _ extent: Double) -> [Bool] {
    let opacities = cloud.opacityLogits.sigmoid().scalars(as: Double.self)
    return (0..<cloud.count).map { row in
      let isHuge = largestShare.map { longest[row] > $0 * extent } ?? false
      let isWide =
        largestRadius.map { !statistics.radii.isEmpty && statistics.radii[row] > $0 } ?? false
      return !(opacities[row] >= leastOpacity) || isHuge || isWide
    }
  }

  private func rows(_ rows: [Int]) -> Tensor { Tensor(rows.map { Int32($0) }, shape: [rows.count]) }
}

extension GaussianCloud {
  /// The longest standard deviation of each.
  fileprivate func longestScales() -> [Double] {
    guard count > 0 else { return [] }
    return logScales.stoppingGradient().max(axis: 1).exp().scalars(as: Double.self)
  }

  /// Every Gaussian at a random place of its own, and 1.6 times as small: one of two halves.
  fileprivate func halved(random: inout RandomGenerator) -> GaussianCloud {
    let axes = logScales.shape[1]
    let steps = random.normal([count, axes], dtype: dtype) * logScales.exp()
    let frames = Rotation.matrix(quaternion: rotations).slice(axis: 2, from: 0, to: axes)
    var result = self
    result.positions = positions + (frames * steps.expandingDims(at: 1)).sum(axis: 2)
    result.logScales = logScales - log(1.6)
    return result
  }
}
