// Eigenvalues and eigenvectors of batches of small symmetric matrices, by Jacobi's rotations in
// double precision (cyclic; at most 30 sweeps, which also ends on NaN).
//
// The derivative of a vector asks for its value to differ from the others. Where two values are
// closer than 1e-12 of the largest, vectors of their plane are a choice and its derivative is taken
// as 0; everything stays finite.

extension Tensor {
  /// Eigenvalues [..., n], smallest first, and unit eigenvectors as columns [..., n, n] of the
  /// symmetric part (A + Aᵀ)/2 of every matrix [..., n, n].
  ///
  /// A vector's component of largest magnitude is positive (the first of equal ones). Derivatives
  /// of any order.
  ///
  /// - Complexity: O(n³) a matrix and sweep; meant for n up to about 10.
  public func symmetricEigen() -> (values: Tensor, vectors: Tensor) {
    require(
      dtype.isFloatingPoint && rank >= 2 && shape[rank - 1] == shape[rank - 2],
      "symmetricEigen: \(dtype) \(shape), expected floating-point square matrices")
    let (values, vectors) = SymmetricEigen.decompose(self)
    let parts = customOperation(
      "symmetricEigen", inputs: [self], outputs: [values, vectors], differentiableTwice: true
    ) { cotangents, _ in
      [SymmetricEigen.pullback(self, cotangents)]
    }
    return (parts[0], parts[1])
  }
}

private enum SymmetricEigen {
  /// dA = V (diag dλ + F ∘ VᵀdV) Vᵀ with F = 1/(λⱼ - λᵢ) off the diagonal, made symmetric.
  static func pullback(_ matrix: Tensor, _ cotangents: [Tensor?]) -> Tensor {
    let size = matrix.shape[matrix.rank - 1]
    let (values, vectors) = matrix.symmetricEigen()
    let transposed = vectors.transposed()
    var inner = Tensor.zeros(like: matrix.detached)
    // Outputs that nothing depends on may have no entry.
    if let slope = cotangents.first ?? nil {
      inner = inner + slope.expandingDims(at: -1) * Tensor.eye(size, dtype: matrix.dtype)
    }
    if cotangents.count > 1, let slope = cotangents[1] {
      let gap = values.expandingDims(at: -2) - values.expandingDims(at: -1)
      let largest = values.detached.abs().max(axis: -1, keepDims: true).expandingDims(at: -1)
      let isChoice = gap.detached.abs() .<= largest * 1e-12
      let factors = Tensor.where(isChoice, 0, 1 / Tensor.where(isChoice, 1, gap))
      inner = inner + factors * transposed.matmul(slope)
    }
    let slope = vectors.matmul(inner).matmul(transposed)
    return 0.5 * (slope + slope.transposed())
  }

  static func decompose(_ matrix: Tensor) -> (values: Tensor, vectors: Tensor) {
    let size = matrix.shape[matrix.rank - 1]
    let batch = matrix.shape.dropLast(2).reduce(1, *)
    let plain = matrix.detached.cast(to: .float64)
    let input = plain.pointer(Double.self)
    let valueShape = Array(matrix.shape.dropLast())
    var values: Tensor?
    let vectors = Tensor.build(matrix.shape, Double.self) { vectors in
      values = Tensor.build(valueShape, Double.self) { values in
        inBlocks(batch, of: 1024) { range in
          withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * size * size) { scratch in
            for index in range {
              var work = Jacobi(
                a: scratch.baseAddress!, v: scratch.baseAddress! + size * size, n: size)
              work.start(input + index * size * size)
              work.run()
              work.finish(values + index * size, vectors + index * size * size)
            }
          }
        }
      }
    }
    withExtendedLifetime(plain) {}
    return (values!.cast(to: matrix.dtype), vectors.cast(to: matrix.dtype))
  }

  private struct Jacobi {
    let a: UnsafeMutablePointer<Double>
    let v: UnsafeMutablePointer<Double>
    let n: Int

    mutating func start(_ matrix: UnsafePointer<Double>) {
      for row in 0..<n {
        for column in 0..<n {
          a[row * n + column] = 0.5 * (matrix[row * n + column] + matrix[column * n + row])
          v[row * n + column] = row == column ? 1 : 0
        }
      }
    }

    mutating func run() {
      for _ in 0..<30 {
        var (off, all) = (0.0, 0.0)
        for row in 0..<n {
          for column in 0..<n {
            let square = a[row * n + column] * a[row * n + column]
            all += square
            if row != column { off += square }
          }
        }
        if off <= all * 1e-34 || !off.isFinite { return }
        for p in 0..<n { for q in p + 1..<Swift.max(n, p + 1) { rotate(p, q) } }
      }
    }

    /// Makes entry (p, q) zero.
    private mutating func rotate(_ p: Int, _ q: Int) {
      let entry = a[p * n + q]
      guard entry != 0 else { return }
      let theta = (a[q * n + q] - a[p * n + p]) / (2 * entry)
      let t = (theta >= 0 ? 1.0 : -1) / (theta.magnitude + (theta * theta + 1).squareRoot())
      let c = 1 / (t * t + 1).squareRoot()
      let s = t * c
      for k in 0..<n {
        let (x, y) = (a[k * n + p], a[k * n + q])
        (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y)
      }
      for k in 0..<n {
        let (x, y) = (a[p * n + k], a[q * n + k])
        (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y)
      }
      (a[p * n + q], a[q * n + p]) = (0, 0)
      for k in 0..<n {
        let (x, y) = (v[k * n + p], v[k * n + q])
        (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y)
      }
    }

    func finish(_ values: UnsafeMutablePointer<Double>, _ vectors: UnsafeMutablePointer<Double>) {
      // By value, equal ones in order; NaN compares false and stays where it is.
      let order = (0..<n).sorted { a[$0 * n + $0] < a[$1 * n + $1] }
      for (place, column) in order.enumerated() {
        values[place] = a[column * n + column]
        var largest = 0.0
        for k in 0..<n where v[k * n + column].magnitude > largest.magnitude {
          largest = v[k * n + column]
        }
        for k in 0..<n {
          vectors[k * n + place] = largest < 0 ? -v[k * n + column] : v[k * n + column]
        }
      }
    }
  }
}
