import Foundation
import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct InvariantTests {
  static func soft(_ path: HardRasterizer.Path = .automatic) -> SoftRasterizer {
    var renderer = SoftRasterizer()
    renderer.sigma = 3e-3
    renderer.gamma = 0.05
    renderer.depthRange = 0.5...10
    renderer.path = path
    return renderer
  }

  /// Moving everything on the screen is moving the principal point.
  @Test(arguments: SoftRasterizer.Distance.allCases)
  func vertexGradientsSumToThePixelGrids(_ distance: SoftRasterizer.Distance) throws {
    guard distance != .hard else { return }
    var view = Scenes.view(camera: Scenes.cameras[2].camera)  // orthographic
    view.camera.rotation = .eye(3, dtype: .float64)
    view.camera.translation = Tensor([0, 0, 3.0])
    var renderer = Self.soft()
    renderer.distance = distance
    let gradients = try renderer.evaluate(view).gradients
    let sum = gradients["mesh.vertices"]!.sum(axis: 0).scalars(as: Double.self)
    let point = gradients["camera.principalPoint"]!.scalars(as: Double.self)
    let focal = view.camera.focalLength.scalars(as: Double.self)
    for axis in 0..<2 {
      // ∂/∂(pixel grid) = -∂/∂(principal point); a world unit is `focal` pixels.
      #expect(abs(point[axis]) > 1e-3)
      #expect(abs(sum[axis] - focal[axis] * point[axis]) < 1e-9 * (1 + abs(sum[axis])))
    }
  }

  @Test(arguments: HardRasterizer.Path.allCases)
  func farFaceHasZeroGradient(_ path: HardRasterizer.Path) throws {
    var view = Scenes.view()
    let far = Tensor([[40.0, 0, 0], [41, 0, 0], [40, 1, 0]])
    view.scene.shape.vertices = .concatenate([view.scene.shape.vertices, far])
    view.scene.shape.faces = .concatenate([
      view.scene.shape.faces, Tensor([[12, 13, 14]] as [[Int32]]),
    ])
    view.scene.shape.appearance = .vertexColors(.full([15, 3], 0.5, dtype: .float64))
    for renderer in [Self.soft(path), HardRasterizer(path: path)] as [any Renderer<Mesh>] {
      let gradient = try renderer.evaluate(view).gradients["mesh.vertices"]!
      #expect(gradient.slice(axis: 0, from: 12, to: 15).largest == 0)
      #expect(gradient.largest > 0)
    }
  }

  /// The whole world turned: nothing to see.
  @Test(arguments: [Shader.flat, .gouraud, .phong, .blinnPhong])
  func turningTheWorldChangesNothing(_ shader: Shader) throws {
    var lights = Scenes.lights.map(\.light)
    lights.removeLast()  // spherical harmonics do not turn by turning a vector
    lights += ShadingTableTests.lights.filter { $0.name.hasPrefix("spot") }.map(\.light)
    let view = Scenes.view(lights: lights)
    let turn = Rotation.exponential(Tensor([0.7, -0.4, 1.1]))
    let shift = Tensor([0.3, -2, 1.4])
    func moved(_ points: Tensor) -> Tensor { points.matmul(turn, transposingRight: true) + shift }
    func turned(_ direction: Tensor) -> Tensor {
      turn.matmul(direction.expandingDims(at: 1)).squeezed(axis: 1)
    }
    var other = view
    other.scene.shape.vertices = moved(view.scene.shape.vertices)
    other.camera.rotation = view.camera.rotation.matmul(turn, transposingRight: true)
    other.camera.translation =
      view.camera.translation
      - other.camera.rotation.matmul(shift.expandingDims(at: 1)).squeezed(axis: 1)
    other.scene.lights = view.scene.lights.map {
      switch $0 {
      case .directional(let direction, let intensity):
        .directional(direction: turned(direction), intensity: intensity)
      case .point(let position, let intensity, let falloff):
        .point(
          position: moved(position.expandingDims(at: 0)).squeezed(axis: 0),
          intensity: intensity, falloff: falloff)
      case .spot(let position, let axis, let intensity, let cone, let falloff):
        .spot(
          position: moved(position.expandingDims(at: 0)).squeezed(axis: 0), axis: turned(axis),
          intensity: intensity, cone: cone, falloff: falloff)
      case .ambient, .sphericalHarmonics, .environment: $0
      }
    }
    var soft = Self.soft()
    soft.shader = shader
    let hard = HardRasterizer(shader: shader)
    for renderer in [soft, hard] as [any Renderer<Mesh>] {
      let a = try renderer.render(view)
      let b = try renderer.render(other)
      for (x, y) in zip(a.smoothChannels, b.smoothChannels) {
        #expect(y.image.distance(to: x.image) < 1e-10, "\(x.name)")
      }
    }
  }

  @Test(arguments: Scenes.Look.allCases, [SoftRasterizer.ColorAggregation.softmax, .none])
  func batchEqualsSingleViews(
    _ look: Scenes.Look, _ color: SoftRasterizer.ColorAggregation
  ) throws {
    var renderer = Self.soft()
    renderer.color = color
    if look == .faceTexels { renderer.shader = .flat }
    var cameras = [Scenes.camera(), Scenes.camera(), Scenes.camera()]
    cameras[1].translation = Tensor([0.2, -0.1, 3.3])
    cameras[2].translation = Tensor([-0.4, 0.1, 2.9])
    for near in [0.01, 2.6] {
      cameras[1].near = near
      let view = Scenes.view(look)
      let together = try renderer.render(view.scene, from: cameras)
      #expect(together.count == 3)
      for (output, camera) in zip(together, cameras) {
        let alone = try renderer.render(view.scene, from: camera)
        for (x, y) in zip(output.smoothChannels, alone.smoothChannels) {
          #expect(x.image.bits == y.image.bits)
        }
      }
      let gradients = try cameras.map { camera in
        try gradient(at: view.scene.shape.vertices) { vertices in
          var scene = view.scene
          scene.shape.vertices = vertices
          return try renderer.render(scene, from: camera).weightedSum()
        }
      }
      let joint = try gradient(at: view.scene.shape.vertices) { vertices in
        var scene = view.scene
        scene.shape.vertices = vertices
        let outputs = try renderer.render(scene, from: cameras)
        return outputs.dropFirst().reduce(outputs[0].weightedSum()) { $0 + $1.weightedSum() }
      }
      #expect(joint.distance(to: gradients[0] + gradients[1] + gradients[2]) < 1e-12)
    }
  }

  @Test func noViewsGiveNoImages() throws {
    #expect(try Self.soft().render(Scenes.view().scene, from: []).isEmpty)
    #expect(try HardRasterizer().render(Scenes.view().scene, from: []).isEmpty)
  }

  /// Constant light from everywhere on a white body: the body is as bright as the light. The order
  /// 0 coefficient of constant radiance 1 is √(4π); multiplied with Y₀ it gives 1.
  @Test func whiteFurnace() throws {
    let coefficients = Tensor.concatenate([
      .full([1, 3], (4 * Double.pi).squareRoot(), dtype: .float64),
      .zeros([8, 3], dtype: .float64),
    ])
    var view = Scenes.view(.uniform, lights: [.sphericalHarmonics(coefficients: coefficients)])
    view.scene.shape.appearance = .uniform(.ones([3], dtype: .float64))
    view.scene.shape.material = Material(dtype: .float64)
    view.scene.background = .ones([3], dtype: .float64)
    for shader in [Shader.flat, .gouraud, .phong, .blinnPhong] {
      var soft = Self.soft()
      soft.shader = shader
      for renderer in [soft, HardRasterizer(shader: shader)] as [any Renderer<Mesh>] {
        let (output, gradients) = try renderer.evaluate(view)
        #expect(try (output[.color] - 1).largest < 1e-12)
        #expect(try output[.alpha].largest > 0.99)
        if renderer is HardRasterizer {
          let depthFree = try HardRasterizer(shader: shader, channels: [.color]).evaluate(view)
          #expect(depthFree.gradients["mesh.vertices"]!.largest < 1e-12)
        }
        #expect(gradients["light.0.coefficients"]!.largest > 0.01)
      }
    }
  }

  /// As σ and γ fall, the soft picture becomes the z-buffer's except at silhouettes.
  @Test func sharpLimitIsTheZBuffer() throws {
    var view = Scenes.view(.faceColors, camera: Scenes.camera(width: 60, height: 50))
    view.scene.lights = []
    let hard = try HardRasterizer().render(view)[.color]
    var previous = Double.infinity
    for sigma in [1e-2, 1e-3, 1e-4, 1e-6] {
      var renderer = Self.soft()
      renderer.sigma = sigma
      renderer.gamma = sigma.squareRoot() / 100
      renderer.backgroundEpsilon = 1e-6
      let error = (try renderer.render(view)[.color] - hard).abs().mean().value
      #expect(error < previous)
      previous = error
    }
    #expect(previous < 5e-3)
  }
}
