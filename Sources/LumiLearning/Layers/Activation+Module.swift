import LumiTensor

/// An activation is a layer without parameters.
extension Activation: Module {
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Activation { self }
}
