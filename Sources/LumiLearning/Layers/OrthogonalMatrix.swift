import LumiTensor

/// A random matrix with orthonormal columns (rows if there are fewer rows), times `gain`: every
/// such matrix is equally likely.
///
/// Gram–Schmidt, done twice, on normal numbers.
///
/// A. Saxe, J. McClelland, S. Ganguli, "Exact Solutions to the Nonlinear Dynamics of Learning in
/// Deep Linear Neural Networks", ICLR 2014.
///
/// - Returns: [`rows`, `columns`].
/// - Complexity: O(rows · columns · min(rows, columns)).
public func orthogonalMatrix(
  rows: Int, columns: Int, gain: Double = 1, using random: inout RandomGenerator,
  dtype: DType = .float32
) -> Tensor {
  require(rows >= 0 && columns >= 0, "orthogonalMatrix: \(rows) rows, \(columns) columns")
  let (count, length) = (min(rows, columns), max(rows, columns))
  var vectors = random.normal([count, length], dtype: .float64).scalars(as: Double.self)
  vectors.withUnsafeMutableBufferPointer { all in
    func dot(_ a: Int, _ b: Int) -> Double {
      var sum = 0.0
      for i in 0..<length { sum += all[a * length + i] * all[b * length + i] }
      return sum
    }
    for vector in 0..<count {
      for _ in 0..<2 {
        for other in 0..<vector {
          let share = dot(vector, other)
          for i in 0..<length { all[vector * length + i] -= share * all[other * length + i] }
        }
      }
      let scale = 1 / dot(vector, vector).squareRoot()
      for i in 0..<length { all[vector * length + i] *= scale }
    }
  }
  let matrix = Tensor(vectors, shape: [count, length]) * gain
  return (rows < columns ? matrix : matrix.transposed(1, 0)).cast(to: dtype)
}
