import LumiTensor

/// The signed distance to a sphere.
public struct SphereField: ImplicitField {
  /// [3].
  public var centre: Tensor
  /// [], above 0.
  public var radius: Tensor

  public init(centre: Tensor, radius: Tensor) {
    self.centre = centre
    self.radius = radius
  }

  public init(centre: SIMD3<Double> = .zero, radius: Double = 1, dtype: DType = .float32) {
    self.init(centre: Tensor(centre, dtype: dtype), radius: Tensor(radius, dtype: dtype))
  }

  public var quantity: FieldQuantity { .signedDistance }
  public var dtype: DType { radius.dtype }

  public func values(at points: Tensor) -> Tensor { (points - centre).norm(axis: 1) - radius }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SphereField {
    SphereField(centre: try transform("centre", centre), radius: try transform("radius", radius))
  }
}
