import ExampleSupport
import Lumigrad

/// Pictures of portraits, smooth, on the paper of the examples.
struct Studio {
  let model: FaceModel
  var size = 160

  /// What is drawn of a portrait.
  enum Show: CaseIterable {
    /// As the target sees it; the albedo alone; a white head in its light; from the side; in a new
    /// light.
    case target, albedo, shading, side, relit
  }

  /// One row: all that a portrait explains apart.
  func row(_ portrait: Portrait) throws -> [Canvas] {
    try Show.allCases.map { try draw(portrait, $0) }
  }

  func draw(_ portrait: Portrait, _ show: Show) throws -> Canvas {
    var scene = portrait.scene(model)
    var eye: SIMD3<Double> = [0, 0, 6]
    switch show {
    case .target: break
    case .albedo: scene.lights = []
    case .shading: scene.shape.appearance = .uniform(Tensor([Float(0.6), 0.6, 0.6]))
    case .side: eye = [-4.6, 0.6, 3.8]
    case .relit:
      let lamp = Portrait.light(
        ambient: 0.15, from: [[0.2, 1, 0.4]], colors: [[0.6, 0.8, 1.1]])
      scene.lights = [.sphericalHarmonics(coefficients: lamp)]
    }
    scene.background = Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z])
    let shader = Shader(evaluation: .fragment, reflection: .lambert)
    let image = try HardRasterizer(shader: shader, channels: [.color]).render(
      scene, from: Target.camera(from: eye, size: size * 2))[.color]
    return Canvas(image.pooled(2))
  }

  /// Heads of the model: the average, and both ends of some axes, two standard deviations out.
  func family() throws -> Canvas {
    let average = Portrait(average: model)
    var parts: [Canvas] = []
    for sign in [-2.0, 2] {
      func moved(_ path: String, _ axis: Int) throws -> Portrait {
        let values = try average.parameter(path)
        let unit = (Tensor.arange(values.count) .== Tensor(Double(axis), dtype: .int32))
        return try average.replacing([path: unit.cast(to: .float32) * sign])
      }
      for (path, axis) in [
        ("identity", 0), ("identity", 3), ("identity", 6), ("expression", 0), ("expression", 1),
        ("skin", 0), ("skin", 2),
      ] {
        parts.append(try draw(try moved(path, axis), .target))
      }
    }
    return Canvas.sheet(parts, columns: 7)
  }
}
