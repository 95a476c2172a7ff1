import LumiScene
import LumiTensor

extension Scene where Shape == VoxelGrid {
  /// Checks that a method can draw the scene.
  ///
  /// - Parameters:
  ///   - camera: of the scene's dtype, with at least one pixel.
  ///   - method: whose id errors name.
  ///   - quantities: what values the method takes.
  ///   - placements: where they may be.
  ///   - followsWarp: whether it takes a warp.
  /// - Throws: ``RenderError/invalid(method:parameter:expected:actual:)``, and `SceneError` for a
  ///   grid or a light that is not as documented.
  public func checkGrid(
    for camera: Camera, method: String, quantities: [VoxelGrid.Quantity],
    placements: [VoxelGrid.Placement] = VoxelGrid.Placement.allCases, followsWarp: Bool = false
  ) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: method, parameter: name, expected: expected, actual: actual)
      }
    }
    try shape.checkStructure()
    try require(
      quantities.contains(shape.quantity), "voxels.quantity",
      quantities.map(\.rawValue).joined(separator: " or "), shape.quantity.rawValue)
    try require(
      placements.contains(shape.placement), "voxels.placement",
      placements.map(\.rawValue).joined(separator: " or "), shape.placement.rawValue)
    try require(followsWarp || shape.warp == nil, "voxels.warp", "none", "a warp")
    try checkFrame(for: camera, method: method, channels: shape.appearance.channels)
    for (index, light) in lights.enumerated() {
      try light.checkShapes(dtype: dtype, field: "light.\(index)")
    }
  }
}

extension VoxelGrid {
  /// The probability that a place is filled, [X, Y, Z]: occupancy, or one minus emptiness. Other
  /// values as they are.
  public var filled: Tensor { quantity == .emptiness ? 1 - values : values }

  /// The colours [N, C] at grid coordinates [N, 3], seen along directions.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - directions: [N, 3] unit vectors from the eye.
  ///   - border: what colours are outside of the outermost values.
  public func colors(
    at points: Tensor, seenAlong directions: Tensor, border: GridBorder = .clamped
  ) -> Tensor {
    switch appearance {
    case .uniform(let color): return color.broadcast(to: [points.shape[0], color.count])
    case .colors(let colors): return sampleTrilinear(colors, at: points, border: border)
    case .sphericalHarmonics(let coefficients):
      let flat = coefficients.reshaped(Array(coefficients.shape.prefix(3)) + [-1])
      return Self.evaluate(sampleTrilinear(flat, at: points, border: border), along: directions)
    }
  }

  /// The colours of cells, [R, N, C].
  public func colors(of cells: RayCells, seenAlong directions: Tensor) -> Tensor {
    let shape = cells.cells.shape + [appearance.channels]
    switch appearance {
    case .uniform(let color): return color.broadcast(to: shape)
    case .colors(let colors): return cells.gather(colors.reshaped([-1, colors.shape[3]]))
    case .sphericalHarmonics(let coefficients):
      let rows = cells.gather(coefficients.reshaped([values.count, -1]))
      let along = directions.expandingDims(at: 1).broadcast(to: cells.cells.shape + [3])
      return Self.evaluate(
        rows.reshaped([-1, rows.shape[2]]), along: along.reshaped([-1, 3])
      ).reshaped(shape)
    }
  }

  /// Coefficients [N, C·9] in directions [N, 3]: [N, C].
  private static func evaluate(_ coefficients: Tensor, along directions: Tensor) -> Tensor {
    let basis = sphericalHarmonics(directions).expandingDims(at: 1)
    return (coefficients.reshaped([directions.shape[0], -1, 9]) * basis).sum(axis: 2)
  }
}
