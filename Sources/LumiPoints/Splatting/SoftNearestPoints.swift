import LumiRendering
import LumiScene
import LumiTensor

/// The K nearest points with soft weights (survey Table 1: point cloud; K nearest points).
///
/// Computes: of the points whose centre is within a multiple of a radius ρ of the pixel the K nearest
/// to the camera, weighted by sigmoid(-(d² - ρ²)/σ²)·exp(-γz) with the distance d on the screen and
/// the depth z from 0 to 1; their colours' and depths' weighted mean.
///
/// Cannot: be half covered but at the far end of the sigmoid: weights are divided by their sum, so that
/// a pixel shows the points whose weights add up to 1e-10 or more alone; below that the background
/// takes what is missing (published: black). Which points are the K nearest is constant. Light does not
/// count.
///
/// After the survey's description of L. Li, S. Zhu, H. Fu, P. Tan, C.-L. Tai, "End-to-End Learning
/// Local Multi-View Descriptors for 3D Point Clouds", CVPR 2020. The released program has no K and a
/// hard forward pass: ``HardForwardPoints``.
public struct SoftNearestPoints: Renderer {
  public static let method = MethodDescription(
    id: "points/soft-k-nearest", name: "K nearest points, soft", representation: .points,
    type: "K nearest points", strengths: "occluded points take part a little",
    limits: "outlines move at the tail of a sigmoid alone; no surface between points",
    citation: "Li, Zhu, Fu, Tan, Tai, CVPR 2020, as in Kato et al. 2020",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// ρ as a share of the image's shorter side, above 0.
  public var radius: Double
  /// Points count within so many ρ, above 0.
  public var distanceRatio: Double
  /// σ as a share of the image's shorter side, above 0.
  public var sigma: Double
  /// γ: how much nearer points weigh more, at least 0.
  public var gamma: Double
  /// K, at least 1.
  public var nearest: Int
  /// The depths (camera z) that z = 0 and z = 1 stand for; others are not drawn.
  public var depthRange: ClosedRange<Double>
  /// The images to make: color, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - radius: 0.02 by default.
  ///   - distanceRatio: 3 by default.
  ///   - sigma: 1/64 by default.
  ///   - gamma: 5 by default.
  ///   - nearest: 8 by default.
  ///   - depthRange: 0.1 to 6 by default.
  ///   - channels: colour and alpha by default.
  public init(
    radius: Double = 0.02, distanceRatio: Double = 3, sigma: Double = 1.0 / 64,
    gamma: Double = 5, nearest: Int = 8, depthRange: ClosedRange<Double> = 0.1...6,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.radius = radius
    self.distanceRatio = distanceRatio
    self.sigma = sigma
    self.gamma = gamma
    self.nearest = nearest
    self.depthRange = depthRange
    self.channels = channels
  }

  /// alpha is the sum of the weights over 1e-10, at most 1.
  public func render(_ scene: Scene<PointCloud>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkPoints(for: camera, method: id)
    try check()
    let cloud = scene.shape
    // On the screen the shorter side is 2 long.
    let screen = DrawnPoints(cloud.points, from: camera, depths: depthRange)
      .discs(radius: 2 * radius * distanceRatio, from: camera)
    let span = depthRange.upperBound - depthRange.lowerBound
    let (fragments, weights) = try weighted(
      screen, depths: (screen.depths - depthRange.lowerBound) / span, range: depthRange,
      unit: 2)
    let features = Tensor.concatenate(
      [cloud.appearance.colors(count: cloud.count), screen.depths.expandingDims(at: 1)], axis: 1)
    let (means, alpha) = NormalizedCompositor(leastWeight: 1e-10).composite(
      features: features, weights: weights, fragments: fragments)
    let count = means.shape[2] - 1
    let all: [RenderChannel: () -> Tensor] = [
      .color: {
        means.slice(axis: 2, from: 0, to: count)
          + scene.background * (1 - alpha.expandingDims(at: 2))
      },
      .alpha: { alpha },
      .depth: { means.slice(axis: 2, from: count, to: count + 1).squeezed(axis: 2) },
    ]
    return try RenderOutput(choosing: channels, from: all, method: id, camera)
  }

  /// The fragments and their weights.
  ///
  /// - Parameters:
  ///   - screen: points with discs as large as their reach.
  ///   - depths: [N], from 0 to 1.
  ///   - range: of the screen points' own depths.
  ///   - unit: the length on the screen that ρ and σ are shares of.
  func weighted(
    _ screen: ScreenPoints, depths: Tensor, range: ClosedRange<Double>, unit: Double
  ) throws -> (fragments: PointFragments, weights: Tensor) {
    let fragments = try PointRasterizer(nearest: nearest, depths: range, includesRim: true)
      .fragments(of: screen, method: Self.method.id)
    let excess = fragments.squaredDistances / (unit * unit) - radius * radius
    let weights =
      (excess * (-1 / (sigma * sigma))).sigmoid() * (fragments.gather(depths) * -gamma).exp()
    return (fragments, weights)
  }

  private func check() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: Any) throws {
      guard holds else {
        throw RenderError.invalid(
          method: Self.method.id, parameter: name, expected: expected, actual: "\(actual)")
      }
    }
    let positive = [
      ("radius", radius), ("distanceRatio", distanceRatio), ("sigma", sigma),
    ]
    for (name, value) in positive {
      try require(value > 0 && value.isFinite, name, "above 0 and finite", value)
    }
    try require(gamma >= 0 && gamma.isFinite, "gamma", "at least 0 and finite", gamma)
    try require(
      depthRange.lowerBound < depthRange.upperBound && depthRange.upperBound.isFinite,
      "depthRange", "a range of finite depths", depthRange)
  }
}
