import LumiRendering
import LumiScene
import LumiTensor

/// A density from a signed distance d: filled · σ(-d/s), with a softness s in world units.
///
/// For methods that draw densities, where a scene has distances. Paths and colours are the base's.
/// VolSDF and NeuS have densities that are made for distances.
public struct DensityOfDistance: ImplicitField {
  public var base: any ImplicitField
  /// Per world unit, inside.
  public var filled: Double
  /// World units.
  public var softness: Double

  /// - Parameters:
  ///   - base: signed distances.
  ///   - filled: at least 0.
  ///   - softness: above 0.
  public init(_ base: any ImplicitField, filled: Double, softness: Double) {
    require(
      base.quantity == .signedDistance && filled >= 0 && softness > 0,
      "DensityOfDistance: of \(base.quantity), filled \(filled), softness \(softness)")
    self.base = base
    self.filled = filled
    self.softness = softness
  }

  public var quantity: FieldQuantity { .density }
  public var dtype: DType { base.dtype }
  public var colorChannels: Int { base.colorChannels }

  public func values(at points: Tensor) -> Tensor { density(base.values(at: points)) }

  private func density(_ distances: Tensor) -> Tensor {
    (distances * (-1 / softness)).sigmoid() * filled
  }

  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    // Samples are of the density; the base's colours may need those of the distance.
    let own = base.samples(at: points, withGradients: base.colorsNeedGradients)
    return base.colors(at: points, samples: own, directions: directions)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> DensityOfDistance {
    var result = self
    result.base = try base.mapParameters(transform)
    return result
  }
}

/// A method for densities that is given signed distances; see ``DensityOfDistance``. Fields of other
/// quantities are drawn as they are.
public struct DensityConversion<Base: Renderer>: Renderer where Base.Shape == ImplicitShape {
  public static var method: MethodDescription { Base.method }

  public var base: Base
  /// Per world unit, inside.
  public var filled: Double
  /// World units.
  public var softness: Double

  /// - Parameters:
  ///   - base: the method.
  ///   - filled: above 0.
  ///   - softness: above 0.
  public init(_ base: Base, filled: Double, softness: Double) {
    self.base = base
    self.filled = filled
    self.softness = softness
  }

  public func render(_ scene: Scene<ImplicitShape>, from camera: Camera) throws -> RenderOutput {
    guard scene.shape.field.quantity == .signedDistance else {
      return try base.render(scene, from: camera)
    }
    guard softness > 0 && softness.isFinite && filled >= 0 && filled.isFinite else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "softness, filled", expected: "above 0 and finite",
        actual: "\(softness), \(filled)")
    }
    var converted = scene
    converted.shape.field = DensityOfDistance(
      scene.shape.field, filled: filled, softness: softness)
    return try base.render(converted, from: camera)
  }
}
