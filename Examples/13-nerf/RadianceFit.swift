import ExampleSupport
import Foundation
import Lumigrad

/// How large the network is and how long it learns.
struct Training: Sendable {
  var layers = 4
  var width = 64
  var frequencies = 5
  /// Octaves of the viewing direction; nil for colours that do not depend on it.
  var directionFrequencies: Int? = 2
  /// Samples a ray, and more by importance.
  var samples = (coarse: 24, fine: 24)
  /// Rays a step.
  var rays = 512
  var steps = 1800
  var learningRate = 5e-3
  /// Steps in which the rate rises to the first.
  var warmUp = 0
  /// How many of the rays go through pixels of the photographs' regions, at least.
  var regionShare = 0.0
  var seed: UInt64 = 1
}

/// Fits a radiance field to photographs, some random pixels of all of them a step.
struct RadianceFit {
  let capture: Capture
  let training: Training
  private(set) var scene: Scene<ImplicitShape>

  private let renderer: NeRF
  private let cameras: [Camera]
  /// [all pixels, 3].
  private let colors: Tensor
  /// Positions of the regions' pixels among all.
  private let regions: Tensor
  private var adam: Adam
  private var random: RandomGenerator

  init(_ capture: Capture, _ training: Training) {
    self.capture = capture
    self.training = training
    // A softplus lets light come back where a ray has met nothing, which a ReLU does not.
    let field = NeuralField.radiance(
      layers: training.layers, width: training.width, frequencies: training.frequencies,
      directionFrequencies: training.directionFrequencies, densityActivation: .softplus(beta: 1),
      densityBias: 0, seed: training.seed)
    scene = Scene(ImplicitShape(field, bounds: capture.bounds), background: .ones([3]))
    renderer = NeRF(
      samples: training.samples.coarse, importanceSamples: training.samples.fine,
      channels: [.color])
    cameras = capture.photographs.map(\.camera)
    colors = .concatenate(capture.photographs.map { $0.image.reshaped([-1, 3]) })
    let flags = capture.photographs.flatMap { $0.region.scalars(as: Float.self) }
    regions = Tensor(flags.indices.filter { flags[$0] > 0 }.map { Int32($0) })
    let falling = LearningRateSchedule.exponential(
      initial: training.learningRate, factor: 0.05, every: training.steps)
    adam = Adam(
      learningRate: training.warmUp > 0
        ? .warmUp(steps: training.warmUp, then: falling) : falling)
    random = RandomGenerator(seed: training.seed)
  }

  /// One step down the gradient of the mean squared error of some pixels; that error before it.
  mutating func step(_ index: Int) throws -> Double {
    let inRegions = Int(Double(training.rays) * training.regionShare)
    let pixels = Tensor.concatenate([
      random.integers([training.rays - inRegions], below: colors.shape[0]),
      regions.gather(random.integers([inRegions], below: regions.count)),
    ])
    let wanted = colors.gather(pixels)
    let stratified = renderer.seeded(UInt64(index))
    let names = scene.parameters.map(\.path).filter { $0.hasPrefix("field.") }
    let (loss, gradients) = try valueAndGradient(
      of: scene, withRespectTo: names, unreachable: .zeros
    ) { scene in
      let seen = try stratified.render(scene, pixels: pixels, of: cameras)[.color]
      return Loss.meanSquaredError(seen.squeezed(axis: 0), wanted)
    }
    try adam.update(&scene, gradients: gradients)
    return loss.value
  }

  /// The field as a camera sees it, with regular samples.
  func picture(from camera: Camera) throws -> Tensor {
    try renderer.render(scene, from: camera)[.color]
  }

  /// All steps, with a table and a curve of ratios in dB over steps and processor seconds.
  mutating func run(_ title: String) throws -> Curve {
    var curve = Curve(columns: ["step", "training dB", "held out dB", "processor seconds"])
    let start = processorSeconds()
    let interval = max(training.steps / 10, 1)
    var recent: [Double] = []
    for index in 1...training.steps {
      recent.append(try step(index))
      guard index % interval == 0 || index == training.steps else { continue }
      let own = Decibels.of(recent.reduce(0, +) / Double(recent.count))
      recent = []
      let first = Array(capture.heldOut.prefix(1))
      let other = Decibels.of(try first.map { try picture(from: $0.camera) }, first)
      let seconds = processorSeconds() - start
      curve.append([Double(index), own, other, seconds])
      let name = title.padding(toLength: 24, withPad: " ", startingAt: 0)
      print(name + String(format: " %-6d %-9.2f %-9.2f %.0f", index, own, other, seconds))
      fflush(nil)
    }
    return curve
  }
}

/// What this thread has used so far; each fit has a thread of its own.
private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
