import LumiTensor

/// The signed distance to a box whose sides are along the axes.
///
/// Inside, the derivative belongs to the nearest face; where several are as near it is that of one
/// of them.
public struct BoxField: ImplicitField {
  /// [3].
  public var centre: Tensor
  /// [3], at least 0: half of the box's size.
  public var halfSize: Tensor

  public init(centre: Tensor, halfSize: Tensor) {
    self.centre = centre
    self.halfSize = halfSize
  }

  public init(
    centre: SIMD3<Double> = .zero, halfSize: SIMD3<Double> = .one, dtype: DType = .float32
  ) {
    self.init(centre: Tensor(centre, dtype: dtype), halfSize: Tensor(halfSize, dtype: dtype))
  }

  public var quantity: FieldQuantity { .signedDistance }
  public var dtype: DType { halfSize.dtype }

  public func values(at points: Tensor) -> Tensor {
    boxDistances(excess: (points - centre).abs() - halfSize)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> BoxField {
    BoxField(centre: try transform("centre", centre), halfSize: try transform("halfSize", halfSize))
  }
}

/// The signed distance [N] to a box, by how far points are beyond its faces along each axis, [N, K].
func boxDistances(excess: Tensor) -> Tensor {
  excess.relu().norm(axis: 1) + excess.max(axis: 1).clamped(max: 0)
}
