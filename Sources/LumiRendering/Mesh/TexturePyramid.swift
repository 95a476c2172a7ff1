import LumiScene
import LumiTensor

/// An image and its halvings down to one texel (Williams, "Pyramidal Parametrics", SIGGRAPH 1983),
/// by box filters: every level has the image's mean exactly, whatever its sides.
public struct TexturePyramid: Sendable {
  /// [height, width, C], each half of the one before, rounded down and at least 1.
  public let levels: [Tensor]

  /// - Parameter image: [height, width, C] with at least one texel.
  public init(_ image: Tensor) {
    require(image.rank == 3 && image.count > 0, "TexturePyramid: image \(image.shape)")
    var levels = [image]
    while levels.last!.shape[0] > 1 || levels.last!.shape[1] > 1 {
      levels.append(levels.last!.halved(axis: 0).halved(axis: 1))
    }
    self.levels = levels
  }

  /// Trilinear look-ups: [N, C]. Derivatives reach the image through every level.
  ///
  /// - Parameters:
  ///   - u: [N, 1], to the right.
  ///   - v: [N, 1], downwards.
  ///   - footprint: [N, 2, 2], as ``sampleTexture(_:at:sampler:footprint:)`` takes it.
  ///   - wrap: what lies beyond the image.
  func sample(
    _ u: Tensor, _ v: Tensor, footprint: Tensor, wrap: TextureSampler.Wrap
  ) -> Tensor {
    let texels = Tensor.concatenate(levels.map { $0.reshaped([-1, $0.shape[2]]) })
    let heights = Tensor(levels.map { Double($0.shape[0]) })
    let widths = Tensor(levels.map { Double($0.shape[1]) })
    var starts: [Int64] = [0]
    for level in levels { starts.append(starts.last! + Int64(level.shape[0] * level.shape[1])) }
    func read(_ level: Tensor) -> Tensor {
      let height = heights.gather(level)
      let width = widths.gather(level)
      func neighbours(_ position: Tensor, _ extent: Tensor) -> Neighbours {
        let extent = extent.cast(to: position.dtype)
        return Neighbours(of: position * extent - 0.5, extent: extent, wrap: wrap)
      }
      return bilinear(
        texels, neighbours(v, height), neighbours(u, width), width: width.cast(to: .int64),
        start: Tensor(starts).gather(level))
    }
    let choice = Neighbours(of: level(footprint), extent: levels.count, wrap: .clamp)
    return read(choice.lower) * (1 - choice.share) + read(choice.upper) * choice.share
  }

  /// log₂ of the footprint's longer side in texels, within the levels there are: [N, 1].
  private func level(_ footprint: Tensor) -> Tensor {
    let sides = Tensor([Double(levels[0].shape[1]), Double(levels[0].shape[0])])
    let squared = (footprint * sides.cast(to: footprint.dtype)).square().sum(axis: 2)
      .max(axis: 1, keepDims: true)
    // A footprint as small as a texel or smaller reads the image itself.
    let octaves = squared.clamped(min: 1, max: 1e30).log() * (0.5 / 0.6931471805599453)
    return octaves.clamped(max: Double(levels.count - 1))
  }
}

extension Tensor {
  /// Means of neighbouring slices along an axis, half as many, rounded down; one stays one. Of an odd
  /// number each mean is over an equal share, with parts of the slices on its border.
  fileprivate func halved(axis: Int) -> Tensor {
    let extent = shape[axis]
    guard extent > 1 else { return self }
    let half = extent / 2
    func every(from start: Int) -> Tensor {
      slice(axis: axis, from: start, to: start + 2 * half - 1, by: 2)
    }
    if extent % 2 == 0 { return (every(from: 0) + every(from: 1)) * 0.5 }
    var lengths = [Int](repeating: 1, count: rank)
    lengths[axis] = half
    let place = Tensor.arange(half, dtype: .float64).cast(to: dtype).reshaped(lengths)
    let sum =
      every(from: 0) * (Double(half) - place) + every(from: 1) * Double(half)
      + every(from: 2) * (place + 1)
    return sum / Double(extent)
  }
}

extension Fragments {
  /// How a quantity that is linear in space changes to the next pixel to the right and to the next
  /// one up: [fragments, 2, C]. 0 on faces without area.
  ///
  /// With weights bₖ on the screen and depths zₖ it is N/D with N = Σ bₖ aₖ/zₖ, D = Σ bₖ/zₖ; the bₖ
  /// are affine in the pixel, so its slope is (Σ ∇bₖ (aₖ - N/D)/zₖ)/D.
  ///
  /// - Parameters:
  ///   - cornerValues: aₖ, [faces, 3, C].
  ///   - values: N/D at the fragments, [fragments, C].
  ///   - weights: with which they were interpolated, [fragments, 3].
  ///   - perspective: whether depths count.
  package func slopes(
    of cornerValues: Tensor, values: Tensor, weights: Tensor, perspective: Bool
  ) -> Tensor {
    let differences = cornerValues.gather(faces) - values.expandingDims(at: 1)
    var factors = barycentricSlopes() * screen.unitsPerPixel
    if perspective {
      let depths = Tensor.stack((0..<3).map(depth), axis: 1)
      let here = (weights * depths).sum(axis: 1, keepDims: true)
      factors = factors * (here / depths).expandingDims(at: 2)
    }
    return factors.matmul(differences, transposingLeft: true)
  }

  /// ∂bₖ/∂(x, y) on the screen: [fragments, 3, 2].
  private func barycentricSlopes() -> Tensor {
    let (x, y, area) = Self.cornersAndArea(corners)
    let slopes = (0..<3).map { k in
      let (i, j) = ((k + 1) % 3, (k + 2) % 3)
      return Tensor.stack([y[i] - y[j], x[j] - x[i]], axis: 1)
    }
    let scaled = Tensor.stack(slopes, axis: 1) / area.safe.reshaped([-1, 1, 1])
    return Tensor.where(area.isFlat.reshaped([-1, 1, 1]), 0, scaled)
  }
}
