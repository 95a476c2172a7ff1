import LumiRendering
import LumiScene
import LumiTensor

/// View synthesis from depth and ego-motion (survey Table 1: point cloud, RGB-D image).
///
/// Computes: a view by an inverse warp: every pixel's depth gives its point in the world, that
/// point's projection into another picture gives its colour, bilinear between four pixels. Any two
/// cameras of any model. Pixels that look up outside of the other picture's outermost pixel centres,
/// or behind its camera, are not covered and show the background.
///
/// Cannot: see occlusion: there is no depth test in the other picture, and what hides there is
/// repeated. The gradient with respect to depth and cameras is local, the slope between neighbouring
/// pixels: pictures that differ by more than a pattern's period need several scales. Between steps
/// over a pixel centre and at the border there are jumps that have no derivative. Depth and
/// translation are known up to a common scale.
///
/// T. Zhou, M. Brown, N. Snavely, D. G. Lowe, "Unsupervised Learning of Depth and Ego-Motion from
/// Video", CVPR 2017. Losses for it are `Loss.photometricError`, `Loss.minimumReprojection` and
/// `Loss.secondOrderSmoothness`.
public struct EgoMotionWarp: Renderer {
  public static let method = MethodDescription(
    id: "points/rgbd-motion", name: "depth and ego-motion warp", representation: .points,
    type: "RGB-D image", strengths: "ordered points; exact gradient to depth and both cameras",
    limits: "no occlusion; gradients reach as far as one pixel",
    citation: "Zhou, Brown, Snavely, Lowe, CVPR 2017",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  public init() {}

  /// Channels: color; alpha, 1 where the look-up is inside of the picture and 0 elsewhere, without a
  /// gradient; depth, that of the view itself.
  public func render(_ scene: Scene<SourceView>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkWarp(to: camera, method: id)
    let view = scene.shape
    let points = camera.unproject(pixels: camera.pixelCentres(), depth: view.targetDepth)
    let (pixels, depth) = view.camera.project(points)
    let look = BilinearLookUp(view.image, at: pixels - 0.5)
    let constant = depth.stoppingGradient()
    let isSeen =
      look.isInside .&& (constant .>= view.camera.near) .&& (constant .<= view.camera.far)
    return RenderOutput(
      method: id, height: camera.height, width: camera.width,
      images: [
        .color: Tensor.where(isSeen.expandingDims(at: 2), look.values, scene.background),
        .alpha: isSeen.cast(to: scene.dtype), .depth: view.targetDepth,
      ])
  }
}

extension Scene where Shape == SourceView {
  /// Checks that a view can be warped to a camera; throws ``RenderError`` and `SceneError`.
  func checkWarp(to camera: Camera, method: String) throws {
    try shape.checkStructure()
    try checkFrame(for: camera, method: method, channels: shape.image.shape[2])
    guard shape.targetDepth.shape == [camera.height, camera.width] else {
      throw RenderError.invalid(
        method: method, parameter: "view.targetDepth",
        expected: "[\(camera.height), \(camera.width)]", actual: "\(shape.targetDepth.shape)")
    }
  }
}

/// Bilinear look-ups in an image whose first pixel is at (0, 0).
struct BilinearLookUp {
  /// [..., C]: 0 outside.
  let values: Tensor
  /// bool [...]: from the first pixel's centre to before the last one's, along both axes. On the last
  /// row and column itself the published sampler reads nothing.
  let isInside: Tensor

  /// - Parameters:
  ///   - image: [H, W, C].
  ///   - places: [..., 2], column and row. What is not a number is outside.
  init(_ image: Tensor, at places: Tensor) {
    let (height, width) = (image.shape[0], image.shape[1])
    let shape = Array(places.shape.dropLast())
    let x = places.component(0).flattened()
    let y = places.component(1).flattened()
    func isWithin(_ place: Tensor, _ extent: Int) -> Tensor {
      let constant = place.stoppingGradient()
      return (constant .>= 0) .&& (constant .< Double(extent - 1))
    }
    let inside = isWithin(x, width) .&& isWithin(y, height)
    // Outside, the image's own corner stands in, so that neither values nor slopes are not finite.
    let (column, row) = (Tensor.where(inside, x, 0), Tensor.where(inside, y, 0))
    let (left, top) = (column.stoppingGradient().floor(), row.stoppingGradient().floor())
    let a = (column - left).expandingDims(at: 1)
    let b = (row - top).expandingDims(at: 1)
    let pixels = image.reshaped([height * width, image.shape[2]])
    let first = (top * Double(width) + left).cast(to: .int64)
    func corner(_ dx: Int, _ dy: Int) -> Tensor {
      let offset = min(dx, width - 1) + min(dy, height - 1) * width
      return pixels.gather(first + Tensor(Double(offset), dtype: .int64))
    }
    let upper = corner(0, 0) * (1 - a) + corner(1, 0) * a
    let lower = corner(0, 1) * (1 - a) + corner(1, 1) * a
    let found = upper * (1 - b) + lower * b
    values = Tensor.where(inside.expandingDims(at: 1), found, 0).reshaped(shape + [image.shape[2]])
    isInside = inside.reshaped(shape)
  }
}
