import Foundation
import Lumigrad

/// Signed distances from masks, then with colours from photographs.
struct SurfaceFit {
  /// What is seen, at the size that is fitted.
  let photographs: Photographs
  /// Rays a step.
  var batch: Int
  var smoothness = 0.05

  /// Every ray's nearest approach to the surface says whether its pixel is covered, with a blur of
  /// half a spacing.
  static func silhouetteLoss(_ grid: VoxelGrid, _ seen: SeenRays) -> Tensor {
    let approach = ClosestApproach(of: seen.rays, to: grid)
    let logit = approach.distances / (-0.5 * grid.spacing.max())
    return (logit.softplus() - seen.coverage * logit).mean()
  }

  /// Keeps a distance function near the surface: a mean over the band of three spacings.
  private func regularity(_ grid: VoxelGrid) -> Tensor {
    let spacing = grid.spacing.max()
    let band = grid.narrowBand(halfWidth: 3 * spacing)
    let count = Swift.max(band.sum().value, 1)
    return grid.eikonalLoss(weights: band) * (0.1 / count)
      + grid.laplacianLoss(weights: band) * (smoothness / (spacing * spacing * count))
  }

  /// Coarse to fine from masks alone. Every level begins with a distance function.
  func fitSilhouettes(from start: VoxelGrid, _ schedule: MultiResolutionSchedule) throws
    -> VoxelGrid
  {
    let seen = SeenRays(photographs, through: start)
    var random = RandomGenerator(seed: 2)
    return try schedule.run(from: start) { grid, level in
      grid = grid.redistanced()
      let rate = level.learningRate * grid.spacing.max()
      var adam = Adam(learningRate: .cosine(initial: rate, final: rate / 10, steps: level.steps))
      for _ in 0..<level.steps {
        let (start, some) = (grid, seen.choosing(seen.someRows(batch, &random)))
        let slope = gradient(at: grid.values) { values in
          var moved = start
          moved.values = values
          return Self.silhouetteLoss(moved, some) + regularity(moved)
        }
        try adam.update(&grid, gradients: ["values": slope])
      }
      grid = grid.redistanced()
    }
  }

  /// A scene in which a surface shows its own colour.
  static func unlit(_ grid: VoxelGrid) -> Scene<VoxelGrid> {
    Scene(grid, lights: [.ambient(intensity: .ones([3]))])
  }

  /// Every node takes the colour of the surface's point next to it, so that a surface that moves
  /// takes its colours along and does not meet nodes that no photograph has coloured.
  static func extendingColors(of grid: VoxelGrid) -> VoxelGrid {
    guard case .colors(let colors) = grid.appearance else { return grid }
    let normals = grid.nodeGradients().unitVectors()
    let feet = grid.valuePositions() - normals * grid.values.expandingDims(at: 3)
    var result = grid
    result.appearance = .colors(
      sampleTrilinear(colors, at: grid.gridPoints(feet).reshaped([-1, 3]), border: .clamped)
        .reshaped(colors.shape))
    return result
  }

  /// A colour a node by SDFDiff from photographs, alone or together with distances and outlines.
  ///
  /// - Parameters:
  ///   - colorRate: how far a step moves a colour at first.
  ///   - distanceRate: how far it moves a distance at first, in spacings; 0 for surfaces that stay.
  func fitColors(
    from start: VoxelGrid, steps: Int, colorRate: Double, distanceRate: Double
  ) throws -> VoxelGrid {
    var grid = start
    let movesSurface = distanceRate > 0
    if case .uniform = grid.appearance {
      grid.appearance = .colors(.full(grid.values.shape + [3], 0.3))
    }
    let seen = SeenRays(photographs, through: start)
    var random = RandomGenerator(seed: 3)
    let order = random.permutation(photographs.count).scalars(as: Int32.self).map(Int.init)
    var colorAdam = Adam(
      learningRate: .cosine(initial: colorRate, final: colorRate / 10, steps: steps))
    let rate = distanceRate * grid.spacing.max()
    var distanceAdam = Adam(
      learningRate: .cosine(initial: rate, final: rate / 10, steps: steps))
    for step in 0..<steps {
      let (start, some) = (grid, seen.choosing(seen.someRows(batch, &random)))
      let view = order[step % order.count]
      let paths = movesSurface ? ["values", "colors"] : ["colors"]
      let slopes = try gradient(at: paths.map { try grid.parameter($0) }) { inputs in
        var moved = start
        if movesSurface { moved.values = inputs[0] }
        moved.appearance = .colors(inputs.last!)
        let loss = try colorLoss(moved, view)
        return movesSurface ? loss + Self.silhouetteLoss(moved, some) + regularity(moved) : loss
      }
      if movesSurface {
        try distanceAdam.update(&grid, gradients: ["values": slopes[0]])
      }
      try colorAdam.update(&grid, gradients: ["colors": slopes.last!])
    }
    return grid
  }

  /// Mean |difference| from a photograph where it and the surface show the object.
  func colorLoss(_ grid: VoxelGrid, _ view: Int) throws -> Tensor {
    let output = try SDFDiff(channels: [.color, .alpha]).render(
      Self.unlit(grid), from: photographs.cameras[view])
    let both = (photographs.masks[view] .> 0.99).cast(to: .float32) * (try output[.alpha])
    let difference = (try output[.color] - photographs.images[view]).abs().mean(axis: 2)
    return (difference * both).sum() / Swift.max(both.sum().value, 1)
  }
}
