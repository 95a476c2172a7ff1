import LumiTensor

extension Loss {
  /// mean of min |x - y|² over the points x, plus the same from y to x: the squared Chamfer
  /// distance in the form of N. Ravi et al., "Accelerating 3D Deep Learning with PyTorch3D", 2020.
  ///
  /// The nearest point is found exactly and held fixed by the derivative; of equally near ones the
  /// first counts. Takes N·M distances and no more memory than the points.
  ///
  /// - Parameters:
  ///   - x: [N, D] with N at least 1.
  ///   - y: [M, D] with M at least 1.
  public static func chamfer(_ x: Tensor, _ y: Tensor) -> Tensor {
    oneSidedChamfer(from: x, to: y) + oneSidedChamfer(from: y, to: x)
  }

  /// mean of min |x - y|² over the points x alone: 0 when every x lies on some y.
  public static func oneSidedChamfer(from x: Tensor, to y: Tensor) -> Tensor {
    require(x.shape.first ?? 0 > 0, "chamfer: no points, shape \(x.shape)")
    return (x - y.gather(nearestNeighbours(of: x, in: y))).square().sum(axis: -1).mean()
  }
}

/// The position in `y` of the point nearest to every point of `x`; the first of equally near ones,
/// and 0 if no distance is a number.
///
/// - Parameters:
///   - x: [N, D].
///   - y: [M, D] with M at least 1, of the same dtype.
/// - Returns: int32 [N].
public func nearestNeighbours(of x: Tensor, in y: Tensor) -> Tensor {
  require(
    x.rank == 2 && y.rank == 2 && x.shape[1] == y.shape[1] && y.shape[0] > 0
      && x.dtype == y.dtype && x.dtype.isFloatingPoint,
    """
    nearestNeighbours: \(x.dtype) \(x.shape) in \(y.dtype) \(y.shape), expected points [N, D] and \
    at least one of [M, D] of one floating-point type
    """)
  return x.dtype == .float32
    ? nearestNeighbours(of: x, in: y, Float.self) : nearestNeighbours(of: x, in: y, Double.self)
}

private func nearestNeighbours<T: TensorScalar & BinaryFloatingPoint>(
  of x: Tensor, in y: Tensor, _ type: T.Type
) -> Tensor {
  let (rows, count, dimensions) = (x.shape[0], y.shape[0], x.shape[1])
  let points = x.pointer(T.self)
  // One coordinate of many points side by side lets the compiler work on several at once.
  let columns = y.stoppingGradient().transposed()
  let candidates = columns.pointer(T.self)
  let rowsPerBlock = max(1, (1 << 18) / count)
  return Tensor.build([rows], Int32.self) { out in
    parallelFor((rows + rowsPerBlock - 1) / rowsPerBlock) { block in
      withUnsafeTemporaryAllocation(of: T.self, capacity: candidatesPerBlock) { buffer in
        for row in block * rowsPerBlock..<min((block + 1) * rowsPerBlock, rows) {
          out[row] = nearest(
            to: points + row * dimensions, candidates, count, dimensions, buffer.baseAddress!)
        }
      }
    }
  }
}

/// Few enough for the first-level cache.
private let candidatesPerBlock = 1024

@inline(__always)
private func nearest<T: BinaryFloatingPoint>(
  to point: UnsafePointer<T>, _ candidates: UnsafePointer<T>, _ count: Int, _ dimensions: Int,
  _ squared: UnsafeMutablePointer<T>
) -> Int32 {
  var best = 0
  var least = T.infinity
  for start in stride(from: 0, to: count, by: candidatesPerBlock) {
    let length = min(candidatesPerBlock, count - start)
    squared.update(repeating: 0, count: length)
    for dimension in 0..<dimensions {
      let column = candidates + dimension * count + start
      let coordinate = point[dimension]
      for j in 0..<length {
        let difference = coordinate - column[j]
        squared[j] += difference * difference
      }
    }
    for j in 0..<length where squared[j] < least {
      (least, best) = (squared[j], start + j)
    }
  }
  return Int32(best)
}
