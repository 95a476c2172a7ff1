import LumiRendering
import LumiScene
import LumiTensor

/// The local gradients of "Learning View Priors" (survey 2.1.2): differences between neighbouring
/// pixels that ask whether a move helps.
///
/// Computes: an ordinary picture. For every two neighbouring pixels it predicts by how much the loss
/// falls if what one shows were pushed onto the other, to either side. A pixel's place gets the
/// prediction of the better side as its gradient, or nothing if neither helps, and hands it to the
/// corners of its face by their barycentric coordinates. All channels count together. Colours, light
/// and texture get exact derivatives, depth its own along the camera's axis.
///
/// Cannot: reach farther than one pixel, or pixels that show the background. The gradient is no
/// derivative of the picture. At an outline the face behind is pulled along with the one before it.
/// Predictions closer to each other than ``deadZone`` count as equal, so that a loss that is a mean
/// over many pixels may get no gradient at all. Here, attributes are perspective-correct everywhere;
/// the released program interpolates normals along the screen. It also mirrors its pictures.
///
/// H. Kato, T. Harada, "Learning View Priors for Single-view 3D Reconstruction", CVPR 2019.
public struct LocalGradientRenderer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/view-prior-local-gradients", name: "Local gradients of Kato & Harada",
    representation: .mesh,
    type: "approximated gradient",
    strengths: "sharp picture; asks the loss which way helps; one pass over the pixels",
    limits: "reaches one pixel; approximate; small losses fall into its dead zone",
    citation: "Kato & Harada, CVPR 2019",
    claims: [.shape: .surrogate, .material: .exact, .camera: .surrogate, .light: .exact])

  public var shader: Shader
  /// The images to make; of ``allChannels``. Depth is 0 where nothing is seen.
  public var channels: Set<RenderChannel>
  /// Whether the picture is drawn with twice the pixels a side and averaged. Default false, as in
  /// the authors' training; their program's own default is true.
  public var antiAliasing = false
  /// Predictions whose difference is smaller give no gradient; at least 0. Default 1e-4.
  public var deadZone = 1e-4

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
      scene, shader: shader, from: antiAliasing ? camera.enlarged(by: 2) : camera, method: id,
      holdsCorners: true, laterWins: true)
    let fragments = picture.fragments()
    var image = picture.colorAndCoverage
    if channels.contains(.depth) {
      let depth = picture.depth(of: fragments, weights: picture.weights(of: fragments))
      image = .concatenate([depth.expandingDims(at: 2), image], axis: 2)
    }
    let faceCount = picture.drawn.faceCount
    var attached = ImageGradient.attach(
      image, to: picture.projected.corners, name: "localGradients"
    ) { [image, deadZone] cotangent in
      ImageGradient.spread(
        Self.placeGradient(image, cotangent, deadZone: deadZone), over: fragments,
        weights: fragments.barycentrics, faceCount: faceCount)
    }
    if antiAliasing { attached = attached.averagePooled(by: 2) }
    let first = channels.contains(.depth) ? 1 : 0
    return try RenderOutput(
      attached.slice(axis: 2, from: first, to: attached.shape[2]),
      [
        .depth: { [attached] in attached.slice(axis: 2, from: 0, to: 1).squeezed(axis: 2) },
        .faceIndex: {
          antiAliasing
            ? try HardPicture(scene, shader: shader, from: camera, method: id, laterWins: true)
              .faceIndex : picture.faceIndex
        },
      ], wanted: channels, method: id)
  }

  /// x and y of every pixel's gradient, in screen units, y upwards: [2 · pixels].
  ///
  /// - Parameters:
  ///   - image: [height, width, C].
  ///   - cotangent: of its shape.
  ///   - deadZone: the smallest difference that decides.
  static func placeGradient(_ image: Tensor, _ cotangent: Tensor, deadZone: Double) -> [Double] {
    let (height, width) = (image.shape[0], image.shape[1])
    let stencil = PushStencil(
      image: image.scalars(as: Double.self), cotangent: cotangent.scalars(as: Double.self),
      channels: image.shape[2], step: 2 / Double(min(height, width)), deadZone: deadZone)
    var result = [Double](repeating: 0, count: 2 * height * width)
    for row in 0..<height {
      for column in 0..<width {
        let pixel = row * width + column
        result[2 * pixel] = stencil.gradient(
          at: pixel, before: column > 0 ? pixel - 1 : nil,
          after: column < width - 1 ? pixel + 1 : nil)
        result[2 * pixel + 1] = stencil.gradient(
          at: pixel, before: row < height - 1 ? pixel + width : nil,
          after: row > 0 ? pixel - width : nil)
      }
    }
    return result
  }
}

/// What it would bring to push the content of pixels along a line.
private struct PushStencil {
  let image: [Double]
  let cotangent: [Double]
  let channels: Int
  /// The distance of two pixels on the screen.
  let step: Double
  let deadZone: Double

  /// How much the loss falls, per unit, if `target` showed what `source` shows.
  private func benefit(of source: Int, onto target: Int) -> Double {
    var sum = 0.0
    for channel in 0..<channels {
      let difference = image[source * channels + channel] - image[target * channels + channel]
      sum -= difference * cotangent[target * channels + channel]
    }
    return sum / step
  }

  /// The gradient of a pixel's place, from the pairs with its neighbours.
  func gradient(at pixel: Int, before: Int?, after: Int?) -> Double {
    var (forwards, backwards) = (0.0, 0.0)
    for (first, second) in [(before, pixel), (pixel, after)] as [(Int?, Int?)] {
      guard let first, let second else { continue }
      forwards += benefit(of: first, onto: second)
      backwards += benefit(of: second, onto: first)
    }
    guard max(forwards, backwards) > 0, (forwards - backwards).magnitude >= deadZone else {
      return 0
    }
    return forwards > backwards ? -forwards : backwards
  }
}
