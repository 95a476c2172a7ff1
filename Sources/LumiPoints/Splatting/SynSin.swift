import LumiRendering
import LumiScene
import LumiTensor

/// SynSin's splatting (survey Table 1: point cloud; soft z-buffer of discs).
///
/// Computes: the K nearest discs of a pixel, each with the weight
/// (1 - √clamp(d²/r^p, 0.001, 1))^τ of the distance d to its centre, over each other or added up
/// (``Accumulation``). Colours may be a network's features of any number.
///
/// Cannot: move points in depth: z sorts and has no gradient through the picture. At a point's own
/// centre the weight is 0.97, not 1, and constant within 3% of the radius. A set of K points jumps
/// when points swap. No surface between points; light does not count.
///
/// O. Wiles, G. Gkioxari, R. Szeliski, J. Johnson, "SynSin: End-to-end View Synthesis from a Single
/// Image", CVPR 2020. Its networks, which fill the holes, are not part of this; what is not covered
/// shows the background here and nothing there.
public struct SynSin: Renderer {
  public static let method = MethodDescription(
    id: "points/synsin", name: "SynSin", representation: .points, type: "soft discs",
    strengths: "features of any number; gradient to hidden points",
    limits: "no gradient to depth; no surface between points",
    citation: "Wiles, Gkioxari, Szeliski, Johnson, CVPR 2020",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// How a pixel's discs become one colour.
  public enum Accumulation: String, Sendable, CaseIterable {
    /// Σ αₖ Π (1 - αⱼ) fₖ, nearest first.
    case alphacomposite
    /// Σ αₖ fₖ.
    case wsum
    /// Σ αₖ fₖ / max(Σ αₖ, 1e-4).
    case wsumnorm

    var compositor: any PointCompositor {
      switch self {
      case .alphacomposite: AlphaCompositor()
      case .wsum: SumCompositor()
      case .wsumnorm: NormalizedCompositor(leastWeight: 1e-4)
      }
    }
  }

  /// Of the discs in pixels, above 0.
  public var radius: Double
  /// p: with 2 the weight is 0 on the rim.
  public var radiusPower: Double
  /// τ, above 0.
  public var tau: Double
  /// K, at least 1; nil for all.
  public var pointsPerPixel: Int?
  public var accumulation: Accumulation
  /// The images to make: color, alpha.
  public var channels: Set<RenderChannel>

  /// The published settings: discs of 4 pixels, 128 points a pixel.
  public init(
    radius: Double = 4, radiusPower: Double = 2, tau: Double = 1, pointsPerPixel: Int? = 128,
    accumulation: Accumulation = .alphacomposite, channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.radius = radius
    self.radiusPower = radiusPower
    self.tau = tau
    self.pointsPerPixel = pointsPerPixel
    self.accumulation = accumulation
    self.channels = channels
  }

  /// alpha is the accumulated weight, at most 1.
  public func render(_ scene: Scene<PointCloud>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkPoints(for: camera, method: id)
    for (name, value) in [("radius", radius), ("tau", tau), ("radiusPower", radiusPower)] {
      guard value > 0, value.isFinite else {
        throw RenderError.invalid(
          method: id, parameter: name, expected: "above 0 and finite", actual: "\(value)")
      }
    }
    let cloud = scene.shape
    let reach = radius * ScreenSpace(camera).unitsPerPixel
    let screen = DrawnPoints(cloud.points, from: camera, depths: camera.near...camera.far)
      .discs(radius: reach, from: camera)
    let splatted = try splat(
      screen, features: cloud.appearance.colors(count: cloud.count),
      depths: camera.near...camera.far, reach: reach)
    let alpha = splatted.coverage.clamped(max: 1)
    let all: [RenderChannel: () -> Tensor] = [
      .color: { splatted.image + scene.background * (1 - alpha.expandingDims(at: 2)) },
      .alpha: { alpha },
    ]
    return try RenderOutput(choosing: channels, from: all, method: id, camera)
  }

  /// - Parameters:
  ///   - screen: discs of one radius.
  ///   - features: [N, C].
  ///   - depths: that are drawn.
  ///   - reach: the discs' radius in screen units.
  func splat(
    _ screen: ScreenPoints, features: Tensor, depths: ClosedRange<Double>, reach: Double
  ) throws -> (image: Tensor, coverage: Tensor, fragments: PointFragments, weights: Tensor) {
    let fragments = try PointRasterizer(nearest: pointsPerPixel, depths: depths)
      .fragments(of: screen, method: Self.method.id)
    let scale = Double.pow(reach, radiusPower)
    let share = (fragments.squaredDistances / scale).clamped(min: 0.001, max: 1).sqrt()
    // On the rim a power below 1 has an infinite slope.
    let isInside = share.stoppingGradient() .< 1
    let weights = Tensor.where(
      isInside, Tensor.where(isInside, 1 - share, 1).pow(tau), 0)
    let (image, coverage) = accumulation.compositor.composite(
      features: features, weights: weights, fragments: fragments)
    return (image, coverage, fragments, weights)
  }

  /// The released projection of a depth map to another view's screen.
  ///
  /// - Parameters:
  ///   - depth: [W·W] above 0, row by row; pixels are the lattice of W values from -1 to 1 along both
  ///     axes.
  ///   - intrinsics: [4, 4], in lattice units.
  ///   - inverseIntrinsics: [4, 4].
  ///   - inverseSource: [4, 4], camera to world of the depth map; cameras look along -z, y up.
  ///   - target: [4, 4], world to camera of the other view.
  /// - Returns: [W·W, 3]: x to the right, y down, depth. Points nearer than 0.01 to the camera's plane
  ///   are at (-10, 10, 10), off the screen.
  static func project(
    depth: Tensor, intrinsics: Tensor, inverseIntrinsics: Tensor, inverseSource: Tensor,
    target: Tensor
  ) -> Tensor {
    let side = Int(Double(depth.count).squareRoot().rounded())
    let lattice = Tensor.linspace(-1, 1, side, dtype: depth.dtype)
    let x = lattice.broadcast(to: [side, side]).flattened()
    let y = lattice.expandingDims(at: 1).broadcast(to: [side, side]).flattened()
    let points = Tensor.stack(
      [x * depth, -y * depth, -depth, .ones(like: depth.stoppingGradient())], axis: 1)
    let matrix = intrinsics.matmul(target).matmul(inverseSource).matmul(inverseIntrinsics)
    let moved = points.matmul(matrix, transposingRight: true)
    let z = moved.slice(axis: 1, from: 2, to: 3)
    let isValid = z.stoppingGradient().abs() .>= 0.01
    let divisor = Tensor.where(isValid, -z, 1)
    let screen = Tensor.concatenate(
      [moved.slice(axis: 1, from: 0, to: 2) / divisor, z], axis: 1)
    return Tensor.where(isValid, screen, -10) * Tensor([1.0, -1, -1]).cast(to: depth.dtype)
  }
}
