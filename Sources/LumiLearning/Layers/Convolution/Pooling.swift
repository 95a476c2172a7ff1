// Pooling of images [batch, height, width, channels]. Derivatives of any order; those of a maximum
// go to its place, the first of equals.
import LumiTensor

/// The largest number of each window, channel by channel. The border's padding never counts.
///
/// - Parameters:
///   - x: [batch, height, width, channels].
///   - kernel: side of the windows.
///   - stride: from one window to the next; the kernel's side if nil.
///   - padding: places around the image, at most half of the kernel.
/// - Returns: [batch, height', width', channels].
public func maximumPooling(
  _ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0
) -> Tensor {
  let shape = poolingShape(x, kernel, stride, padding, "maximumPooling")
  let places =
    x.dtype == .float32
    ? maximumPlaces(x, shape, Float.self) : maximumPlaces(x, shape, Double.self)
  return x.flattened().gather(places)
}

/// The mean of each window, channel by channel.
///
/// - Parameters:
///   - x: [batch, height, width, channels].
///   - kernel: side of the windows.
///   - stride: from one window to the next; the kernel's side if nil.
///   - padding: zeros around the image, at most half of the kernel.
///   - countsPadding: whether the padding's zeros count; if not, means are over places inside.
/// - Returns: [batch, height', width', channels].
public func averagePooling(
  _ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0, countsPadding: Bool = true
) -> Tensor {
  let shape = poolingShape(x, kernel, stride, padding, "averagePooling")
  let sums = windowSums(x, shape)
  guard !countsPadding && padding > 0 else { return sums / Double(kernel * kernel) }
  let ones = Tensor.ones([1, shape.height, shape.width, 1], dtype: x.dtype)
  return sums / windowSums(ones, shape)
}

/// The mean over all places: [batch, height, width, channels] to [batch, channels].
public func globalAveragePooling(_ x: Tensor) -> Tensor {
  require(
    x.rank == 4 && x.dtype.isFloatingPoint && x.shape[1] > 0 && x.shape[2] > 0,
    "globalAveragePooling: \(x.dtype) \(x.shape), expected [batch, height, width, channels]")
  return x.mean(axes: [1, 2])
}

private func poolingShape(
  _ x: Tensor, _ kernel: Int, _ stride: Int?, _ padding: Int, _ operation: String
) -> ConvolutionShape {
  require(
    x.rank == 4 && x.dtype.isFloatingPoint && x.shape[3] > 0,
    "\(operation): \(x.dtype) \(x.shape), expected [batch, height, width, channels]")
  require(
    kernel > 0 && 2 * padding <= kernel,
    "\(operation): kernel \(kernel), padding \(padding), expected at most half of the kernel")
  return ConvolutionShape(
    convolving: x.shape, by: [1, kernel, kernel, x.shape[3]], stride: stride ?? kernel,
    padding: padding, dilation: 1, operation)
}

/// The sums of all windows, by slices that follow the stride.
private func windowSums(_ x: Tensor, _ shape: ConvolutionShape) -> Tensor {
  let padding = shape.padding
  let padded = x.padded(axis: 1, before: padding, after: padding)
    .padded(axis: 2, before: padding, after: padding)
  func slices(_ x: Tensor, axis: Int, count: Int) -> Tensor {
    let parts = (0..<shape.kernelHeight).map { k in
      x.slice(axis: axis, from: k, to: k + (count - 1) * shape.stride + 1, by: shape.stride)
    }
    return parts.dropFirst().reduce(parts[0], +)
  }
  return slices(
    slices(padded, axis: 1, count: shape.outputHeight), axis: 2, count: shape.outputWidth)
}

/// Positions in the flattened images of every window's largest number; the first that is not a
/// number wins.
private func maximumPlaces<T: TensorScalar & BinaryFloatingPoint>(
  _ x: Tensor, _ shape: ConvolutionShape, _ type: T.Type
) -> Tensor {
  let values = x.pointer(T.self)
  let target = [shape.batch, shape.outputHeight, shape.outputWidth, shape.channels]
  return .build(target, Int64.self) { out in
    parallelFor(shape.batch * shape.outputHeight) { line in
      let (image, i) = (line / shape.outputHeight, line % shape.outputHeight)
      let rows = window(i, shape, below: shape.height)
      for j in 0..<shape.outputWidth {
        let columns = window(j, shape, below: shape.width)
        let to = out + (line * shape.outputWidth + j) * shape.channels
        let first = ((image * shape.height + rows.lowerBound) * shape.width + columns.lowerBound)
        for c in 0..<shape.channels { to[c] = Int64(first * shape.channels + c) }
        for y in rows {
          for x in columns {
            let place = ((image * shape.height + y) * shape.width + x) * shape.channels
            for c in 0..<shape.channels {
              let (best, here) = (values[Int(to[c])], values[place + c])
              if here > best || (here.isNaN && !best.isNaN) { to[c] = Int64(place + c) }
            }
          }
        }
      }
    }
  }
}

private func window(_ index: Int, _ shape: ConvolutionShape, below extent: Int) -> Range<Int> {
  let start = index * shape.stride - shape.padding
  return max(start, 0)..<min(start + shape.kernelHeight, extent)
}
