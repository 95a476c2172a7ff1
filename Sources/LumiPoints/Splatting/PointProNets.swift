import LumiRendering
import LumiScene
import LumiTensor

/// PointProNets' projection (survey Table 1: point cloud; influence by a truncated Gaussian).
///
/// Computes: what points show at a pixel as a weighted mean: w = exp(-d²/2σ²) within three σ of a
/// point's place on the screen, depth Σwz/Σw and colour Σwc/Σw. Seen by an orthographic camera that
/// looks along a patch's normal, the depth is the patch's height map, and
/// ``lifted(heights:camera:)`` is the way back from a cleaned height map to points.
///
/// Cannot: hide a point behind another: everything within reach is averaged, so that two sheets
/// become a wrong one between them; made for patches that are height fields. Light does not count.
/// A small σ leaves holes and reaches few pixels with its gradient, a large one blurs. Weights jump
/// from 0.011 to 0 at three σ, which has no derivative.
///
/// R. Roveri, A. C. Öztireli, I. Pandele, M. Gross, "PointProNets: Consolidation of Point Clouds with
/// Convolutional Neural Networks", Computer Graphics Forum 37(2), 2018. Its network is not part of
/// this; how much of a pixel is covered is ours: min(1, Σw).
public struct PointProNets: Renderer {
  public static let method = MethodDescription(
    id: "points/pointpronets", name: "PointProNets", representation: .points,
    type: "truncated Gaussian", strengths: "smooth; simple; exact gradient to all coordinates",
    limits: "no occlusion: layers are averaged; no surface between points",
    citation: "Roveri, Öztireli, Pandele, Gross, Computer Graphics Forum 2018",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// σ in pixels, above 0.
  public var sigma: Double
  /// Points count within so many σ, above 0.
  public var truncation: Double
  /// The images to make: color, alpha, depth, weightSum.
  public var channels: Set<RenderChannel>

  /// Σw: pixels where it is small have no height worth the name.
  public static let weightSum: RenderChannel = "weightSum"
  private static let leastWeight = 1e-8

  /// - Parameters:
  ///   - sigma: 1.25 pixels by default; about one to one and a half.
  ///   - truncation: 3 by default.
  ///   - channels: colour, alpha and depth by default.
  public init(
    sigma: Double = 1.25, truncation: Double = 3,
    channels: Set<RenderChannel> = [.color, .alpha, .depth]
  ) {
    self.sigma = sigma
    self.truncation = truncation
    self.channels = channels
  }

  public func render(_ scene: Scene<PointCloud>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkPoints(for: camera, method: id)
    guard sigma > 0, sigma.isFinite, truncation > 0, truncation.isFinite else {
      throw RenderError.invalid(
        method: id, parameter: "sigma or truncation", expected: "above 0 and finite",
        actual: "\(sigma), \(truncation)")
    }
    let cloud = scene.shape
    let unit = ScreenSpace(camera).unitsPerPixel
    let screen = DrawnPoints(cloud.points, from: camera, depths: camera.near...camera.far)
      .discs(radius: sigma * truncation * unit, from: camera)
    let fragments = try PointRasterizer(depths: camera.near...camera.far, includesRim: true)
      .fragments(of: screen, method: id)
    let spread = sigma * unit
    let weights = (fragments.squaredDistances * (-0.5 / (spread * spread))).exp()
    let shown = cloud.appearance.colors(count: cloud.count)
    let features = Tensor.concatenate([shown, screen.depths.expandingDims(at: 1)], axis: 1)
    let (sums, total) = SumCompositor().composite(
      features: features, weights: weights, fragments: fragments)
    return try output(sums, total, scene, camera)
  }

  private func output(
    _ sums: Tensor, _ total: Tensor, _ scene: Scene<PointCloud>, _ camera: Camera
  ) throws -> RenderOutput {
    let count = sums.shape[2] - 1
    let means = sums / (total + Self.leastWeight).expandingDims(at: 2)
    let alpha = total.clamped(max: 1)
    let cover = alpha.expandingDims(at: 2)
    let all: [RenderChannel: () -> Tensor] = [
      .color: {
        means.slice(axis: 2, from: 0, to: count) * cover + scene.background * (1 - cover)
      },
      .alpha: { alpha },
      .depth: { means.slice(axis: 2, from: count, to: count + 1).squeezed(axis: 2) },
      Self.weightSum: { total },
    ]
    return try RenderOutput(choosing: channels, from: all, method: Self.method.id, camera)
  }

  /// The world points [H, W, 3] of a height map: what the pixels of a cleaned map stand for.
  ///
  /// - Parameters:
  ///   - heights: [H, W], camera z.
  ///   - camera: that the map was drawn with.
  public static func lifted(heights: Tensor, camera: Camera) -> Tensor {
    camera.unproject(pixels: camera.pixelCentres(), depth: heights)
  }
}

extension RenderOutput {
  /// The images that are wanted, of those that a method can make; throws
  /// ``RenderError/missingChannel(_:method:available:)`` for others.
  init(
    choosing wanted: Set<RenderChannel>, from all: [RenderChannel: () -> Tensor], method: String,
    _ camera: Camera
  ) throws {
    var images: [RenderChannel: Tensor] = [:]
    for channel in wanted {
      guard let make = all[channel] else {
        throw RenderError.missingChannel(
          channel.name, method: method, available: all.keys.map(\.name).sorted())
      }
      images[channel] = make()
    }
    self.init(method: method, height: camera.height, width: camera.width, images: images)
  }
}
