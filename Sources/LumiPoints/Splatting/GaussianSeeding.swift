import Foundation
import LumiScene
import LumiTensor

extension GaussianCloud {
  /// Round Gaussians of one opacity at given points: where an optimisation starts.
  ///
  /// As published, each is as wide as the root mean square distance to its three nearest neighbours.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - colors: [N, C], linear, in every direction.
  ///   - degree: of the harmonics; those above 0 start at 0.
  ///   - opacity: in (0, 1), 0.1 as published.
  ///   - areFlat: whether they are surfels, in the plane of the world's x and y axes.
  public init(
    at points: Tensor, colors: Tensor, degree: Int = 3, opacity: Double = 0.1,
    areFlat: Bool = false
  ) {
    let (count, dtype) = (points.shape[0], points.dtype)
    var logScales = [Double](repeating: 0, count: count)
    if count > 1 {
      let neighbours = min(3, count - 1)
      let squared = nearestNeighbours(of: points, in: points, count: neighbours + 1)
        .squaredDistances.scalars(as: Double.self)
      for row in 0..<count {
        // The nearest is the point itself.
        let own = squared[row * (neighbours + 1) + 1..<(row + 1) * (neighbours + 1)]
        logScales[row] = log(max(own.reduce(0, +) / Double(neighbours), 1e-14)) / 2
      }
    }
    let scales = Tensor(logScales, shape: [count, 1]).broadcast(to: [count, areFlat ? 2 : 3])
    self.init(
      positions: points, logScales: scales.cast(to: dtype),
      rotations: Tensor([1.0, 0, 0, 0]).broadcast(to: [count, 4]).cast(to: dtype),
      opacityLogits: .full([count], log(opacity / (1 - opacity)), dtype: dtype),
      harmonics: Self.harmonics(ofColors: colors, degree: degree))
  }
}
