import ExampleSupport
import Foundation
import Lumigrad

/// How the object is photographed.
enum Capture: Sendable {
  /// Camera and lamps stand still, the object turns: 12 pictures.
  case turntable
  /// Object and lamps stand still, the camera walks around: the same 12 views of the object.
  case walkAround
  /// One picture.
  case single

  /// Where the camera is, and how the object has been turned [3, 3].
  struct Shot: Sendable {
    let camera: Camera
    let turn: Tensor
  }

  func shots(size: Int) -> [Shot] {
    let ring = (0..<8).map { (azimuth: Double($0) * 45, elevation: 15.0) }
    let ends = [(20.0, 60.0), (200, 60), (110, -40), (290, -40)]
    switch self {
    case .turntable: return (ring + ends).map { Self.onTable($0.0, $0.1, size) }
    case .walkAround: return (ring + ends).map { Self.aroundTable($0.0, $0.1, size) }
    case .single: return [Self.onTable(0, 15, size)]
    }
  }

  /// Views between those of the photographs.
  static func heldOut(size: Int) -> [Shot] {
    [(22.5, 35.0), (112.5, -10), (202.5, 35), (292.5, -10)].map { onTable($0.0, $0.1, size) }
  }

  /// The object turned by -azimuth: the camera sees its side at that azimuth.
  private static func onTable(_ azimuth: Double, _ elevation: Double, _ size: Int) -> Shot {
    let turn = Rotation.exponential(Tensor([0, Float(-radians(degrees: azimuth)), 0]))
    return Shot(camera: camera(0, elevation, size), turn: turn)
  }

  private static func aroundTable(_ azimuth: Double, _ elevation: Double, _ size: Int) -> Shot {
    Shot(camera: camera(azimuth, elevation, size), turn: .eye(3))
  }

  private static func camera(_ azimuth: Double, _ elevation: Double, _ size: Int) -> Camera {
    let (a, e) = (radians(degrees: azimuth), radians(degrees: elevation))
    return .perspective(
      from: SIMD3(sin(a) * cos(e), sin(e), cos(a) * cos(e)) * 4.5,
      verticalFieldOfView: radians(degrees: 34), width: size, height: size)
  }
}

/// A picture and which of its pixels count.
struct Photograph: Sendable {
  let shot: Capture.Shot
  /// [h, w, 3], linear.
  let image: Tensor
  /// [h, w, 1]: 1 where the object fills the pixel, else 0. At the border a pixel mixes the object
  /// with what lies behind it, and says little about either.
  let mask: Tensor

  /// Takes pictures unlike those that the fit draws: 4 × 4 samples a pixel and noise.
  static func take(
    _ look: Look, of shape: Mesh, _ shots: [Capture.Shot], noise: Double, seed: UInt64
  ) throws -> [Photograph] {
    var random = RandomGenerator(seed: seed)
    let noises = shots.map {
      random.normal([$0.camera.height, $0.camera.width, 3], deviation: noise)
    }
    return try concurrently(Array(zip(shots, noises))) { shot, noise in
      let output = try HardRasterizer(shader: .phong, channels: [.color, .alpha])
        .render(look.scene(shape, turn: shot.turn), from: shot.camera.enlarged(by: 4))
      let cover = try averaged(output[.alpha].expandingDims(at: 2), by: 4)
      return Photograph(
        shot: shot, image: try averaged(output[.color], by: 4) + noise,
        mask: (cover .> 0.999).cast(to: .float32))
    }
  }

  /// The mean of each square of `factor` × `factor` pixels.
  private static func averaged(_ image: Tensor, by factor: Int) -> Tensor {
    let (height, width) = (image.shape[0] / factor, image.shape[1] / factor)
    return image.reshaped([height, factor, width, factor, image.shape[2]]).mean(axes: [1, 3])
  }
}
