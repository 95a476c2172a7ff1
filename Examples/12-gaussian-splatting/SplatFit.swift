import Foundation
import Lumigrad

/// A cloud as it is optimised: the harmonics' constant part and the others apart, because they move
/// at different rates.
struct SplatParameters: Parameterized, Sendable {
  var positions, logScales, rotations, opacityLogits, constant, others: Tensor

  init(_ cloud: GaussianCloud) {
    (positions, logScales, rotations) = (cloud.positions, cloud.logScales, cloud.rotations)
    opacityLogits = cloud.opacityLogits
    let coefficients = cloud.harmonics.shape[1]
    constant = cloud.harmonics.slice(axis: 1, from: 0, to: 1)
    others = cloud.harmonics.slice(axis: 1, from: 1, to: coefficients)
  }

  var cloud: GaussianCloud {
    GaussianCloud(
      positions: positions, logScales: logScales, rotations: rotations,
      opacityLogits: opacityLogits, harmonics: .concatenate([constant, others], axis: 1))
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SplatParameters {
    var result = self
    result.positions = try transform("positions", positions)
    result.logScales = try transform("logScales", logScales)
    result.rotations = try transform("rotations", rotations)
    result.opacityLogits = try transform("opacityLogits", opacityLogits)
    result.constant = try transform("constant", constant)
    result.others = try transform("others", others)
    return result
  }
}

/// Fits Gaussians to photographs.
struct SplatFit {
  let capture: Capture
  let steps: Int
  private(set) var parameters: SplatParameters
  /// Gaussians that came and went in all.
  private(set) var (cloned, split, pruned) = (0, 0, 0)

  private let renderer = GaussianSplatting(channels: [.color])
  private var adam: Adam
  private var density = GaussianDensification()
  private var random: RandomGenerator
  private var order: [Int] = []

  /// Constants are the published ones, with time running faster: what takes 30,000 steps there
  /// takes `steps` here.
  init(_ capture: Capture, points: Int, degree: Int, steps: Int, largestCount: Int, seed: UInt64) {
    self.capture = capture
    self.steps = steps
    random = RandomGenerator(seed: seed)
    let (places, colors) = capture.hullPoints(points, random: &random)
    parameters = SplatParameters(GaussianCloud(at: places, colors: colors, degree: degree))
    let extent = capture.extent
    func falling(_ rate: Double, to share: Double) -> LearningRateSchedule {
      .exponential(initial: rate, factor: share, every: steps)
    }
    adam = Adam(
      learningRates: [
        "positions": falling(6e-4 * extent, to: 0.01), "logScales": falling(0.01, to: 0.2),
        "rotations": falling(0.003, to: 0.2), "opacityLogits": falling(0.05, to: 0.2),
        "constant": falling(0.005, to: 0.2), "others": falling(0.00025, to: 0.2),
      ], epsilon: 1e-15)
    density.largestCount = largestCount
    density.gradientThreshold = 2e-4
  }

  /// One step down the gradient of one photograph's mean absolute error; the error before it.
  ///
  /// Photograph and Gaussians are seen over a random colour, so that a gap in the object and a dark
  /// Gaussian are not the same.
  mutating func step(_ index: Int) throws -> Double {
    if order.isEmpty {
      order = random.uniform([capture.photographs.count]).argsort().scalars(as: Int64.self).map {
        Int($0)
      }
    }
    let photograph = capture.photographs[order.removeLast()]
    let camera = photograph.camera
    let background = random.uniform([3])
    let uncovered = 1 - photograph.mask.expandingDims(at: 2)
    let target = photograph.image + uncovered * background
    var view = SplatView(
      splats: parameters, offsets: .zeros([parameters.positions.shape[0], 2]))
    var projected: ProjectedGaussians?
    let (loss, gradients) = try valueAndGradient(of: view) { view in
      let drawn = try renderer.draw(
        Scene(view.splats.cloud, background: background), from: camera, offsets: view.offsets)
      projected = drawn.projected
      return Loss.meanAbsoluteError(try drawn.output[.color], target)
    }
    density.record(
      gradient: gradients["offsets"]!,
      radii: projected!.radii(width: camera.width, height: camera.height), camera: camera)
    try adam.update(
      &view.splats, gradients: gradients.filter { $0.key != "offsets" })
    parameters = view.splats
    if index > steps / 12, index < steps * 6 / 10, index % 100 == 0 { revise() }
    return loss.value
  }

  private mutating func revise() {
    let revision = density.revise(
      parameters.cloud, extent: capture.extent, random: &random)
    parameters = SplatParameters(revision.cloud)
    adam.rearrangeRows(
      of: parameters.parameters.map(\.path), keeping: revision.kept, adding: revision.added)
    cloned += revision.cloned
    split += revision.split
    pruned += revision.pruned
  }

  func rendering(from camera: Camera) throws -> Tensor {
    try renderer.render(Scene(parameters.cloud), from: camera)[.color]
  }
}

/// What a step differentiates by.
private struct SplatView: Parameterized {
  var splats: SplatParameters
  /// [N, 2], zeros: their gradient is that by the places on the image.
  var offsets: Tensor

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SplatView {
    SplatView(
      splats: try splats.mapParameters(transform), offsets: try transform("offsets", offsets))
  }
}
