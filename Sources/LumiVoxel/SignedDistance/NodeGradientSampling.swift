import LumiScene
import LumiTensor

extension VoxelGrid {
  /// ``nodeGradients()`` between nodes: what the trilinear function of given cells makes of their
  /// eight nodes' gradients, without the gradients of any other node.
  ///
  /// Differentiable with respect to values and points, once.
  ///
  /// - Parameters:
  ///   - points: [N, 3] in grid coordinates, inside of their cells or not.
  ///   - cells: int32 [N, 3], lower nodes, from 0 to the number of nodes - 2.
  /// - Returns: [N, 3].
  package func sampledNodeGradients(at points: Tensor, in cells: Tensor) -> Tensor {
    dtype == .float32
      ? sampled(points, cells, Float.self) : sampled(points, cells, Double.self)
  }

  private func sampled<T: TensorScalar & BinaryFloatingPoint & SIMDScalar>(
    _ points: Tensor, _ cells: Tensor, _ type: T.Type
  ) -> Tensor {
    let lookUp = NodeGradientLookUp<T>(
      values: values.stoppingGradient(), counts: counts,
      span: SIMD3(T(2 * spacing.x), T(2 * spacing.y), T(2 * spacing.z)),
      points: points.stoppingGradient(), cells: cells)
    return customOperation(
      "sampledNodeGradients", inputs: [values, points], outputs: [lookUp.gradients()]
    ) { cotangents, needs in
      guard let cotangent = cotangents[0] else { return [nil, nil] }
      return [
        needs[0] ? lookUp.valueDerivative(cotangent) : nil,
        needs[1] ? lookUp.pointDerivative(cotangent) : nil,
      ]
    }[0]
  }
}

private struct NodeGradientLookUp<T: TensorScalar & BinaryFloatingPoint & SIMDScalar> {
  let values: Tensor
  let counts: SIMD3<Int>
  /// Twice the spacing.
  let span: SIMD3<T>
  let points: Tensor
  let cells: Tensor

  private var count: Int { points.shape[0] }

  /// A corner of a cell: where it is, how much it counts, and how that changes along x, y and z.
  private struct Corner {
    var node: SIMD3<Int>
    var weight: T
    var slope: SIMD3<T>
  }

  @inline(__always)
  private func visit(
    _ n: Int, _ places: UnsafePointer<T>, _ cells: UnsafePointer<Int32>, _ body: (Corner) -> Void
  ) {
    let cell = SIMD3(Int(cells[3 * n]), Int(cells[3 * n + 1]), Int(cells[3 * n + 2]))
    let x = places[3 * n] - T(cell.x)
    let y = places[3 * n + 1] - T(cell.y)
    let z = places[3 * n + 2] - T(cell.z)
    for corner in 0..<8 {
      let (i, j, k) = (corner >> 2 & 1, corner >> 1 & 1, corner & 1)
      let (wx, wy, wz) = (i == 0 ? 1 - x : x, j == 0 ? 1 - y : y, k == 0 ? 1 - z : z)
      let (sx, sy, sz): (T, T, T) = (i == 0 ? -1 : 1, j == 0 ? -1 : 1, k == 0 ? -1 : 1)
      body(
        Corner(
          node: SIMD3(cell.x + i, cell.y + j, cell.z + k), weight: wx * wy * wz,
          slope: SIMD3(sx * wy * wz, wx * sy * wz, wx * wy * sz)))
    }
  }

  /// Central differences at a node; beyond the ends as ``VoxelGrid/nodeGradients()`` goes on.
  @inline(__always)
  private func gradient(_ node: SIMD3<Int>, _ source: UnsafePointer<T>) -> SIMD3<T> {
    let strides = SIMD3(counts.y * counts.z, counts.z, 1)
    let at = source + (node.x * strides.x + node.y * strides.y + node.z)
    var result = SIMD3<T>()
    for axis in 0..<3 {
      let step = strides[axis]
      let after = node[axis] + 1 < counts[axis] ? at[step] : beyond(at, -step, counts[axis])
      let before = node[axis] > 0 ? at[-step] : beyond(at, step, counts[axis])
      result[axis] = (after - before) / span[axis]
    }
    return result
  }

  @inline(__always)
  private func beyond(_ at: UnsafePointer<T>, _ inwards: Int, _ extent: Int) -> T {
    extent > 2
      ? (at[0] - at[inwards]) * 3 + at[2 * inwards]
      : at[0] * 2 - at[inwards]
  }

  /// Adds a node's share of a derivative to the values that its gradient is made of.
  @inline(__always)
  private func scatter(
    _ cotangent: SIMD3<T>, _ node: SIMD3<Int>, _ target: UnsafeMutablePointer<T>
  ) {
    let strides = SIMD3(counts.y * counts.z, counts.z, 1)
    let at = target + (node.x * strides.x + node.y * strides.y + node.z)
    for axis in 0..<3 {
      let (step, share) = (strides[axis], cotangent[axis] / span[axis])
      if node[axis] + 1 < counts[axis] {
        at[step] += share
      } else {
        scatterBeyond(share, at, -step, counts[axis])
      }
      if node[axis] > 0 {
        at[-step] -= share
      } else {
        scatterBeyond(-share, at, step, counts[axis])
      }
    }
  }

  @inline(__always)
  private func scatterBeyond(
    _ share: T, _ at: UnsafeMutablePointer<T>, _ inwards: Int, _ extent: Int
  ) {
    at[0] += share * (extent > 2 ? 3 : 2)
    at[inwards] -= share * (extent > 2 ? 3 : 1)
    if extent > 2 { at[2 * inwards] += share }
  }

  private func inBlocks(_ body: (Range<Int>) -> Void) {
    let block = 2048
    let blocks = (count + block - 1) / block
    if blocks <= 1 { return body(0..<count) }
    parallelFor(blocks) { body($0 * block..<Swift.min(($0 + 1) * block, count)) }
  }

  func gradients() -> Tensor {
    Tensor.build([count, 3], T.self) { out in
      let (source, places) = (values.pointer(T.self), points.pointer(T.self))
      let lower = cells.pointer(Int32.self)
      inBlocks { range in
        for n in range {
          var sum = SIMD3<T>()
          visit(n, places, lower) { sum += $0.weight * gradient($0.node, source) }
          (out[3 * n], out[3 * n + 1], out[3 * n + 2]) = (sum.x, sum.y, sum.z)
        }
      }
    }
  }

  func pointDerivative(_ cotangent: Tensor) -> Tensor {
    Tensor.build([count, 3], T.self) { out in
      let (source, places) = (values.pointer(T.self), points.pointer(T.self))
      let (lower, arriving) = (cells.pointer(Int32.self), cotangent.pointer(T.self))
      inBlocks { range in
        for n in range {
          let from = SIMD3(arriving[3 * n], arriving[3 * n + 1], arriving[3 * n + 2])
          var sum = SIMD3<T>()
          visit(n, places, lower) { sum += $0.slope * (from * gradient($0.node, source)).sum() }
          (out[3 * n], out[3 * n + 1], out[3 * n + 2]) = (sum.x, sum.y, sum.z)
        }
      }
    }
  }

  /// Points are added one after the other, whatever the number of threads.
  func valueDerivative(_ cotangent: Tensor) -> Tensor {
    Tensor.build(values.shape, T.self) { out in
      out.update(repeating: 0, count: values.count)
      let (places, lower) = (points.pointer(T.self), cells.pointer(Int32.self))
      let arriving = cotangent.pointer(T.self)
      for n in 0..<count {
        let from = SIMD3(arriving[3 * n], arriving[3 * n + 1], arriving[3 * n + 2])
        visit(n, places, lower) { scatter(from * $0.weight, $0.node, out) }
      }
    }
  }
}
