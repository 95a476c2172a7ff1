// Batch normalisation: every channel is brought to mean 0 and variance 1 over batch and places.
//
// In training it uses the batch's own statistics and moves the running ones towards them; in
// evaluation it uses the running ones and is a plain scaling. A batch with one number a channel has
// variance 0 and becomes the bias. Evaluation before any training uses mean 0 and variance 1.
//
// S. Ioffe, C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
// Internal Covariate Shift", ICML 2015.
import LumiTensor

/// (x - mean) / √(variance + ε) · gain + bias per channel of the last axis.
///
/// A value like every module: ``training(on:)`` returns the layer with its new running statistics,
/// which are buffers ("runningMean", "runningVariance") and not parameters ("gain", "bias").
public struct BatchNormalization: TrainingModule {
  /// [channels], ones at the start.
  public var gain: Tensor
  /// [channels], zeros at the start.
  public var bias: Tensor
  /// [channels], zeros at the start.
  public var runningMean: Tensor
  /// [channels], ones at the start; of the variance divided by count - 1.
  public var runningVariance: Tensor
  /// Share of the batch's statistics in the new running ones.
  public var momentum: Double
  public var epsilon: Double

  /// - Parameters:
  ///   - channels: extent of the last axis.
  ///   - momentum: share of the batch in the running statistics, 0 to 1.
  ///   - epsilon: added to the variance.
  ///   - dtype: the type of the tensors.
  public init(
    channels: Int, momentum: Double = 0.1, epsilon: Double = 1e-5, dtype: DType = .float32
  ) {
    require(
      channels > 0 && (0...1).contains(momentum) && epsilon > 0,
      "BatchNormalization: \(channels) channels, momentum \(momentum), epsilon \(epsilon)")
    gain = .ones([channels], dtype: dtype)
    bias = .zeros([channels], dtype: dtype)
    runningMean = .zeros([channels], dtype: dtype)
    runningVariance = .ones([channels], dtype: dtype)
    self.momentum = momentum
    self.epsilon = epsilon
  }

  /// Evaluation, with the running statistics.
  ///
  /// - Parameter x: [..., channels].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    requireChannels(x)
    let scale = gain * (runningVariance.stoppingGradient() + epsilon).rsqrt()
    return x * scale + (bias - runningMean.stoppingGradient() * scale)
  }

  /// Training, with the batch's statistics, through which gradients flow.
  ///
  /// - Parameter x: [..., channels] with at least one number a channel.
  public func training(on x: Tensor) -> (output: Tensor, updated: BatchNormalization) {
    requireChannels(x)
    let channels = gain.count
    let rows = x.reshaped([x.count / channels, channels])
    let count = rows.shape[0]
    require(count > 0, "BatchNormalization: a batch \(x.shape) without elements")
    let mean = rows.mean(axis: 0)
    let centred = rows - mean
    let variance = centred.square().mean(axis: 0)
    let output = centred * (gain * (variance + epsilon).rsqrt()) + bias
    var updated = self
    let unbiased = variance.stoppingGradient() * (Double(count) / Double(max(count - 1, 1)))
    updated.runningMean = moved(runningMean, towards: mean.stoppingGradient())
    updated.runningVariance = moved(runningVariance, towards: unbiased)
    return (output.reshaped(x.shape), updated)
  }

  private func moved(_ running: Tensor, towards batch: Tensor) -> Tensor {
    running.stoppingGradient() * (1 - momentum) + batch * momentum
  }

  private func requireChannels(_ x: Tensor) {
    require(
      x.shape.last == gain.count && x.dtype == gain.dtype,
      "BatchNormalization: \(x.dtype) \(x.shape), expected \(gain.dtype) [..., \(gain.count)]")
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> BatchNormalization {
    var result = self
    result.gain = try transform("gain", gain)
    result.bias = try transform("bias", bias)
    return result
  }

  public func mapBuffers(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> BatchNormalization {
    var result = self
    result.runningMean = try transform("runningMean", runningMean)
    result.runningVariance = try transform("runningVariance", runningVariance)
    return result
  }
}
