import Foundation
import LumiScene
import LumiTensor

private typealias Tools = ProblemTools

extension GradientProblem {
  /// Colours of a whole body, of its points and of a texture; the width of a highlight.
  static let material: [GradientProblem] = [albedo, pointColors, texture, shininess]

  private static let albedo = GradientProblem(
    name: "material/albedo", group: .material, summary: "the colour of a lit torus",
    parameters: ["red", "green", "blue"], channel: .color, point: [0.7, 0.4, 0.9],
    task: OptimisationTask(
      target: [0.8, 0.5, 0.3],
      measure: .parameters(
        unit: "linear colour", error: Tools.meanDifference(from: [0.8, 0.5, 0.3])),
      threshold: 0.02, learningRate: 0.05, start: Tools.around([0.5, 0.5, 0.5], 0.5))
  ) { theta in
    ProblemScene(
      bodies: [
        Body(
          .torus(majorRadius: 0.8, minorRadius: 0.35), colors: .uniform(theta),
          rotation: Rotation.exponential(Tensor([0.9, 0, 0.3])))
      ],
      lights: [
        .ambient(intensity: Tools.white * 0.3),
        .directional(direction: Tensor([0.4, 0.7, 0.6]), intensity: Tools.white * 0.7),
      ], background: Tools.background, cameras: [Tools.camera()])
  }

  private static let pointColors = GradientProblem(
    name: "material/point-colors", group: .material,
    summary: "the colours of a cube's eight corners, seen from two sides",
    parameters: (0..<8).flatMap { corner in
      ["red", "green", "blue"].map { "\($0) of corner \(corner)" }
    }, channel: .color, point: [Double](repeating: 0.5, count: 24),
    task: OptimisationTask(
      target: Tools.cornerColors.scalars(as: Double.self),
      measure: .parameters(
        unit: "linear colour",
        error: Tools.meanDifference(from: Tools.cornerColors.scalars(as: Double.self))),
      threshold: 0.05, learningRate: 0.06,
      start: Tools.around([Double](repeating: 0.5, count: 24), 0.4))
  ) { theta in
    ProblemScene(
      bodies: [
        Body(
          .cube, colors: .corners(theta.reshaped([8, 3])), scale: Tensor(1.3, dtype: .float64),
          rotation: Rotation.exponential(Tensor([0.3, 0.4, 0.1])))
      ], background: Tools.background, cameras: Tools.cameras(2))
  }

  private static let texture = GradientProblem(
    name: "material/texture", group: .material,
    summary: "the 4×4 texels of a square seen at an angle",
    parameters: (0..<16).flatMap { texel in
      ["red", "green", "blue"].map { "\($0) of texel \(texel)" }
    }, channel: .color, point: [Double](repeating: 0.5, count: 48),
    task: OptimisationTask(
      target: checkers,
      measure: .parameters(unit: "linear colour", error: Tools.meanDifference(from: checkers)),
      threshold: 0.05, learningRate: 0.06,
      start: Tools.around([Double](repeating: 0.5, count: 48), 0.4))
  ) { theta in
    ProblemScene(
      bodies: [
        Body(
          .square, colors: .texture(theta.reshaped([4, 4, 3])),
          scale: Tensor(2, dtype: .float64),
          rotation: Rotation.exponential(Tensor([-0.3, 0.5, 0.1])))
      ], background: Tools.background, cameras: [Tools.camera(azimuth: 0.1, elevation: 0.1)])
  }

  /// Light and dark squares that differ in colour: 4×4×3.
  private static let checkers: [Double] = (0..<16).flatMap { texel -> [Double] in
    let isLight = (texel % 4 + texel / 4) % 2 == 0
    let (column, row) = (Double(texel % 4) / 3, Double(texel / 4) / 3)
    return isLight ? [0.9, 0.9 - 0.4 * column, 0.8 - 0.3 * row] : [0.1 + 0.2 * row, 0.15, 0.2]
  }

  private static let shininess = GradientProblem(
    name: "material/shininess", group: .material,
    summary: "the width of the highlights on a glossy sphere",
    parameters: ["logarithm of the exponent"], channel: .color, point: [2.3], detail: 3,
    task: OptimisationTask(
      target: [log(12)],
      measure: .parameters(unit: "exponent", error: { abs(exp($0[0]) - 12) }), threshold: 1,
      learningRate: 0.08, start: { [$0.uniform([], low: 1, high: 3.7).value] })
  ) { theta in
    let grey = { (level: Double) in Tensor.full([3], level, dtype: .float64) }
    return ProblemScene(
      bodies: [Body(.sphere, colors: .uniform(Tensor([0.5, 0.3, 0.2])))],
      lights: [
        .directional(direction: Tensor([0.5, 0.6, 0.8]), intensity: Tools.white),
        .directional(direction: Tensor([-0.7, 0.1, 0.6]), intensity: Tools.white * 0.5),
      ], background: Tools.background,
      material: Material(
        ambient: grey(0), diffuse: grey(0.6), specular: grey(0.8), emission: grey(0),
        shininess: Tools.entry(theta, 0).exp()), cameras: [Tools.camera()])
  }
}
