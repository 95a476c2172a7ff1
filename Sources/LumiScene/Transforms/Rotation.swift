import LumiTensor

/// Rotations of three-dimensional space in their usual forms, batched over leading axes and
/// differentiable.
///
/// Matrices [..., 3, 3] act on column vectors; rotation vectors [..., 3] are axis times angle in
/// radians; quaternions [..., 4] are (w, x, y, z). The exponential has derivatives of every order
/// everywhere, the zero vector included; the logarithm has them at angles below π. A derivative
/// with respect to the nine entries of a matrix is meant for motions that keep it a rotation.
public enum Rotation {
  /// The matrix [..., 3, 3] with K·x = v × x.
  public static func skewMatrix(_ vector: Tensor) -> Tensor {
    let (x, y, z) = (vector.component(0), vector.component(1), vector.component(2))
    let zero = Tensor.zeros(like: x)
    return matrix([zero, -z, y, z, zero, -x, -y, x, zero])
  }

  // MARK: Exponential and logarithm

  /// The rotation by |v| around v (Rodrigues): I + sinθ/θ K + (1 - cosθ)/θ² K².
  public static func exponential(_ vector: Tensor) -> Tensor {
    let square = squaredLength(vector)
    let skew = skewMatrix(vector)
    return identity(vector) + EvenFunctions.sine(square) * skew
      + EvenFunctions.versine(square) * skew.matmul(skew)
  }

  /// The rotation vector of a matrix, its length in [0, π].
  public static func logarithm(_ matrix: Tensor) -> Tensor {
    vector(quaternion: quaternion(matrix: matrix))
  }

  /// The rotation by `angle` [...] in radians around `axis` [..., 3], which need not be unit.
  public static func matrix(axis: Tensor, angle: Tensor) -> Tensor {
    exponential(axis.unitVectors() * angle.expandingDims(at: -1))
  }

  /// The unit axis [..., 3] and the angle [...] in [0, π] of a matrix. Without rotation the axis is
  /// zero.
  public static func axisAngle(matrix: Tensor) -> (axis: Tensor, angle: Tensor) {
    let vector = logarithm(matrix)
    return (vector.unitVectors(), vector.norm(axis: -1))
  }

  // MARK: Quaternions

  /// The rotation of a quaternion of any length but 0 (which gives the identity).
  public static func matrix(quaternion: Tensor) -> Tensor {
    let unit = quaternion.unitVectors()
    let (w, x) = (unit.component(0), unit.component(1))
    let (y, z) = (unit.component(2), unit.component(3))
    let (xx, yy, zz) = (x * x * 2, y * y * 2, z * z * 2)
    let (xy, yz, xz) = (x * y * 2, y * z * 2, x * z * 2)
    let (wx, wy, wz) = (w * x * 2, w * y * 2, w * z * 2)
    return matrix([
      1 - yy - zz, xy - wz, xz + wy,
      xy + wz, 1 - xx - zz, yz - wx,
      xz - wy, yz + wx, 1 - xx - yy,
    ])
  }

  /// The unit quaternion of a matrix with w ≥ 0.
  ///
  /// Four formulas, each dividing by another component (Shepperd 1978); per matrix the one with the
  /// largest divisor counts, so that half turns are as exact as small ones.
  public static func quaternion(matrix: Tensor) -> Tensor {
    func m(_ row: Int, _ column: Int) -> Tensor { matrix[row: row, column: column] }
    let (xx, yy, zz) = (m(0, 0), m(1, 1), m(2, 2))
    let (a, b, c) = (m(2, 1) - m(1, 2), m(0, 2) - m(2, 0), m(1, 0) - m(0, 1))
    let (d, e, f) = (m(0, 1) + m(1, 0), m(1, 2) + m(2, 1), m(0, 2) + m(2, 0))
    // Row k is four times component k times the quaternion.
    let rows = [
      [1 + xx + yy + zz, a, b, c], [a, 1 + xx - yy - zz, d, f],
      [b, d, 1 - xx + yy - zz, e], [c, f, e, 1 - xx - yy + zz],
    ]
    let squares = Tensor.stack(rows.indices.map { rows[$0][$0].stoppingGradient() }, axis: -1)
    let best = squares.argmax(axis: -1)
    var chosen = Tensor.stack(rows[0], axis: -1)
    for k in 1..<4 {
      let isBest = (best .== Tensor(Double(k), dtype: .int64)).expandingDims(at: -1)
      chosen = Tensor.where(isBest, Tensor.stack(rows[k], axis: -1), chosen)
    }
    let unit = chosen.unitVectors()
    let negative = unit.stoppingGradient().slice(axis: -1, from: 0, to: 1) .< 0
    return Tensor.where(negative, -unit, unit)
  }

  /// The unit quaternion of a rotation vector.
  public static func quaternion(vector: Tensor) -> Tensor {
    let half = vector * 0.5
    let square = half.square().sum(axis: -1, keepDims: true)
    return Tensor.concatenate(
      [EvenFunctions.cosine(square), half * EvenFunctions.sine(square)], axis: -1)
  }

  /// The rotation vector of a quaternion, its length in [0, π].
  public static func vector(quaternion: Tensor) -> Tensor {
    let given = quaternion.unitVectors()
    let negative = given.stoppingGradient().slice(axis: -1, from: 0, to: 1) .< 0
    let unit = Tensor.where(negative, -given, given)
    let w = unit.slice(axis: -1, from: 0, to: 1)
    let xyz = unit.slice(axis: -1, from: 1, to: 4)
    let square = xyz.square().sum(axis: -1, keepDims: true)
    // 2 atan(s/w)/s by its series in (s/w)² for small angles, by atan2 where w may vanish.
    let small = square.stoppingGradient() .< 0.009
    let one = Tensor(1, dtype: w.dtype)
    let safeW = Tensor.where(small .&& (w.stoppingGradient() .> 0), w, one)
    let slope = Tensor.where(small, square, Tensor(0, dtype: w.dtype)) / safeW.square()
    let sine = Tensor.where(small, one, square).sqrt()
    let ratio = Tensor.where(
      small, EvenFunctions.arctangent(slope) / safeW, Tensor.atan2(sine, w) / sine)
    return xyz * ratio * 2
  }

  // MARK: Six numbers

  /// The rotation whose first two columns are the two halves of `values` [..., 6], made orthonormal
  /// in order (Zhou et al., "On the Continuity of Rotation Representations in Neural Networks",
  /// CVPR 2019). Halves that are parallel or zero give a finite matrix that is no rotation.
  public static func matrix(sixNumbers values: Tensor) -> Tensor {
    let first = values.slice(axis: -1, from: 0, to: 3).unitVectors()
    let second = values.slice(axis: -1, from: 3, to: 6)
    let along = (first * second).sum(axis: -1, keepDims: true)
    let orthogonal = (second - first * along).unitVectors()
    return Tensor.stack([first, orthogonal, Tensor.cross(first, orthogonal)], axis: -1)
  }

  /// The first two columns of a matrix, [..., 6].
  public static func sixNumbers(matrix: Tensor) -> Tensor {
    let columns = matrix.transposed()
    return columns.slice(axis: -2, from: 0, to: 2).reshaped(Array(matrix.shape.dropLast(2)) + [6])
  }

  // MARK: Parts

  private static func matrix(_ entries: [Tensor]) -> Tensor {
    Tensor.stack(entries, axis: -1).reshaped(entries[0].shape + [3, 3])
  }

  /// |v|² with two axes of extent 1 behind, to scale matrices with.
  static func squaredLength(_ vector: Tensor) -> Tensor {
    vector.square().sum(axis: -1, keepDims: true).expandingDims(at: -1)
  }

  static func identity(_ like: Tensor) -> Tensor { .eye(3, dtype: like.dtype) }
}

extension Tensor {
  /// An entry of each matrix [..., r, c], shape [...].
  subscript(row row: Int, column column: Int) -> Tensor {
    slice(axis: -2, from: row, to: row + 1).squeezed(axis: -2).component(column)
  }
}
