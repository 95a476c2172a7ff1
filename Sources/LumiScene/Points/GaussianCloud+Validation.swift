import LumiTensor

extension GaussianCloud {
  /// This cloud if renderers can use it; throws ``SceneError`` with the field and row of the first
  /// thing wrong: a shape or dtype, a number that is not finite, a rotation of length 0, a scale
  /// that overflows. A cloud may be empty.
  public func validated() throws -> GaussianCloud {
    try checkStructure()
    for (path, value) in parameters { try checkFinite(Self.parameterPrefix + path, value) }
    let turns = rotations.scalars(as: Double.self)
    for row in 0..<count where turns[4 * row..<4 * row + 4].allSatisfy({ $0 == 0 }) {
      throw SceneError(
        field: "gaussians.rotations", index: row, expected: "a quaternion of any length but 0",
        actual: "0, 0, 0, 0")
    }
    // A standard deviation whose square overflows cannot be drawn.
    let limit = dtype == .float32 ? 43.0 : 350.0
    let scales = logScales.scalars(as: Double.self)
    if let wrong = scales.firstIndex(where: { $0 > limit }) {
      throw SceneError(
        field: "gaussians.logScales", index: wrong / logScales.shape[1],
        expected: "at most \(limit)", actual: "\(scales[wrong])")
    }
    return self
  }

  /// Shapes and dtypes: what can be checked without reading every number.
  package func checkStructure() throws {
    try checkExtents("gaussians.positions", positions, [nil, 3], dtype)
    try checkExtents("gaussians.logScales", logScales, [count, nil], dtype)
    guard [2, 3].contains(logScales.shape[1]) else {
      throw SceneError(
        field: "gaussians.logScales", expected: "[\(count), 2] or [\(count), 3]",
        actual: "\(logScales.shape)")
    }
    try checkExtents("gaussians.rotations", rotations, [count, 4], dtype)
    try checkExtents("gaussians.opacityLogits", opacityLogits, [count], dtype)
    try checkExtents("gaussians.harmonics", harmonics, [count, nil, nil], dtype)
    guard [1, 4, 9, 16].contains(harmonics.shape[1]), channels > 0 else {
      throw SceneError(
        field: "gaussians.harmonics", expected: "1, 4, 9 or 16 coefficients and any channels",
        actual: "\(harmonics.shape)")
    }
    for (path, value) in material.parameters {
      let extents: [Int?] = path == "shininess" ? [] : [3]
      try checkExtents("gaussians.material.\(path)", value, extents, dtype)
    }
  }
}
