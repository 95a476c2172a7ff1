import LumiTensor

/// The windows of images that a product sees, each a row of numbers: taps along y, taps along x,
/// channels.
struct ImageWindows {
  /// One axis: where each tap of each window reads.
  struct Taps {
    /// Positions in the kernel, by ascending offset.
    var kernel: [Int]
    /// Window a's tap t reads at step a + offsets[t].
    var offsets: [Int]
    var step: Int
    /// Windows along the axis.
    var windows: Int

    /// Runs of taps that read neighbours: first tap and number of taps.
    var runs: [(first: Int, count: Int)] {
      var runs: [(first: Int, count: Int)] = []
      for tap in offsets.indices {
        if let last = runs.last, offsets[tap] == offsets[tap - 1] + 1 {
          runs[runs.count - 1].count = last.count + 1
        } else {
          runs.append((tap, 1))
        }
      }
      return runs
    }
  }

  let rows: Taps
  let columns: Taps
  private let columnRuns: [(first: Int, count: Int)]
  private let batch, height, imageWidth, channels: Int

  /// The windows of a convolution's input.
  init(convolving shape: ConvolutionShape) {
    func taps(_ kernel: Int, _ windows: Int) -> Taps {
      Taps(
        kernel: Array(0..<kernel),
        offsets: (0..<kernel).map { shape.dilation * $0 - shape.padding }, step: shape.stride,
        windows: windows)
    }
    self.init(
      rows: taps(shape.kernelHeight, shape.outputHeight),
      columns: taps(shape.kernelWidth, shape.outputWidth), batch: shape.batch,
      height: shape.height, width: shape.width, channels: shape.channels)
  }

  /// The windows of a convolution's output that reach inputs row + stride a, column + stride b.
  init(transposing shape: ConvolutionShape, row: Int, column: Int) {
    func taps(_ remainder: Int, _ kernel: Int, _ extent: Int) -> Taps {
      let reached = (0..<kernel).reversed().compactMap { k -> (k: Int, offset: Int)? in
        let from = remainder + shape.padding - shape.dilation * k
        return from % shape.stride == 0 ? (k, from / shape.stride) : nil
      }
      return Taps(
        kernel: reached.map(\.k), offsets: reached.map(\.offset), step: 1,
        windows: (extent - remainder + shape.stride - 1) / shape.stride)
    }
    self.init(
      rows: taps(row, shape.kernelHeight, shape.height),
      columns: taps(column, shape.kernelWidth, shape.width), batch: shape.batch,
      height: shape.outputHeight, width: shape.outputWidth, channels: shape.outputs)
  }

  private init(rows: Taps, columns: Taps, batch: Int, height: Int, width: Int, channels: Int) {
    (self.rows, self.columns, columnRuns) = (rows, columns, columns.runs)
    (self.batch, self.height, imageWidth, self.channels) = (batch, height, width, channels)
  }

  /// Numbers in a window.
  var width: Int { rows.kernel.count * columns.kernel.count * channels }
  /// All windows, image by image, row by row.
  var count: Int { batch * rows.windows * columns.windows }

  /// Whether the windows are the image's places one after the other.
  var isContiguous: Bool {
    rows.offsets == [0] && columns.offsets == [0] && rows.step == 1 && columns.step == 1
      && rows.windows == height && columns.windows == imageWidth
  }

  // MARK: Blocks

  /// Enough rows for a good product, and no more than 2^20 numbers unless 64 rows are more.
  var rowsPerBlock: Int { min(1024, max(64, (1 << 20) / max(width, 1))) }
  var blocks: Int { (count + rowsPerBlock - 1) / rowsPerBlock }
  func block(_ index: Int) -> Range<Int> {
    index * rowsPerBlock..<min((index + 1) * rowsPerBlock, count)
  }

  /// Image, row and column of a window.
  func place(_ window: Int) -> (image: Int, row: Int, column: Int) {
    let (line, column) = window.quotientAndRemainder(dividingBy: columns.windows)
    let (image, row) = line.quotientAndRemainder(dividingBy: rows.windows)
    return (image, row, column)
  }

  /// The windows as rows of a matrix: in `memory`, or in place where they lie there already.
  func gather<T: TensorScalar & BinaryFloatingPoint>(
    _ range: Range<Int>, _ images: UnsafePointer<T>, into memory: UnsafeMutablePointer<T>
  ) -> UnsafePointer<T> {
    if isContiguous { return images + range.lowerBound * channels }
    var to = memory
    let line = columns.kernel.count * channels
    for window in range {
      let (image, row, column) = place(window)
      for offset in rows.offsets {
        let y = rows.step * row + offset
        if y < 0 || y >= height {
          to.update(repeating: 0, count: line)
        } else {
          gatherLine(images + (image * height + y) * imageWidth * channels, column, into: to)
        }
        to += line
      }
    }
    return UnsafePointer(memory)
  }

  /// The taps along x of one window in one line of an image; zeros outside.
  private func gatherLine<T: BinaryFloatingPoint>(
    _ line: UnsafePointer<T>, _ column: Int, into out: UnsafeMutablePointer<T>
  ) {
    var to = out
    for run in columnRuns {
      let start = columns.step * column + columns.offsets[run.first]
      let before = min(max(-start, 0), run.count)
      let after = min(max(start + run.count - imageWidth, 0), run.count - before)
      let inside = run.count - before - after
      to.update(repeating: 0, count: before * channels)
      to += before * channels
      if inside > 0 {
        to.update(from: line + (start + before) * channels, count: inside * channels)
        to += inside * channels
      }
      to.update(repeating: 0, count: after * channels)
      to += after * channels
    }
  }
}
