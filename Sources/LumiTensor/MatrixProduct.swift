import COpenBLAS

extension Tensor {
  /// The matrix product over the last two axes; leading axes broadcast. A vector on the left is a
  /// row, on the right a column, and its axis is missing from the result, as in NumPy.
  ///
  /// - Parameters:
  ///   - other: the right operand.
  ///   - transposingLeft: uses the left matrices transposed without copying them.
  ///   - transposingRight: the same on the right.
  public func matmul(
    _ other: Tensor, transposingLeft: Bool = false, transposingRight: Bool = false
  ) -> Tensor {
    require(
      dtype == other.dtype && dtype.isFloatingPoint,
      "matmul: dtypes \(dtype) and \(other.dtype), expected one floating-point type")
    require(rank > 0 && other.rank > 0, "matmul: shapes \(shape) and \(other.shape)")
    if rank == 1 {
      return expandingDims(at: 0).matmul(other, transposingRight: transposingRight)
        .squeezed(axis: other.rank == 1 ? 0 : -2)
    }
    if other.rank == 1 {
      return matmul(other.expandingDims(at: 1), transposingLeft: transposingLeft)
        .squeezed(axis: -1)
    }
    if rank > 2 && other.rank == 2 && !transposingLeft {
      // One tall product instead of a batch that shares its right side.
      let rows = Array(shape.dropLast())
      let result = reshaped([rows.reduce(1, *), shape[rank - 1]])
        .matmul(other, transposingRight: transposingRight)
      return result.reshaped(rows + [result.shape[1]])
    }
    let value = MatrixProduct.run(self, other, transposingLeft, transposingRight)
    return value.recorded("matmul", from: [self, other]) { cotangent, needs in
      let left =
        transposingLeft
        ? { other.matmul(cotangent, transposingLeft: transposingRight, transposingRight: true) }
        : { cotangent.matmul(other, transposingRight: !transposingRight) }
      let right =
        transposingRight
        ? { cotangent.matmul(self, transposingLeft: true, transposingRight: transposingLeft) }
        : { self.matmul(cotangent, transposingLeft: !transposingLeft) }
      return [
        needs[0] ? left().summed(to: self.shape) : nil,
        needs[1] ? right().summed(to: other.shape) : nil,
      ]
    }
  }
}

/// Matrix products in fixed blocks, each on one thread, so that the result does not depend on how
/// many threads there are.
enum MatrixProduct {
  /// Rows of the result per block.
  static let rowBlock = 512
  /// Terms per partial product where a small result sums over a long axis.
  static let depthBlock = 4096

  struct Size {
    let m, n, k: Int
    let transposeA, transposeB: Bool
    /// Row lengths in memory.
    var strideA: Int { transposeA ? m : k }
    var strideB: Int { transposeB ? k : n }
  }

  static func run(_ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool) -> Tensor {
    let (rowsA, columnsA) = (a.shape[a.rank - 2], a.shape[a.rank - 1])
    let (rowsB, columnsB) = (b.shape[b.rank - 2], b.shape[b.rank - 1])
    let size = Size(
      m: transposeA ? columnsA : rowsA, n: transposeB ? rowsB : columnsB,
      k: transposeA ? rowsA : columnsA, transposeA: transposeA, transposeB: transposeB)
    require(
      size.k == (transposeB ? columnsB : rowsB),
      "matmul: shapes \(a.shape)\(transposeA ? "ᵀ" : "") and \(b.shape)\(transposeB ? "ᵀ" : "")")
    let batch = ShapeRules.broadcast(
      Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)), "matmul")
    let plan = BroadcastPlan(matrices: a.shape, b.shape, batch)
    let shape = batch + [size.m, size.n]
    return a.dtype == .float32
      ? run(a, b, shape, plan, size, Float.self, lumi_sgemm)
      : run(a, b, shape, plan, size, Double.self, lumi_dgemm)
  }

  typealias Kernel<T> = (
    Int32, Int32, Int, Int, Int, T, UnsafePointer<T>?, Int, UnsafePointer<T>?, Int, T,
    UnsafeMutablePointer<T>?, Int
  ) -> Void

  private static func run<T: TensorScalar & BinaryFloatingPoint>(
    _ a: Tensor, _ b: Tensor, _ shape: [Int], _ plan: BroadcastPlan, _ size: Size, _ type: T.Type,
    _ kernel: Kernel<T>
  ) -> Tensor {
    .build(shape, T.self) { out in
      let total = shape.reduce(1, *)
      guard total > 0 else { return }
      guard size.k > 0 else { return out.update(repeating: 0, count: total) }
      let left = a.pointer(T.self)
      let right = b.pointer(T.self)
      let offsets = (0..<plan.rows).map { index in
        let (x, y) = plan.offsets(ofRow: index)
        return (x * size.m * size.k, y * size.k * size.n)
      }
      let small = size.m * size.n * size.k < 1 << 15
      if small && offsets.count > 1 {
        inBlocks(offsets.count, of: max(1, (1 << 18) / (size.m * size.n * size.k))) { range in
          for i in range {
            tiny(size, left + offsets[i].0, right + offsets[i].1, out + i * size.m * size.n)
          }
        }
      } else {
        for (i, offset) in offsets.enumerated() {
          single(
            size, left + offset.0, right + offset.1, out + i * size.m * size.n, kernel)
        }
      }
    }
  }

  /// One product, split by rows of the result, or by depth where the result is small.
  private static func single<T: BinaryFloatingPoint>(
    _ size: Size, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafeMutablePointer<T>,
    _ kernel: Kernel<T>
  ) {
    if size.k >= 2 * depthBlock && size.m * size.n <= 1 << 18 {
      return byDepth(size, a, b, c, kernel)
    }
    // At least two blocks for anything worth two threads, and enough for many threads where the
    // rows allow it.
    let worthwhile = size.m * size.n * size.k > 1 << 22
    let rows =
      size.m >= 4 * rowBlock
      ? max(rowBlock, (size.m / 32 + 63) / 64 * 64) : worthwhile ? (size.m + 1) / 2 : size.m
    inBlocks(size.m, of: max(rows, 1)) { range in
      let start = range.lowerBound
      kernel(
        size.transposeA ? 1 : 0, size.transposeB ? 1 : 0, range.count, size.n,
        size.k, 1, a + (size.transposeA ? start : start * size.k), size.strideA, b,
        size.strideB, 0, c + start * size.n, size.n)
    }
  }

  private static func byDepth<T: BinaryFloatingPoint>(
    _ size: Size, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafeMutablePointer<T>,
    _ kernel: Kernel<T>
  ) {
    // At most 32 partial products, so that their memory stays in proportion.
    let length = max(depthBlock, (size.k + 31) / 32)
    let blocks = (size.k + length - 1) / length
    let area = size.m * size.n
    let storage = Storage(byteCount: blocks * area * MemoryLayout<T>.stride)
    let partial = storage.pointer.bindMemory(to: T.self, capacity: blocks * area)
    parallelFor(blocks) { block in
      let start = block * length
      kernel(
        size.transposeA ? 1 : 0, size.transposeB ? 1 : 0, size.m, size.n,
        min(length, size.k - start), 1, a + (size.transposeA ? start * size.m : start),
        size.strideA, b + (size.transposeB ? start : start * size.n), size.strideB, 0,
        partial + block * area, size.n)
    }
    inBlocks(area, of: 1 << 14) { range in
      for i in range { c[i] = partial[i] }
      for block in 1..<blocks {
        let term = partial + block * area
        for i in range { c[i] += term[i] }
      }
    }
  }

  /// For batches of small matrices, where a library call costs more than the product.
  private static func tiny<T: BinaryFloatingPoint>(
    _ size: Size, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafeMutablePointer<T>
  ) {
    let (stepA, nextA) = size.transposeA ? (size.m, 1) : (1, size.k)
    let (stepB, nextB) = size.transposeB ? (1, size.k) : (size.n, 1)
    for i in 0..<size.m {
      for j in 0..<size.n {
        var total: T = 0
        for k in 0..<size.k { total += a[i * nextA + k * stepA] * b[k * stepB + j * nextB] }
        c[i * size.n + j] = total
      }
    }
  }
}

extension BroadcastPlan {
  /// A row per product of a batch; offsets count matrices.
  init(matrices a: [Int], _ b: [Int], _ batch: [Int]) {
    // An innermost axis that cannot merge with the batch.
    self.init(Array(a.dropLast(2)), Array(b.dropLast(2)), to: batch)
    shape.append(1)
    stridesA.append(0)
    stridesB.append(0)
  }
}
