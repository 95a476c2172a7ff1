import LumiRendering
import LumiScene
import LumiTensor

/// View synthesis between the two pictures of a stereo pair (survey Table 1: point cloud, RGB-D
/// image).
///
/// Computes: one picture of a rectified pair from the other: the pixel in column x looks up column
/// x - W·d, linear between two pixels of its row, where the disparity d = f·b/(z·W) is a fraction of
/// the width W for a depth z, a focal length f and a baseline b (negative for the right picture from
/// the left one).
///
/// Cannot: look up between rows: cameras must be rectified. No occlusion, and a gradient that is the
/// slope between two pixels, as with ``EgoMotionWarp``. With ``Border/fading`` pixels near the
/// border darken, as published; with ``Border/edge`` they repeat.
///
/// C. Godard, O. Mac Aodha, G. J. Brostow, "Unsupervised Monocular Depth Estimation with Left-Right
/// Consistency", CVPR 2017. Losses for it are `Loss.structuralDissimilarity`,
/// `Loss.meanAbsoluteError`, `Loss.edgeAwareSmoothness` and
/// ``leftRightInconsistency(left:right:)``.
public struct StereoWarp: Renderer {
  public static let method = MethodDescription(
    id: "points/rgbd-stereo", name: "stereo warp", representation: .points,
    type: "RGB-D image", strengths: "one look-up a pixel; exact gradient to disparity",
    limits: "rectified pairs only; no occlusion; gradients reach as far as one pixel",
    citation: "Godard, Mac Aodha, Brostow, CVPR 2017",
    claims: [.shape: .exact, .material: .exact])

  /// What lies beyond the first and the last column.
  public enum Border: Sendable, CaseIterable {
    /// Values fall to 0 within one pixel.
    case fading
    /// The outermost pixel repeats.
    case edge
  }

  public var border: Border

  /// - Parameter border: fading by default, as published.
  public init(border: Border = .fading) { self.border = border }

  /// The pixels of a picture as its partner sees them.
  ///
  /// - Parameters:
  ///   - image: [H, W, C], the partner's.
  ///   - disparity: [H, W], as a fraction of the width: positive to look up to the left.
  /// - Returns: [H, W, C].
  public func reconstructed(from image: Tensor, disparity: Tensor) -> Tensor {
    require(
      image.rank == 3 && image.count > 0 && disparity.shape == Array(image.shape.prefix(2)),
      "StereoWarp: image \(image.shape), disparity \(disparity.shape)")
    let width = image.shape[1]
    let column = Tensor.arange(width, dtype: image.dtype)
    return sampledAlongRows(image, at: column - disparity * Double(width))
  }

  /// How little two disparities agree: mean |d_right(x - W·d_left(x)) - d_left(x)|, [].
  ///
  /// - Parameters:
  ///   - left: [H, W], fractions of the width.
  ///   - right: [H, W].
  public func leftRightInconsistency(left: Tensor, right: Tensor) -> Tensor {
    (reconstructed(from: right.expandingDims(at: 2), disparity: left).squeezed(axis: 2) - left)
      .abs().mean()
  }

  /// Look-ups at columns [H, W] of an image [H, W, C].
  private func sampledAlongRows(_ image: Tensor, at columns: Tensor) -> Tensor {
    let (height, width) = (image.shape[0], image.shape[1])
    let isFading = border == .fading
    let padded = isFading ? image.padded(axis: 1, before: 1, after: 1) : image
    let last = isFading ? width + 1 : width - 1
    let place = (isFading ? columns + 1 : columns).clamped(min: 0, max: Double(last))
    let floor = place.stoppingGradient().floor()
    let share = (place - floor).reshaped([height * width, 1])
    let rowStart = (Tensor.arange(height, dtype: image.dtype) * Double(last + 1))
      .expandingDims(at: 1)
    func pixels(_ column: Tensor) -> Tensor {
      padded.reshaped([height * (last + 1), image.shape[2]])
        .gather((rowStart + column.clamped(max: Double(last))).cast(to: .int64).flattened())
    }
    let found = pixels(floor) * (1 - share) + pixels(floor + 1) * share
    return found.reshaped(image.shape)
  }

  /// Channels: color; depth, that of the view itself.
  public func render(_ scene: Scene<SourceView>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkWarp(to: camera, method: id)
    let view = scene.shape
    try checkRectified(view.camera, camera)
    let baseline = camera.cameraPoints(view.camera.centre).component(0)
    let width = Double(camera.width)
    let shift = (camera.principalPoint - view.camera.principalPoint).component(0)
    let disparity = (camera.focalLength.component(0) * baseline / view.targetDepth + shift) / width
    return RenderOutput(
      method: id, height: camera.height, width: camera.width,
      images: [
        .color: reconstructed(from: view.image, disparity: disparity), .depth: view.targetDepth,
      ])
  }

  /// Both cameras perspective, of one size, turned alike, equal but for a shift along x.
  private func checkRectified(_ source: Camera, _ target: Camera) throws {
    func largest(_ difference: Tensor) -> Double { difference.stoppingGradient().abs().max().value }
    let offset = target.cameraPoints(source.centre).stoppingGradient()
    let size = max(largest(offset), 1e-12)
    let isPlain = [source, target].allSatisfy {
      $0.model == .perspective && largest($0.skew) == 0
    }
    let isRectified =
      isPlain && source.width == target.width && source.height == target.height
      && largest(source.rotation - target.rotation) < 1e-5
      && largest(source.focalLength - target.focalLength) < 1e-5 * largest(target.focalLength)
      && largest((source.principalPoint - target.principalPoint).component(1)) < 1e-3
      && largest(offset.slice(axis: 0, from: 1, to: 3)) < 1e-5 * size
    guard isRectified else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "view.camera",
        expected: "a perspective camera that differs by a shift along x only",
        actual: "another")
    }
  }
}
