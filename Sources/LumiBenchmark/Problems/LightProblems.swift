import Foundation
import LumiScene
import LumiTensor

private typealias Tools = ProblemTools

extension GradientProblem {
  /// Where light comes from, how much there is, and light from all sides.
  static let light: [GradientProblem] = [direction, position, intensity, sphericalHarmonics]

  /// A white sphere in some light.
  private static func sphere(_ lights: [Light], views: Int = 1) -> ProblemScene {
    ProblemScene(
      bodies: [Body(.sphere, colors: .uniform(Tensor([0.9, 0.85, 0.8])))], lights: lights,
      background: Tools.background, cameras: Tools.cameras(views))
  }

  /// The direction of an azimuth and an elevation in radians, [2] to [3].
  private static func direction(_ angles: Tensor) -> Tensor {
    let (azimuth, elevation) = (Tools.part(angles, 0..<1), Tools.part(angles, 1..<2))
    return Tensor.concatenate([
      elevation.cos() * azimuth.sin(), elevation.sin(), elevation.cos() * azimuth.cos(),
    ])
  }

  private static let direction = GradientProblem(
    name: "light/direction", group: .light, summary: "the direction of parallel light on a sphere",
    parameters: ["azimuth", "elevation"], channel: .color, point: [0.9, 0.5],
    task: OptimisationTask(
      target: [0.7, 0.6],
      measure: .parameters(
        unit: "degrees",
        error: { angles in
          let cosine = (direction(Tensor(angles)) * direction(Tensor([0.7, 0.6]))).sum().value
          return acos(min(max(cosine, -1), 1)) * 180 / .pi
        }), threshold: 2, learningRate: 0.06,
      start: { random in
        let values = random.uniform([2], low: -1, dtype: .float64).scalars(as: Double.self)
        return [0.4 + 1.4 * values[0], 0.2 + 0.9 * values[1]]
      })
  ) { theta in
    sphere([
      .ambient(intensity: Tools.white * 0.2),
      .directional(direction: direction(theta), intensity: Tools.white * 0.8),
    ])
  }

  private static let position = GradientProblem(
    name: "light/position", group: .light, summary: "the place of a lamp near a sphere",
    parameters: ["x", "y", "z"], channel: .color, point: [1.2, 1.1, 1.5],
    task: OptimisationTask(
      target: [1, 1.4, 1.3],
      measure: .parameters(unit: "world units", error: Tools.distance(from: [1, 1.4, 1.3])),
      threshold: 0.1, learningRate: 0.06, start: Tools.around([1.2, 1.2, 1.6], 0.7))
  ) { theta in
    sphere([
      .ambient(intensity: Tools.white * 0.1),
      .point(position: theta, intensity: Tools.white * 2, falloff: .inverseSquare),
    ])
  }

  private static let intensity = GradientProblem(
    name: "light/intensity", group: .light, summary: "the colour of parallel light on a sphere",
    parameters: ["red", "green", "blue"], channel: .color, point: [0.8, 0.6, 0.5],
    task: OptimisationTask(
      target: [0.9, 0.7, 0.4],
      measure: .parameters(
        unit: "linear colour", error: Tools.meanDifference(from: [0.9, 0.7, 0.4])),
      threshold: 0.02, learningRate: 0.05, start: Tools.around([0.6, 0.6, 0.6], 0.5))
  ) { theta in
    sphere([
      .ambient(intensity: Tools.white * 0.1),
      .directional(direction: Tensor([0.5, 0.6, 0.7]), intensity: theta),
    ])
  }

  private static let sphericalHarmonics = GradientProblem(
    name: "light/spherical-harmonics", group: .light,
    summary: "27 coefficients of distant light on a sphere seen from two sides",
    parameters: (0..<9).flatMap { term in
      ["red", "green", "blue"].map { "\($0) of term \(term)" }
    }, channel: .color, point: sky(0.8),
    task: OptimisationTask(
      target: sky(1),
      measure: .parameters(unit: "coefficient", error: Tools.meanDifference(from: sky(1))),
      threshold: 0.03, learningRate: 0.04, start: Tools.around(sky(0.5), 0.2))
  ) { theta in
    sphere([.sphericalHarmonics(coefficients: theta.reshaped([9, 3]))], views: 2)
  }

  /// A bright sky over a warm ground, with a sun to one side; positive for every normal.
  private static func sky(_ strength: Double) -> [Double] {
    let terms: [[Double]] = [
      [1.9, 1.9, 2.0], [0.25, 0.35, 0.5], [0.2, 0.15, 0.1], [-0.15, -0.1, -0.05],
      [0.08, 0.05, 0.02], [-0.06, 0.03, 0.05], [0.05, -0.04, 0.06], [0.07, 0.06, -0.03],
      [-0.05, 0.05, 0.04],
    ]
    return terms.flatMap { $0 }.map { $0 * strength }
  }
}
