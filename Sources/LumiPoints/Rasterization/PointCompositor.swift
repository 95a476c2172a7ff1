import CLumiKernels
import LumiRendering
import LumiTensor

/// Stage 3 of the point pipeline: an image of the points' features and the fragments' weights.
///
/// Compositors are small values that can be exchanged for each other; conform to add one.
public protocol PointCompositor: Sendable {
  /// - Parameters:
  ///   - features: [N, C], one row a point: colours, or a network's features.
  ///   - weights: [F], one a fragment.
  ///   - fragments: which points cover which pixels.
  /// - Returns: the image [height, width, C], 0 where nothing is, and the coverage [height, width],
  ///   which is what a feature of 1 everywhere would give.
  func composite(
    features: Tensor, weights: Tensor, fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor)

  /// The same made of tensor operations, slow: what tests hold the other against.
  func readableComposite(
    features: Tensor, weights: Tensor, fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor)
}

/// Layers over each other: Σₖ wₖ fₖ Πⱼ﹤ₖ(1 - wⱼ), nearest first, with weights from 0 to 1.
///
/// PyTorch3D's `AlphaCompositor`, SynSin's "alphacomposite". Differentiable once.
public struct AlphaCompositor: PointCompositor {
  public init() {}

  public func composite(
    features: Tensor, weights: Tensor, fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor) {
    FusedCompositing(LUMI_COMPOSITE_ALPHA).composite(features, weights, fragments)
  }

  public func readableComposite(
    features: Tensor, weights: Tensor, fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor) {
    let through = fragments.readableTransmittance(weights)
    return fragments.readableSums(features, shares: through * weights)
  }
}

/// A plain sum Σₖ wₖ fₖ. SynSin's "wsum". Differentiable once.
public struct SumCompositor: PointCompositor {
  public init() {}

  public func composite(
    features: Tensor, weights: Tensor, fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor) {
    FusedCompositing(LUMI_COMPOSITE_SUM).composite(features, weights, fragments)
  }

  public func readableComposite(
    features: Tensor, weights: Tensor, fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor) {
    fragments.readableSums(features, shares: weights)
  }
}

/// A weighted mean Σₖ wₖ fₖ / max(Σₖ wₖ, least). PyTorch3D's `NormWeightedCompositor`, SynSin's
/// "wsumnorm", and how surface splatting normalises colours. Differentiable once.
public struct NormalizedCompositor: PointCompositor {
  /// Below this a pixel's weights are not scaled up to 1; above 0.
  public var leastWeight: Double

  /// - Parameter leastWeight: 1e-4 as in PyTorch3D if not given.
  public init(leastWeight: Double = 1e-4) { self.leastWeight = leastWeight }

  public func composite(
    features: Tensor, weights: Tensor, fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor) {
    FusedCompositing(LUMI_COMPOSITE_NORMALIZED, leastWeight: leastWeight)
      .composite(features, weights, fragments)
  }

  public func readableComposite(
    features: Tensor, weights: Tensor, fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor) {
    let (image, coverage) = fragments.readableSums(features, shares: weights)
    let sum = coverage.clamped(min: leastWeight)
    return (image / sum.expandingDims(at: 2), coverage / sum)
  }
}

/// One rule of compositing as a custom operation.
struct FusedCompositing {
  private let rule: lumi_composite_rule
  private let leastWeight: Double

  init(_ rule: lumi_composite_rule, leastWeight: Double = 1) {
    self.rule = rule
    self.leastWeight = leastWeight
  }

  func composite(
    _ features: Tensor, _ weights: Tensor, _ fragments: PointFragments
  ) -> (image: Tensor, coverage: Tensor) {
    fragments.checkValues(features, weights)
    let frame = kernelFrame(features, fragments)
    let size = [fragments.screen.height, fragments.screen.width]
    let image = Tensor.forKernel(size + [features.shape[1]], features.dtype)
    let coverage = Tensor.forKernel(size, features.dtype)
    withUnsafePointer(to: frame) {
      lumi_points_composite(
        $0, weights.storage.pointer, features.storage.pointer, image.storage.pointer,
        coverage.storage.pointer)
    }
    let outputs = customOperation(
      "compositePoints", inputs: [features, weights], outputs: [image, coverage]
    ) { cotangents, needs in
      let byCoverage = cotangents.count > 1 ? cotangents[1] : nil
      let byWeights = Tensor.forKernel(weights.shape, weights.dtype)
      let byFeatures = needs[0] ? Tensor.forKernel(features.shape, features.dtype) : nil
      let shares = needs[0] ? Tensor.forKernel(weights.shape, weights.dtype) : nil
      let frame = kernelFrame(features, fragments)
      withUnsafePointer(to: frame) {
        lumi_points_composite_backward(
          $0, weights.storage.pointer, features.storage.pointer, image.storage.pointer,
          coverage.storage.pointer, cotangents[0]?.storage.pointer,
          byCoverage?.storage.pointer, byWeights.storage.pointer, shares?.storage.pointer,
          byFeatures?.storage.pointer)
      }
      return [byFeatures, byWeights]
    }
    return (outputs[0], outputs[1])
  }

  /// The fragments' tensors must outlive its use; they are captured by the caller.
  private func kernelFrame(_ features: Tensor, _ fragments: PointFragments) -> lumi_composite_frame
  {
    lumi_composite_frame(
      real: features.dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64, rule: rule,
      pixels: Int64(fragments.screen.height * fragments.screen.width),
      points: Int64(features.shape[0]), channels: Int64(features.shape[1]),
      minimum_weight: leastWeight, pixel_offsets: fragments.pixelOffsets.pointer(Int64.self),
      point_index: fragments.points.pointer(Int32.self),
      pixel_index: fragments.pixels.pointer(Int32.self))
  }
}

extension PointFragments {
  fileprivate func checkValues(_ features: Tensor, _ weights: Tensor) {
    require(
      features.rank == 2 && features.shape[0] == source.count && weights.shape == [count]
        && features.dtype == weights.dtype && features.dtype.isFloatingPoint,
      """
      composite: features \(features.dtype) \(features.shape) and weights \(weights.dtype) \
      \(weights.shape), expected [\(source.count), C] and [\(count)] of one dtype
      """)
  }

  /// Image and coverage as sums of shares.
  fileprivate func readableSums(
    _ features: Tensor, shares: Tensor
  ) -> (image: Tensor, coverage: Tensor) {
    checkValues(features, shares)
    return (pixelSums(gather(features) * shares.expandingDims(at: 1)), pixelSums(shares))
  }

  /// [F]: the product of 1 - w over the fragments before each in its pixel.
  fileprivate func readableTransmittance(_ weights: Tensor) -> Tensor {
    guard count > 0 else { return weights }
    let offsets = pixelOffsets.scalars(as: Int64.self).map { Int($0) }
    let most = zip(offsets, offsets.dropFirst()).map { $1 - $0 }.max()!
    // Every pixel's list shifted by one, as a row; 1 in front.
    let rows = padded(1 - weights, to: most, fill: 1).reshaped([-1, most])
    let ones = Tensor.ones([rows.shape[0], 1], dtype: weights.dtype)
    let before = Tensor.concatenate([ones, rows], axis: 1).cumprod(axis: 1)
    let places = pixels.scalars(as: Int32.self).enumerated().map { index, pixel in
      Int64(Int(pixel) * (most + 1) + index - offsets[Int(pixel)])
    }
    return before.flattened().gather(Tensor(places))
  }
}
