import LumiTensor

extension PointCloud {
  /// This cloud if renderers can use it; throws ``SceneError`` with the field and row of the first
  /// thing wrong: a shape or dtype, a number that is not finite, a radius or an opacity out of
  /// range. A cloud may be empty.
  public func validated() throws -> PointCloud {
    try checkStructure()
    for (path, value) in parameters { try checkFinite(Self.parameterPrefix + path, value) }
    try checkRange(radii, "cloud.radii", "above 0") { $0 > 0 }
    try checkRange(opacities, "cloud.opacities", "from 0 to 1") { (0...1).contains($0) }
    return self
  }

  /// Shapes and dtypes: what can be checked without reading every number.
  package func checkStructure() throws {
    try checkExtents("cloud.points", points, [nil, 3], dtype)
    if let normals { try checkExtents("cloud.normals", normals, [count, 3], dtype) }
    if let radii { try checkExtents("cloud.radii", radii, [count], dtype) }
    if let opacities { try checkExtents("cloud.opacities", opacities, [count], dtype) }
    for (path, value) in material.parameters {
      try checkExtents("cloud.material.\(path)", value, path == "shininess" ? [] : [3], dtype)
    }
    switch appearance {
    case .uniform(let color): try checkExtents("cloud.color", color, [nil], dtype)
    case .colors(let colors): try checkExtents("cloud.colors", colors, [count, nil], dtype)
    }
    guard appearance.channels > 0 else {
      throw SceneError(field: "cloud.appearance", expected: "at least one channel", actual: "0")
    }
  }

  private func checkRange(
    _ values: Tensor?, _ field: String, _ expected: String, _ isValid: (Double) -> Bool
  ) throws {
    guard let numbers = values?.scalars(as: Double.self),
      let wrong = numbers.firstIndex(where: { !isValid($0) })
    else { return }
    throw SceneError(
      field: field, index: wrong, expected: expected, actual: "\(numbers[wrong])")
  }
}
