import LumiTensor

extension Light {
  /// This light if renderers can use it with a scene of some dtype; throws ``SceneError`` with the
  /// first thing wrong: a shape or dtype, a number that is not finite, a cone that is none.
  ///
  /// - Parameters:
  ///   - dtype: of the scene; the light's own if nil.
  ///   - field: what errors name.
  public func validated(dtype: DType? = nil, field: String = "light") throws -> Light {
    try checkShapes(dtype: dtype ?? self.dtype, field: field)
    for (path, value) in parameters { try checkFinite("\(field).\(path)", value) }
    if case .spot(_, _, _, let cone, _) = self { try cone.checkRange(field) }
    return self
  }

  /// Throws ``SceneError`` for parameters of another shape or dtype, without reading them.
  public func checkShapes(dtype: DType, field: String) throws {
    for (path, value) in parameters {
      let name = "\(field).\(path)"
      switch path {
      case "innerAngle", "outerAngle", "exponent": try checkExtents(name, value, [], dtype)
      case "map":
        try checkExtents(name, value, [nil, nil, 3], dtype)
        guard value.count > 0 else {
          throw SceneError(field: name, expected: "a map with texels", actual: "\(value.shape)")
        }
      case "coefficients":
        try checkExtents(name, value, [nil, 3], dtype)
        guard Self.harmonicOrder(ofCount: value.shape[0]) != nil else {
          throw SceneError(
            field: name, expected: "a square number of coefficients", actual: "\(value.shape[0])")
        }
      default: try checkExtents(name, value, [3], dtype)
      }
    }
  }

  /// L of (L + 1)² coefficients of spherical harmonics; nil for any other count.
  public static func harmonicOrder(ofCount count: Int) -> Int? {
    let side = Int(Double(max(count, 0)).squareRoot().rounded())
    return side > 0 && side * side == count ? side - 1 : nil
  }
}

extension Light.Cone {
  fileprivate func checkRange(_ field: String) throws {
    switch self {
    case .angles(let inner, let outer):
      guard 0 <= inner.value, inner.value < outer.value, outer.value <= .pi else {
        throw SceneError(
          field: "\(field).outerAngle", expected: "0 ≤ innerAngle < outerAngle ≤ π",
          actual: "\(inner.value) and \(outer.value)")
      }
    case .exponent(let exponent):
      guard exponent.value >= 0 else {
        throw SceneError(
          field: "\(field).exponent", expected: "at least 0", actual: "\(exponent.value)")
      }
    }
  }
}

extension Scene where Shape == Mesh {
  /// This scene if renderers can use it; throws ``SceneError`` for the first thing wrong with the
  /// mesh, a light or the background.
  public func validated() throws -> Scene {
    _ = try shape.validated()
    for (index, light) in lights.enumerated() {
      _ = try light.validated(dtype: dtype, field: "light.\(index)")
    }
    try checkExtents("background", background, [nil], dtype)
    try checkFinite("background", background)
    return self
  }
}

/// Throws unless a tensor is of a floating-point dtype and of the given extents (nil is any).
func checkExtents(_ field: String, _ value: Tensor, _ expected: [Int?], _ dtype: DType) throws {
  let fits =
    value.rank == expected.count
    && zip(value.shape, expected).allSatisfy { $1 == nil || $0 == $1 }
  guard fits && value.dtype == dtype && dtype.isFloatingPoint else {
    let extents = expected.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
    throw SceneError(
      field: field,
      expected: "\(dtype.isFloatingPoint ? dtype.rawValue : "floating-point") [\(extents)]",
      actual: "\(value.dtype) \(value.shape)")
  }
}

/// Throws for the first number that is not finite, with its row.
func checkFinite(_ field: String, _ value: Tensor) throws {
  let values = value.scalars(as: Double.self)
  guard let wrong = values.firstIndex(where: { !$0.isFinite }) else { return }
  let rowLength = value.shape.dropFirst().reduce(1, *)
  throw SceneError(
    field: field, index: wrong / rowLength, expected: "finite numbers", actual: "\(values[wrong])")
}
