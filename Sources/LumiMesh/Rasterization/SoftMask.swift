import CLumiKernels
import LumiRendering
import LumiTensor

/// DIB-R's soft mask as an operation; see `lumi_dibr.h`.
struct SoftMask {
  var inverseSigma: Double
  var reach: Double
  var facesPerPixel: Int
  var reciprocalGuard: Double
  /// Half of the screen's sides in the corners' units.
  var halfWidth: Double
  var halfHeight: Double

  /// The mask [height, width] of corners [faces, 3, 3] around what is visible.
  func callAsFunction(
    _ corners: Tensor, visibility: Tensor, method: String
  ) throws -> Tensor {
    let frame = RasterFrame(
      corners: corners.expandingDims(at: 0),
      screen: ScreenSpace(width: visibility.shape[1], height: visibility.shape[0]))
    let parameters = lumi_dibr_parameters(
      half_width: halfWidth, half_height: halfHeight, inverse_sigma: inverseSigma, reach: reach,
      faces_per_pixel: Int64(facesPerPixel), reciprocal_guard: reciprocalGuard)
    var (kernelFrame, options) = (frame.kernel, parameters)
    let faces = visibility.kernelPointer.assumingMemoryBound(to: Int32.self)
    let mask = Tensor.unfilled(visibility.shape, corners.dtype)
    try frame.check(
      lumi_dibr_forward(
        &kernelFrame, &options, corners.kernelPointer, faces, mask.kernelPointer), method)
    return customOperation("softMask", inputs: [corners], outputs: [mask]) { cotangents, _ in
      var (kernelFrame, options) = (frame.kernel, parameters)
      let gradient = Tensor.unfilled(corners.shape, corners.dtype)
      let status = lumi_dibr_backward(
        &kernelFrame, &options, corners.kernelPointer,
        visibility.kernelPointer.assumingMemoryBound(to: Int32.self),
        cotangents[0]!.kernelPointer, gradient.kernelPointer)
      require(status == LUMI_RASTER_OK, "softMask: backward ran out of memory")
      return [gradient]
    }[0]
  }
}
