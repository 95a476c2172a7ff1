import LumiTensor

/// A field as the shape of a scene: the field and the part of space that it fills.
///
/// Parameter paths are the field's, after "field.".
public struct ImplicitShape: SceneShape {
  public static var parameterPrefix: String { "field." }

  public var field: any ImplicitField
  public var bounds: FieldBounds

  /// - Parameters:
  ///   - field: any field.
  ///   - bounds: what lies outside is not drawn; the unit ball by default.
  public init(_ field: any ImplicitField, bounds: FieldBounds = .ball(radius: 1)) {
    self.field = field
    self.bounds = bounds
  }

  public var dtype: DType { field.dtype }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ImplicitShape {
    ImplicitShape(try field.mapParameters(transform), bounds: bounds)
  }
}

/// The part of space that methods search for a field's surface. Without parameters: a surface does
/// not move because the search is bounded otherwise.
public enum FieldBounds: Sendable, Hashable {
  case ball(centre: SIMD3<Double> = .zero, radius: Double)
  case box(lower: SIMD3<Double>, upper: SIMD3<Double>)

  /// The smallest box around.
  public var box: (lower: SIMD3<Double>, upper: SIMD3<Double>) {
    switch self {
    case .ball(let centre, let radius): (centre - radius, centre + radius)
    case .box(let lower, let upper): (lower, upper)
    }
  }

  /// The smallest ball around.
  public var ball: (centre: SIMD3<Double>, radius: Double) {
    switch self {
    case .ball(let centre, let radius): (centre, radius)
    case .box(let lower, let upper):
      ((lower + upper) / 2, ((upper - lower) * (upper - lower)).sum().squareRoot() / 2)
    }
  }
}
