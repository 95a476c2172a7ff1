import Foundation
import LumiScene
import LumiTensor

private typealias Tools = ProblemTools

extension GradientProblem {
  /// Scale, place, turn, deform; order, intersection, thinness, and a start far away.
  static let geometry: [GradientProblem] = [
    sphereScale, translation, cubeRotation, freeForm, depthOrder, interpenetration, thinRod,
    noOverlap,
  ]

  private static let sphereScale = GradientProblem(
    name: "geometry/sphere-scale", group: .shape,
    summary: "a sphere's silhouette grows and shrinks", parameters: ["scale"], channel: .alpha,
    point: [0.9],
    task: OptimisationTask(
      target: [1],
      measure: .parameters(
        unit: "pixels", error: Tools.distance(from: [1], times: Tools.pixelsPerUnit)),
      threshold: 0.25, learningRate: 0.05, start: { [$0.uniform([], low: 0.3, high: 1.5).value] })
  ) { theta in
    ProblemScene(
      bodies: [Body(.sphere, scale: Tools.entry(theta, 0))], cameras: [Tools.camera()])
  }

  private static let translation = GradientProblem(
    name: "geometry/translation", group: .shape,
    summary: "a torus' silhouettes move in x, y and z", parameters: ["x", "y", "z"],
    channel: .alpha, point: [0.11, -0.07, 0.13],
    task: OptimisationTask(
      target: [0.1, -0.05, 0.15],
      measure: .parameters(
        unit: "pixels",
        error: Tools.distance(from: [0.1, -0.05, 0.15], times: Tools.pixelsPerUnit)),
      threshold: 0.5, learningRate: 0.04, start: Tools.around([0.1, -0.05, 0.15], 0.5))
  ) { theta in
    ProblemScene(
      bodies: [
        Body(
          .torus(majorRadius: 0.6, minorRadius: 0.25),
          rotation: Rotation.exponential(Tensor([0.7, 0.2, 0.4])), translation: theta)
      ], cameras: Tools.cameras(3))
  }

  private static let cubeRotation = GradientProblem(
    name: "geometry/cube-rotation", group: .shape,
    summary: "a cube with coloured corners turns; starts are all over SO(3)",
    parameters: ["rotation x", "rotation y", "rotation z"], channel: .color,
    point: [0.3, -0.5, 0.2],
    task: OptimisationTask(
      target: [0.4, 0.6, -0.3],
      measure: .parameters(unit: "degrees", error: Tools.degrees(from: [0.4, 0.6, -0.3])),
      threshold: 5, learningRate: 0.1, start: Tools.randomRotation)
  ) { theta in
    ProblemScene(
      bodies: [
        Body(
          .cube, colors: .corners(Tools.cornerColors), scale: Tensor(1.3, dtype: .float64),
          rotation: Rotation.exponential(theta))
      ], background: Tools.background, cameras: [Tools.camera()])
  }

  private static let freeForm = GradientProblem(
    name: "geometry/free-form", group: .shape,
    summary: "a sphere in a lattice of 27 control points takes the shape of four silhouettes",
    parameters: FreeFormDeformation.names, channel: .alpha,
    point: FreeFormDeformation.example(0.5),
    task: OptimisationTask(
      target: FreeFormDeformation.example(1), measure: .silhouettes, threshold: 0.05,
      learningRate: 0.03,
      start: Tools.around([Double](repeating: 0, count: FreeFormDeformation.names.count), 0.05))
  ) { theta in
    let deformation = FreeFormDeformation(offsets: theta.reshaped([27, 3]))
    return ProblemScene(
      bodies: [Body(.sphere, deformation: { deformation($0) })], cameras: Tools.cameras(4))
  }

  private static let depthOrder = GradientProblem(
    name: "geometry/depth-order", group: .shape,
    summary: "a red cube stands before a blue one; optimisation starts behind it",
    parameters: ["x", "z"], channel: .color, point: [0.13, 0.82],
    task: OptimisationTask(
      target: [0.15, 0.8],
      measure: .parameters(
        unit: "pixels", error: Tools.distance(from: [0.15, 0.8], times: Tools.pixelsPerUnit)),
      threshold: 0.5, learningRate: 0.05,
      start: { random in
        let values = random.uniform([2], low: -1, dtype: .float64).scalars(as: Double.self)
        return [0.15 + 0.3 * values[0], -0.9 + 0.2 * values[1]]
      })
  ) { theta in
    let zero = Tensor.zeros([1], dtype: .float64)
    let place = Tensor.concatenate([Tools.part(theta, 0..<1), zero, Tools.part(theta, 1..<2)])
    return ProblemScene(
      bodies: [
        Body(
          .cube, colors: .uniform(Tensor([0.9, 0.15, 0.1])), scale: Tensor(0.7, dtype: .float64),
          rotation: Rotation.exponential(Tensor([0.2, 0.5, 0.1])), translation: place),
        Body(
          .cube, colors: .uniform(Tensor([0.1, 0.2, 0.9])),
          rotation: Rotation.exponential(Tensor([-0.3, 0.2, 0.3])),
          translation: Tensor([-0.2, 0.1, 0])),
      ], background: Tools.background, cameras: [Tools.camera(azimuth: 0.1, elevation: 0.15)])
  }

  private static let interpenetration = GradientProblem(
    name: "geometry/interpenetration", group: .shape,
    summary: "a yellow cube slides through a cyan one; their seam moves",
    parameters: ["x", "y", "z"], channel: .color, point: [0.21, 0.12, 0.33],
    task: OptimisationTask(
      target: [0.2, 0.1, 0.35],
      measure: .parameters(
        unit: "pixels",
        error: Tools.distance(from: [0.2, 0.1, 0.35], times: Tools.pixelsPerUnit)),
      threshold: 0.5, learningRate: 0.04, start: Tools.around([0.2, 0.1, 0.35], 0.35))
  ) { theta in
    ProblemScene(
      bodies: [
        Body(
          .cube, colors: .uniform(Tensor([0.9, 0.8, 0.1])), scale: Tensor(0.9, dtype: .float64),
          rotation: Rotation.exponential(Tensor([0.5, 0.3, 0.2])), translation: theta),
        Body(
          .cube, colors: .uniform(Tensor([0.1, 0.7, 0.8])),
          rotation: Rotation.exponential(Tensor([-0.2, 0.7, 0.4]))),
      ], background: Tools.background, cameras: [Tools.camera()])
  }

  private static let thinRod = GradientProblem(
    name: "geometry/thin-rod", group: .shape,
    summary: "a rod half a pixel wide moves and turns", parameters: ["x", "y", "angle"],
    channel: .alpha, point: [0.04, -0.05, 0.6],
    task: OptimisationTask(
      target: [0.1, -0.06, 0.7],
      measure: .parameters(
        unit: "pixels",
        error: Tools.distance(from: [0.1, -0.06, 0.7], times: Tools.pixelsPerUnit)),
      threshold: 0.5, learningRate: 0.03, start: Tools.around([0.1, -0.06, 0.7], 0.2))
  ) { theta in
    let zero = Tensor.zeros([1], dtype: .float64)
    return ProblemScene(
      bodies: [
        Body(
          .cylinder(radius: 0.03, height: 1.8),
          rotation: Rotation.exponential(
            Tensor.concatenate([zero, zero, Tools.part(theta, 2..<3)])),
          translation: Tensor.concatenate([Tools.part(theta, 0..<2), zero]))
      ], cameras: [Tools.camera(azimuth: 0, elevation: 0.2)])
  }

  private static let noOverlap = GradientProblem(
    name: "geometry/no-overlap", group: .shape,
    summary: "a small sphere starts where its picture does not touch the target's",
    parameters: ["x", "y"], channel: .alpha, point: nil,
    task: OptimisationTask(
      target: [0, 0],
      measure: .parameters(
        unit: "pixels", error: Tools.distance(from: [0, 0], times: Tools.pixelsPerUnit)),
      threshold: 0.5, learningRate: 0.05,
      start: { random in
        // Radius 0.35 each: apart by 0.8 to 1 of world units.
        let values = random.uniform([2], dtype: .float64).scalars(as: Double.self)
        let (angle, distance) = (2 * Double.pi * values[0], 0.8 + 0.2 * values[1])
        return [distance * cos(angle), distance * sin(angle)]
      })
  ) { theta in
    ProblemScene(
      bodies: [
        Body(
          .sphere, scale: Tensor(0.35, dtype: .float64),
          translation: Tensor.concatenate([theta, Tensor.zeros([1], dtype: .float64)]))
      ], cameras: [Tools.camera(azimuth: 0, elevation: 0)])
  }
}
