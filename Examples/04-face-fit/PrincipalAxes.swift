/// The principal axes of a population Σ wₖ fieldₖ with independent wₖ ~ N(0, 1).
///
/// Its covariance is F Fᵀ, with the fields as columns of F. The eigenvectors V of the small matrix
/// FᵀF give axes F V that are orthogonal, each as long as the standard deviation along it. V is a
/// rotation, so the coefficients of the axes are again independent and of N(0, 1): the very basis
/// that a principal component analysis of infinitely many scanned heads would find.
///
/// - Parameter fields: K lists of one length.
/// - Returns: K lists, the longest axis first.
func principalAxes(_ fields: [[Double]]) -> [[Double]] {
  let gram = fields.map { a in fields.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
  let (values, vectors) = symmetricEigenvectors(gram)
  let order = values.indices.sorted { values[$0] > values[$1] }
  return order.map { axis in
    fields[0].indices.map { row in
      fields.indices.reduce(0) { $0 + fields[$1][row] * vectors[$1][axis] }
    }
  }
}

/// Eigenvalues of a symmetric matrix and its eigenvectors as columns, by Jacobi's rotations: each
/// makes one pair of entries beside the diagonal zero, sweep after sweep.
func symmetricEigenvectors(
  _ matrix: [[Double]]
) -> (values: [Double], vectors: [[Double]]) {
  let n = matrix.count
  var a = matrix
  var v = (0..<n).map { row in (0..<n).map { row == $0 ? 1.0 : 0.0 } }
  for _ in 0..<12 {
    for p in 0..<n {
      for q in p + 1..<n where abs(a[p][q]) > 1e-14 {
        let slope = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let tangent =
          (slope < 0 ? -1 : 1) / (abs(slope) + (slope * slope + 1).squareRoot())
        let cosine = 1 / (tangent * tangent + 1).squareRoot()
        let sine = tangent * cosine
        for k in 0..<n {
          (a[k][p], a[k][q]) = (
            cosine * a[k][p] - sine * a[k][q], sine * a[k][p] + cosine * a[k][q]
          )
        }
        for k in 0..<n {
          (a[p][k], a[q][k]) = (
            cosine * a[p][k] - sine * a[q][k], sine * a[p][k] + cosine * a[q][k]
          )
          (v[k][p], v[k][q]) = (
            cosine * v[k][p] - sine * v[k][q], sine * v[k][p] + cosine * v[k][q]
          )
        }
      }
    }
  }
  return ((0..<n).map { a[$0][$0] }, v)
}
