import LumiTensor

/// The signed distance to a plane, negative behind it: n·x - offset with the unit normal n.
public struct PlaneField: ImplicitField {
  /// [3], of any length but 0.
  public var normal: Tensor
  /// []: how far the plane is from the origin along the normal.
  public var offset: Tensor

  public init(normal: Tensor, offset: Tensor) {
    self.normal = normal
    self.offset = offset
  }

  public init(
    normal: SIMD3<Double> = [0, 1, 0], offset: Double = 0, dtype: DType = .float32
  ) {
    self.init(normal: Tensor(normal, dtype: dtype), offset: Tensor(offset, dtype: dtype))
  }

  public var quantity: FieldQuantity { .signedDistance }
  public var dtype: DType { offset.dtype }

  public func values(at points: Tensor) -> Tensor {
    (points * normal.unitVectors()).sum(axis: 1) - offset
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> PlaneField {
    PlaneField(normal: try transform("normal", normal), offset: try transform("offset", offset))
  }
}
