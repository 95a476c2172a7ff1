import CLumiKernels
import LumiRendering
import LumiScene
import LumiTensor

/// The Soft Rasterizer's fused kernels as one custom operation over a batch of views.
package enum SoftRaster {
  /// What gives colour.
  package enum Colors {
    case none
    /// [views or 1, faces, 3, C].
    case corners(Tensor)
    /// [views or 1, faces, R², C].
    case texels(Tensor, resolution: Int)

    var tensor: Tensor? {
      switch self {
      case .none: nil
      case .corners(let values), .texels(let values, _): values
      }
    }
  }

  /// What the backward pass needs of the forward pass.
  private struct Saved {
    let transmittance, exponent, denominator, nearest: Tensor

    init(_ frame: RasterFrame) {
      transmittance = .unfilled(frame.imageShape(), frame.dtype)
      exponent = .unfilled(frame.imageShape(), frame.dtype)
      denominator = .unfilled(frame.imageShape(), frame.dtype)
      nearest = .unfilled(frame.imageShape(), .int32)
    }

    var kernel: lumi_soft_saved {
      lumi_soft_saved(
        transmittance: transmittance.kernelPointer, exponent: exponent.kernelPointer,
        denominator: denominator.kernelPointer,
        nearest_face: nearest.kernelPointer.assumingMemoryBound(to: Int32.self))
    }
  }

  /// Draws corners [views, faces, 3, 3]: [views, height, width, C + 1] with alpha last, or
  /// [views, height, width, 1] without colours.
  package static func render(
    _ corners: Tensor, _ screen: ScreenSpace, colors: Colors, background: Tensor,
    options: SoftRasterizer
  ) throws -> Tensor {
    let frame = RasterFrame(corners: corners, screen: screen)
    let channels = colors.tensor?.shape[3] ?? 0
    if colors.tensor != nil, background.shape != [channels] {
      throw RenderError.invalid(
        method: SoftRasterizer.method.id, parameter: "background",
        expected: "shape [\(channels)]", actual: "shape \(background.shape)")
    }
    let parameters = kernelParameters(options, colors, frame, channels)
    let saved = Saved(frame)
    let image = Tensor.unfilled(frame.imageShape(channels + 1), frame.dtype)
    var kernelFrame = frame.kernel
    var forwardParameters = parameters
    var kernelSaved = saved.kernel
    try frame.check(
      lumi_soft_forward(
        &kernelFrame, &forwardParameters, corners.kernelPointer,
        colors.tensor?.kernelPointer, background.kernelPointer, image.kernelPointer,
        &kernelSaved), SoftRasterizer.method.id)
    let inputs = [corners] + (colors.tensor.map { [$0, background] } ?? [])
    return customOperation("softRasterize", inputs: inputs, outputs: [image]) { cotangents, needs in
      backward(
        cotangents[0]!, corners, colors, image, saved, frame, parameters, options,
        needsBackground: needs.count > 2 && needs[2])
    }[0]
  }

  private static func backward(
    _ cotangent: Tensor, _ corners: Tensor, _ colors: Colors, _ image: Tensor, _ saved: Saved,
    _ frame: RasterFrame, _ parameters: lumi_soft_parameters, _ options: SoftRasterizer,
    needsBackground: Bool
  ) -> [Tensor?] {
    let byCorners = Tensor.unfilled(corners.shape, frame.dtype)
    let byColors = colors.tensor.map { Tensor.unfilled($0.shape, frame.dtype) }
    var kernelFrame = frame.kernel
    var parameters = parameters
    var kernelSaved = saved.kernel
    let status = lumi_soft_backward(
      &kernelFrame, &parameters, corners.kernelPointer, colors.tensor?.kernelPointer,
      image.kernelPointer, &kernelSaved, cotangent.kernelPointer, byCorners.kernelPointer,
      byColors?.kernelPointer)
    require(status == LUMI_RASTER_OK, "softRasterize: backward ran out of memory")
    guard let byColors else { return [byCorners] }
    return [
      byCorners, byColors,
      needsBackground ? backgroundGradient(cotangent, saved, frame, options) : nil,
    ]
  }

  /// The background's share of each pixel, times the colour's cotangent.
  private static func backgroundGradient(
    _ cotangent: Tensor, _ saved: Saved, _ frame: RasterFrame, _ options: SoftRasterizer
  ) -> Tensor {
    let share =
      options.color == .hard
      ? (saved.nearest .< 0).cast(to: frame.dtype)
      : (options.backgroundExponentFromNear - saved.exponent).exp() / saved.denominator
    let channels = cotangent.shape[3] - 1
    return (cotangent.slice(axis: 3, from: 0, to: channels) * share.expandingDims(at: 3))
      .sum(axes: [0, 1, 2])
  }

  private static func kernelParameters(
    _ options: SoftRasterizer, _ colors: Colors, _ frame: RasterFrame, _ channels: Int
  ) -> lumi_soft_parameters {
    var resolution = 0
    if case .texels(_, let side) = colors { resolution = side }
    return lumi_soft_parameters(
      distance: [
        .euclidean: LUMI_SOFT_EUCLIDEAN, .barycentric: LUMI_SOFT_BARYCENTRIC,
        .hard: LUMI_SOFT_DISTANCE_HARD,
      ][options.distance]!,
      alpha: [
        .product: LUMI_SOFT_PRODUCT, .sum: LUMI_SOFT_SUM, .hard: LUMI_SOFT_ALPHA_HARD,
      ][options.alpha]!,
      color: colors.tensor == nil
        ? LUMI_SOFT_SILHOUETTE
        : options.color == .hard ? LUMI_SOFT_COLOR_HARD : LUMI_SOFT_SOFTMAX,
      gradient: options.gradient == .official ? LUMI_SOFT_OFFICIAL : LUMI_SOFT_COMPLETE,
      sigma: options.sigma, gamma: options.gamma, distance_eps: options.distanceEpsilon,
      near_depth: options.depthRange.lowerBound, far_depth: options.depthRange.upperBound,
      background_exponent: options.backgroundExponent,
      double_sided: options.isDoubleSided ? 1 : 0, channels: Int32(max(channels, 1)),
      texel_resolution: Int32(resolution),
      shared_colors: colors.tensor.map { $0.shape[0] == 1 && frame.batch > 1 ? 1 : 0 } ?? 0)
  }
}
