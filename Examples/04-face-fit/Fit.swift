import Foundation
import Lumigrad

/// Explains a picture by a portrait: analysis by synthesis.
struct Fit {
  /// One stage of the way from coarse to fine.
  struct Stage {
    let name: String
    /// Pixels a side; nil for landmarks alone, without drawing.
    var size: Int?
    /// Subdivisions of the sphere that is drawn, so that a face is about two pixels large.
    var level = FaceModel.finest
    let steps: Int
    let rate: Double
    /// How much landmarks count: they lead the way, but pixels know better once they overlap.
    var landmarks = 1.0
  }

  /// How much the parts of the loss count.
  struct Weights {
    var color = 1000.0
    var coverage = 400.0
    /// Per squared pixel of mean landmark error.
    var landmarks = 0.3
    /// Per squared coefficient of identity, expression and skin: the prior.
    var prior = 0.001
    /// Of light that changes fast with the direction, or has a colour.
    var light = 0.005
  }

  let model: FaceModel
  let target: Target
  var drawing = Drawing.antialiased
  var weights = Weights()
  private(set) var portrait: Portrait

  init(_ target: Target, _ model: FaceModel) {
    self.model = model
    self.target = target
    portrait = Portrait(average: model)
  }

  /// First the landmarks alone, which know nothing of skin and light but reach across any distance;
  /// then pictures, larger and larger.
  static func stages(isQuick: Bool) -> [Stage] {
    let steps = isQuick ? [60, 60, 40] : [80, 120, 120, 320]
    let all = [
      Stage(name: "landmarks", size: nil, steps: steps[0], rate: 0.1),
      Stage(name: "32 pixels", size: 32, level: 3, steps: steps[1], rate: 0.1),
      Stage(name: "64 pixels", size: 64, level: 4, steps: steps[2], rate: 0.06, landmarks: 0.1),
    ]
    return isQuick
      ? all
      : all + [
        Stage(name: "128 pixels", size: 128, level: 5, steps: steps[3], rate: 0.03, landmarks: 0.01)
      ]
  }

  /// Runs a stage; the loss after every step.
  mutating func run(_ stage: Stage) throws -> [Double] {
    var adam = Adam(
      learningRate: .cosine(initial: stage.rate, final: stage.rate / 10, steps: stage.steps),
      beta2: 0.99)
    return try (0..<stage.steps).map { _ in
      let (loss, gradients) = try valueAndGradient(of: portrait, unreachable: .zeros) {
        try self.loss($0, stage)
      }
      try adam.update(&portrait, gradients: gradients)
      return loss.value
    }
  }

  /// -log of the posterior, up to a constant and to how much a pixel's noise is taken to weigh.
  func loss(_ portrait: Portrait, _ stage: Stage) throws -> Tensor {
    let prior = prior(portrait) + landmarkLoss(portrait) * stage.landmarks
    guard let size = stage.size else { return prior }
    return try prior + photometricLoss(portrait, size: size, level: stage.level)
  }

  private func photometricLoss(_ portrait: Portrait, size: Int, level: Int) throws -> Tensor {
    let image = try drawing.draw(
      portrait.scene(model, level: level), from: Target.camera(size: size))
    let difference = (image - target.image(size: size)).square()
    return difference.slice(axis: 2, from: 0, to: 3).mean() * weights.color
      + difference.slice(axis: 2, from: 3, to: 4).mean() * weights.coverage
  }

  private func landmarkLoss(_ portrait: Portrait) -> Tensor {
    (Target.project(portrait, model) - target.landmarks).square().sum(axis: 1).mean()
      * weights.landmarks
  }

  private func prior(_ portrait: Portrait) -> Tensor {
    let coefficients = [portrait.identity, portrait.expression, portrait.skin]
    let light = portrait.light.slice(axis: 0, from: 4, to: 9).square().sum()
    let grey = portrait.light.mean(axis: 1, keepDims: true)
    return coefficients.map { $0.square().sum() }.reduce(Tensor(0, dtype: .float32), +)
      * weights.prior + (light + (portrait.light - grey).square().sum()) * weights.light
  }
}
