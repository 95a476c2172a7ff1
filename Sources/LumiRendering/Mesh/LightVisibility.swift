import LumiScene
import LumiTensor

/// How much of a light's direct way to a surface is free: what a ``Shader`` asks for shadows.
///
/// A backend conforms, so that every method that shades with a ``Shader`` has its shadows.
public protocol LightVisibility: Sendable, Equatable {
  /// The share of a light that reaches points of a scene.
  ///
  /// - Parameters:
  ///   - light: one of the scene's.
  ///   - mesh: what stands in its way.
  ///   - positions: world points [N, 3].
  /// - Returns: [N, 1] from 0 to 1; nil for a light that nothing shadows, such as an ambient one.
  func visibility(of light: Light, past mesh: Mesh, at positions: Tensor) -> Tensor?
}

extension LightVisibility {
  /// Equality with a value whose type is known at run time only.
  func isEqual(to other: (any LightVisibility)?) -> Bool { (other as? Self) == self }
}
