import LumiScene
import LumiTensor

/// A signed distance whose surface has a width that is learned: how fast opacity rises where the
/// distance changes sign.
///
/// Parameter paths: the field's own, and "beta" or "variance".
public struct SoftField: ImplicitField {
  /// How the width is stored, which decides what a step of an optimiser does to it.
  public enum Scale: Sendable {
    /// [], VolSDF: the width is |β| + 1e-4. Published start: 0.1.
    case beta(Tensor)
    /// [], NeuS: the width is exp(-10 v). Published start: 0.3, a width of 0.05.
    case variance(Tensor)
  }

  public var base: any ImplicitField
  public var scale: Scale

  /// - Parameters:
  ///   - base: of signed distances.
  ///   - scale: of the field's type.
  public init(_ base: any ImplicitField, scale: Scale) {
    self.base = base
    self.scale = scale
  }

  /// The field with VolSDF's β.
  public static func beta(_ base: any ImplicitField, _ beta: Double = 0.1) -> SoftField {
    SoftField(base, scale: .beta(Tensor(beta, dtype: base.dtype)))
  }

  /// The field with NeuS's v.
  public static func variance(_ base: any ImplicitField, _ variance: Double = 0.3) -> SoftField {
    SoftField(base, scale: .variance(Tensor(variance, dtype: base.dtype)))
  }

  /// [], world units: VolSDF's β, the inverse of NeuS's s.
  public var width: Tensor {
    switch scale {
    case .beta(let beta): beta.abs() + 1e-4
    case .variance(let variance): (variance * -10).exp()
    }
  }

  public var quantity: FieldQuantity { base.quantity }
  public var dtype: DType { base.dtype }
  public var colorChannels: Int { base.colorChannels }
  public var colorsNeedGradients: Bool { base.colorsNeedGradients }

  public func values(at points: Tensor) -> Tensor { base.values(at: points) }

  public func samples(at points: Tensor, withGradients: Bool) -> FieldSamples {
    base.samples(at: points, withGradients: withGradients)
  }

  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    base.colors(at: points, samples: samples, directions: directions)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SoftField {
    var result = self
    result.base = try base.mapParameters(transform)
    switch scale {
    case .beta(let beta): result.scale = .beta(try transform("beta", beta))
    case .variance(let variance): result.scale = .variance(try transform("variance", variance))
    }
    return result
  }
}

extension ImplicitShape {
  /// [], the width of the surface: learned, if the field has one.
  func width(orElse width: Double) -> Tensor {
    (field as? SoftField)?.width ?? Tensor(width, dtype: dtype)
  }
}
