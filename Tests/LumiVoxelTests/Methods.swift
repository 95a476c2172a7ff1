import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel

/// Every method, with a scene that it can draw.
enum Method: String, CaseIterable, Sendable {
  case perspectiveTransformer, rayConsistency, visualHull, absorption, emission, neuralVolumes
  case warped, sdfDiff, radianceGrid

  var renderer: any Renderer<VoxelGrid> {
    let all: Set<RenderChannel> = [.color, .alpha, .depth]
    switch self {
    case .perspectiveTransformer: return PerspectiveTransformer(planes: 6, channels: all)
    case .rayConsistency: return RayConsistency(channels: all)
    case .visualHull: return PlatonicRenderer(.visualHull, samples: 7, channels: all)
    case .absorption: return PlatonicRenderer(.absorption(factor: 2), samples: 7, channels: all)
    case .emission:
      return PlatonicRenderer(.emissionAbsorption(factor: 3), samples: 7, channels: all)
    case .neuralVolumes, .warped: return NeuralVolumes(step: 0.21, channels: all)
    case .sdfDiff: return SDFDiff(channels: [.color, .alpha, .depth, .normal])
    case .radianceGrid: return RadianceGrid(samples: 9, channels: all)
    }
  }

  /// A grid of the quantity that it draws.
  var grid: VoxelGrid {
    switch self {
    case .perspectiveTransformer, .visualHull, .absorption, .emission: Scenes.grid(.occupancy)
    case .rayConsistency: Scenes.grid(.emptiness)
    case .neuralVolumes: Self.enclosed(Scenes.grid(.density))
    case .warped: Self.bent(Self.enclosed(Scenes.grid(.density)))
    case .sdfDiff: Self.colored(Scenes.sphere())
    case .radianceGrid: Scenes.grid(.density)
    }
  }

  var view: View {
    let eye: SIMD3<Double> = self == .sdfDiff ? [2.2, 1.4, 3.9] : [1.1, 0.7, 2.4]
    return Scenes.view(grid, camera: Scenes.camera(from: eye))
  }

  /// Next to nothing at the faces, where samples that enter the box make steps; not 0, where
  /// densities begin to count.
  private static func enclosed(_ grid: VoxelGrid) -> VoxelGrid {
    var result = grid
    var values = grid.values
    for axis in 0..<3 { values = values.padded(axis: axis, before: 1, after: 1) }
    result.values = values + 1e-5
    result.appearance = .colors(Scenes.random(values.shape + [3], 3))
    return result
  }

  private static func bent(_ grid: VoxelGrid) -> VoxelGrid {
    var result = grid
    var coarse = grid
    coarse.values = .zeros([3, 4, 3], dtype: .float64)
    let bounds = grid.bounds
    let identity = (coarse.valuePositions() - bounds.lower) / (bounds.upper - bounds.lower) * 2 - 1
    result.warp = identity + Scenes.random([3, 4, 3, 3], 4, low: -0.05, high: 0.05)
    return result
  }

  private static func colored(_ grid: VoxelGrid) -> VoxelGrid {
    var result = grid
    result.appearance = .colors(Scenes.random(grid.values.shape + [3], 5))
    return result
  }
}
