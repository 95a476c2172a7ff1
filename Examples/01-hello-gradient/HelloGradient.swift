import ArgumentParser
import ExampleSupport
import Foundation
import Lumigrad

/// A triangle that finds its way onto a target by looking at pictures of itself.
@main
struct HelloGradient: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "01-hello-gradient",
    abstract: "Moves a triangle onto a target by gradient descent through a soft silhouette.")

  @Option(help: "The folder for the pictures and the loss curve.")
  var out = "out/hello-gradient"

  @Option(help: "How many steps to take.")
  var steps = 200

  @Option(help: "The softness: squared width of the border, in half picture heights.")
  var sigma = 1e-3

  func validate() throws {
    guard steps >= 20 else {
      throw ValidationError("--steps is \(steps); the triangle needs at least 20 to get there")
    }
  }

  func run() throws {
    try makeFolder(out)
    // Two world units from the upper to the lower edge of a picture of 256 × 256 pixels.
    let camera = Camera.orthographic(from: [0, 0, 5], visibleHeight: 2, width: 256, height: 256)
    var soft = SoftRasterizer.silhouettes
    soft.sigma = sigma

    let wanted = Scene(triangle([0.15, 0.6], [-0.5, -0.2], [0.55, -0.35]))
    let target = try soft.render(wanted, from: camera)[.alpha]
    var scene = Scene(triangle([-0.45, 0.15], [-0.8, -0.5], [-0.05, -0.6]))

    func loss(_ scene: Scene<Mesh>) throws -> Tensor {
      Loss.meanSquaredError(try soft.render(scene, from: camera)[.alpha], target)
    }
    func draw(_ name: String) throws {
      var canvas = Canvas(coverage: try soft.render(scene, from: camera)[.alpha])
      canvas.drawOutline(of: target)
      try canvas.write(to: "\(out)/\(name).png")
    }
    try compareGradients(scene, target, camera, soft: loss)

    var adam = Adam(learningRate: .cosine(initial: 0.02, final: 0.001, steps: steps))
    var curve = Curve(columns: ["step", "loss"])
    try draw("before")
    for step in 0..<steps {
      let (value, gradients) = try valueAndGradient(
        of: scene, withRespectTo: ["mesh.vertices"], loss)
      try adam.update(&scene, gradients: gradients)
      curve.append([Double(step), value.value])
      if step % max(steps / 10, 1) == 0 { report(step, value.value) }
      if step == steps / 8 { try draw("during") }
    }
    let final = try loss(scene).value
    curve.append([Double(steps), final])
    report(steps, final)
    try draw("after")
    try curve.writeCSV(to: "\(out)/loss.csv")
    try curve.plot([("loss", Palette.blue)], top: curve.rows[0][1])
      .write(to: "\(out)/loss.png")
    try check(curve.rows[0][1], final)
  }

  /// A triangle in the plane z = 0.
  private func triangle(_ corners: SIMD2<Float>...) -> Mesh {
    let vertices: [Float] = corners.flatMap { [$0.x, $0.y, 0] }
    return Mesh(
      vertices: Tensor(vertices, shape: [3, 3]), faces: Tensor([Int32(0), 1, 2], shape: [1, 3]))
  }

  /// The same loss on a hard and on a soft picture: only the soft one knows a direction.
  private func compareGradients(
    _ scene: Scene<Mesh>, _ target: Tensor, _ camera: Camera,
    soft: (Scene<Mesh>) throws -> Tensor
  ) throws {
    let hard = try valueAndGradient(of: scene, withRespectTo: ["mesh.vertices"]) { scene in
      let picture = try HardRasterizer().render(scene, from: camera)[.color]
      return Loss.meanSquaredError(picture[.all, .all, 0], target)
    }
    let smooth = try valueAndGradient(of: scene, withRespectTo: ["mesh.vertices"], soft)
    for (name, result) in [("hard", hard), ("soft", smooth)] {
      let length = result.gradients["mesh.vertices"]!.norm().value
      print(
        String(
          format: "%@ picture: loss %.4f, |gradient| %.6f", name, result.value.value, length))
    }
  }

  private func report(_ step: Int, _ loss: Double) {
    print(String(format: "step %4d  loss %.6f", step, loss))
  }

  /// The promise of this example: the pictures end up all but equal.
  private func check(_ first: Double, _ last: Double) throws {
    guard last < first / 100 else {
      print("error: the loss went from \(first) to \(last), expected less than a hundredth")
      throw ExitCode.failure
    }
    print(String(format: "the loss fell to 1/%.0f; pictures are in %@", first / last, out))
  }
}
