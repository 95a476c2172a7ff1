import Foundation
import LumiScene
import LumiTensor

extension VoxelGrid: BenchmarkShape {
  /// Bodies as one grid of signed distances on nodes.
  ///
  /// The box is the smallest of a row of boxes, each a quarter larger than the one before, that holds
  /// the bodies: it does not follow them, so that no derivative is missing.
  ///
  /// Several bodies are their union: the smallest distance counts. A node's colour is the bodies',
  /// weighted by how near they are, so that seams between colours move with the bodies. A square
  /// becomes a plate of two intervals' thickness behind its face: seen from the front it is what it
  /// should be. What is thinner than an interval, such as a rod, falls between the nodes.
  ///
  /// - Parameters:
  ///   - bodies: at least one.
  ///   - material: matt white. A grid has a colour and nothing else.
  ///   - detail: 24 intervals along each side of the box for 2, so that they are about as long as
  ///     the standard pictures' pixels are wide; 38 for 3, 60 for 4.
  public static func representing(
    _ bodies: [Body], material: Material, detail: Int
  ) throws -> VoxelGrid {
    guard material.isMatt else {
      throw UnsupportedScene("a grid of voxels has a colour, but no material")
    }
    var grid = emptyGrid(around: bodies, detail: detail)
    let shape = grid.values.shape
    let interval = grid.spacing.x
    let points = grid.valuePositions().reshaped([-1, 3])
    let samples = try bodies.map {
      try $0.samples(at: points, interval: interval, detail: detail)
    }
    let distances = Tensor.stack(samples.map(\.distances), axis: 1)
    grid.values = distances.min(axis: 1).reshaped(shape)
    if samples.count == 1, case .uniform(let color) = bodies[0].colors {
      grid.appearance = .uniform(color)
    } else {
      let shares = (distances * (-2 / interval)).softmax(axis: 1).expandingDims(at: 2)
      let colors = Tensor.stack(samples.map(\.colors), axis: 1)
      grid.appearance = .colors((shares * colors).sum(axis: 1).reshaped(shape + [3]))
    }
    return grid
  }

  public var primitiveCount: Int { values.count }

  /// Half a side of the smallest box.
  static let smallestReach = 1.25
  /// Where the box's middle is. Away from the origin, so that no node lies in the middle of a body,
  /// where a distance has no derivative, by the problems' symmetry.
  static let boxMiddle = SIMD3(0.021, -0.013, 0.017)

  /// Zeros in a box around the bodies.
  private static func emptyGrid(around bodies: [Body], detail: Int) -> VoxelGrid {
    let farthest = bodies.map { body in
      body.placed(body.surface(detail: 1).vertices).stoppingGradient().abs().max().value
    }.max()!
    let growths = (log((farthest + 0.05) / smallestReach) / log(1.25)).rounded(.up)
    let reach = smallestReach * (growths > 0 && growths < 1000 ? pow(1.25, growths) : 1)
    let nodes = Int((24 * pow(4, Double(detail - 2) / 3)).rounded()) + 1
    return VoxelGrid(
      values: .zeros([nodes, nodes, nodes], dtype: .float64), quantity: .signedDistance,
      placement: .nodes, lower: boxMiddle - reach, upper: boxMiddle + reach)
  }
}

extension Material {
  /// Whether a colour alone says how the surface reflects light.
  var isMatt: Bool {
    func isAll(_ values: Tensor, _ level: Double) -> Bool {
      values.scalars(as: Double.self).allSatisfy { $0 == level }
    }
    return isAll(ambient, 1) && isAll(diffuse, 1) && isAll(specular, 0) && isAll(emission, 0)
  }
}
