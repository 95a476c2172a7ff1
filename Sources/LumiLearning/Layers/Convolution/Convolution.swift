// Two-dimensional convolution (cross-correlation, as everywhere in learning) and its transpose.
//
// Images are [batch, height, width, channels], like the images of this package with a batch in
// front; zeros lie outside. Every derivative is made of the same three products, so all orders exist
// at full speed. There are no groups.
//
// V. Dumoulin, F. Visin, "A Guide to Convolution Arithmetic for Deep Learning", 2016.
import LumiTensor

/// The cross-correlation of images with kernels.
///
/// - Parameters:
///   - x: [batch, height, width, channels].
///   - weight: [outputs, kernel height, kernel width, channels].
///   - bias: [outputs], or nil for none.
///   - stride: places from one window to the next.
///   - padding: zeros around the image, on every side.
///   - dilation: places from one of the kernel's weights to the next.
/// - Returns: [batch, height', width', outputs] with
///   height' = (height + 2 padding - dilation (kernel height - 1) - 1) / stride + 1, rounded down.
public func convolution(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0,
  dilation: Int = 1
) -> Tensor {
  requireConvolutionTypes([x, weight, bias], "convolution")
  let shape = ConvolutionShape(
    convolving: x.shape, by: weight.shape, stride: stride, padding: padding, dilation: dilation)
  return biased(convolved(x, weight, shape), bias, "convolution")
}

/// The transpose of ``convolution(_:weight:bias:stride:padding:dilation:)`` with the same weight:
/// every place is spread over a window, and windows add up.
///
/// - Parameters:
///   - x: [batch, height, width, channels].
///   - weight: [channels, kernel height, kernel width, outputs].
///   - bias: [outputs], or nil for none.
///   - stride: places from one window to the next.
///   - padding: places cut off on every side of the result.
///   - outputPadding: places added at the lower and the right side, less than the stride.
///   - dilation: places from one of the kernel's weights to the next.
/// - Returns: [batch, height', width', outputs] with height' = (height - 1) stride - 2 padding +
///   dilation (kernel height - 1) + outputPadding + 1.
public func transposedConvolution(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0,
  outputPadding: Int = 0, dilation: Int = 1
) -> Tensor {
  requireConvolutionTypes([x, weight, bias], "transposedConvolution")
  let shape = ConvolutionShape(
    transposedFrom: x.shape, by: weight.shape, stride: stride, padding: padding,
    outputPadding: outputPadding, dilation: dilation)
  return biased(spread(x, weight, shape), bias, "transposedConvolution")
}

private func requireConvolutionTypes(_ tensors: [Tensor?], _ operation: String) {
  let dtypes = tensors.compactMap { $0?.dtype }
  require(
    dtypes[0].isFloatingPoint && Set(dtypes).count == 1,
    "\(operation): dtypes \(dtypes), expected one floating-point type")
}

private func biased(_ value: Tensor, _ bias: Tensor?, _ operation: String) -> Tensor {
  guard let bias else { return value }
  require(
    bias.shape == [value.shape[3]],
    "\(operation): bias \(bias.shape), expected [\(value.shape[3])]")
  return value + bias
}

// MARK: - The three products on the tape

private func convolved(_ x: Tensor, _ w: Tensor, _ shape: ConvolutionShape) -> Tensor {
  let value = ConvolutionProducts.forward(x, w, shape)
  return customOperation(
    "convolution", inputs: [x, w], outputs: [value], differentiableTwice: true
  ) { cotangents, needs in
    let y = cotangents[0]!
    return [needs[0] ? spread(y, w, shape) : nil, needs[1] ? weighed(x, y, shape) : nil]
  }[0]
}

private func spread(_ y: Tensor, _ w: Tensor, _ shape: ConvolutionShape) -> Tensor {
  let value = ConvolutionProducts.transpose(y, w, shape)
  return customOperation(
    "transposedConvolution", inputs: [y, w], outputs: [value], differentiableTwice: true
  ) { cotangents, needs in
    let x = cotangents[0]!
    return [needs[0] ? convolved(x, w, shape) : nil, needs[1] ? weighed(x, y, shape) : nil]
  }[0]
}

private func weighed(_ x: Tensor, _ y: Tensor, _ shape: ConvolutionShape) -> Tensor {
  let value = ConvolutionProducts.weights(x, y, shape)
  return customOperation(
    "convolution by its weight", inputs: [x, y], outputs: [value], differentiableTwice: true
  ) { cotangents, needs in
    let w = cotangents[0]!
    return [needs[0] ? spread(y, w, shape) : nil, needs[1] ? convolved(x, w, shape) : nil]
  }[0]
}

// MARK: - Modules

/// A convolution with its parameters "weight" and "bias".
public struct Convolution: Module {
  /// [outputs, kernel height, kernel width, channels].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor?
  public var stride: Int
  public var padding: Int
  public var dilation: Int
  public var activation: Activation

  public init(
    weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    activation: Activation = .none
  ) {
    (self.weight, self.bias, self.activation) = (weight, bias, activation)
    (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
  }

  /// Square kernels of fresh weights, a window counting as the inputs, and a bias of zeros.
  public init(
    channels: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    dilation: Int = 1, activation: Activation = .none, initializer: Initializer = .kaimingUniform(),
    hasBias: Bool = true, dtype: DType = .float32, using random: inout RandomGenerator
  ) {
    let flat = initializer.weights(
      outputs: outputs, inputs: kernel * kernel * channels, using: &random, dtype: dtype)
    self.init(
      weight: flat.reshaped([outputs, kernel, kernel, channels]),
      bias: hasBias ? .zeros([outputs], dtype: dtype) : nil, stride: stride, padding: padding,
      dilation: dilation, activation: activation)
  }

  /// - Parameter x: [batch, height, width, channels].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    activation(
      convolution(
        x, weight: weight, bias: bias, stride: stride, padding: padding, dilation: dilation))
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Convolution {
    var result = self
    result.weight = try transform("weight", weight)
    result.bias = try bias.map { try transform("bias", $0) }
    return result
  }
}

/// A transposed convolution with its parameters "weight" and "bias".
public struct TransposedConvolution: Module {
  /// [channels, kernel height, kernel width, outputs].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor?
  public var stride: Int
  public var padding: Int
  public var outputPadding: Int
  public var dilation: Int
  public var activation: Activation

  public init(
    weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
    dilation: Int = 1, activation: Activation = .none
  ) {
    (self.weight, self.bias, self.activation) = (weight, bias, activation)
    (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
    self.outputPadding = outputPadding
  }

  /// Square kernels of fresh weights and a bias of zeros. A place of the result sees
  /// (kernel/stride)² places of every channel: weights are larger than a convolution's by as much
  /// as that needs.
  public init(
    channels: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    outputPadding: Int = 0, dilation: Int = 1, activation: Activation = .none,
    initializer: Initializer = .kaimingUniform(), hasBias: Bool = true, dtype: DType = .float32,
    using random: inout RandomGenerator
  ) {
    let flat = initializer.weights(
      outputs: outputs, inputs: kernel * kernel * channels, using: &random, dtype: dtype)
    let weight = flat.reshaped([outputs, kernel, kernel, channels]).transposed(3, 1, 2, 0)
    self.init(
      weight: weight * Double(min(stride, kernel)),
      bias: hasBias ? .zeros([outputs], dtype: dtype) : nil, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, activation: activation)
  }

  /// - Parameter x: [batch, height, width, channels].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    activation(
      transposedConvolution(
        x, weight: weight, bias: bias, stride: stride, padding: padding,
        outputPadding: outputPadding, dilation: dilation))
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> TransposedConvolution {
    var result = self
    result.weight = try transform("weight", weight)
    result.bias = try bias.map { try transform("bias", $0) }
    return result
  }
}
