import LumiRendering
import LumiScene
import LumiTensor

extension GradientProblem {
  /// A lit, coloured torus seen from above at 24×20 pixels, with one parameter vector at a time.
  public static let standard: [GradientProblem] = [
    problem("shape/translation", .shape, "offset", [0.05, -0.03, 0.02]) { theta, scene, _ in
      scene.shape.vertices = scene.shape.vertices + theta
    },
    problem("shape/scale", .shape, "factor", [1.1]) { theta, scene, _ in
      scene.shape.vertices = scene.shape.vertices * theta
    },
    problem("shape/rotation", .shape, "rotation vector", [0.2, -0.3, 0.1]) { theta, scene, _ in
      scene.shape.vertices = scene.shape.vertices.matmul(
        Rotation.exponential(theta), transposingRight: true)
    },
    problem("material/albedo", .material, "colour factor", [0.7, 0.4, 0.9]) { theta, scene, _ in
      guard case .vertexColors(let colors) = scene.shape.appearance else { return }
      scene.shape.appearance = .vertexColors(colors * theta)
    },
    problem("light/direction", .light, "direction", [0.4, 0.7, 0.3]) { theta, scene, _ in
      scene.lights[1] = .directional(direction: theta, intensity: white)
    },
    problem("light/intensity", .light, "intensity", [0.8, 0.6, 0.5]) { theta, scene, _ in
      scene.lights[1] = .directional(direction: direction, intensity: theta)
    },
    problem("camera/translation", .camera, "translation", [0.03, 0.04, -0.1]) { theta, _, camera in
      camera.translation = camera.translation + theta
    },
    problem("camera/rotation", .camera, "rotation vector", [0.02, -0.03, 0.05]) {
      theta, _, camera in
      camera.rotation = Rotation.exponential(theta).matmul(camera.rotation)
    },
    problem("camera/focal-length", .camera, "focal length", [21, 23]) { theta, _, camera in
      camera.focalLength = theta
    },
  ]

  private static let white = Tensor.ones([3], dtype: .float64)
  private static let direction = Tensor([0.4, 0.7, 0.3])

  private static func problem(
    _ name: String, _ group: ParameterGroup, _ parameter: String, _ point: [Double],
    _ change: @escaping @Sendable (Tensor, inout Scene<Mesh>, inout Camera) -> Void
  ) -> GradientProblem {
    GradientProblem(name: name, group: group, parameter: parameter, point: point) { theta in
      var scene = baseScene()
      var camera = Camera.perspective(
        from: [0.4, 1.6, -2.2], verticalFieldOfView: radians(degrees: 50), width: 24, height: 20,
        dtype: .float64)
      change(theta, &scene, &camera)
      return (scene, camera)
    }
  }

  private static func baseScene() -> Scene<Mesh> {
    var mesh = Mesh.torus(dtype: .float64)
    var random = RandomGenerator(seed: 11)
    mesh.appearance = .vertexColors(
      random.uniform([mesh.vertexCount, 3], low: 0.2, high: 1, dtype: .float64))
    return Scene(
      mesh,
      lights: [
        .ambient(intensity: white * 0.3), .directional(direction: direction, intensity: white),
      ], background: Tensor([0.1, 0.2, 0.3]))
  }
}
