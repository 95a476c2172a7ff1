import LumiRendering
import LumiScene
import LumiTensor

/// The released renderer of Li et al. (survey Table 1: point cloud; K nearest points): a hard forward
/// pass, a soft backward pass.
///
/// Computes: the nearest of the discs that cover a pixel, its depth and colour. A disc's radius is
/// ρ = R/(tan(half the field of view)·depth) in image sides, twice what perspective would give, as
/// released. For the gradient every point within a multiple of its ρ counts with
/// w = e^(-γz)/(1 + e^(|d² - ρ²|/σ²)) as if the picture were Σw·value/Σw; only a weight's own part of
/// that quotient, (Σw - w)/(Σw)², is followed.
///
/// Cannot: claim anything of its gradient: forward and backward pass are of different functions, and
/// on the benchmark's problems it brings less than a third of the starts home. The weight is
/// largest on the rim and falls towards the centre too, so that inside of a disc the gradient points
/// to the rim. There is no second derivative. Light does not count.
///
/// L. Li, S. Zhu, H. Fu, P. Tan, C.-L. Tai, "End-to-End Learning Local Multi-View Descriptors for 3D
/// Point Clouds", CVPR 2020. ``SoftNearestPoints`` is how the survey describes it.
public struct HardForwardPoints: Renderer {
  public static let method = MethodDescription(
    id: "points/hard-forward", name: "hard discs, soft backward", representation: .points,
    type: "K nearest points", strengths: "sharp pictures with gradients to hidden points",
    limits: "gradient of another function than the picture, too weak a guide to claim",
    citation: "Li, Zhu, Fu, Tan, Tai, CVPR 2020", claims: [:])

  /// R in world units, for clouds without radii; above 0.
  public var radius: Double
  /// For the gradient points count within so many ρ, at least 1.
  public var distanceRatio: Double
  /// σ in image sides, above 0.
  public var sigma: Double
  /// γ, at least 0.
  public var gamma: Double
  /// Depths (camera z) that are drawn; both ends above 0. z is 0 and 1 there, linear in 1/depth.
  public var depthRange: ClosedRange<Double>
  /// The images to make: color, alpha, depth.
  public var channels: Set<RenderChannel>

  /// The published constants.
  public init(
    radius: Double = 0.025, distanceRatio: Double = 3, sigma: Double = 1.0 / 64,
    gamma: Double = 5, depthRange: ClosedRange<Double> = 0.1...6,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.radius = radius
    self.distanceRatio = distanceRatio
    self.sigma = sigma
    self.gamma = gamma
    self.depthRange = depthRange
    self.channels = channels
  }

  /// alpha is 1 where a disc is and 0 elsewhere, with the gradient of a colour of 1; depth is 0 where
  /// none is.
  public func render(_ scene: Scene<PointCloud>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkPoints(for: camera, method: id)
    try check()
    let cloud = scene.shape
    let points = DrawnPoints(cloud.points, from: camera, depths: depthRange)
    let projected = ProjectedMesh.screen(points.cameraPoints, camera)
    let depth = projected.slice(axis: 1, from: 2, to: 3)
    let (near, far) = (depthRange.lowerBound, depthRange.upperBound)
    let isDrawn = points.isDrawn.expandingDims(at: 1)
    let inverse = Tensor.where(isDrawn, depth, near).reciprocal()
    let level = (1 / near - inverse) / (1 / near - 1 / far)
    let places = Tensor.concatenate(
      [projected.slice(axis: 1, from: 0, to: 2) * 0.5, Tensor.where(isDrawn, level, -1)], axis: 1)
    // R over the tangent of half the field of view of the shorter side.
    let tangent =
      Double(min(camera.width, camera.height))
      / (2 * camera.focalLength.stoppingGradient().min().value)
    let radii = cloud.radii?.stoppingGradient() ?? .full([cloud.count], radius, dtype: scene.dtype)
    // Coverage is a colour of 1.
    let shown = cloud.appearance.colors(count: cloud.count)
    let ones = Tensor.ones([cloud.count, 1], dtype: scene.dtype)
    let drawn = try draw(
      places, colors: .concatenate([shown, ones], axis: 1), extents: radii / tangent,
      on: ScreenSpace(camera), unit: 2)
    let count = shown.shape[1]
    let alpha = drawn.image.slice(axis: 2, from: count, to: count + 1)
    let all: [RenderChannel: () -> Tensor] = [
      .color: {
        drawn.image.slice(axis: 2, from: 0, to: count) + scene.background * (1 - alpha)
      },
      .alpha: { alpha.squeezed(axis: 2) }, .depth: { drawn.depth },
    ]
    return try RenderOutput(choosing: channels, from: all, method: id, camera)
  }

  private func check() throws {
    let values: [(String, Double, Double)] = [
      ("radius", radius, 0), ("sigma", sigma, 0), ("distanceRatio", distanceRatio, 0),
      ("depthRange", depthRange.lowerBound, 0),
      ("depthRange", depthRange.upperBound, depthRange.lowerBound),
    ]
    for (name, value, least) in values where !(value > least && value.isFinite) {
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: "above \(least) and finite",
        actual: "\(value)")
    }
    guard gamma >= 0, gamma.isFinite else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "gamma", expected: "at least 0 and finite",
        actual: "\(gamma)")
    }
  }

  /// What the discs look like.
  struct Drawing {
    /// [H, W, C] and [H, W], 0 where nothing is.
    let image, depth: Tensor
    /// bool [H, W].
    let isCovered: Tensor
    /// [H, W]: Σw of the backward pass.
    let weightSum: Tensor
  }

  /// - Parameters:
  ///   - places: [N, 3]: x to the right and y up from the image's middle in image sides, z from 0 to
  ///     1; points outside of that are not drawn.
  ///   - colors: [N, C].
  ///   - extents: [N]: R over the tangent of half the field of view; points below 1e-5 are not drawn.
  ///   - screen: the image.
  ///   - unit: how long an image side is in screen units.
  func draw(
    _ places: Tensor, colors: Tensor, extents: Tensor, on screen: ScreenSpace, unit: Double
  ) throws -> Drawing {
    let (near, far) = (depthRange.lowerBound, depthRange.upperBound)
    let constant = places.stoppingGradient()
    let level = constant.column(2)
    let depths = 2 * near * far / (far + near - (level * 2 - 1) * (far - near))
    let isLarge = extents .>= 1e-5
    let radii = Tensor.where(isLarge, extents / depths, 0)
    let discs = ScreenPoints(
      positions: constant.slice(axis: 1, from: 0, to: 2) * unit, depths: level,
      footprint: .discs(radii: radii * (distanceRatio * unit)), screen: screen)
    let fragments = try PointRasterizer(depths: 0...1, includesRim: true)
      .fragments(of: discs, method: Self.method.id)
    let soft = SoftFragments(self, fragments, radii, depths, unit)
    let front = soft.frontPoints()
    let isCovered = front .>= Tensor(0, dtype: .int64)
    let rows = front.clamped(min: 0).flattened()
    guard places.shape[0] > 0 else {
      let empty = Tensor.zeros([screen.height, screen.width], dtype: places.dtype)
      return Drawing(
        image: empty.expandingDims(at: 2) + Tensor.zeros([colors.shape[1]], dtype: places.dtype),
        depth: empty, isCovered: isCovered, weightSum: empty)
    }
    func pixels(_ values: Tensor) -> Tensor {
      let found = values.gather(rows).reshaped(isCovered.shape + values.shape.dropFirst())
      let cover = values.rank == 2 ? isCovered.expandingDims(at: 2) : isCovered
      return Tensor.where(cover, found, 0)
    }
    let outputs = customOperation(
      "hardForwardPoints", inputs: [places, colors],
      outputs: [pixels(colors.stoppingGradient()), pixels(depths)]
    ) { cotangents, _ in soft.gradients(cotangents, colors.stoppingGradient()) }
    return Drawing(
      image: outputs[0], depth: outputs[1], isCovered: isCovered, weightSum: soft.weightSum)
  }
}

/// The soft pass, without the tape.
private struct SoftFragments: Sendable {
  let settings: HardForwardPoints
  let fragments: PointFragments
  /// [N].
  let radii, depths: Tensor
  let unit: Double
  /// [F]: d², the sign of its excess over ρ² (1 inside, -1 outside), the probability and the weight.
  let squared, sign, probability, weights: Tensor
  /// [H, W].
  let weightSum: Tensor

  init(
    _ settings: HardForwardPoints, _ fragments: PointFragments, _ radii: Tensor, _ depths: Tensor,
    _ unit: Double
  ) {
    self.settings = settings
    self.fragments = fragments
    self.radii = radii
    self.depths = depths
    self.unit = unit
    squared = fragments.squaredDistances / (unit * unit)
    let rim = fragments.gather(radii).square()
    sign = Tensor.where(squared .<= rim, Tensor(1, dtype: radii.dtype), -1)
    let excess = (squared - rim) * (1 / (settings.sigma * settings.sigma))
    probability = (sign * excess).sigmoid()
    weights = probability * (fragments.depths * -settings.gamma).exp()
    weightSum = fragments.pixelSums(weights)
  }

  /// int64 [H, W]: the nearest point whose disc covers a pixel; -1 for none.
  func frontPoints() -> Tensor {
    let offsets = fragments.pixelOffsets.scalars(as: Int64.self).map { Int($0) }
    let points = fragments.points.scalars(as: Int32.self)
    let inside = sign.scalars(as: Double.self)
    let front = (0..<offsets.count - 1).map { pixel in
      (offsets[pixel]..<offsets[pixel + 1]).first { inside[$0] > 0 }.map { Int64(points[$0]) } ?? -1
    }
    return Tensor(front, shape: [fragments.screen.height, fragments.screen.width])
  }

  /// Gradients with respect to places and colours, from those of image and depth.
  func gradients(_ cotangents: [Tensor?], _ colors: Tensor) -> [Tensor?] {
    let size = fragments.screen.height * fragments.screen.width
    func arriving(_ cotangent: Tensor?, _ channels: Int) -> Tensor {
      cotangent?.reshaped([size, channels]).gather(fragments.pixels)
        ?? .zeros([fragments.count, channels], dtype: weights.dtype)
    }
    let byImage = arriving(cotangents[0], colors.shape[1])
    let byDepth = arriving(cotangents.count > 1 ? cotangents[1] : nil, 1).flattened()
    // A sum of weights that underflows leaves no gradient.
    let total = weightSum.flattened().gather(fragments.pixels)
    let safe = Tensor.where(total .> 0, total, 1)
    let share = weights / safe
    // What a weight adds to the quotient's derivative, times the weight itself: it cannot overflow
    // where all weights are tiny.
    let own = share * (1 - share)
    let value =
      (byImage * fragments.gather(colors)).sum(axis: 1) + byDepth * fragments.gather(depths)
    let byWeight = value * own
    // d log(probability) / d (d² - ρ²).
    let slope = (1 - probability) * sign * (1 / (settings.sigma * settings.sigma))
    let byPlace = offsets() * (byWeight * slope * 2).expandingDims(at: 1)
    let depthSlope = fragments.gather(depthSlopes())
    let rho = fragments.gather(radii)
    // ρ falls with the depth: dρ/dz = -ρ/D dD/dz.
    let byRim = rho.square() * 2 * depthSlope / fragments.gather(depths)
    let byLevel =
      byWeight * (slope * byRim - settings.gamma) + byDepth * share * depthSlope
    let rows = Tensor.concatenate([byPlace, byLevel.expandingDims(at: 1)], axis: 1)
    func summed(_ rows: Tensor) -> Tensor {
      Tensor.scatterAdd(rows: rows, at: fragments.points, count: depths.count)
    }
    return [summed(rows), summed(byImage * share.expandingDims(at: 1))]
  }

  /// [F, 2]: from the pixels to the points, in image sides.
  private func offsets() -> Tensor {
    let screen = fragments.screen
    let centers = screen.centers(of: fragments.pixels.cast(to: .int64), dtype: weights.dtype)
    return (fragments.gather(fragments.source.positions) - centers) / unit
  }

  /// [N]: dD/dz.
  private func depthSlopes() -> Tensor {
    let (near, far) = (settings.depthRange.lowerBound, settings.depthRange.upperBound)
    let level = fragments.source.depths
    return (level * near - (level - 1) * far).square().reciprocal() * (far * near * (far - near))
  }
}
