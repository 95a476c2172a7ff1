import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
@_exported import RenderingTestSupport

typealias View = SceneView<VoxelGrid>

/// Scenes that tests share.
enum Scenes {
  static let background = Tensor([0.15, 0.3, 0.2])

  static func random(
    _ shape: [Int], _ seed: UInt64, low: Double = 0.05, high: Double = 0.95
  ) -> Tensor {
    var random = RandomGenerator(seed: seed)
    return random.uniform(shape, low: low, high: high, dtype: .float64)
  }

  /// Random values and colours in a box that is no cube, with another number of values a side.
  static func grid(
    _ quantity: VoxelGrid.Quantity, _ placement: VoxelGrid.Placement = .cells
  ) -> VoxelGrid {
    let shape = [4, 3, 5]
    return VoxelGrid(
      values: random(shape, 1), quantity: quantity, placement: placement,
      lower: [-0.8, -0.6, -1], upper: [0.8, 0.7, 0.9],
      appearance: .colors(random(shape + [3], 2)))
  }

  /// The distance to a sphere around the origin, on nodes of [-2, 2]³.
  static func sphere(radius: Double = 1.2, nodes: Int = 9, dtype: DType = .float64) -> VoxelGrid {
    var grid = VoxelGrid(
      values: .zeros([nodes, nodes, nodes], dtype: .float64), quantity: .signedDistance,
      placement: .nodes, lower: [-2, -2, -2], upper: [2, 2, 2])
    grid.values = grid.valuePositions().norm(axis: 3) - radius
    return grid.mapParameters { $1.cast(to: dtype) }
  }

  static func camera(
    from eye: SIMD3<Double> = [1.1, 0.7, 2.4], width: Int = 7, height: Int = 5
  ) -> Camera {
    .perspective(
      from: eye, verticalFieldOfView: radians(degrees: 42), width: width, height: height,
      dtype: .float64)
  }

  static func view(_ grid: VoxelGrid, camera: Camera = camera()) -> View {
    View(scene: Scene(grid, background: background), camera: camera)
  }
}
