import Foundation
import LumiRendering
import LumiTensor

/// The sampling lattice and camera matrix of Perspective Transformer Nets as released, for grids
/// [Z, Y, X] whose first and last values lie at -1 and 1.
///
/// Points are (z, y, x). The volume's centre is at depth f + ½ and planes span f to f + √3, so that
/// the part of the box nearer than ½ to the centre on the camera's side is not sampled.
public struct PublishedLattice: Sendable {
  /// [planes, rows, columns, 4]: (depth, row, column, 1) in homogeneous coordinates of the camera.
  public let points: Tensor

  /// - Parameters:
  ///   - planes: at least 2; plane 0 is the farthest.
  ///   - rows: at least 2, from -1 to 1.
  ///   - columns: at least 2, from -1 to 1.
  ///   - focalLength: the nearest plane's depth; published √3/2.
  public init(planes: Int, rows: Int, columns: Int, focalLength: Double) {
    require(
      min(planes, rows, columns) >= 2 && focalLength > 0,
      "PublishedLattice: \(planes)×\(rows)×\(columns), focal length \(focalLength)")
    let shape = [planes, rows, columns]
    let disparity = Tensor.linspace(
      1 / (focalLength + 3.0.squareRoot()), 1 / focalLength, planes, dtype: .float64)
    let depth = disparity.reciprocal().reshaped([planes, 1, 1]).broadcast(to: shape)
    let row = Tensor.linspace(-1, 1, rows, dtype: .float64).reshaped([1, rows, 1])
    let column = Tensor.linspace(-1, 1, columns, dtype: .float64)
    points = Tensor.stack(
      [depth, row * depth, column * depth, .ones(shape, dtype: .float64)], axis: -1)
  }

  /// The matrix [4, 4] from the lattice to the volume for a view from an elevation and an azimuth
  /// in degrees, [] each.
  public static func matrix(
    elevationDegrees: Tensor, azimuthDegrees: Tensor, focalLength: Double
  ) -> Tensor {
    let elevation = elevationDegrees * (Double.pi / 180)
    let azimuth = -(azimuthDegrees * (Double.pi / 180))
    let zero = Tensor.zeros(like: elevation.stoppingGradient())
    let one = Tensor.ones(like: zero)
    func matrix(_ entries: [Tensor]) -> Tensor { Tensor.stack(entries).reshaped([3, 3]) }
    let tilt = matrix([
      elevation.cos(), elevation.sin(), zero, -elevation.sin(), elevation.cos(), zero, zero, zero,
      one,
    ])
    let turn = matrix([
      azimuth.cos(), zero, -azimuth.sin(), zero, one, zero, azimuth.sin(), zero, azimuth.cos(),
    ])
    let rotation = turn.matmul(tilt)
    let scaled = rotation * Tensor([1, 1 / focalLength, 1 / focalLength])
    let shift = rotation.slice(axis: 1, from: 0, to: 1) * -(focalLength + 0.5)
    let last = Tensor([0.0, 0, 0, 1], shape: [1, 4])
    return .concatenate([.concatenate([scaled, shift], axis: 1), last])
  }

  /// Where the lattice is in the volume's coordinates from -1 to 1, [planes, rows, columns, 3].
  public func sources(_ matrix: Tensor) -> Tensor {
    let rows = matrix.slice(axis: 0, from: 0, to: 3)
    let flat = points.reshaped([-1, 4]).matmul(rows, transposingRight: true)
    return flat.reshaped(Array(points.shape.prefix(3)) + [3])
  }

  /// A volume [Z, Y, X] sampled at sources: [planes, rows, columns].
  public func samples(_ volume: Tensor, at sources: Tensor) -> Tensor {
    let last = Tensor(volume.shape.map { Double($0 - 1) })
    let points = (sources + 1) * last * 0.5
    return sampleTrilinear(volume.expandingDims(at: 3), at: points.reshaped([-1, 3]))
      .reshaped(Array(self.points.shape.prefix(3)))
  }
}
