import Foundation
import Lumigrad

/// A body for runs without data: an egg with three bumps and a waist.
enum Subject {
  static func cloud(count: Int) throws -> PointCloud {
    var mesh = Mesh.icosphere(subdivisions: 4)
    let x = mesh.vertices
    func bump(_ centre: [Float], _ height: Double, _ width: Double) -> Tensor {
      ((x - Tensor(centre)).square().sum(axis: 1, keepDims: true) * (-1 / (width * width))).exp()
        * height
    }
    let radius =
      bump([0.7, 0.6, 0.3], 0.45, 0.45) + bump([-0.6, 0.7, 0.2], 0.4, 0.4)
      + bump([0, -0.4, 0.9], 0.35, 0.5) - bump([0, 0.1, -1], 0.2, 0.6) + 0.8
    mesh.vertices = x * radius * Tensor([Float(1), 1.15, 0.85])
    var random = RandomGenerator(seed: 4)
    let samples = try mesh.sampleSurface(count, using: &random)
    let normals = samples.interpolate(vertexValues: mesh.computedVertexNormals())
    return PointCloud(points: samples.points, normals: normals.normalized())
  }
}

/// Cameras all around the origin, evenly spread over the sphere.
struct Views {
  let cameras: [Camera]

  /// - Parameters:
  ///   - count: how many.
  ///   - size: pixels a side.
  ///   - phase: turns all of them about the vertical axis, in radians.
  init(count: Int, size: Int, phase: Double = 0) {
    cameras = (0..<count).map { index in
      let y = 1 - (2 * Double(index) + 1) / Double(count)
      let turn = Double(index) * Double.pi * (3 - 5.0.squareRoot()) + phase
      let flat = (1 - y * y).squareRoot()
      return Camera.perspective(
        from: [4 * flat * sin(turn), 4 * y, 4 * flat * cos(turn)],
        up: abs(y) > 0.95 ? [1, 0, 0] : [0, 1, 0], verticalFieldOfView: radians(degrees: 31),
        width: size, height: size)
    }
  }
}
