import Foundation
import LumiScene
import LumiTensor

private typealias Tools = ProblemTools

extension GradientProblem {
  /// What a shadow on the ground says about the lamp, and about a body that is not seen itself.
  static let shadows: [GradientProblem] = [lampFromShadow, casterFromShadow]

  private static let lampTarget = [0.5, 2.1, 0.4]

  private static let lampFromShadow = GradientProblem(
    name: "light/shadow", group: .light,
    summary: "the place of a lamp that casts a square's shadow on the ground",
    parameters: ["x", "y", "z"], channel: .color, point: [0.62, 2.0, 0.27],
    task: OptimisationTask(
      target: lampTarget,
      measure: .parameters(unit: "world units", error: Tools.distance(from: lampTarget)),
      threshold: 0.1, learningRate: 0.05, start: Tools.around(lampTarget, 0.5))
  ) { theta in
    let lamp = Light.point(position: theta, intensity: Tools.white * 0.75, falloff: .none)
    let square = Body(
      .square, colors: .uniform(Tensor([0.9, 0.3, 0.2])), scale: Tensor(0.8, dtype: .float64),
      rotation: Ground.upwards(tilt: 0.2), translation: Tensor([0.05, 1.0, 0.1]))
    return ProblemScene(
      bodies: [Ground.body, square], shadows: [Ground.shadow(of: square, under: lamp)],
      lights: [Ground.sky, lamp], background: Tools.background,
      cameras: [Tools.camera(azimuth: 0.4, elevation: 0.8)])
  }

  private static let casterTarget = [-2.35, -0.2, 0.5]

  private static let casterFromShadow = GradientProblem(
    name: "geometry/shadow", group: .shape,
    summary: "a board outside of the picture moves and turns; its shadow is seen",
    parameters: ["x", "z", "angle"], channel: .color, point: [-2.28, -0.27, 0.41],
    task: OptimisationTask(
      target: casterTarget,
      measure: .parameters(
        unit: "pixels", error: Tools.distance(from: casterTarget, times: Tools.pixelsPerUnit)),
      threshold: 0.5, learningRate: 0.04, start: Tools.around(casterTarget, 0.35))
  ) { theta in
    let sun = Light.directional(
      direction: Tensor([-1.2, 1.0, 0.15]), intensity: Tools.white * 0.9)
    let height = Tensor([2.0])
    let zeros = Tensor.zeros([2], dtype: .float64)
    let turn = Rotation.exponential(Tensor.concatenate([zeros, Tools.part(theta, 2..<3)]))
    let shape = Tensor([1.6, 0.9, 1])
    let board = Body(
      .square, rotation: Ground.upwards(tilt: 0).matmul(turn),
      translation: .concatenate([Tools.part(theta, 0..<1), height, Tools.part(theta, 1..<2)]),
      deformation: { $0 * shape })
    return ProblemScene(
      bodies: [Ground.body, board], shadows: [Ground.shadow(of: board, under: sun)],
      lights: [Ground.sky, sun], background: Tools.background,
      cameras: [Tools.camera(azimuth: 0.4, elevation: 0.9)])
  }
}

/// The plane y = 0 that shadows fall on.
private enum Ground {
  static let color = Tensor([0.8, 0.8, 0.75])
  static let sky = Light.ambient(intensity: Tools.white * 0.2)
  static let body = Body(
    .square, colors: .uniform(color), scale: Tensor(3.2, dtype: .float64),
    rotation: upwards(tilt: 0), detail: 5)

  /// Turns what faces +z to face +y, but for a tilt.
  static func upwards(tilt: Double) -> Tensor {
    Rotation.exponential(Tensor([-Double.pi / 2 + tilt, tilt / 2, 0]))
  }

  /// The shadow of a square: its points carried on along the light. It faces down and thus shows
  /// what the sky alone lights; it lies a ten-thousandth above the ground.
  static func shadow(of square: Body, under light: Light) -> Body {
    let mirror = Tensor([-1.0, 1, 1])
    return Body(
      .square, colors: .uniform(color),
      deformation: { points in
        let placed = square.placed(points * mirror)
        let drop = placed.slice(axis: 1, from: 1, to: 2) - 1e-4
        switch light {
        case .directional(let direction, _):
          return placed - direction * (drop / direction.slice(axis: 0, from: 1, to: 2))
        case .point(let position, _, _):
          let height = position.slice(axis: 0, from: 1, to: 2) - 1e-4
          return position + (placed - position) * (height / (height - drop))
        default: fatalError("Ground.shadow: \(light) casts no shadows")
        }
      })
  }
}
