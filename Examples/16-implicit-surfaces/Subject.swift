import ExampleSupport
import Foundation
import Lumigrad

/// What is photographed: a ring and a ball that flow into one another.
enum Subject {
  static let background = Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z])

  /// The distance to the surface, about; negative inside.
  private static func distance(_ p: SIMD3<Double>) -> Double {
    // A ring that is tilted, and a ball on its rim.
    let (c, s) = (cos(0.45), sin(0.45))
    let q = SIMD3(p.x, c * p.y + s * p.z, c * p.z - s * p.y)
    let around = (q.x * q.x + q.z * q.z).squareRoot() - 0.5
    let ring = (around * around + q.y * q.y).squareRoot() - 0.17
    let apart = p - SIMD3(0.34, 0.32, 0.1)
    let ball = (apart * apart).sum().squareRoot() - 0.3
    // The polynomial smooth minimum.
    let blend = 0.12
    let share = min(max(0.5 + 0.5 * (ball - ring) / blend, 0), 1)
    return ball + (ring - ball) * share - blend * share * (1 - share)
  }

  private static func color(_ p: SIMD3<Double>) -> [Float] {
    let stripe = sin(9 * p.x + 4 * p.y) * sin(9 * p.z - 3 * p.y)
    let warm: SIMD3<Double> = [0.75, 0.35, 0.12]
    let cool: SIMD3<Double> = [0.1, 0.3, 0.55]
    let mixed = cool + (warm - cool) / (1 + exp(-6 * stripe))
    return [Float(mixed.x), Float(mixed.y), Float(mixed.z)]
  }

  /// The surface by marching cubes, coloured at its vertices.
  static func mesh() throws -> Mesh {
    let side = 97
    var values: [Float] = []
    values.reserveCapacity(side * side * side)
    func place(_ k: Int) -> Double { -1 + 2 * Double(k) / Double(side - 1) }
    for i in 0..<side {
      for j in 0..<side {
        for k in 0..<side { values.append(Float(distance(SIMD3(place(i), place(j), place(k))))) }
      }
    }
    let grid = VoxelGrid(
      values: Tensor(values, shape: [side, side, side]), quantity: .signedDistance,
      placement: .nodes)
    var mesh = try grid.surface()
    let places = mesh.vertices.scalars(as: Double.self)
    let colors = stride(from: 0, to: places.count, by: 3).flatMap {
      color(SIMD3(places[$0], places[$0 + 1], places[$0 + 2]))
    }
    mesh.appearance = .vertexColors(Tensor(colors, shape: [mesh.vertexCount, 3]))
    mesh.material.ambient = .full([3], 1)
    return mesh
  }

  static func scene() throws -> Scene<Mesh> {
    Scene(try mesh(), lights: lights, background: background)
  }

  /// Light from all sides, so that no view is dark.
  static let lights: [Light] = [
    .ambient(intensity: .full([3], 0.55)),
    .directional(
      direction: Tensor([Float(0.5), 0.9, 0.6]), intensity: .full([3], 0.5)),
    .directional(
      direction: Tensor([Float(-0.7), -0.4, -0.6]), intensity: .full([3], 0.25)),
  ]
}

/// Views of the subject, and what they show.
struct Capture: Sendable {
  let cameras: [Camera]
  /// [N, 3]: linear colours of all pixels, camera after camera, row after row.
  let colors: Tensor
  /// [N], from 0 to 1: how much of each pixel the subject covers.
  let coverage: Tensor
  /// int64 [M]: the pixels whose rays meet the unit ball.
  let pixels: Tensor

  /// Photographs with 4 × 4 samples a pixel.
  static func take(views: Int, size: Int) throws -> Capture {
    let cameras = (0..<views).map { index in
      let height = 1 - 2 * (Double(index) + 0.5) / Double(views)
      return camera(azimuth: Double(index) * .pi * (3 - 5.0.squareRoot()), height, size)
    }
    let scene = try Subject.scene()
    let images = try concurrently(cameras) { camera -> Tensor in
      let output = try HardRasterizer(shader: .phong, channels: [.color, .alpha])
        .render(scene, from: camera.enlarged(by: 4))
      let both = Tensor.concatenate(
        [try output[.color], try output[.alpha].expandingDims(at: 2)], axis: 2)
      return both.reshaped([size, 4, size, 4, 4]).mean(axes: [1, 3]).reshaped([-1, 4])
    }
    let all = Tensor.concatenate(images)
    let rays = PixelRays(of: cameras, pixels: .arange(all.shape[0], dtype: .int64))
    let meets = RayInterval(of: rays.rays, in: .ball(radius: 1)).isHit.scalars(as: Bool.self)
    return Capture(
      cameras: cameras, colors: all[.all, .range(0..<3)], coverage: all[.all, 3],
      pixels: Tensor(meets.indices.filter { meets[$0] }.map { Int64($0) }))
  }

  static func camera(azimuth: Double, _ height: Double, _ size: Int) -> Camera {
    let radius = (1 - height * height).squareRoot()
    return .perspective(
      from: SIMD3(radius * sin(azimuth), height, radius * cos(azimuth)) * 3,
      verticalFieldOfView: radians(degrees: 36), width: size, height: size)
  }
}
