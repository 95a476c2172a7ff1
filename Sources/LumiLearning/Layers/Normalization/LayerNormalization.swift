// Layer normalisation: every vector of features is brought to mean 0 and variance 1 by itself, so
// batches of one work and nothing is remembered between calls.
//
// A constant vector becomes 0 (plus the bias); its derivative is large, 1/√ε.
//
// J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016 (arXiv:1607.06450).
import CLumiKernels
import LumiTensor

/// activation((x - mean) / √(variance + ε) · gain + bias) over the last axis; the variance is
/// divided by the count.
///
/// Derivatives of any order exist. Outside of nested gradients it runs on a fused kernel.
///
/// - Parameters:
///   - x: [..., n] with n ≥ 1.
///   - gain: [n]; ones if nil.
///   - bias: [n]; zeros if nil.
///   - epsilon: added to the variance.
///   - activation: applied at the end.
/// - Returns: [..., n].
public func layerNormalization(
  _ x: Tensor, gain: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5,
  activation: Activation = .none
) -> Tensor {
  let width = x.shape.last ?? 0
  let parameters = [gain, bias].compactMap { $0 }
  require(
    x.dtype.isFloatingPoint && width > 0
      && parameters.allSatisfy { $0.shape == [width] && $0.dtype == x.dtype },
    """
    layerNormalization: x \(x.dtype) \(x.shape), gain and bias \
    \(parameters.map { "\($0.dtype) \($0.shape)" }); expected [..., n] with n > 0 and [n]
    """)
  require(epsilon > 0 && epsilon.isFinite, "layerNormalization: epsilon \(epsilon)")
  let layer = LayerNormOperands(x: x, gain: gain, bias: bias, epsilon: epsilon)
  if lumi_tape_depth() > 1 { return composedLayerNormalization(layer, activation) }
  guard activation == .relu else { return activation(fusedLayerNormalization(layer)) }
  return fusedLayerNormalization(layer, rectifies: true)
}

/// What a normalisation works on.
package struct LayerNormOperands {
  package let x: Tensor
  package let gain: Tensor?
  package let bias: Tensor?
  package let epsilon: Double

  package init(x: Tensor, gain: Tensor?, bias: Tensor?, epsilon: Double) {
    self.x = x
    self.gain = gain
    self.bias = bias
    self.epsilon = epsilon
  }
}

/// The normalisation made of tensor operations: the readable twin of the fused kernel.
package func composedLayerNormalization(
  _ layer: LayerNormOperands, _ activation: Activation
) -> Tensor {
  let centred = layer.x - layer.x.mean(axis: -1, keepDims: true)
  let variance = centred.square().mean(axis: -1, keepDims: true)
  var value = centred * (variance + layer.epsilon).rsqrt()
  if let gain = layer.gain { value *= gain }
  if let bias = layer.bias { value += bias }
  return activation(value)
}

/// The normalisation on a fused kernel; it has first derivatives only.
package func fusedLayerNormalization(
  _ layer: LayerNormOperands, rectifies: Bool = false
) -> Tensor {
  let kernel = FusedLayerNorm(layer, rectifies: rectifies)
  let inputs = [layer.x, layer.gain, layer.bias].compactMap { $0 }
  let (value, statistics) = kernel.values()
  return customOperation("layerNormalization", inputs: inputs, outputs: [value]) {
    cotangents, needs in
    let hasGain = layer.gain != nil
    let all = kernel.derivatives(
      cotangents[0]!, statistics, byX: needs[0], byGain: hasGain && needs[1],
      byBias: layer.bias != nil && needs[needs.count - 1])
    return [all.x] + (hasGain ? [all.gain] : []) + (layer.bias == nil ? [] : [all.bias])
  }[0]
}

/// The kernel in blocks of rows that depend on the shape alone.
private struct FusedLayerNorm {
  private let x: Tensor
  private let gain: Tensor
  private let bias: Tensor
  private let epsilon: Double
  private let rectifies: Bool
  private let columns: Int
  private let rows: Int

  /// Elements of a block (about 200 µs of work), and the most blocks whose sums are kept apart.
  private static let blockElements = 1 << 17
  private static let mostBlocks = 64

  init(_ layer: LayerNormOperands, rectifies: Bool) {
    x = layer.x.stoppingGradient()
    columns = layer.x.shape.last!
    rows = layer.x.count / columns
    gain = layer.gain?.stoppingGradient() ?? .ones([columns], dtype: layer.x.dtype)
    bias = layer.bias?.stoppingGradient() ?? .zeros([columns], dtype: layer.x.dtype)
    epsilon = layer.epsilon
    self.rectifies = rectifies
  }

  private var rowsPerBlock: Int {
    max(Self.blockElements / columns, (rows + Self.mostBlocks - 1) / Self.mostBlocks, 1)
  }
  private var blocks: Int { (rows + rowsPerBlock - 1) / rowsPerBlock }

  private func kernel(_ block: Int) -> lumi_layer_norm {
    let start = block * rowsPerBlock
    return lumi_layer_norm(
      real: x.dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64,
      rows: min(rowsPerBlock, rows - start), columns: columns, epsilon: epsilon,
      rectifies: rectifies ? 1 : 0, x: row(x, start, of: columns), gain: gain.kernelPointer,
      bias: bias.kernelPointer)
  }

  private func row(_ tensor: Tensor, _ row: Int, of width: Int) -> UnsafeMutableRawPointer {
    tensor.kernelPointer + row * width * tensor.dtype.byteCount
  }

  func values() -> (value: Tensor, statistics: Tensor) {
    let value = Tensor.unfilled(x.shape, x.dtype)
    let statistics = Tensor.unfilled([rows, 2], x.dtype)
    parallelFor(blocks) { block in
      var kernel = kernel(block)
      let start = block * rowsPerBlock
      lumi_layer_norm_values(
        &kernel, row(value, start, of: columns), row(statistics, start, of: 2))
    }
    return (value, statistics)
  }

  func derivatives(
    _ cotangent: Tensor, _ statistics: Tensor, byX: Bool, byGain: Bool, byBias: Bool
  ) -> (x: Tensor?, gain: Tensor?, bias: Tensor?) {
    let toX = byX ? Tensor.unfilled(x.shape, x.dtype) : nil
    let toGain = byGain ? Tensor.zeros([blocks, columns], dtype: x.dtype) : nil
    let toBias = byBias ? Tensor.zeros([blocks, columns], dtype: x.dtype) : nil
    parallelFor(blocks) { block in
      var kernel = kernel(block)
      let start = block * rowsPerBlock
      lumi_layer_norm_gradient(
        &kernel, row(statistics, start, of: 2), row(cotangent, start, of: columns),
        toX.map { row($0, start, of: columns) }, toGain.map { row($0, block, of: columns) },
        toBias.map { row($0, block, of: columns) })
    }
    return (toX, toGain?.sum(axis: 0), toBias?.sum(axis: 0))
  }
}

/// A layer normalisation with its parameters "gain" and "bias", if it has any.
public struct LayerNormalization: Module {
  /// [features], ones at the start; nil for none.
  public var gain: Tensor?
  /// [features], zeros at the start; nil for none.
  public var bias: Tensor?
  public let features: Int
  public var epsilon: Double
  public var activation: Activation

  /// - Parameters:
  ///   - features: extent of the last axis.
  ///   - affine: whether it has a gain and a bias.
  ///   - epsilon: added to the variance.
  ///   - activation: applied at the end.
  ///   - dtype: the type of the parameters.
  public init(
    features: Int, affine: Bool = true, epsilon: Double = 1e-5, activation: Activation = .none,
    dtype: DType = .float32
  ) {
    require(features > 0, "LayerNormalization: \(features) features, expected at least 1")
    gain = affine ? .ones([features], dtype: dtype) : nil
    bias = affine ? .zeros([features], dtype: dtype) : nil
    self.features = features
    self.epsilon = epsilon
    self.activation = activation
  }

  /// - Parameter x: [..., features].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    require(
      x.shape.last == features,
      "LayerNormalization: x \(x.shape), expected \(features) features in the last axis")
    return layerNormalization(
      x, gain: gain, bias: bias, epsilon: epsilon, activation: activation)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> LayerNormalization {
    var result = self
    result.gain = try gain.map { try transform("gain", $0) }
    result.bias = try bias.map { try transform("bias", $0) }
    return result
  }
}
