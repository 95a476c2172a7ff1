import Foundation
import LumiScene
import LumiTensor

private typealias Tools = ProblemTools

extension GradientProblem {
  /// Where the camera is, how it is turned, its lens, and all of the pose at once.
  static let camera: [GradientProblem] = [
    cameraTranslation, cameraRotation, focalLength, pose,
  ]

  /// The base camera, and a coloured cube without symmetry before it.
  private static let base = Tools.camera()

  private static func cube(seenBy camera: Camera) -> ProblemScene {
    ProblemScene(
      bodies: [
        Body(
          .cube, colors: .corners(Tools.cornerColors), scale: Tensor(1.2, dtype: .float64),
          rotation: Rotation.exponential(Tensor([0.4, 0.2, 0.3])))
      ], background: Tools.background, cameras: [camera])
  }

  private static let cameraTranslation = GradientProblem(
    name: "camera/translation", group: .camera, summary: "the camera moves before a coloured cube",
    parameters: ["x", "y", "z"], channel: .color, point: [0.05, 0.04, -0.1],
    task: OptimisationTask(
      target: [0, 0, 0],
      measure: .parameters(
        unit: "pixels", error: Tools.distance(from: [0, 0, 0], times: Tools.pixelsPerUnit)),
      threshold: 0.5, learningRate: 0.04, start: Tools.around([0, 0, 0], 0.4))
  ) { theta in
    var camera = base
    camera.translation = camera.translation + theta
    return cube(seenBy: camera)
  }

  private static let cameraRotation = GradientProblem(
    name: "camera/rotation", group: .camera, summary: "the camera turns before a coloured cube",
    parameters: ["rotation x", "rotation y", "rotation z"], channel: .color,
    point: [0.02, -0.03, 0.05],
    task: OptimisationTask(
      target: [0, 0, 0],
      measure: .parameters(unit: "degrees", error: Tools.degrees(from: [0, 0, 0])), threshold: 1,
      learningRate: 0.01, start: Tools.around([0, 0, 0], 0.12))
  ) { theta in
    var camera = base
    camera.rotation = Rotation.exponential(theta).matmul(camera.rotation)
    return cube(seenBy: camera)
  }

  private static let focalLength = GradientProblem(
    name: "camera/focal-length", group: .camera, summary: "the lens before a coloured cube",
    parameters: ["logarithm of x's factor", "logarithm of y's factor"], channel: .color,
    point: [0.05, -0.04],
    task: OptimisationTask(
      target: [0, 0],
      measure: .parameters(
        unit: "pixels",
        error: { theta in
          let focal = base.focalLength.scalars(as: Double.self)[0]
          return focal * theta.map { abs(exp($0) - 1) }.max()!
        }), threshold: 0.5, learningRate: 0.03, start: Tools.around([0, 0], 0.3))
  ) { theta in
    var camera = base
    camera.focalLength = camera.focalLength * theta.exp()
    return cube(seenBy: camera)
  }

  private static let pose = GradientProblem(
    name: "camera/pose", group: .camera,
    summary: "all six degrees of a camera with an off-centre principal point and a wide image",
    parameters: ["rotation x", "rotation y", "rotation z", "x", "y", "z"], channel: .color,
    point: [0.02, -0.03, 0.04, 0.03, -0.05, 0.08],
    task: OptimisationTask(
      target: [0, 0, 0, 0, 0, 0],
      measure: .parameters(unit: "pixels", error: meanReprojectionError), threshold: 0.5,
      learningRate: 0.015, start: posesNearby)
  ) { theta in cube(seenBy: posed(theta)) }

  private static func posed(_ theta: Tensor) -> Camera {
    var camera = Tools.camera(width: 40, height: 24)
    camera.principalPoint = Tensor([17.3, 13.1])
    camera.rotation = Rotation.exponential(Tools.part(theta, 0..<3)).matmul(camera.rotation)
    camera.translation = camera.translation + Tools.part(theta, 3..<6)
    return camera
  }

  /// How far the corners of a cube of edge 1.2 are from where they should be seen, on average.
  private static let meanReprojectionError: @Sendable ([Double]) -> Double = { theta in
    let corners = Mesh.cube(size: 1.2, dtype: .float64).vertices
    let target = [Double](repeating: 0, count: 6)
    let seen = posed(Tensor(theta)).project(corners).pixels
    let wanted = posed(Tensor(target)).project(corners).pixels
    return (seen - wanted).norm(axis: 1).mean().value
  }

  private static let posesNearby: @Sendable (inout RandomGenerator) -> [Double] = { random in
    let values = random.uniform([6], low: -1, dtype: .float64).scalars(as: Double.self)
    return values.enumerated().map { $0 < 3 ? 0.1 * $1 : 0.3 * $1 }
  }
}
