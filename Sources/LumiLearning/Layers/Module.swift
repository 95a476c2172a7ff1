import LumiTensor

/// A differentiable function with named parameters.
///
/// A module is a value: training replaces it by one with other parameters. Parameters of a part
/// are named "part.parameter", those of a list of parts "part.index.parameter".
public protocol Module: Parameterized, Sendable {
  /// The outputs for a batch of inputs.
  func callAsFunction(_ x: Tensor) -> Tensor
}
