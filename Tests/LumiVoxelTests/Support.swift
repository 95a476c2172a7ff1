import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel

/// A scene and a camera whose parameters have names: "voxels.values", "camera.rotation".
struct View: Parameterized, Sendable {
  var scene: Scene<VoxelGrid>
  var camera: Camera

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> View {
    View(
      scene: try scene.mapParameters(transform),
      camera: try camera.mapParameters { try transform("camera." + $0, $1) })
  }

  func cast(to dtype: DType) -> View { mapParameters { $1.cast(to: dtype) } }
}

extension RenderOutput {
  /// Every channel weighted with fixed pseudo-random numbers, so that no error can cancel.
  func weightedSum() -> Tensor {
    var random = RandomGenerator(seed: 77)
    var total: Tensor?
    for channel in channels {
      let image = try! self[channel]
      let weights = random.uniform(image.shape, low: -1, dtype: .float64).cast(to: image.dtype)
      let term = (image * weights).sum()
      total = total.map { $0 + term } ?? term
    }
    return total!
  }

  var all: [(name: String, image: Tensor)] { channels.map { ($0.name, try! self[$0]) } }
}

extension Renderer where Shape == VoxelGrid {
  func render(_ view: View) throws -> RenderOutput { try render(view.scene, from: view.camera) }

  /// The images and the derivatives of their weighted sum by name.
  func evaluate(_ view: View) throws -> (output: RenderOutput, gradients: [String: Tensor]) {
    let output = try render(view)
    let gradients = try valueAndGradient(of: view, unreachable: .zeros) {
      try render($0).weightedSum()
    }.gradients
    return (output, gradients)
  }

  /// Central differences of the whole pipeline for the named parameters.
  @discardableResult
  func check(
    _ view: View, _ names: [String], steps: [Double] = [1e-5, 1e-6], tolerance: Double = 1e-6
  ) throws -> GradientReport {
    let values = try names.map { try view.parameter($0) }
    return try checkGradients(
      at: values, names: names, steps: steps, tolerance: tolerance
    ) { changed in
      let pairs = zip(names, changed).map { ($0, $1) }
      return try render(view.replacing(Dictionary(uniqueKeysWithValues: pairs))).weightedSum()
    }
  }
}

extension Tensor {
  var isAllFinite: Bool { scalars(as: Double.self).allSatisfy(\.isFinite) }

  /// The largest magnitude; 0 for no elements.
  var largest: Double { scalars(as: Double.self).map(\.magnitude).max() ?? 0 }

  /// The elements' bits, so that -0 and NaN count as what they are.
  var bits: [UInt64] {
    dtype == .float32
      ? scalars(as: Float.self).map { UInt64($0.bitPattern) }
      : scalars(as: Double.self).map(\.bitPattern)
  }
}

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
