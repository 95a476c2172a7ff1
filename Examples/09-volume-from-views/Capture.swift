import ExampleSupport
import Foundation
import Lumigrad

/// What is photographed: a striped ring and a spotted ball in it, both glazed.
enum Subject {
  static let background = Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z])

  static func scene() -> Scene<Mesh> {
    let ring = painted(
      .torus(majorRadius: 0.72, minorRadius: 0.24, majorSegments: 96, minorSegments: 40),
      turned: radians(degrees: 25)
    ) { v in
      let turn = atan2(v.x, v.z) + 1.6 * v.y
      return sin(turn * 5) > 0 ? [0.62, 0.16, 0.05] : [0.75, 0.6, 0.3]
    }
    let ball = painted(.icosphere(subdivisions: 4, radius: 0.36), turned: 0) { v in
      sin(v.x * 11) * sin(v.y * 11 + 0.7) * sin(v.z * 11) > 0.12
        ? [0.75, 0.75, 0.7] : [0.04, 0.17, 0.4]
    }
    var mesh = joined(ring, ball)
    mesh.material.ambient = .full([3], 1)
    mesh.material.specular = .full([3], 0.45)
    mesh.material.shininess = Tensor(12, dtype: .float32)
    return Scene(
      mesh,
      lights: [
        .ambient(intensity: .full([3], 0.35)),
        .directional(
          direction: Tensor([Float(0.5), 0.9, 0.6]), intensity: Tensor([Float(0.75), 0.7, 0.62])),
        .directional(
          direction: Tensor([Float(-0.8), 0.1, -0.4]), intensity: Tensor([Float(0.15), 0.2, 0.3])),
      ], background: background)
  }

  /// A mesh tilted about the x axis, its colours a function of where a point was before.
  private static func painted(
    _ mesh: Mesh, turned angle: Double, _ color: (SIMD3<Double>) -> [Float]
  ) -> Mesh {
    let places = mesh.vertices.scalars(as: Float.self).map(Double.init)
    let colors = stride(from: 0, to: places.count, by: 3).flatMap {
      color(SIMD3(places[$0], places[$0 + 1], places[$0 + 2]))
    }
    let turn = Rotation.exponential(Tensor([Float(angle), 0, 0]))
    return Mesh(
      vertices: mesh.vertices.matmul(turn.transposed()), faces: mesh.faces,
      appearance: .vertexColors(Tensor(colors, shape: [mesh.vertexCount, 3])))
  }

  private static func joined(_ a: Mesh, _ b: Mesh) -> Mesh {
    guard case .vertexColors(let colorsA) = a.appearance,
      case .vertexColors(let colorsB) = b.appearance
    else { fatalError("meshes are painted before they are joined") }
    return Mesh(
      vertices: .concatenate([a.vertices, b.vertices]),
      faces: .concatenate([a.faces, b.faces + Double(a.vertexCount)]),
      appearance: .vertexColors(.concatenate([colorsA, colorsB])))
  }
}

/// Views of the subject with their pictures.
struct Capture: Sendable {
  let cameras: [Camera]
  /// [H, W, 3] each, linear.
  let images: [Tensor]

  /// Photographs with 4 × 4 samples a pixel.
  static func take(_ cameras: [Camera]) throws -> Capture {
    let scene = Subject.scene()
    let images = try concurrently(cameras) { camera in
      let fine = try HardRasterizer(shader: .phong, channels: [.color])
        .render(scene, from: camera.enlarged(by: 4))[.color]
      return fine.reshaped([camera.height, 4, camera.width, 4, 3]).mean(axes: [1, 3])
    }
    return Capture(cameras: cameras, images: images)
  }

  /// Cameras all around, on a spiral from pole to pole.
  static func around(_ count: Int, size: Int) -> [Camera] {
    (0..<count).map { index in
      let height = 1 - 2 * (Double(index) + 0.5) / Double(count)
      return camera(azimuth: Double(index) * .pi * (3 - 5.0.squareRoot()), height, size)
    }
  }

  /// Cameras between those of ``around(_:size:)``.
  static func heldOut(size: Int) -> [Camera] {
    [(0.4, 0.3), (1.5, -0.2), (2.6, 0.6), (3.5, 0.05), (4.6, -0.5), (5.6, 0.35)].map {
      camera(azimuth: $0.0, $0.1, size)
    }
  }

  static func camera(azimuth: Double, _ height: Double, _ size: Int) -> Camera {
    let radius = (1 - height * height).squareRoot()
    return .perspective(
      from: SIMD3(radius * sin(azimuth), height, radius * cos(azimuth)) * 3.6,
      verticalFieldOfView: radians(degrees: 36), width: size, height: size)
  }

  /// All pixels, [N, 3], camera after camera.
  var pixels: Tensor { Tensor.concatenate(images.map { $0.reshaped([-1, 3]) }) }
}
