import LumiRendering
import LumiScene
import LumiTensor

/// OpenDR (survey 2.1.2): the derivative of a picture from the differences of its own pixels.
///
/// Computes: an ordinary picture. When a vertex of a face moves, what the pixels of the face show
/// moves with it, so a pixel changes by minus the picture's slope times the vertex' share of the
/// pixel (its perspective-correct barycentric coordinate). The slope is a difference filter on the
/// finished picture, background included, so that outlines count. With ``overdraws``, outlines are
/// drawn over the picture as lines of one pixel, whose pixels belong to the face before the
/// outline; beside such a line only the difference away from it counts, and on the line it counts
/// twice. Colours, light and texture get exact derivatives; depth also its own along the camera's
/// axis.
///
/// Cannot: reach farther than one pixel, or pixels that show the background. The gradient is no
/// derivative of the picture, and does not ask whether a change helps. Without ``overdraws`` an
/// occluded face gets half of the step at the outline of the one before it. Two things differ from
/// the released program: a border edge is always an outline (there it is compared with the last
/// face), and the hidden parts of outlines are found with a tolerance of the surface's own slope.
///
/// M. M. Loper, M. J. Black, "OpenDR: An Approximate Differentiable Renderer", ECCV 2014.
public struct OpenDRRenderer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/opendr", name: "OpenDR", representation: .mesh, type: "approximated gradient",
    strengths: "any forward rasteriser and shading; one filter over the picture",
    limits: "reaches one pixel; approximate; occluded faces share the steps of outlines",
    citation: "Loper & Black, ECCV 2014",
    claims: [.shape: .surrogate, .material: .exact, .camera: .surrogate, .light: .exact])

  public var shader: Shader
  /// The images to make; of ``allChannels``. Depth is 0 where nothing is seen.
  public var channels: Set<RenderChannel>
  /// Whether outlines are drawn over the picture and told apart in the filter. Default true, as
  /// published.
  public var overdraws = true

  /// Every channel that it can give.
  public static let allChannels: Set<RenderChannel> = [.color, .alpha, .depth, .faceIndex]

  /// - Parameters:
  ///   - shader: Gouraud by default.
  ///   - channels: colour and alpha by default.
  public init(shader: Shader = .gouraud, channels: Set<RenderChannel> = [.color, .alpha]) {
    self.shader = shader
    self.channels = channels
  }

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    let picture = try HardPicture(
      scene, shader: shader, from: camera, method: id, holdsCorners: true)
    var (fragments, image) = (picture.fragments(), picture.colorAndCoverage)
    var weights = picture.weights(of: fragments)
    var outline: [Bool]?
    if overdraws {
      let lines = try OpenDROutline(picture, weights: weights)
      (fragments, weights) = (lines.fragments, lines.weights)
      image = picture.colorAndCoverage(of: fragments, weights: weights)
      outline = lines.isOutline
    }
    if channels.contains(.depth) {
      let depth = picture.depth(of: fragments, weights: weights).expandingDims(at: 2)
      image = .concatenate([depth, image], axis: 2)
    }
    let faceCount = picture.drawn.faceCount
    let attached = ImageGradient.attach(image, to: picture.projected.corners, name: "openDR") {
      [image, fragments, weights, outline] cotangent in
      Self.cornerGradient(
        image, cotangent, outline, fragments, weights: weights, faceCount: faceCount)
    }
    let first = channels.contains(.depth) ? 1 : 0
    return try RenderOutput(
      attached.slice(axis: 2, from: first, to: attached.shape[2]),
      [
        .depth: { attached.slice(axis: 2, from: 0, to: 1).squeezed(axis: 2) },
        .faceIndex: { picture.faceIndex },
      ], wanted: channels, method: id)
  }

  /// The gradient of the corners [faces, 3, 3] from the picture and its cotangent.
  static func cornerGradient(
    _ image: Tensor, _ cotangent: Tensor, _ outline: [Bool]?, _ fragments: Fragments,
    weights: Tensor, faceCount: Int
  ) -> Tensor {
    let (height, width, channels) = (image.shape[0], image.shape[1], image.shape[2])
    let values = image.scalars(as: Double.self)
    let g = cotangent.scalars(as: Double.self)
    // Our screen's y grows upwards, rows downwards.
    let pixelsPerUnit = 1 / fragments.screen.unitsPerPixel
    var place = [Double](repeating: 0, count: height * width * 2)
    for channel in 0..<channels {
      let plane = (0..<height * width).map { values[$0 * channels + channel] }
      let filter = DifferenceFilter(plane: plane, outline: outline, height: height, width: width)
      for row in 0..<height {
        for column in 0..<width {
          let pixel = row * width + column
          let weight = g[pixel * channels + channel] * pixelsPerUnit
          guard weight != 0 else { continue }
          place[2 * pixel] -= weight * filter.alongRow(row, column)
          place[2 * pixel + 1] += weight * filter.alongColumn(row, column)
        }
      }
    }
    return ImageGradient.spread(place, over: fragments, weights: weights, faceCount: faceCount)
  }
}

/// The slope of one channel of a picture, in values per pixel to the right or downwards.
struct DifferenceFilter {
  let plane: [Double]
  /// The pixels on outlines, or nil for plain central differences.
  let outline: [Bool]?
  let height: Int
  let width: Int

  func alongRow(_ row: Int, _ column: Int) -> Double {
    slope(row * width + column, column, width, 1)
  }

  func alongColumn(_ row: Int, _ column: Int) -> Double {
    slope(row * width + column, row, height, width)
  }

  /// - Parameters:
  ///   - pixel: where.
  ///   - place: which of a line of `count` pixels it is.
  ///   - count: the line's length.
  ///   - step: from pixel to pixel.
  private func slope(_ pixel: Int, _ place: Int, _ count: Int, _ step: Int) -> Double {
    guard count > 1 else { return 0 }
    let (isFirst, isLast) = (place == 0, place == count - 1)
    guard let outline else {
      return isFirst || isLast ? 0 : (plane[pixel + step] - plane[pixel - step]) / 2
    }
    func difference(_ from: Int) -> Double { plane[from + step] - plane[from] }
    // A step spreads over two pixels but counts on one of them: hence twice.
    let ordinary =
      isFirst
      ? difference(pixel)
      : isLast
        ? difference(pixel - step) : (difference(pixel) + difference(pixel - step)) / 2
    guard !outline[pixel] else { return 2 * ordinary }
    let before = !isFirst && !outline[pixel - step]
    let after = !isLast && !outline[pixel + step]
    switch (before, after) {
    case (true, true): return ordinary
    case (true, false): return difference(pixel - step)
    case (false, true): return difference(pixel)
    case (false, false): return 2 * ordinary
    }
  }
}
