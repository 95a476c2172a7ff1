import LumiRendering
import LumiScene
import LumiTensor

// Which values of a trained radiance grid are empty, or hidden from all views.

extension RadianceGrid {
  /// The largest weight that a sample next to each value has in any of the views, [X, Y, Z]: what a
  /// pixel owes to it at most. It has no derivative.
  ///
  /// - Parameters:
  ///   - scene: a grid of densities.
  ///   - cameras: the views that count, as a rule those trained on.
  /// - Throws: as drawing.
  public func maximumWeights(
    of scene: Scene<VoxelGrid>, from cameras: [Camera]
  ) throws -> Tensor {
    let grid = scene.shape.mapParameters { $1.stoppingGradient() }
    let count = try sampleCount(grid.extent, grid.spacing)
    var largest = [Float](repeating: 0, count: grid.values.count)
    for camera in cameras {
      try scene.checkGrid(for: camera, method: Self.method.id, quantities: [.density])
      let held = camera.mapParameters { $1.stoppingGradient() }
      let all = held.pixelCentres().reshaped([camera.height * camera.width, 2])
      let block = max(1, (1 << 20) / count)
      for start in stride(from: 0, to: all.shape[0], by: block) {
        let some = all.slice(axis: 0, from: start, to: min(start + block, all.shape[0]))
        let samples = PixelRays(of: held, through: some).samples(in: grid.bounds, count: count)
        let points = grid.gridPoints(samples.positions).reshaped([-1, 3])
        let densities = sampleTrilinear(grid.values.expandingDims(at: 3), at: points)
        let weights = EmissionAbsorption().weights(
          of: densities.reshaped(samples.lengths.shape).clamped(min: 0), lengths: samples.lengths)
        grid.raise(&largest, at: points, to: weights.samples)
      }
    }
    return Tensor(largest, shape: grid.values.shape).cast(to: grid.dtype)
  }
}

extension VoxelGrid {
  /// Raises the eight values around each point to its weight.
  fileprivate func raise(_ largest: inout [Float], at points: Tensor, to weights: Tensor) {
    let places = points.cast(to: .float64)
    places.withUnsafeScalars(as: Double.self) { place in
      weights.cast(to: .float32).withUnsafeScalars(as: Float.self) { weight in
        for n in weight.indices where weight[n] > 0 {
          let base = SIMD3(place[3 * n], place[3 * n + 1], place[3 * n + 2]).rounded(.down)
          guard base.x > -2, base.y > -2, base.z > -2, base.x < 1e9, base.y < 1e9, base.z < 1e9
          else { continue }
          for corner in 0..<8 {
            let node =
              SIMD3(Int(base.x), Int(base.y), Int(base.z))
              &+ SIMD3(corner >> 2, (corner >> 1) & 1, corner & 1)
            guard all(node .>= 0), all(node .< counts) else { continue }
            let at = (node.x * counts.y + node.y) * counts.z + node.z
            largest[at] = max(largest[at], weight[n])
          }
        }
      }
    }
  }

  /// Which values stay when a radiance grid is pruned, bool [X, Y, Z]: those whose measure, or that
  /// of one of the 26 neighbours, is above a threshold; and values below 0 beside one above 0 that
  /// stays, as the density between them would grow without.
  ///
  /// By ``RadianceGrid/maximumWeights(of:from:)`` with a threshold τ, pruning changes no pixel of
  /// those views by more than kτ times the largest colour, and no alpha by more than kτ, where k is
  /// how many of the ray's samples have a neighbour that went: densities only fall, so that what
  /// those samples weighed, at most τ each, goes to others.
  ///
  /// - Parameters:
  ///   - measure: [X, Y, Z]; weights, or the densities themselves.
  ///   - threshold: at and below it a value is empty.
  public func kept(by measure: Tensor, above threshold: Double) -> Tensor {
    require(
      measure.shape == values.shape,
      "VoxelGrid.kept: a measure of shape \(measure.shape) for values of shape \(values.shape)")
    let constant = values.stoppingGradient()
    let close = (measure.stoppingGradient() .> threshold).dilated()
    let positive = (close .&& (constant .> 0)).dilated()
    return close .|| (positive .&& (constant .< 0))
  }

  /// The grid with zeros for densities and coefficients that do not stay.
  ///
  /// - Parameter kept: bool [X, Y, Z].
  public func pruned(keeping kept: Tensor) -> VoxelGrid {
    require(
      kept.shape == values.shape && kept.dtype == .bool,
      "VoxelGrid.pruned: \(kept.dtype) \(kept.shape) for values of shape \(values.shape)")
    func pruned(_ tensor: Tensor) -> Tensor {
      let ones = tensor.shape.dropFirst(3).map { _ in 1 }
      return Tensor.where(kept.reshaped(kept.shape + ones), tensor, 0)
    }
    var result = self
    result.values = pruned(values)
    switch appearance {
    case .uniform: break
    case .colors(let colors): result.appearance = .colors(pruned(colors))
    case .sphericalHarmonics(let coefficients):
      result.appearance = .sphericalHarmonics(pruned(coefficients))
    }
    return result
  }
}

extension Tensor {
  /// bool [X, Y, Z]: which elements are true or beside one that is, diagonals included.
  fileprivate func dilated() -> Tensor {
    (0..<3).reduce(cast(to: .float32)) { whole, axis in
      let count = whole.shape[axis]
      let wide = whole.padded(axis: axis, before: 1, after: 1)
      return (0..<3).map { wide.slice(axis: axis, from: $0, to: $0 + count) }
        .reduce(whole) { .maximum($0, $1) }
    } .> 0.5
  }
}
