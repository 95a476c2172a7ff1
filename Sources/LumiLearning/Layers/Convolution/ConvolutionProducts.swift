// The three products of a convolution: all are partial derivatives of one trilinear form
// Σ y[i] w[k] x[stride i + dilation k - padding], so they differentiate into each other.
//
// Images are gathered into rows of windows (im2col), block by block, and multiplied by the weights;
// a block's rows take at most about 4 MiB (8 in float64) a thread. The transpose is gathered too,
// once for each remainder of the place by the stride, so that no two threads write to one place.
import COpenBLAS
import LumiTensor

/// Convolution, its transpose and its derivative by the weights, for Float and Double.
enum ConvolutionProducts {
  /// y[N, H', W', O] from x and w.
  static func forward(_ x: Tensor, _ w: Tensor, _ shape: ConvolutionShape) -> Tensor {
    byType(x.dtype) {
      Typed<Float>.forward(x, w, shape)
    } or: {
      Typed<Double>.forward(x, w, shape)
    }
  }

  /// x[N, H, W, C] from y and w.
  static func transpose(_ y: Tensor, _ w: Tensor, _ shape: ConvolutionShape) -> Tensor {
    byType(y.dtype) {
      Typed<Float>.transpose(y, w, shape)
    } or: {
      Typed<Double>.transpose(y, w, shape)
    }
  }

  /// w[O, kh, kw, C] from x and y.
  static func weights(_ x: Tensor, _ y: Tensor, _ shape: ConvolutionShape) -> Tensor {
    byType(x.dtype) {
      Typed<Float>.weights(x, y, shape)
    } or: {
      Typed<Double>.weights(x, y, shape)
    }
  }

  private static func byType(
    _ dtype: DType, _ single: () -> Tensor, or double: () -> Tensor
  ) -> Tensor { dtype == .float32 ? single() : double() }
}

/// A scalar with a matrix product.
private protocol ProductScalar: TensorScalar, BinaryFloatingPoint {
  /// c ← op(a) op(b) + keep c.
  static func multiply(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Self>, _ strideA: Int, _ b: UnsafePointer<Self>, _ strideB: Int,
    keep: Self, _ c: UnsafeMutablePointer<Self>, _ strideC: Int)
}

extension Float: ProductScalar {
  static func multiply(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Float>, _ strideA: Int, _ b: UnsafePointer<Float>, _ strideB: Int,
    keep: Float, _ c: UnsafeMutablePointer<Float>, _ strideC: Int
  ) {
    lumi_sgemm(
      transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, 1, a, strideA, b, strideB, keep, c, strideC)
  }
}

extension Double: ProductScalar {
  static func multiply(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Double>, _ strideA: Int, _ b: UnsafePointer<Double>, _ strideB: Int,
    keep: Double, _ c: UnsafeMutablePointer<Double>, _ strideC: Int
  ) {
    lumi_dgemm(
      transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, 1, a, strideA, b, strideB, keep, c, strideC)
  }
}

/// The products of one type of numbers.
private enum Typed<T: ProductScalar> {
  /// Memory for the length of a block.
  static func scratch(_ count: Int) -> (Storage, UnsafeMutablePointer<T>) {
    let storage = Storage(byteCount: max(count, 1) * MemoryLayout<T>.stride)
    return (storage, storage.pointer.bindMemory(to: T.self, capacity: max(count, 1)))
  }

  static func forward(_ x: Tensor, _ w: Tensor, _ shape: ConvolutionShape) -> Tensor {
    .build(shape.output, T.self) { out in
      let windows = ImageWindows(convolving: shape)
      WindowProduct<T>(
        windows: windows, images: x.pointer(T.self), weight: w.pointer(T.self),
        weightIsTransposed: true, outputs: shape.outputs,
        target: TargetPlaces(convolving: shape)
      ).run(into: out)
    }
  }

  static func transpose(_ y: Tensor, _ w: Tensor, _ shape: ConvolutionShape) -> Tensor {
    .build(shape.input, T.self) { out in
      for row in 0..<min(shape.stride, shape.height) {
        for column in 0..<min(shape.stride, shape.width) {
          let windows = ImageWindows(transposing: shape, row: row, column: column)
          let (storage, packed) = pack(w, for: windows, shape)
          withExtendedLifetime(storage) {
            WindowProduct<T>(
              windows: windows, images: y.pointer(T.self), weight: UnsafePointer(packed),
              weightIsTransposed: false, outputs: shape.channels,
              target: TargetPlaces(transposing: shape, row: row, column: column)
            ).run(into: out)
          }
        }
      }
    }
  }

  /// The weights of the windows' taps as a matrix [taps · outputs, channels].
  private static func pack(
    _ w: Tensor, for windows: ImageWindows, _ shape: ConvolutionShape
  ) -> (Storage, UnsafeMutablePointer<T>) {
    let source = w.pointer(T.self)
    let (storage, packed) = scratch(windows.width * shape.channels)
    var to = packed
    for ky in windows.rows.kernel {
      for kx in windows.columns.kernel {
        for o in 0..<shape.outputs {
          let from = (o * shape.kernelHeight + ky) * shape.kernelWidth + kx
          to.update(from: source + from * shape.channels, count: shape.channels)
          to += shape.channels
        }
      }
    }
    return (storage, packed)
  }

  /// Sums over groups of blocks are kept apart and added in order.
  static func weights(_ x: Tensor, _ y: Tensor, _ shape: ConvolutionShape) -> Tensor {
    let windows = ImageWindows(convolving: shape)
    let (images, arrived) = (x.pointer(T.self), y.pointer(T.self))
    let area = shape.outputs * windows.width
    let blocks = windows.blocks
    let groups = min(max(blocks, 1), min(8, max(1, (1 << 24) / max(area, 1))))
    let sums = Tensor.build([groups] + shape.weight, T.self) { sums in
      sums.update(repeating: 0, count: groups * area)
      parallelFor(groups) { group in
        let (storage, gathered) = scratch(
          windows.isContiguous ? 0 : windows.rowsPerBlock * windows.width)
        withExtendedLifetime(storage) {
          for block in group * blocks / groups..<(group + 1) * blocks / groups {
            let rows = windows.block(block)
            let matrix = windows.gather(rows, images, into: gathered)
            T.multiply(
              true, false, shape.outputs, windows.width, rows.count,
              arrived + rows.lowerBound * shape.outputs, shape.outputs, matrix, windows.width,
              keep: 1, sums + group * area, windows.width)
          }
        }
      }
    }
    return sums.sum(axis: 0)
  }
}

/// Where the rows of a product go: every `step`th place of an image from `row` and `column` on.
private struct TargetPlaces {
  let height, width, step, row, column: Int

  init(convolving shape: ConvolutionShape) {
    (height, width, step, row, column) = (shape.outputHeight, shape.outputWidth, 1, 0, 0)
  }

  init(transposing shape: ConvolutionShape, row: Int, column: Int) {
    (height, width, step) = (shape.height, shape.width, shape.stride)
    (self.row, self.column) = (row, column)
  }

  var isContiguous: Bool { step == 1 }
}

/// Windows times weights.
private struct WindowProduct<T: ProductScalar> {
  let windows: ImageWindows
  let images: UnsafePointer<T>
  /// [window, outputs], or [outputs, window] if transposed.
  let weight: UnsafePointer<T>
  let weightIsTransposed: Bool
  let outputs: Int
  let target: TargetPlaces

  /// Few rows are cut along the outputs too, so that several threads have work.
  private var parts: Int {
    let work = windows.count * windows.width * outputs
    guard windows.blocks < 4 && work > 1 << 23 else { return 1 }
    return max(1, min(4 / max(windows.blocks, 1), outputs / 64))
  }

  func run(into out: UnsafeMutablePointer<T>) {
    let parts = parts
    parallelFor(windows.blocks * parts) { index in
      let rows = windows.block(index / parts)
      let part = index % parts
      let columns = part * outputs / parts..<(part + 1) * outputs / parts
      multiply(rows, columns, into: out)
    }
  }

  private func multiply(
    _ rows: Range<Int>, _ columns: Range<Int>, into out: UnsafeMutablePointer<T>
  ) {
    let gatherCount = windows.isContiguous ? 0 : rows.count * windows.width
    let productCount = target.isContiguous ? 0 : rows.count * columns.count
    let (storage, memory) = Typed<T>.scratch(gatherCount + productCount)
    withExtendedLifetime(storage) {
      let matrix = windows.gather(rows, images, into: memory)
      let product = memory + gatherCount
      let (to, stride) =
        target.isContiguous
        ? (out + rows.lowerBound * outputs + columns.lowerBound, outputs)
        : (product, columns.count)
      if windows.width == 0 {
        for row in 0..<rows.count { (to + row * stride).update(repeating: 0, count: columns.count) }
      } else {
        let start = weightIsTransposed ? columns.lowerBound * windows.width : columns.lowerBound
        T.multiply(
          false, weightIsTransposed, rows.count, columns.count, windows.width, matrix,
          windows.width, weight + start, weightIsTransposed ? windows.width : outputs, keep: 0, to,
          stride)
      }
      if !target.isContiguous { spread(product, rows, columns, into: out) }
    }
  }

  private func spread(
    _ product: UnsafePointer<T>, _ rows: Range<Int>, _ columns: Range<Int>,
    into out: UnsafeMutablePointer<T>
  ) {
    for (index, row) in rows.enumerated() {
      let (image, i, j) = windows.place(row)
      let y = target.row + target.step * i
      let x = target.column + target.step * j
      let place = (image * target.height + y) * target.width + x
      (out + place * outputs + columns.lowerBound)
        .update(from: product + index * columns.count, count: columns.count)
    }
  }
}
