// The basic residual block of two 3×3 convolutions.
//
// K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
import LumiTensor

/// relu(shortcut(x) + norm2(conv2(relu(norm1(conv1(x)))))).
///
/// Parameters: "conv1.weight", "bn1.gain", "bn1.bias", "conv2.weight", "bn2.gain", "bn2.bias" and,
/// where extents change, "downsample.conv.weight", "downsample.bn.gain", "downsample.bn.bias".
public struct ResidualConvolutionBlock: TrainingModule {
  public var conv1: Convolution
  public var bn1: BatchNormalization
  public var conv2: Convolution
  public var bn2: BatchNormalization
  /// A 1×1 convolution and its normalisation; nil where the shortcut is the input itself.
  public var downsample: (conv: Convolution, bn: BatchNormalization)?

  /// - Parameters:
  ///   - channels: of the input.
  ///   - outputs: channels of the output.
  ///   - stride: of the first convolution and of the shortcut.
  ///   - dtype: the type of the tensors.
  ///   - random: of the weights.
  public init(
    channels: Int, outputs: Int, stride: Int = 1, dtype: DType = .float32,
    using random: inout RandomGenerator
  ) {
    conv1 = .residual(channels, outputs, kernel: 3, stride: stride, dtype, &random)
    bn1 = BatchNormalization(channels: outputs, dtype: dtype)
    conv2 = .residual(outputs, outputs, kernel: 3, stride: 1, dtype, &random)
    bn2 = BatchNormalization(channels: outputs, dtype: dtype)
    guard stride != 1 || channels != outputs else { return }
    downsample = (
      .residual(channels, outputs, kernel: 1, stride: stride, dtype, &random),
      BatchNormalization(channels: outputs, dtype: dtype)
    )
  }

  /// - Parameter x: [batch, height, width, channels].
  public func callAsFunction(_ x: Tensor) -> Tensor { forward(x, inTraining: false).output }

  public func training(on x: Tensor) -> (output: Tensor, updated: ResidualConvolutionBlock) {
    forward(x, inTraining: true)
  }

  private func forward(
    _ x: Tensor, inTraining: Bool
  ) -> (output: Tensor, updated: ResidualConvolutionBlock) {
    var updated = self
    let inner = updated.bn1.run(conv1(x), inTraining: inTraining).relu()
    let residual = updated.bn2.run(conv2(inner), inTraining: inTraining)
    let shortcut =
      downsample.map { updated.downsample!.bn.run($0.conv(x), inTraining: inTraining) } ?? x
    return ((shortcut + residual).relu(), updated)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ResidualConvolutionBlock {
    var result = self
    result.conv1 = try conv1.mapParameters(under: "conv1", transform)
    result.bn1 = try bn1.mapParameters(under: "bn1", transform)
    result.conv2 = try conv2.mapParameters(under: "conv2", transform)
    result.bn2 = try bn2.mapParameters(under: "bn2", transform)
    if let (conv, bn) = downsample {
      result.downsample = (
        try conv.mapParameters(under: "downsample.conv", transform),
        try bn.mapParameters(under: "downsample.bn", transform)
      )
    }
    return result
  }

  public func mapBuffers(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ResidualConvolutionBlock {
    var result = self
    result.bn1 = try bn1.mapBuffers(under: "bn1", transform)
    result.bn2 = try bn2.mapBuffers(under: "bn2", transform)
    if let bn = downsample?.bn {
      result.downsample!.bn = try bn.mapBuffers(under: "downsample.bn", transform)
    }
    return result
  }
}

extension Convolution {
  /// A convolution of a residual network: the size kept but for the stride, no bias, normal weights
  /// with variance 2 / (kernel² outputs).
  static func residual(
    _ channels: Int, _ outputs: Int, kernel: Int, stride: Int, _ dtype: DType,
    _ random: inout RandomGenerator
  ) -> Convolution {
    let gain = (2 * Double(channels) / Double(outputs)).squareRoot()
    return Convolution(
      channels: channels, outputs: outputs, kernel: kernel, stride: stride,
      padding: (kernel - 1) / 2, initializer: .kaimingNormal(gain: gain), hasBias: false,
      dtype: dtype, using: &random)
  }
}

extension BatchNormalization {
  /// The outputs; in training, this layer's statistics move.
  mutating func run(_ x: Tensor, inTraining: Bool) -> Tensor {
    guard inTraining else { return self(x) }
    let (output, updated) = training(on: x)
    self = updated
    return output
  }
}
