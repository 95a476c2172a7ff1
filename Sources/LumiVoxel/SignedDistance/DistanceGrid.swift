import LumiRendering
import LumiScene
import LumiTensor

// Measures of a grid of signed distances, made of tensor operations.

extension VoxelGrid {
  /// The gradient at every node, [X, Y, Z, 3]: central differences; beyond the ends the values go on
  /// as a parabola (as a line where there are only two nodes).
  public func nodeGradients() -> Tensor {
    let parts = (0..<3).map { axis -> Tensor in
      let count = values.shape[axis]
      func node(_ k: Int) -> Tensor { values.slice(axis: axis, from: k, to: k + 1) }
      func beyond(_ first: Int, _ step: Int) -> Tensor {
        count > 2
          ? (node(first) - node(first + step)) * 3 + node(first + 2 * step)
          : node(first) * 2 - node(first + step)
      }
      let longer = Tensor.concatenate([beyond(0, 1), values, beyond(count - 1, -1)], axis: axis)
      let difference =
        longer.slice(axis: axis, from: 2, to: count + 2)
        - longer.slice(axis: axis, from: 0, to: count)
      return difference / (2 * spacing[axis])
    }
    return Tensor.stack(parts, axis: -1)
  }

  /// How far the grid is from a distance function, []: Σ weight·||∇S|² - 1| over inner nodes (Jiang
  /// et al. 2020).
  ///
  /// - Parameter weights: of all nodes, [X, Y, Z], such as ``narrowBand(halfWidth:)``; 1 if nil.
  public func eikonalLoss(weights: Tensor? = nil) -> Tensor {
    weighted((inner(nodeGradients()).square().sum(axis: 3) - 1).abs(), weights)
  }

  /// How rough the grid is, []: Σ weight·(Σ neighbours - 6 S)² over inner nodes, without a spacing
  /// (Jiang et al. 2020).
  ///
  /// - Parameter weights: of all nodes, [X, Y, Z], such as ``narrowBand(halfWidth:)``; 1 if nil.
  public func laplacianLoss(weights: Tensor? = nil) -> Tensor {
    var sum = inner(values) * -6
    for axis in 0..<3 {
      for shift in [-1, 1] { sum = sum + inner(values, shiftedAlong: axis, by: shift) }
    }
    return weighted(sum.square(), weights)
  }

  /// Which nodes the surface is near to, [X, Y, Z]: 1 where |S| is below `halfWidth`, else 0;
  /// constant. As a weight of the losses it leaves alone what no picture shows. The published
  /// program for single views (0.1 in a box of 4) sets distances beyond to 0 before it forms the
  /// losses, which punishes a jump at the band's border; a weight does not.
  public func narrowBand(halfWidth: Double) -> Tensor {
    (values.stoppingGradient().abs() .< halfWidth).cast(to: dtype)
  }

  private func weighted(_ terms: Tensor, _ weights: Tensor?) -> Tensor {
    guard let weights else { return terms.sum() }
    require(
      weights.shape == values.shape,
      "VoxelGrid: weights \(weights.shape) for nodes \(values.shape)")
    return (inner(weights) * terms).sum()
  }

  /// The nodes that are on no face, or their neighbours.
  private func inner(_ nodes: Tensor, shiftedAlong shifted: Int = 0, by shift: Int = 0) -> Tensor {
    (0..<3).reduce(nodes) { result, axis in
      let offset = axis == shifted ? shift : 0
      let count = values.shape[axis]
      return count > 2
        ? result.slice(axis: axis, from: 1 + offset, to: count - 1 + offset)
        : result.slice(axis: axis, from: 0, to: 0)
    }
  }

  /// The grid with another number of values in the same box, by trilinear interpolation: coarse to
  /// fine. Colours go along, a warp stays.
  ///
  /// - Parameter counts: along x, y and z, at least 1; at least 2 for nodes.
  public func resampled(to counts: SIMD3<Int>) -> VoxelGrid {
    let least = placement == .nodes ? 2 : 1
    require(
      counts.min() >= least, "VoxelGrid.resampled: \(counts) values, expected at least \(least)")
    let shape = [counts.x, counts.y, counts.z]
    let target = VoxelGrid(
      values: .zeros(shape, dtype: dtype), quantity: quantity, placement: placement, lower: lower,
      upper: upper)
    let points = gridPoints(target.valuePositions()).reshaped([-1, 3])
    func moved(_ grid: Tensor) -> Tensor {
      let rest = Array(grid.shape.dropFirst(3))
      let flat = grid.reshaped(Array(grid.shape.prefix(3)) + [-1])
      return sampleTrilinear(flat, at: points, border: .clamped).reshaped(shape + rest)
    }
    var result = self
    result.values = moved(values)
    switch appearance {
    case .uniform: break
    case .colors(let colors): result.appearance = .colors(moved(colors))
    case .sphericalHarmonics(let coefficients):
      result.appearance = .sphericalHarmonics(moved(coefficients))
    }
    return result
  }
}
