import LumiRendering
import LumiScene
import LumiTensor

extension AnyRenderer {
  /// Whether the problems can be stated as the kind of shape that it draws.
  public var drawsProblems: Bool { shapeType is any BenchmarkShape.Type }

  /// Draws a problem's scene in the representation that the renderer wants.
  ///
  /// Throws ``UnsupportedScene`` if that representation cannot hold it, for shadows that the method
  /// does not draw, and for lights if it claims nothing of light: then it is taken not to show any.
  func draw(_ problem: ProblemScene, detail: Int, cameras: [Camera]) throws -> [RenderOutput] {
    if !problem.shadows.isEmpty {
      guard let withShadows else { throw UnsupportedScene("the method draws no shadows") }
      var bodies = problem
      bodies.shadows = []
      return try withShadows.draw(bodies, detail: detail, cameras: cameras)
    }
    if !problem.lights.isEmpty && method.claim(.light) == .none {
      throw UnsupportedScene("the method shows no lights")
    }
    guard let shape = shapeType as? any BenchmarkShape.Type else {
      throw UnsupportedScene("\(shapeType) does not conform to BenchmarkShape")
    }
    func draw<Shape: BenchmarkShape>(_ shape: Shape.Type) throws -> [RenderOutput] {
      try render(try problem.scene(of: Shape.self, detail: detail), from: cameras)
    }
    return try draw(shape)
  }
}

/// One method at work on one problem.
struct ProblemDrawing {
  let problem: GradientProblem
  let renderer: AnyRenderer

  /// The first view.
  func output(_ theta: Tensor) throws -> RenderOutput {
    let scene = problem.scene(theta)
    return try renderer.draw(scene, detail: problem.detail, cameras: [scene.cameras[0]])[0]
  }

  /// The problem's channel of the first view, [H, W, C].
  func image(_ theta: Tensor) throws -> Tensor {
    try Self.image(output(theta), problem.channel)
  }

  /// The same, the mean over n×n pixels of a finer picture for every pixel.
  func image(_ theta: Tensor, subdivisions n: Int) throws -> Tensor {
    let scene = problem.scene(theta)
    var camera = scene.cameras[0]
    let (height, width) = (camera.height, camera.width)
    camera.width *= n
    camera.height *= n
    camera.focalLength = camera.focalLength * Double(n)
    camera.principalPoint = camera.principalPoint * Double(n)
    let output = try renderer.draw(scene, detail: problem.detail, cameras: [camera])[0]
    let fine = try Self.image(output, problem.channel)
    return fine.reshaped([height, n, width, n, fine.shape[2]]).mean(axes: [1, 3])
  }

  /// The problem's channel of all views, each [H, W, C].
  func images(_ theta: Tensor) throws -> [Tensor] {
    let scene = problem.scene(theta)
    return try renderer.draw(scene, detail: problem.detail, cameras: scene.cameras)
      .map { try Self.image($0, problem.channel) }
  }

  private static func image(_ output: RenderOutput, _ channel: RenderChannel) throws -> Tensor {
    let image = try output[channel]
    return image.rank == 2 ? image.expandingDims(at: 2) : image
  }
}
