import LumiLearning
import LumiTensor

// What autolabeling compares: rendered with predicted object coordinates on the image, surface points
// with measured points in space. Zakharov et al., CVPR 2020, section 3.3.

extension Loss {
  /// The mean distance from every rendered object coordinate to the most similar one of a target
  /// within some pixels.
  ///
  /// The released program also multiplies the target's coordinates by 5 - (pixels apart) before it
  /// compares them, which makes equal images differ; here they count as they are.
  ///
  /// Which pixels are compared is constant; gradients are those of the rendered coordinates. 0 where
  /// nothing can be compared.
  ///
  /// - Parameters:
  ///   - rendered: [H, W, 3].
  ///   - mask: [H, W], above ½ where something is rendered.
  ///   - target: [H, W, 3].
  ///   - targetMask: [H, W], above ½ where the target is known.
  ///   - reach: pixels apart, below which a target pixel is a candidate.
  ///   - limit: differences from here on do not count.
  /// - Complexity: O(H·W·reach²).
  public static func objectCoordinates(
    _ rendered: Tensor, mask: Tensor, target: Tensor, targetMask: Tensor, reach: Double = 5,
    limit: Double = 1
  ) -> Tensor {
    require(
      rendered.rank == 3 && target.shape == rendered.shape && target.dtype == rendered.dtype
        && mask.shape == Array(rendered.shape.prefix(2)) && targetMask.shape == mask.shape
        && reach >= 0 && reach.isFinite,
      """
      objectCoordinates: \(rendered.shape), \(mask.shape), \(target.shape), \(targetMask.shape) \
      within \(reach); expected [H, W, C] and [H, W] twice
      """)
    let pairs = similarPixels(rendered, mask, target, targetMask, reach: reach, limit: limit)
    let channels = rendered.shape[2]
    let difference =
      rendered.reshaped([-1, channels]).gather(Tensor(pairs.rendered))
      - target.reshaped([-1, channels]).gather(Tensor(pairs.target))
    return difference.norm(axis: 1).sum() / Double(max(pairs.rendered.count, 1))
  }

  /// The rows of compared pixels.
  private static func similarPixels(
    _ rendered: Tensor, _ mask: Tensor, _ target: Tensor, _ targetMask: Tensor, reach: Double,
    limit: Double
  ) -> (rendered: [Int64], target: [Int64]) {
    let (height, width) = (rendered.shape[0], rendered.shape[1])
    let (isDrawn, isKnown) = (mask.scalars(as: Double.self), targetMask.scalars(as: Double.self))
    let colors = points3(rendered.stoppingGradient().reshaped([height * width, -1]))
    let targets = points3(target.stoppingGradient().reshaped([height * width, -1]))
    let far = Int(min(reach, Double(max(height, width))).rounded(.down))
    var pairs: (rendered: [Int64], target: [Int64]) = ([], [])
    for row in 0..<height {
      for column in 0..<width where isDrawn[row * width + column] > 0.5 {
        let pixel = row * width + column
        var (best, least) = (-1, limit * limit)
        for y in max(row - far, 0)...min(row + far, height - 1) {
          for x in max(column - far, 0)...min(column + far, width - 1) {
            let (dy, dx) = (Double(y - row), Double(x - column))
            let other = y * width + x
            guard dx * dx + dy * dy < reach * reach, isKnown[other] > 0.5 else { continue }
            let apart = colors[pixel] - targets[other]
            let square = (apart * apart).sum()
            if square < least { (best, least) = (other, square) }
          }
        }
        guard best >= 0 else { continue }
        pairs.rendered.append(Int64(pixel))
        pairs.target.append(Int64(best))
      }
    }
    return pairs
  }

  /// The mean distance from points to the nearest of others, over those that are nearer than a
  /// limit. Which is nearest, and which count, is constant; 0 where none counts.
  ///
  /// - Parameters:
  ///   - points: [N, 3], such as those of a surface that face the sensor.
  ///   - targets: [M, 3], measured.
  ///   - limit: published 0.2 metres.
  /// - Complexity: O((N + M) log M).
  public static func nearestPoints(
    _ points: Tensor, to targets: Tensor, within limit: Double
  ) -> Tensor {
    guard points.shape[0] > 0, targets.shape[0] > 0 else { return points.sum() * 0 }
    let found = nearestNeighbours(
      of: points.stoppingGradient(), in: targets.stoppingGradient(), count: 1)
    let squares = found.squaredDistances.scalars(as: Double.self)
    let near = Tensor(squares.indices.filter { squares[$0] < limit * limit }.map(Int64.init))
    let partners = targets.gather(found.indices.reshaped([-1]).gather(near))
    return (points.gather(near) - partners).norm(axis: 1).sum() / Double(max(near.count, 1))
  }
}
