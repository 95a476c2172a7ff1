import Lumigrad

/// Points moved by the rotation, translation and scale that bring them closest to others.
///
/// B. K. P. Horn, "Closed-form Solution of Absolute Orientation using Unit Quaternions", JOSA 1987:
/// the rotation is the eigenvector of the largest eigenvalue of a symmetric 4 × 4 matrix.
///
/// - Parameters:
///   - points: [N, 3].
///   - target: [N, 3], the same points elsewhere.
///   - weights: [N, 1].
func aligned(_ points: Tensor, to target: Tensor, weights: Tensor) -> Tensor {
  func centre(_ x: Tensor) -> Tensor { (x * weights).sum(axis: 0) / weights.sum() }
  let a = points - centre(points)
  let b = target - centre(target)
  let s = (a * weights).matmul(b, transposingLeft: true).scalars(as: Float.self).map(Double.init)
  func m(_ row: Int, _ column: Int) -> Double { s[3 * row + column] }
  let (x, y, z) = (m(1, 2) - m(2, 1), m(2, 0) - m(0, 2), m(0, 1) - m(1, 0))
  let (xy, yz, zx) = (m(0, 1) + m(1, 0), m(1, 2) + m(2, 1), m(2, 0) + m(0, 2))
  let (values, vectors) = symmetricEigenvectors([
    [m(0, 0) + m(1, 1) + m(2, 2), x, y, z],
    [x, m(0, 0) - m(1, 1) - m(2, 2), xy, zx],
    [y, xy, m(1, 1) - m(0, 0) - m(2, 2), yz],
    [z, zx, yz, m(2, 2) - m(0, 0) - m(1, 1)],
  ])
  let largest = values.indices.max { values[$0] < values[$1] }!
  let rotation = Rotation.matrix(quaternion: Tensor(vectors.map { Float($0[largest]) }))
  let turned = a.matmul(rotation, transposingRight: true)
  let scale = (turned * b * weights).sum() / (a.square() * weights).sum()
  return turned * scale + centre(target)
}
