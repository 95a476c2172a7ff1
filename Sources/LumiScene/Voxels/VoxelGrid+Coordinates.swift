import LumiTensor

// Grid coordinates count values: (i, j, k) is the place of values[i, j, k], with fractions between.

extension VoxelGrid {
  /// World points [..., 3] in grid coordinates [..., 3].
  public func gridPoints(_ world: Tensor) -> Tensor {
    (world - origin) / vector(spacing)
  }

  /// Grid coordinates [..., 3] in the world [..., 3].
  public func worldPoints(_ grid: Tensor) -> Tensor {
    grid * vector(spacing) + origin
  }

  /// Where the values are in the world, [X, Y, Z, 3].
  public func valuePositions() -> Tensor {
    let shape = values.shape
    let axes = (0..<3).map { axis -> Tensor in
      var place = [1, 1, 1]
      place[axis] = shape[axis]
      return Tensor.arange(shape[axis], dtype: dtype).reshaped(place).broadcast(to: shape)
    }
    return worldPoints(Tensor.stack(axes, axis: -1))
  }

  /// The box's corners as [3] each.
  public var bounds: (lower: Tensor, upper: Tensor) { (vector(lower), vector(upper)) }

  /// The place of values[0, 0, 0], [3].
  private var origin: Tensor {
    vector(placement == .cells ? lower + spacing * 0.5 : lower)
  }

  private func vector(_ v: SIMD3<Double>) -> Tensor { Tensor(v, dtype: dtype) }
}
