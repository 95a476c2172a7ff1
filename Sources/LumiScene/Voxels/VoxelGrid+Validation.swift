import LumiTensor

extension VoxelGrid {
  /// This grid if renderers can use it; throws ``SceneError`` with the field and what is wrong: a
  /// shape or dtype, a number that is not finite or out of the quantity's range, a box without
  /// volume.
  public func validated() throws -> VoxelGrid {
    try checkStructure()
    for (path, value) in parameters {
      try checkFinite(Self.parameterPrefix + path, value)
    }
    try checkRange()
    return self
  }

  /// Shapes, dtypes and the box: what can be checked without reading every number.
  package func checkStructure() throws {
    try checkExtents("voxels.values", values, [nil, nil, nil], dtype)
    let least = placement == .nodes ? 2 : 1
    guard values.shape.allSatisfy({ $0 >= least }) else {
      throw SceneError(
        field: "voxels.values", expected: "at least \(least) along each axis",
        actual: "\(values.shape)")
    }
    for axis in 0..<3 {
      let side = upper[axis] - lower[axis]
      guard side > 0 && side.isFinite else {
        throw SceneError(
          field: "voxels.upper", index: axis, expected: "above voxels.lower and finite",
          actual: "\(upper[axis]) with \(lower[axis])")
      }
    }
    try checkAppearance()
    guard let warp else { return }
    try checkExtents("voxels.warp", warp, [nil, nil, nil, 3], dtype)
    guard warp.count > 0 else {
      throw SceneError(
        field: "voxels.warp", expected: "at least 1 along each axis", actual: "\(warp.shape)")
    }
  }

  private func checkAppearance() throws {
    switch appearance {
    case .uniform(let color): try checkExtents("voxels.color", color, [nil], dtype)
    case .colors(let colors): try checkExtents("voxels.colors", colors, values.shape + [nil], dtype)
    case .sphericalHarmonics(let coefficients):
      try checkExtents("voxels.sphericalHarmonics", coefficients, values.shape + [nil, 9], dtype)
    }
    guard appearance.channels > 0 else {
      throw SceneError(field: "voxels.appearance", expected: "at least one channel", actual: "0")
    }
  }

  private func checkRange() throws {
    let range: ClosedRange<Double>
    switch quantity {
    case .occupancy, .emptiness: range = 0...1
    case .density: range = 0...Double.greatestFiniteMagnitude
    case .signedDistance: return
    }
    let numbers = values.scalars(as: Double.self)
    guard let wrong = numbers.firstIndex(where: { !range.contains($0) }) else { return }
    throw SceneError(
      field: "voxels.values", index: wrong / (values.shape[1] * values.shape[2]),
      expected: quantity == .density ? "densities of at least 0" : "probabilities from 0 to 1",
      actual: "\(numbers[wrong])")
  }
}
