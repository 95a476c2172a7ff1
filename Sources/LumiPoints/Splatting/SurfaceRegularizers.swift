import LumiTensor

/// What keeps points on a surface and spread over it while pictures move them: the projection and the
/// repulsion terms of Differentiable Surface Splatting (Yifan et al. 2019, section 4.3; constants of
/// the authors' program). Neighbours, their normals and all weights are constants; only each point's
/// own place is differentiated.
///
/// Find the neighbours anew every few steps: the tree costs more than the losses.
public struct SurfaceRegularizers: Sendable {
  /// Neighbours of a point that count, published as 11.
  public static let neighbours = 11
  /// Normals that differ by more than about this are of another piece of the surface.
  static let normalWidth = 0.75

  /// int64 [N, K].
  private let indices: Tensor
  /// [N, K, 3]: neighbours and their unit normals.
  private let places, normals: Tensor
  /// [N, K]: spatial times normal weights, for projection and for repulsion, and the spatial weights
  /// of repulsion.
  private let projectionWeights, repulsionWeights, density: Tensor

  /// - Parameters:
  ///   - points: [N, 3], at least two.
  ///   - normals: [N, 3] of unit length.
  ///   - visible: bool [N]: points that a view shows. The others' neighbours weigh a tenth, and their
  ///     own normals are replaced by the mean of their neighbours'; all of them if nil.
  /// - Complexity: O(N log N).
  public init(points: Tensor, normals: Tensor, visible: Tensor? = nil) {
    let points = points.stoppingGradient()
    let count = points.shape[0]
    require(
      count > 1 && points.shape == [count, 3] && normals.shape == points.shape,
      "SurfaceRegularizers: points \(points.shape) and normals \(normals.shape)")
    let kept = min(Self.neighbours, count - 1)
    let found = nearestNeighbours(of: points, in: points, count: kept + 1)
    indices = found.indices.slice(axis: 1, from: 1, to: kept + 1).cast(to: .int64)
    let squared = found.squaredDistances.slice(axis: 1, from: 1, to: kept + 1)
      .cast(to: points.dtype)
    let support = (squared.mean() * 4).clamped(min: 1e-30)
    let near = (1 - squared / support).clamped(min: 0).square().square()
    let trusted = Self.trusted(normals.stoppingGradient(), visible, indices, near)
    places = points.gather(indices)
    self.normals = trusted.gather(indices)
    let turn = (self.normals - trusted.expandingDims(at: 1)).square().sum(axis: 2)
    let alike = (turn * (-1 / (Self.normalWidth * Self.normalWidth))).exp()
    let seen = visible.map { [indices] in
      ($0.cast(to: points.dtype) * 0.9 + 0.1).gather(indices)
    }
    projectionWeights = near * alike * (seen ?? Tensor.ones(like: near))
    let extent = (points.max(axis: 0) - points.min(axis: 0)).square().sum().clamped(min: 1e-30)
    density = (squared * (Double(count) * -2) / extent).exp()
    repulsionWeights = density * alike
  }

  private static func trusted(
    _ normals: Tensor, _ visible: Tensor?, _ indices: Tensor, _ near: Tensor
  ) -> Tensor {
    guard let visible else { return normals }
    let mean = (normals.gather(indices) * near.expandingDims(at: 2)).sum(axis: 1).normalized()
    return Tensor.where(visible.expandingDims(at: 1), normals, mean)
  }

  /// The mean squared distance of points [N, 3] to their neighbours' tangent planes: pulls them onto
  /// a common surface, along normals.
  public func projection(of points: Tensor) -> Tensor {
    let height = ((places - points.expandingDims(at: 1)) * normals).sum(axis: 2)
    let total = projectionWeights.sum(axis: 1).clamped(min: 1e-10)
    return ((height.square() * projectionWeights).sum(axis: 1) / total).mean()
  }

  /// Falls as points [N, 3] move away from the weighted middle of their neighbours within the tangent
  /// plane: the sum over the axes of exp(-|r|), a mean over the points.
  public func repulsion(of points: Tensor) -> Tensor {
    let offsets = points.expandingDims(at: 1) - places
    let tangential = offsets - (offsets * normals).sum(axis: 2, keepDims: true) * normals
    let total = repulsionWeights.sum(axis: 1, keepDims: true).clamped(min: 1e-10)
    let middle =
      (tangential * repulsionWeights.expandingDims(at: 2)).sum(axis: 1) / total
    let crowd = density.sum(axis: 1, keepDims: true) + 1
    return (-(middle * crowd).abs()).exp().sum(axis: 1).mean()
  }
}
