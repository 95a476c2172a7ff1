import LumiTensor

// Shapes around the y axis, as the library's meshes are.

/// The signed distance to a torus around the y axis.
public struct TorusField: ImplicitField {
  /// [3].
  public var centre: Tensor
  /// []: of the circle that the tube goes along.
  public var majorRadius: Tensor
  /// []: of the tube.
  public var minorRadius: Tensor

  public init(centre: Tensor, majorRadius: Tensor, minorRadius: Tensor) {
    self.centre = centre
    self.majorRadius = majorRadius
    self.minorRadius = minorRadius
  }

  public init(
    centre: SIMD3<Double> = .zero, majorRadius: Double = 1, minorRadius: Double = 0.25,
    dtype: DType = .float32
  ) {
    self.init(
      centre: Tensor(centre, dtype: dtype), majorRadius: Tensor(majorRadius, dtype: dtype),
      minorRadius: Tensor(minorRadius, dtype: dtype))
  }

  public var quantity: FieldQuantity { .signedDistance }
  public var dtype: DType { majorRadius.dtype }

  public func values(at points: Tensor) -> Tensor {
    let (fromAxis, along) = (points - centre).aroundY
    return Tensor.concatenate([fromAxis - majorRadius, along], axis: 1).norm(axis: 1) - minorRadius
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> TorusField {
    TorusField(
      centre: try transform("centre", centre),
      majorRadius: try transform("majorRadius", majorRadius),
      minorRadius: try transform("minorRadius", minorRadius))
  }
}

/// The signed distance to a cylinder with flat ends along the y axis.
public struct CylinderField: ImplicitField {
  /// [3].
  public var centre: Tensor
  /// [].
  public var radius: Tensor
  /// [].
  public var halfHeight: Tensor

  public init(centre: Tensor, radius: Tensor, halfHeight: Tensor) {
    self.centre = centre
    self.radius = radius
    self.halfHeight = halfHeight
  }

  public init(
    centre: SIMD3<Double> = .zero, radius: Double = 1, halfHeight: Double = 1,
    dtype: DType = .float32
  ) {
    self.init(
      centre: Tensor(centre, dtype: dtype), radius: Tensor(radius, dtype: dtype),
      halfHeight: Tensor(halfHeight, dtype: dtype))
  }

  public var quantity: FieldQuantity { .signedDistance }
  public var dtype: DType { radius.dtype }

  public func values(at points: Tensor) -> Tensor {
    let (fromAxis, along) = (points - centre).aroundY
    return boxDistances(
      excess: .concatenate([fromAxis - radius, along.abs() - halfHeight], axis: 1))
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> CylinderField {
    CylinderField(
      centre: try transform("centre", centre), radius: try transform("radius", radius),
      halfHeight: try transform("halfHeight", halfHeight))
  }
}

/// The signed distance to a capsule: all points within a radius of a line from `start` to `end`. A
/// ball if they are the same.
public struct CapsuleField: ImplicitField {
  /// [3].
  public var start: Tensor
  /// [3].
  public var end: Tensor
  /// [].
  public var radius: Tensor

  public init(start: Tensor, end: Tensor, radius: Tensor) {
    self.start = start
    self.end = end
    self.radius = radius
  }

  public init(
    start: SIMD3<Double>, end: SIMD3<Double>, radius: Double, dtype: DType = .float32
  ) {
    self.init(
      start: Tensor(start, dtype: dtype), end: Tensor(end, dtype: dtype),
      radius: Tensor(radius, dtype: dtype))
  }

  public var quantity: FieldQuantity { .signedDistance }
  public var dtype: DType { radius.dtype }

  public func values(at points: Tensor) -> Tensor {
    let (from, axis) = (points - start, end - start)
    // Where on the line is nearest changes the distance by nothing to first order, but counts in
    // second derivatives.
    let squared = axis.square().sum().clamped(min: 1e-24)
    let share = ((from * axis).sum(axis: 1, keepDims: true) / squared).clamped(min: 0, max: 1)
    return (from - share * axis).norm(axis: 1) - radius
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> CapsuleField {
    CapsuleField(
      start: try transform("start", start), end: try transform("end", end),
      radius: try transform("radius", radius))
  }
}

extension Tensor {
  /// Of points [N, 3], how far they are from the y axis and where along it, [N, 1] each.
  fileprivate var aroundY: (fromAxis: Tensor, along: Tensor) {
    func axis(_ k: Int) -> Tensor { slice(axis: 1, from: k, to: k + 1) }
    let across = Tensor.concatenate([axis(0), axis(2)], axis: 1)
    return (across.norm(axis: 1, keepDims: true), axis(1))
  }
}
