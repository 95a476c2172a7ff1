import CLumiKernels
import LumiTensor

/// activation(x·weightᵀ + bias).
///
/// float32 runs on fused kernels, which apply bias and activation while a block of the product is
/// in the cache. Derivatives of any order exist; where higher ones may be asked for, the layer is
/// composed of tensor operations instead.
///
/// - Parameters:
///   - x: [..., inputs].
///   - weight: [outputs, inputs].
///   - bias: [outputs], or nil for none.
///   - activation: applied to each output.
/// - Returns: [..., outputs].
public func linear(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
  linear(concatenating: [x], weight: weight, bias: bias, activation: activation)
}

/// ``linear(_:weight:bias:activation:)`` of the concatenation of `parts` along the last axis.
///
/// float32 adds a product per part and never makes the concatenation.
public func linear(
  concatenating parts: [Tensor], weight: Tensor, bias: Tensor? = nil,
  activation: Activation = .none
) -> Tensor {
  requireLinearShapes(parts, weight, bias)
  let leading = Array(parts[0].shape.dropLast())
  let rows = leading.reduce(1, *)
  let matrices = parts.map { $0.reshaped([rows, $0.shape.last!]) }
  let layer = LinearOperands(parts: matrices, weight: weight, bias: bias, activation: activation)
  let mayNeedHigherOrders = lumi_tape_depth() > 1
  let isFused = weight.dtype == .float32 && !mayNeedHigherOrders
  let result = isFused ? fusedLinear(layer) : composedLinear(layer)
  return result.reshaped(leading + [weight.shape[0]])
}

/// What a layer works on: matrices that share their rows, and the layer's parameters.
package struct LinearOperands {
  package let parts: [Tensor]
  package let weight: Tensor
  package let bias: Tensor?
  package let activation: Activation

  package init(parts: [Tensor], weight: Tensor, bias: Tensor?, activation: Activation) {
    self.parts = parts
    self.weight = weight
    self.bias = bias
    self.activation = activation
  }

  /// Every tensor: the parts, the weight, and the bias if there is one.
  var tensors: [Tensor] { parts + [weight] + (bias.map { [$0] } ?? []) }
}

/// The layer made of tensor operations: the readable twin of the fused kernels.
package func composedLinear(_ layer: LinearOperands) -> Tensor {
  let x = layer.parts.count == 1 ? layer.parts[0] : Tensor.concatenate(layer.parts, axis: 1)
  let product = x.matmul(layer.weight, transposingRight: true)
  return layer.activation(layer.bias.map { product + $0 } ?? product)
}

/// The layer on fused float32 kernels; it has first derivatives only.
package func fusedLinear(_ layer: LinearOperands) -> Tensor {
  let kernel = FusedLinear(layer)
  let inputs = layer.tensors
  let isRecorded = lumi_tape_depth() > 0 && inputs.contains { $0.source != nil }
  let (output, saved) = kernel.forward(savingForBackward: isRecorded)
  return customOperation("linear", inputs: inputs, outputs: [output]) { cotangents, needs in
    kernel.backward(cotangents[0]!, saved: saved, needs: needs)
  }[0]
}

private func requireLinearShapes(_ parts: [Tensor], _ weight: Tensor, _ bias: Tensor?) {
  let tensors = parts + [weight] + (bias.map { [$0] } ?? [])
  require(
    weight.dtype.isFloatingPoint && tensors.allSatisfy { $0.dtype == weight.dtype },
    "linear: dtypes \(tensors.map(\.dtype)), expected one floating-point type")
  require(
    !parts.isEmpty && parts.allSatisfy { $0.rank > 0 } && weight.rank == 2
      && Set(parts.map { Array($0.shape.dropLast()) }).count == 1
      && parts.reduce(0) { $0 + $1.shape.last! } == weight.shape[1]
      && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
    """
    linear: inputs \(parts.map(\.shape)), weight \(weight.shape), bias \
    \(bias.map { "\($0.shape)" } ?? "none"); expected inputs [..., k], weight [n, k], bias [n]
    """)
}

/// A layer with its parameters: activation(x·weightᵀ + bias).
///
/// With a ``gain`` the weights are normalised: the rows of ``weight`` are directions and the gain is
/// how long they count. T. Salimans, D. P. Kingma, "Weight Normalization: A Simple
/// Reparameterization to Accelerate Training of Deep Neural Networks", NeurIPS 2016.
public struct Linear: Module {
  /// [outputs, inputs].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor?
  /// [outputs]: the length of every row of weights; nil if they count as they are.
  public var gain: Tensor?
  public var activation: Activation

  public init(
    weight: Tensor, bias: Tensor?, gain: Tensor? = nil, activation: Activation = .none
  ) {
    self.weight = weight
    self.bias = bias
    self.gain = gain
    self.activation = activation
  }

  /// [outputs, inputs]: the weights that multiply the input. A row of zeros has no direction and
  /// stays 0.
  public var effectiveWeight: Tensor {
    gain.map { weight.unitVectors() * $0.expandingDims(at: 1) } ?? weight
  }

  /// The same function with normalised weights.
  public func weightNormalized() -> Linear {
    guard gain == nil else { return self }
    var result = self
    result.gain = weight.norm(axis: 1)
    return result
  }

  /// Fresh weights by `initializer` and a bias of zeros.
  public init(
    inputs: Int, outputs: Int, activation: Activation = .none,
    initializer: Initializer = .xavierUniform(), hasBias: Bool = true, dtype: DType = .float32,
    using random: inout RandomGenerator
  ) {
    self.init(
      weight: initializer.weights(
        outputs: outputs, inputs: inputs, using: &random, dtype: dtype),
      bias: hasBias ? Tensor.zeros([outputs], dtype: dtype) : nil, activation: activation)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    linear(x, weight: effectiveWeight, bias: bias, activation: activation)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Linear {
    var result = self
    result.weight = try transform("weight", weight)
    result.bias = try bias.map { try transform("bias", $0) }
    result.gain = try gain.map { try transform("gain", $0) }
    return result
  }
}
