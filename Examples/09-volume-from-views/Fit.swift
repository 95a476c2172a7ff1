import ExampleSupport
import Foundation
import Lumigrad

/// Some steps at one resolution.
struct Stage: Sendable {
  /// Values a side.
  let side: Int
  let steps: Int
  /// What learning rates are multiplied with: a grid that was refined should not be shaken.
  let rate: Double
  /// Whether what no view needs is dropped before the stage, and the grid is sparse in it.
  let isSparse: Bool
}

/// Numbers of the descent.
struct Settings: Sendable {
  var pixels = 2000
  var densityRate = (first: 2.0, last: 0.2)
  var harmonicsRate = (first: 0.03, last: 0.003)
  /// Total variation of densities and of coefficients.
  var smoothness = (densities: 4e-6, harmonics: 1e-3)
  var sparsity = 1e-4
  /// Values that weigh no more in any training view go.
  var threshold = 0.01
  var seed: UInt64 = 1
}

/// A radiance grid being fitted to pictures, dense at first and sparse later.
struct Fit {
  enum Grid {
    case dense(VoxelGrid)
    case sparse(SparseRadianceGrid)
  }

  let capture: Capture
  let targets: Tensor
  let settings: Settings
  private(set) var grid: Grid
  private(set) var steps = 0
  private var random: RandomGenerator
  private let renderer = RadianceGrid(channels: [.color])

  init(_ capture: Capture, side: Int, _ settings: Settings) {
    (self.capture, self.settings) = (capture, settings)
    targets = capture.pixels
    random = RandomGenerator(seed: settings.seed)
    // A thin fog of grey.
    grid = .dense(
      VoxelGrid(
        values: .full([side, side, side], 0.5), quantity: .density, lower: [-1.1, -1.1, -1.1],
        upper: [1.1, 1.1, 1.1],
        appearance: .sphericalHarmonics(.zeros([side, side, side, 3, 9]))))
  }

  /// Goes to the stage's resolution and descends; calls `report` with the mean squared error of
  /// every step.
  mutating func run(_ stage: Stage, _ report: (Fit, Double) throws -> Void) throws {
    let counts = SIMD3(repeating: stage.side)
    switch grid {
    case .dense(let dense) where stage.isSparse:
      grid = .sparse(
        try SparseRadianceGrid(dense, keeping: needed(of: dense)).resampled(to: counts))
    case .dense(let dense) where dense.counts != counts: grid = .dense(dense.resampled(to: counts))
    case .sparse(let sparse) where sparse.counts != counts:
      grid = .sparse(sparse.resampled(to: counts))
    case .dense, .sparse: break
    }
    func schedule(_ rate: (first: Double, last: Double)) -> LearningRateSchedule {
      .cosine(
        initial: rate.first * stage.rate, final: rate.last * stage.rate, steps: stage.steps)
    }
    var optimizers = [
      "voxels.values": Adam(learningRate: schedule(settings.densityRate)),
      "voxels.sphericalHarmonics": Adam(learningRate: schedule(settings.harmonicsRate)),
    ]
    for _ in 0..<stage.steps {
      let error = try step(&optimizers)
      steps += 1
      try report(self, error)
    }
  }

  /// One step on random pixels of all views; the mean squared error before it.
  private mutating func step(_ optimizers: inout [String: Adam]) throws -> Double {
    let pixels = random.integers([settings.pixels], below: targets.shape[0])
    let target = targets.gather(pixels)
    switch grid {
    case .dense(let dense):
      let beside = dense.randomNeighbours(dense.values.count / 20, &random)
      var scene = Scene(dense, background: Subject.background)
      let error = try descend(&scene, target, beside, &optimizers) {
        try renderer.render($0, pixels: pixels, of: capture.cameras)[.color]
      }
      grid = .dense(scene.shape)
      return error
    case .sparse(let sparse):
      let beside = sparse.randomNeighbours(max(sparse.storedCount / 20, 1), &random)
      var scene = Scene(sparse, background: Subject.background)
      let error = try descend(&scene, target, beside, &optimizers) {
        try renderer.render($0, pixels: pixels, of: capture.cameras)[.color]
      }
      grid = .sparse(scene.shape)
      return error
    }
  }

  private func descend<Shape: SceneShape>(
    _ scene: inout Scene<Shape>, _ target: Tensor, _ beside: Tensor,
    _ optimizers: inout [String: Adam], draw: (Scene<Shape>) throws -> Tensor
  ) throws -> Double {
    var error = 0.0
    let names = optimizers.keys.sorted()
    let gradients = try valueAndGradient(of: scene, withRespectTo: names) { scene in
      let values = try scene.parameter("voxels.values").flattened()
      let harmonics = try scene.parameter("voxels.sphericalHarmonics")
      let fit = Loss.meanSquaredError(try draw(scene).reshaped(target.shape), target)
      error = fit.value
      let rough =
        Loss.totalVariation(values.expandingDims(at: 1), neighbours: beside)
        * settings.smoothness.densities
        + Loss.totalVariation(harmonics.reshaped([values.count, -1]), neighbours: beside)
        * settings.smoothness.harmonics
      return fit + rough + Loss.cauchySparsity(values) * settings.sparsity
    }.gradients
    for name in names {
      try optimizers[name]!.update(&scene, gradients: [name: gradients[name]!])
    }
    return error
  }

  /// Which values some training view needs.
  private func needed(of densities: VoxelGrid) throws -> Tensor {
    let weights = try renderer.maximumWeights(
      of: Scene(densities, background: Subject.background), from: capture.cameras)
    return densities.kept(by: weights, above: settings.threshold)
  }

  /// Drops what the training views do not need any more.
  mutating func pruneAgain() throws {
    guard case .sparse(let sparse) = grid else { return }
    grid = .sparse(sparse.pruned(keeping: try needed(of: sparse.denseDensities())))
  }

  /// Pictures from cameras.
  func draw(_ cameras: [Camera], _ channels: Set<RenderChannel> = [.color]) throws
    -> [RenderOutput]
  {
    let renderer = RadianceGrid(channels: channels)
    switch grid {
    case .dense(let dense):
      let scene = Scene(dense, background: Subject.background)
      return try cameras.map { try renderer.render(scene, from: $0) }
    case .sparse(let sparse):
      let scene = Scene(sparse, background: Subject.background)
      return try cameras.map { try renderer.render(scene, from: $0) }
    }
  }

  /// Peak signal-to-noise ratio of pictures that it was not fitted to, decibels: of the mean squared
  /// error over all pixels, white being 1.
  func ratio(_ other: Capture) throws -> Double {
    let drawn = try draw(other.cameras)
    let errors = try zip(drawn, other.images).map {
      Loss.meanSquaredError(try $0[.color], $1).value
    }
    return -10 * log10(errors.reduce(0, +) / Double(errors.count))
  }
}
