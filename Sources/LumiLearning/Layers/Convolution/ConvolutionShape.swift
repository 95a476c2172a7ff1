import LumiTensor

/// The extents of a two-dimensional convolution, images being [batch, height, width, channels].
///
/// Output (i, j) sees inputs (stride i + dilation k - padding, stride j + dilation l - padding).
package struct ConvolutionShape: Sendable, Hashable {
  package var batch, height, width, channels: Int
  package var kernelHeight, kernelWidth: Int
  package var outputHeight, outputWidth, outputs: Int
  package var stride, padding, dilation: Int

  package var input: [Int] { [batch, height, width, channels] }
  package var weight: [Int] { [outputs, kernelHeight, kernelWidth, channels] }
  package var output: [Int] { [batch, outputHeight, outputWidth, outputs] }

  /// Of a convolution of images with weights [outputs, kernel height, kernel width, channels].
  package init(
    convolving x: [Int], by weight: [Int], stride: Int, padding: Int, dilation: Int,
    _ operation: String = "convolution"
  ) {
    Self.check(x, weight, stride, padding, dilation, operation)
    require(
      x[3] == weight[3],
      "\(operation): \(x[3]) channels of \(x), weight \(weight) for \(weight[3])")
    let extents = (0..<2).map { axis in
      let reach = dilation * (weight[1 + axis] - 1) + 1
      let room = x[1 + axis] + 2 * padding - reach
      require(
        room >= 0,
        """
        \(operation): a window of \(reach) (weight \(weight), dilation \(dilation)) in images \(x) \
        with padding \(padding)
        """)
      return room / stride + 1
    }
    (batch, height, width, channels) = (x[0], x[1], x[2], x[3])
    (outputs, kernelHeight, kernelWidth) = (weight[0], weight[1], weight[2])
    (outputHeight, outputWidth) = (extents[0], extents[1])
    (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
  }

  /// Of the convolution whose transpose takes images `y` to larger ones; the weights are
  /// [channels of y, kernel height, kernel width, channels of the result].
  package init(
    transposedFrom y: [Int], by weight: [Int], stride: Int, padding: Int, outputPadding: Int,
    dilation: Int
  ) {
    let operation = "transposedConvolution"
    Self.check(y, weight, stride, padding, dilation, operation)
    require(
      y[3] == weight[0],
      "\(operation): \(y[3]) channels of \(y), weight \(weight) for \(weight[0])")
    require(
      outputPadding >= 0 && outputPadding < max(stride, dilation),
      "\(operation): outputPadding \(outputPadding), stride \(stride), dilation \(dilation)")
    let extents = (0..<2).map { axis in
      (y[1 + axis] - 1) * stride - 2 * padding + dilation * (weight[1 + axis] - 1) + outputPadding
        + 1
    }
    require(
      extents.allSatisfy { $0 > 0 },
      "\(operation): images \(y) by weight \(weight), stride \(stride), padding \(padding): no rest"
    )
    (batch, height, width, channels) = (y[0], extents[0], extents[1], weight[3])
    (outputs, kernelHeight, kernelWidth) = (weight[0], weight[1], weight[2])
    (outputHeight, outputWidth) = (y[1], y[2])
    (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
  }

  private static func check(
    _ images: [Int], _ weight: [Int], _ stride: Int, _ padding: Int, _ dilation: Int,
    _ operation: String
  ) {
    require(
      images.count == 4 && weight.count == 4 && images[1] > 0 && images[2] > 0
        && weight.allSatisfy { $0 > 0 },
      """
      \(operation): images \(images), weight \(weight); expected [batch, height, width, channels] \
      and four extents above 0
      """)
    require(
      stride > 0 && padding >= 0 && dilation > 0,
      "\(operation): stride \(stride), padding \(padding), dilation \(dilation)")
  }
}
