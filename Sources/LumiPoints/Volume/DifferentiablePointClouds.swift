import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// Differentiable point clouds (survey Table 1: point cloud; points become voxels).
///
/// Computes: points added up, trilinear, in a volume whose cells are the image's pixels times planes
/// of depth; clipped to [0, 1]; blurred by a Gaussian; then where rays stop, if each cell stops them
/// with the probability that it holds (`TerminationAggregation`): coverage, depth and colour.
///
/// Cannot: tell apart points that share a cell: above 1 the sum is clipped and its gradient ends. The
/// blur makes every point some voxels large; as σ falls, holes open and gradients reach less far.
/// Memory grows with the volume. Points outside of the image or of the depths are left out, which has
/// no derivative. Light does not count.
///
/// E. Insafutdinov, A. Dosovitskiy, "Unsupervised Learning of Shape and Pose with Differentiable Point
/// Clouds", NeurIPS 2018. Published volumes are cubes seen by one fixed camera; here any camera looks,
/// and planes are equally far apart over ``depthRange``.
public struct DifferentiablePointClouds: Renderer {
  public static let method = MethodDescription(
    id: "points/differentiable-point-clouds", name: "differentiable point clouds",
    representation: .points, type: "smoothed occupancy volume",
    strengths: "occlusion by ray probabilities; gradients to all points",
    limits: "memory of a volume; clipped where points crowd; outlines a blur too large",
    citation: "Insafutdinov, Dosovitskiy, NeurIPS 2018",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// How many planes of depth there are, at least 2.
  public var planes: Int
  /// The depths (camera z) of the first and the last plane.
  public var depthRange: ClosedRange<Double>
  /// The blur's σ in cells, at least 0; 0 for none. Published from 1 down to 0.2 as training goes on.
  public var sigma: Double
  /// How many cells the blur takes along each axis, odd.
  public var kernelSize: Int
  /// What the blurred volume is multiplied by, above 0.
  public var occupancyScale: Double
  /// The images to make: color, alpha, depth.
  public var channels: Set<RenderChannel>

  /// Occupancies are kept this far from 0 and 1, as published.
  static let leastOccupancy = 1e-5

  /// - Parameters:
  ///   - planes: 64 by default.
  ///   - depthRange: 1.5 to 2.5 by default, where the published camera sees its unit cube.
  ///   - sigma: 1 by default.
  ///   - kernelSize: 11 by default.
  ///   - occupancyScale: 1 by default.
  ///   - channels: colour, alpha and depth by default.
  public init(
    planes: Int = 64, depthRange: ClosedRange<Double> = 1.5...2.5, sigma: Double = 1,
    kernelSize: Int = 11, occupancyScale: Double = 1,
    channels: Set<RenderChannel> = [.color, .alpha, .depth]
  ) {
    self.planes = planes
    self.depthRange = depthRange
    self.sigma = sigma
    self.kernelSize = kernelSize
    self.occupancyScale = occupancyScale
    self.channels = channels
  }

  /// depth is that of the last plane where nothing is.
  public func render(_ scene: Scene<PointCloud>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkPoints(for: camera, method: id)
    try check(camera)
    let cloud = scene.shape
    let points = DrawnPoints(cloud.points, from: camera, depths: depthRange)
    let pixels = camera.pixels(ofCameraPoints: points.cameraPoints)
    let depth = points.cameraPoints.column(2)
    let span = depthRange.upperBound - depthRange.lowerBound
    let step = span / Double(planes - 1)
    let plane = ((depth - depthRange.lowerBound) / step).expandingDims(at: 1)
    // Rows and columns of a volume begin at the first pixel's centre.
    let place = Tensor.where(
      points.isDrawn.expandingDims(at: 1),
      Tensor.concatenate([plane, pixels.flipped(axis: 1) - 0.5], axis: 1), -1)
    let shown = cloud.appearance.colors(count: cloud.count)
    let ones = Tensor.ones([cloud.count, 1], dtype: scene.dtype)
    let volume = PointVolume(
      values: .concatenate([ones, shown], axis: 1), at: place,
      counts: [planes, camera.height, camera.width])
    let raw = volume.sums
    func part(_ from: Int, _ to: Int) -> Tensor { raw.slice(axis: 3, from: from, to: to) }
    let occupancy = blurred(part(0, 1).clamped(min: 0, max: 1))
    let colors = blurred(part(1, 1 + shown.shape[1])) / (blurred(part(0, 1)) + 0.01)
    return try output(
      occupancy.squeezed(axis: 3) * occupancyScale, colors.clamped(min: 0, max: 1), scene, camera,
      depths: Tensor.linspace(
        depthRange.lowerBound, depthRange.upperBound, planes, dtype: scene.dtype))
  }

  private func output(
    _ occupancy: Tensor, _ colors: Tensor, _ scene: Scene<PointCloud>, _ camera: Camera,
    depths: Tensor
  ) throws -> RenderOutput {
    let weights = Self.terminations(occupancy)
    let size = [camera.height, camera.width]
    let all: [RenderChannel: () -> Tensor] = [
      .alpha: { (1 - weights.remainder).reshaped(size) },
      .depth: {
        ((weights.samples * depths).sum(axis: 1)
          + weights.remainder * depthRange.upperBound).reshaped(size)
      },
      .color: {
        let channels = colors.shape[3]
        let along = colors.transposed(1, 2, 0, 3).reshaped([-1, planes, channels])
        return weights.composite(along, background: scene.background).reshaped(size + [channels])
      },
    ]
    return try RenderOutput(choosing: channels, from: all, method: Self.method.id, camera)
  }

  /// Where the rays through a volume [D, H, W] of occupancies stop, one ray a pixel.
  static func terminations(_ occupancy: Tensor) -> RayWeights {
    let planes = occupancy.shape[0]
    let filled = occupancy.clamped(min: leastOccupancy, max: 1 - leastOccupancy)
      .transposed(1, 2, 0).reshaped([-1, planes])
    return TerminationAggregation().weights(of: filled, lengths: filled)
  }

  /// A volume [D, H, W, C] under a Gaussian, with nothing outside.
  func blurred(_ volume: Tensor) -> Tensor {
    guard sigma > 0, kernelSize > 1 else { return volume }
    let half = kernelSize / 2
    let taps = (-half...half).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let sum = taps.reduce(0, +)
    return [2, 1, 0].reduce(volume) { volume, axis in
      let count = volume.shape[axis]
      let wide = volume.padded(axis: axis, before: half, after: half)
      return taps.enumerated().reduce(nil as Tensor?) { result, tap in
        let term =
          wide.slice(axis: axis, from: tap.offset, to: tap.offset + count) * (tap.element / sum)
        return result.map { $0 + term } ?? term
      }!
    }
  }

  private func check(_ camera: Camera) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: Any) throws {
      guard holds else {
        throw RenderError.invalid(
          method: Self.method.id, parameter: name, expected: expected, actual: "\(actual)")
      }
    }
    try require(planes >= 2, "planes", "at least 2", planes)
    try require(
      depthRange.lowerBound < depthRange.upperBound && depthRange.upperBound.isFinite,
      "depthRange", "a range of finite depths", depthRange)
    try require(sigma >= 0 && sigma.isFinite, "sigma", "at least 0 and finite", sigma)
    try require(
      kernelSize >= 1 && kernelSize % 2 == 1 && kernelSize < 100, "kernelSize",
      "an odd number below 100", kernelSize)
    try require(
      occupancyScale > 0 && occupancyScale.isFinite, "occupancyScale", "above 0 and finite",
      occupancyScale)
    let cells = planes.multipliedReportingOverflow(by: camera.height * camera.width)
    try require(
      !cells.overflow && cells.partialValue < 1 << 30, "planes and pixels", "below 2³⁰ cells",
      "\(planes)×\(camera.height)×\(camera.width)")
  }
}

/// Values of points added up in a volume.
struct PointVolume {
  /// [D, H, W, C].
  let sums: Tensor
  /// bool [N]: within the outermost values, numbers.
  let isKept: Tensor

  /// - Parameters:
  ///   - values: [N, C].
  ///   - places: [N, 3] in cells: (0, 0, 0) is the first one's centre. A point is shared among the
  ///     eight around it, trilinear; one beyond the outermost is left out.
  ///   - counts: D, H, W.
  init(values: Tensor, at places: Tensor, counts: [Int]) {
    let last = Tensor(counts.map { Double($0 - 1) }).cast(to: places.dtype)
    let constant = places.stoppingGradient()
    isKept =
      ((constant .>= 0) .&& (constant .<= last)).cast(to: places.dtype).min(axis: 1) .> 0
    let kept = isKept.expandingDims(at: 1)
    sums = splatTrilinear(
      Tensor.where(kept, values, 0), at: Tensor.where(kept, places, 0), shape: counts)
  }
}
