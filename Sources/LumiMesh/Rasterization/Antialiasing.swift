import CLumiKernels
import LumiRendering
import LumiTensor

/// Blends of adjacent pixels that show different faces; see `lumi_antialias.h`.
enum Antialiasing {
  /// What is blended, and how the derivative is taken.
  struct Rules {
    var intersections = true
    /// Pixels that an edge may lie beyond a centre.
    var slack = 1.0 / 16
    /// Added to divisors of the derivative, in pixels.
    var reciprocalGuard = 0.0
    var perspective = true

    var kernel: lumi_antialias_parameters {
      lumi_antialias_parameters(
        perspective: perspective ? 1 : 0, intersections: intersections ? 1 : 0, slack: slack,
        reciprocal_guard: reciprocalGuard)
    }
  }

  /// One blended pair of pixels, for inspection.
  typealias Blend = lumi_blend

  /// The blends of one picture. Owns the kernel's list.
  final class Blends: @unchecked Sendable {
    fileprivate var list = lumi_blends()
    var all: [Blend] { Array(UnsafeBufferPointer(start: list.items, count: Int(list.count))) }
    deinit { lumi_blends_free(&list) }
  }

  /// For every corner of every face the corner beyond its opposite edge, -1 for none: int64
  /// [faces, 3], counted over all faces' corners.
  ///
  /// - Parameters:
  ///   - identities: int64 [faces * 3], equal where corners are the same point.
  ///   - method: whose id errors name.
  static func oppositeCorners(_ identities: Tensor, method: String) throws -> Tensor {
    let faces = identities.count / 3
    let result = Tensor.unfilled([faces, 3], .int64)
    let status = lumi_opposite_corners(
      Int64(faces), identities.kernelPointer.assumingMemoryBound(to: Int64.self),
      result.kernelPointer.assumingMemoryBound(to: Int64.self))
    guard status == LUMI_RASTER_OK else {
      throw RenderError.outOfMemory(method: method, detail: "the edges of \(faces) faces")
    }
    return result
  }

  /// The blends of a picture.
  ///
  /// - Parameters:
  ///   - visibility: int32 [height, width], the face of every pixel, -1 for none.
  ///   - corners: [faces, 3, 3] on the screen.
  ///   - opposite: of ``oppositeCorners(_:method:)``.
  ///   - rules: what is blended.
  ///   - method: whose id errors name.
  static func blends(
    _ visibility: Tensor, corners: Tensor, opposite: Tensor, rules: Rules, method: String
  ) throws -> Blends {
    let frame = self.frame(visibility, corners)
    var kernelFrame = frame.kernel
    var parameters = rules.kernel
    let blends = Blends()
    try frame.check(
      lumi_antialias_find(
        &kernelFrame, &parameters, corners.kernelPointer,
        opposite.kernelPointer.assumingMemoryBound(to: Int64.self),
        visibility.kernelPointer.assumingMemoryBound(to: Int32.self), &blends.list), method)
    return blends
  }

  /// An image [height, width, C] with its blends; derivatives with respect to it and the corners.
  static func apply(
    _ blends: Blends, to image: Tensor, corners: Tensor, rules: Rules
  ) -> Tensor {
    let frame = RasterFrame(
      corners: corners.expandingDims(at: 0),
      screen: ScreenSpace(width: image.shape[1], height: image.shape[0]))
    var kernelFrame = frame.kernel
    let channels = Int64(image.shape[2])
    let plain = image.stoppingGradient()
    let output = Tensor.unfilled(image.shape, image.dtype)
    lumi_antialias_apply(
      &kernelFrame, channels, &blends.list, plain.kernelPointer, output.kernelPointer)
    return customOperation("antialias", inputs: [image, corners], outputs: [output]) {
      cotangents, needs in
      let byImage = Tensor.unfilled(image.shape, image.dtype)
      let byCorners = needs[1] ? Tensor.unfilled(corners.shape, corners.dtype) : nil
      var kernelFrame = frame.kernel
      var parameters = rules.kernel
      lumi_antialias_backward(
        &kernelFrame, &parameters, channels, &blends.list, corners.kernelPointer,
        plain.kernelPointer, cotangents[0]!.kernelPointer, byImage.kernelPointer,
        byCorners?.kernelPointer)
      return [byImage, byCorners]
    }[0]
  }

  private static func frame(_ visibility: Tensor, _ corners: Tensor) -> RasterFrame {
    RasterFrame(
      corners: corners.expandingDims(at: 0),
      screen: ScreenSpace(width: visibility.shape[1], height: visibility.shape[0]))
  }
}
