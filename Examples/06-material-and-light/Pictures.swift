import ExampleSupport
import Lumigrad

/// One kind of picture of a look.
enum Part: String, CaseIterable {
  case all, albedo
  case diffuse = "light"
  case highlights

  func draw(_ look: Look, _ shape: Mesh, _ shot: Capture.Shot) throws -> Tensor {
    var look = look
    let renderer = HardRasterizer(
      shader: self == .albedo || self == .diffuse
        ? Shader(evaluation: .fragment, reflection: .lambert) : .phong, channels: [.color])
    switch self {
    case .all: break
    case .albedo:
      return try draw(renderer, look.unlitScene(shape, turn: shot.turn), shot)
    case .diffuse: look.albedo = .full(look.albedo.shape, 0.5)
    case .highlights:
      look.albedo = .zeros(look.albedo.shape)
    }
    return try draw(renderer, look.scene(shape, turn: shot.turn), shot)
  }

  /// Twice as fine as asked, each pixel the mean of four, on paper.
  private func draw(
    _ renderer: HardRasterizer, _ scene: Scene<Mesh>, _ shot: Capture.Shot
  ) throws -> Tensor {
    var scene = scene
    if self != .highlights {
      scene.background = Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z])
    }
    let fine = try renderer.render(scene, from: shot.camera.enlarged(by: 2))[.color]
    let (height, width) = (shot.camera.height, shot.camera.width)
    return fine.reshaped([height, 2, width, 2, 3]).mean(axes: [1, 3])
  }
}

extension Experiment.Outcome {
  private var shape: Mesh { experiment.subject.shape }
  private var truth: Look { experiment.subject.truth }

  /// Photographs, what the found look gives, and ten times the difference.
  func photographSheet() throws -> Canvas {
    let chosen = photographs.count < 12 ? photographs : [0, 2, 4, 9, 11].map { photographs[$0] }
    let renderer = HardRasterizer(shader: .phong, channels: [.color])
    let drawn = try chosen.map {
      try renderer.render(found.scene(shape, turn: $0.shot.turn), from: $0.shot.camera)[.color]
    }
    let differences = zip(chosen, drawn).map { ($0.image - $1) * $0.mask * 10 + 0.5 }
    return Canvas.column([
      row("photographs", chosen.map(\.image)), row("what was found", drawn),
      row("10 x the difference + grey", differences),
    ])
  }

  /// True and found parts of a picture from a new view.
  func partSheet(size: Int) throws -> Canvas {
    let shot = Capture.heldOut(size: size)[0]
    func parts(_ name: String, _ look: Look) throws -> Canvas {
      Canvas.sheet(
        try Part.allCases.map {
          Canvas(try $0.draw(look, shape, shot)).captioned("\(name): \($0.rawValue)")
        }, columns: Part.allCases.count)
    }
    return Canvas.column([try parts("true", truth), try parts("found", calibrated)])
  }

  /// The true albedo and new light, and what was found, with four times the difference.
  func comparison(size: Int) throws -> Canvas {
    let shot = Capture.heldOut(size: size)[0]
    let subject = experiment.subject
    func pair(_ name: String, _ real: Tensor, _ found: Tensor) -> [Canvas] {
      [
        Canvas(real).captioned("true, \(name)"), Canvas(found).captioned("found"),
        Canvas((found - real) * 4 + 0.5).captioned("4 x error"),
      ]
    }
    let albedo = try [truth, calibrated].map { try Part.albedo.draw($0, shape, shot) }
    let relit = try [truth, calibrated].map {
      try Part.all.draw(subject.relit($0), shape, shot)
    }
    let parts = pair("albedo", albedo[0], albedo[1]) + pair("relit", relit[0], relit[1])
    return Canvas.sheet(parts, columns: 6).captioned(experiment.name)
  }

  private func row(_ caption: String, _ images: [Tensor]) -> Canvas {
    Canvas.sheet(images.map { Canvas($0) }, columns: images.count).captioned(caption)
  }
}
