// Inverse, determinant and linear systems for batches of small matrices ([..., n, n]), by LU
// decomposition with partial pivoting in the tensor's own precision.

/// A matrix that has no inverse where one is needed.
public struct SingularMatrixError: Error, Sendable, Equatable, CustomStringConvertible {
  public let operation: String
  /// Position in the flattened batch.
  public let batchIndex: Int

  public var description: String {
    "\(operation): matrix \(batchIndex) of the batch is singular or not finite"
  }
}

extension Tensor {
  /// The inverse of every matrix. Throws ``SingularMatrixError``.
  public func inverse() throws -> Tensor {
    let size = SmallMatrices.size(self, "inverse")
    return try Tensor.solve(
      self, Tensor.eye(size, dtype: dtype).broadcast(to: shape), operation: "inverse")
  }

  /// The solution X of A·X = B for every matrix, B being [..., n, k]. Throws
  /// ``SingularMatrixError``.
  public static func solve(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    try solve(a, b, operation: "solve")
  }

  /// Solves with Aᵀ in place of A if `transposing`.
  private static func solve(
    _ a: Tensor, _ b: Tensor, transposing: Bool = false, operation: String
  ) throws -> Tensor {
    let size = SmallMatrices.size(a, operation)
    require(
      b.rank >= 2 && b.shape[b.rank - 2] == size && a.dtype == b.dtype,
      "\(operation): \(a.dtype) \(a.shape) with \(b.dtype) \(b.shape)")
    let batch = ShapeRules.broadcast(
      Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)), operation)
    let left = a.broadcast(to: batch + [size, size])
    let right = b.broadcast(to: batch + [size, b.shape[b.rank - 1]])
    let x = try SmallMatrices.solve(left, right, transposing, operation)
    return x.recordedKeepingOutput(operation, from: [left, right]) { cotangent, x, needs in
      // The same factors as forward, where they were found to be regular: this cannot throw.
      let adjoint = try! solve(left, cotangent, transposing: !transposing, operation: operation)
      let (first, second) = transposing ? (x, adjoint) : (adjoint, x)
      return [needs[0] ? -first.matmul(second, transposingRight: true) : nil, adjoint]
    }
  }

  /// The determinant of every matrix, shape [...]. Singular matrices have derivatives, too.
  public func determinant() -> Tensor {
    let size = SmallMatrices.size(self, "determinant")
    switch size {
    case 0: return Tensor.ones(Array(shape.dropLast(2)), dtype: dtype)
    case 1: return reshaped(Array(shape.dropLast(2)))
    case 2: return entry(0, 0) * entry(1, 1) - entry(0, 1) * entry(1, 0)
    case 3:
      return entry(0, 0) * (entry(1, 1) * entry(2, 2) - entry(1, 2) * entry(2, 1))
        - entry(0, 1) * (entry(1, 0) * entry(2, 2) - entry(1, 2) * entry(2, 0))
        + entry(0, 2) * (entry(1, 0) * entry(2, 1) - entry(1, 1) * entry(2, 0))
    default:
      return SmallMatrices.determinant(self)
        .recordedKeepingOutput("determinant", from: [self]) { cotangent, value, _ in
          func spread(_ x: Tensor) -> Tensor { x.expandingDims(at: -1).expandingDims(at: -1) }
          guard let inverse = try? self.inverse() else {
            return [spread(cotangent) * self.adjugate().transposed()]
          }
          return [spread(cotangent * value) * inverse.transposed()]
        }
    }
  }

  /// The matrices whose product with this is the determinant times the identity, by the recurrence
  /// of Faddeev and LeVerrier: no division by a pivot, so singular matrices are welcome, but
  /// rounding grows quickly with the size.
  private func adjugate() -> Tensor {
    let size = shape[rank - 1]
    let identity = Tensor.eye(size, dtype: dtype)
    var result = identity.broadcast(to: shape)
    for step in 1..<size {
      let product = matmul(result)
      let trace = (product * identity).sum(axes: [-2, -1], keepDims: true)
      result = product - trace * identity / Double(step)
    }
    return size % 2 == 0 ? -result : result
  }

  private func entry(_ row: Int, _ column: Int) -> Tensor {
    slice(axis: -2, from: row, to: row + 1).slice(axis: -1, from: column, to: column + 1)
      .reshaped(Array(shape.dropLast(2)))
  }
}

private enum SmallMatrices {
  static func size(_ a: Tensor, _ operation: String) -> Int {
    require(
      a.dtype.isFloatingPoint && a.rank >= 2 && a.shape[a.rank - 1] == a.shape[a.rank - 2],
      "\(operation): \(a.dtype) \(a.shape), expected floating-point square matrices")
    return a.shape[a.rank - 1]
  }

  static func solve(
    _ a: Tensor, _ b: Tensor, _ transposing: Bool, _ operation: String
  ) throws -> Tensor {
    a.dtype == .float32
      ? try solve(a, b, transposing, operation, Float.self)
      : try solve(a, b, transposing, operation, Double.self)
  }

  private static func solve<T: TensorScalar & BinaryFloatingPoint>(
    _ a: Tensor, _ b: Tensor, _ transposing: Bool, _ operation: String, _ type: T.Type
  ) throws -> Tensor {
    let n = a.shape[a.rank - 1]
    let columns = b.shape[b.rank - 1]
    let batch = a.shape.dropLast(2).reduce(1, *)
    let left = a.pointer(T.self)
    let right = b.pointer(T.self)
    return try Tensor.build(b.shape, T.self) { out in
      for index in 0..<batch {
        var factors = Factors(left + index * n * n, n)
        guard factors.decompose() else {
          throw SingularMatrixError(operation: operation, batchIndex: index)
        }
        let (source, target) = (right + index * n * columns, out + index * n * columns)
        if transposing {
          factors.solveTransposed(source, target, columns)
        } else {
          factors.solve(source, target, columns)
        }
      }
    }
  }

  static func determinant(_ a: Tensor) -> Tensor {
    a.dtype == .float32 ? determinant(a, Float.self) : determinant(a, Double.self)
  }

  private static func determinant<T: TensorScalar & BinaryFloatingPoint>(
    _ a: Tensor, _ type: T.Type
  ) -> Tensor {
    let n = a.shape[a.rank - 1]
    let shape = Array(a.shape.dropLast(2))
    let left = a.pointer(T.self)
    return .build(shape, T.self) { out in
      for index in 0..<shape.reduce(1, *) {
        var factors = Factors(left + index * n * n, n)
        out[index] = factors.decompose() ? factors.determinant : 0
      }
    }
  }

  /// An LU decomposition in progress.
  struct Factors<T: BinaryFloatingPoint> {
    var lu: [T]
    var order: [Int]
    var sign: T = 1
    let n: Int

    init(_ a: UnsafePointer<T>, _ n: Int) {
      lu = Array(UnsafeBufferPointer(start: a, count: n * n))
      order = Array(0..<n)
      self.n = n
    }

    /// False if a pivot is zero or not finite.
    mutating func decompose() -> Bool {
      for k in 0..<n {
        var pivot = k
        for row in k + 1..<max(n, k + 1)
        where lu[row * n + k].magnitude > lu[pivot * n + k].magnitude { pivot = row }
        let value = lu[pivot * n + k]
        guard value.isFinite && value != 0 else { return false }
        if pivot != k {
          for column in 0..<n { lu.swapAt(k * n + column, pivot * n + column) }
          order.swapAt(k, pivot)
          sign = -sign
        }
        for row in k + 1..<max(n, k + 1) {
          let factor = lu[row * n + k] / value
          lu[row * n + k] = factor
          for column in k + 1..<max(n, k + 1) {
            lu[row * n + column] -= factor * lu[k * n + column]
          }
        }
      }
      return true
    }

    var determinant: T { (0..<n).reduce(sign) { $0 * lu[$1 * n + $1] } }

    func solve(_ b: UnsafePointer<T>, _ x: UnsafeMutablePointer<T>, _ columns: Int) {
      for column in 0..<columns {
        for row in 0..<n {
          var value = b[order[row] * columns + column]
          for k in 0..<row { value -= lu[row * n + k] * x[k * columns + column] }
          x[row * columns + column] = value
        }
        for row in stride(from: n - 1, through: 0, by: -1) {
          var value = x[row * columns + column]
          for k in row + 1..<max(n, row + 1) { value -= lu[row * n + k] * x[k * columns + column] }
          x[row * columns + column] = value / lu[row * n + row]
        }
      }
    }

    /// Aᵀ = Uᵀ·Lᵀ·P, so the triangles come in the other order and the rows are permuted last.
    func solveTransposed(_ b: UnsafePointer<T>, _ x: UnsafeMutablePointer<T>, _ columns: Int) {
      var y = [T](repeating: 0, count: n)
      for column in 0..<columns {
        for row in 0..<n {
          var value = b[row * columns + column]
          for k in 0..<row { value -= lu[k * n + row] * y[k] }
          y[row] = value / lu[row * n + row]
        }
        for row in stride(from: n - 1, through: 0, by: -1) {
          for k in row + 1..<max(n, row + 1) { y[row] -= lu[k * n + row] * y[k] }
        }
        for row in 0..<n { x[order[row] * columns + column] = y[row] }
      }
    }
  }
}
