import Foundation
import LumiTensor

extension Tensor {
  /// This image and ever smaller, blurred ones: each is the one before under a 3×3 Gaussian of σ = 1,
  /// without padding, at every second pixel. Residuals of the small ones reach far, which helps
  /// methods whose gradients do not. The filter is that of OpenDR (M. M. Loper, M. J. Black, 2014).
  ///
  /// - Parameter levels: how many images at most, this one included; at least 1. Images with fewer
  ///   than three rows or columns have no smaller ones.
  /// - Returns: [height, width] or [height, width, C] each, as this one.
  public func gaussianPyramid(levels: Int) -> [Tensor] {
    require(
      levels >= 1 && (rank == 2 || rank == 3) && dtype.isFloatingPoint,
      "gaussianPyramid: \(levels) levels of \(dtype) \(shape), expected images [H, W] or [H, W, C]")
    var result = [self]
    while result.count < levels, let last = result.last, last.shape[0] > 2, last.shape[1] > 2 {
      result.append(last.halvedByGaussian(axis: 0).halvedByGaussian(axis: 1))
    }
    return result
  }

  private func halvedByGaussian(axis: Int) -> Tensor {
    let beside = Foundation.exp(-0.5) / (1 + 2 * Foundation.exp(-0.5))
    let last = shape[axis] - 3
    func every(_ offset: Int64) -> Tensor {
      gather(Tensor(stride(from: 0, through: Int64(last), by: 2).map { $0 + offset }), axis: axis)
    }
    return (every(0) + every(2)) * beside + every(1) * (1 - 2 * beside)
  }
}

extension Loss {
  /// The mean over the levels of two Gaussian pyramids of the mean squared difference.
  ///
  /// - Parameters:
  ///   - prediction: [height, width] or [height, width, C].
  ///   - target: the same shape.
  ///   - levels: how many images the pyramids have at most; see `Tensor.gaussianPyramid(levels:)`.
  public static func pyramidSquaredError(
    _ prediction: Tensor, _ target: Tensor, levels: Int
  ) -> Tensor {
    requireSameShape("pyramidSquaredError", prediction, target)
    // The pyramid is linear in its image.
    let differences = (prediction - target).gaussianPyramid(levels: levels)
    let means = differences.map { $0.square().mean() }
    return means.dropFirst().reduce(means[0], +) / Double(means.count)
  }
}
