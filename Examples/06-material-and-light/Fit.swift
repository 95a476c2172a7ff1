import Foundation
import Lumigrad

/// Some steps in which some parameters move.
struct Stage: Sendable {
  let name: String
  let parameters: [String]
  let shader: Shader
  let steps: Int
  let rate: LearningRateSchedule

  /// First what explains most of the pictures, then what explains the rest.
  ///
  /// Highlights come last: on a surface of the wrong colour in the wrong light, whatever is too
  /// dark looks like a missing highlight. The exponent starts low, because a broad highlight
  /// overlaps the true one wherever that is and so feels where to go; a narrow one does not.
  static func plan(steps: Int) -> [Stage] {
    let matt = Shader(evaluation: .fragment, reflection: .lambert)
    let lamps = ["ambient", "sunDirection", "sunIntensity", "bulbPosition", "bulbIntensity"]
    let diffuse = lamps + ["albedo"]
    let all = diffuse + ["specular", "shininess"]
    return [
      Stage(name: "lamps", parameters: lamps, shader: matt, steps: steps / 8, rate: 0.05),
      Stage(name: "diffuse", parameters: diffuse, shader: matt, steps: steps / 4, rate: 0.03),
      Stage(
        name: "joint", parameters: all, shader: .phong, steps: steps * 5 / 8,
        rate: .cosine(initial: 0.03, final: 0.001, steps: steps * 5 / 8)),
    ]
  }
}

/// Finds the look that explains photographs of a known shape.
struct Fit {
  let shape: Mesh
  let photographs: [Photograph]
  private(set) var unknowns: Unknowns
  /// How many pixels count.
  private let pixels: Double

  init(_ shape: Mesh, _ photographs: [Photograph], from start: Look) {
    self.shape = shape
    self.photographs = photographs
    unknowns = Unknowns(start)
    pixels = photographs.reduce(0) { $0 + $1.mask.sum().value }
  }

  /// Runs all stages; `report` gets the stage's name and the signal-to-noise ratio in dB after it.
  mutating func run(_ plan: some Sequence<Stage>, report: (String, Double) -> Void) throws {
    for stage in plan {
      var adam = Adam(learningRate: stage.rate, beta2: 0.99)
      var loss = 0.0
      for _ in 0..<stage.steps { loss = try step(stage, &adam) }
      report(stage.name, decibels(meanSquare: loss))
    }
  }

  /// One step down the gradient of the mean squared error of all photographs; the error before it.
  private mutating func step(_ stage: Stage, _ adam: inout Adam) throws -> Double {
    let renderer = HardRasterizer(shader: stage.shader, channels: [.color])
    let (loss, gradients) = try valueAndGradient(
      of: unknowns, withRespectTo: stage.parameters
    ) { unknowns in
      let look = unknowns.look
      var sum = Tensor(0, dtype: .float32)
      for photograph in photographs {
        let shot = photograph.shot
        let drawn = try renderer.render(look.scene(shape, turn: shot.turn), from: shot.camera)
        let difference = try drawn[.color] - photograph.image
        sum += (difference.square() * photograph.mask).sum()
      }
      return sum / (3 * pixels)
    }
    try adam.update(&unknowns, gradients: gradients)
    return loss.value
  }
}

/// Peak signal-to-noise ratio in dB for a peak of 1.
func decibels(meanSquare: Double) -> Double { -10 * log10(max(meanSquare, 1e-12)) }
