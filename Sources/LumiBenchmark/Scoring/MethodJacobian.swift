import LumiRendering
import LumiTensor

/// What a method's backward pass says about one problem: its image, the derivative of every pixel,
/// and gradients of weighted sums of the image.
struct MethodJacobian {
  /// [H, W, C].
  let image: Tensor
  /// [K][H·W]: the derivative of each pixel's mean over the channels, by one backward pass a pixel.
  let pixels: [[Double]]
  /// [probes][K].
  let probes: [[Double]]
  let nonFinite: Int

  /// - Parameters:
  ///   - drawing: the method and the problem.
  ///   - point: where.
  ///   - weights: images to weight the pixels with; see ``SmoothWeights``.
  init(_ drawing: ProblemDrawing, at point: Tensor, weights: [Tensor]) throws {
    let product = try vectorJacobianProduct(at: [point]) { [try drawing.image($0[0])] }
    image = product.values[0]
    let (height, width, channels) = (image.shape[0], image.shape[1], image.shape[2])
    var pixels = [[Double]](
      repeating: [Double](repeating: 0, count: height * width), count: point.count)
    for pixel in 0..<height * width {
      var one = [Double](repeating: 0, count: image.count)
      for channel in 0..<channels { one[pixel * channels + channel] = 1 / Double(channels) }
      let row = product.pullback([Tensor(one, shape: image.shape)])[0].scalars(as: Double.self)
      for (k, value) in row.enumerated() { pixels[k][pixel] = value }
    }
    self.pixels = pixels
    probes = weights.map { product.pullback([$0])[0].scalars(as: Double.self) }
    nonFinite =
      image.scalars(as: Double.self).count { !$0.isFinite }
      + pixels.reduce(0) { $0 + $1.count { !$0.isFinite } }
      + probes.reduce(0) { $0 + $1.count { !$0.isFinite } }
  }
}

/// Weight images that vary slowly, so that sums over the picture resemble losses and not noise.
enum SmoothWeights {
  static let count = 16

  /// Seeded sums of low cosine waves, [H, W, C] each, of about unit size.
  static func images(_ shape: [Int]) -> [Tensor] {
    var random = RandomGenerator(seed: 0x70726F62)
    let down = waves(shape[0])
    let across = waves(shape[1])
    return (0..<count).map { _ in
      let channels = (0..<shape[2]).map { _ in
        down.matmul(random.normal([3, 3], dtype: .float64)).matmul(across, transposingRight: true)
      }
      return Tensor.stack(channels, axis: 2) / 3
    }
  }

  /// cos(πk(i + ½)/n) for k of 0, 1, 2: [n, 3].
  private static func waves(_ count: Int) -> Tensor {
    let phase = (Tensor.arange(count, dtype: .float64) + 0.5) * (Double.pi / Double(count))
    return Tensor.stack((0..<3).map { (phase * Double($0)).cos() }, axis: 1)
  }
}
