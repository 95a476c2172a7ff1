// The fully connected residual block of occupancy networks and Differentiable Volumetric Rendering.
//
// K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks", ECCV 2016
// (activation first); in this form M. Niemeyer, L. Mescheder, M. Oechsle, A. Geiger,
// "Differentiable Volumetric Rendering", CVPR 2020.
import LumiTensor

/// shortcut(x) + second(relu(first(relu(x)))).
///
/// It starts as its shortcut, because the second layer's weights start at 0. Parameters:
/// "first.weight", "first.bias", "second.weight", "second.bias" (`fc_0` and `fc_1` of the published
/// program) and, where the extents differ, "shortcut.weight".
public struct LinearResidualBlock: Module {
  public var first: Linear
  public var second: Linear
  /// Without a bias; nil where inputs and outputs have the same extent.
  public var shortcut: Linear?

  /// - Parameters:
  ///   - inputs: extent of the inputs.
  ///   - hidden: extent between the two layers; the smaller of inputs and outputs if nil.
  ///   - outputs: extent of the outputs; that of the inputs if nil.
  ///   - initializer: of the first layer's and the shortcut's weights; biases start at 0.
  ///   - dtype: the type of the tensors.
  ///   - random: of the weights.
  public init(
    inputs: Int, hidden: Int? = nil, outputs: Int? = nil,
    initializer: Initializer = .kaimingNormal(), dtype: DType = .float32,
    using random: inout RandomGenerator
  ) {
    let outputs = outputs ?? inputs
    let hidden = hidden ?? min(inputs, outputs)
    require(
      inputs > 0 && hidden > 0 && outputs > 0,
      "LinearResidualBlock: \(inputs) inputs, \(hidden) hidden, \(outputs) outputs")
    first = Linear(
      inputs: inputs, outputs: hidden, activation: .relu, initializer: initializer, dtype: dtype,
      using: &random)
    second = Linear(
      weight: .zeros([outputs, hidden], dtype: dtype), bias: .zeros([outputs], dtype: dtype))
    shortcut =
      inputs == outputs
      ? nil
      : Linear(
        inputs: inputs, outputs: outputs, initializer: initializer, hasBias: false, dtype: dtype,
        using: &random)
  }

  /// - Parameter x: [..., inputs].
  /// - Returns: [..., outputs].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    (shortcut.map { $0(x) } ?? x) + second(first(x.relu()))
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> LinearResidualBlock {
    var result = self
    result.first = try first.mapParameters(under: "first", transform)
    result.second = try second.mapParameters(under: "second", transform)
    result.shortcut = try shortcut?.mapParameters(under: "shortcut", transform)
    return result
  }
}
