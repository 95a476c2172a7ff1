import Foundation
import Lumigrad

/// The classes that the network tells apart.
enum ShapeClass: Int, CaseIterable, Sendable {
  case ball, cube, octahedron, cylinder, cone, torus

  var name: String { "\(self)" }

  /// The class's mesh, about one unit in radius.
  ///
  /// All but the torus are a ball whose vertices are moved along their rays to the surface, so that
  /// faces are small everywhere and vertices can dent any part.
  func mesh() -> Mesh {
    if self == .torus {
      return .torus(majorRadius: 0.72, minorRadius: 0.3, majorSegments: 32, minorSegments: 16)
    }
    var mesh = Mesh.icosphere(subdivisions: 3)
    let directions = mesh.vertices.scalars(as: Float.self)
    let positions = stride(from: 0, to: directions.count, by: 3).flatMap { i -> [Float] in
      let v = SIMD3(directions[i], directions[i + 1], directions[i + 2])
      let p = v * distance(along: v)
      return [p.x, p.y, p.z]
    }
    mesh.vertices = Tensor(positions, shape: [positions.count / 3, 3])
    return mesh
  }

  /// From the origin to the surface along a unit vector.
  ///
  /// A solid is where none of some functions exceeds 1, each growing in proportion along a ray. Were
  /// their maximum taken, edges would be sharp and fall between vertices, which makes them ragged;
  /// the 12-norm rounds them a little.
  private func distance(along v: SIMD3<Float>) -> Float {
    1 / pow(limits(v).reduce(0) { $0 + pow(max($1, 0), 12) }, 1 / 12)
  }

  private func limits(_ v: SIMD3<Float>) -> [Float] {
    let radius = (v.x * v.x + v.z * v.z).squareRoot()
    switch self {
    case .ball: return [1 / 0.9]
    case .cube: return [abs(v.x) / 0.7, abs(v.y) / 0.7, abs(v.z) / 0.7]
    case .octahedron:
      return [-1, 1].flatMap { x in [-1, 1].map { y in (x * v.x + y * v.y + abs(v.z)) / 1.15 } }
    case .cylinder: return [radius / 0.65, abs(v.y) / 0.85]
    // The base at y = -0.6, the tip at y = 1.
    case .cone: return [-v.y / 0.6, (radius + 0.5 * v.y) / 0.5]
    case .torus: return [1]
    }
  }
}

/// One thing to classify: a shape in a pose in a light.
struct Sample: Sendable {
  let label: ShapeClass
  var mesh: Mesh
  /// [9]: spherical harmonics of white light, the same for red, green and blue.
  var light: Tensor

  /// A random class, pose, stretch and light.
  static func random(_ lights: LightRange, _ random: inout RandomGenerator) -> Sample {
    let label = ShapeClass.allCases.randomElement(using: &random)!
    var mesh = label.mesh()
    let turn = Double.random(in: 0..<2 * .pi, using: &random)
    let (tiltX, tiltZ) = (tilt(&random), tilt(&random))
    let pose = Rotation.exponential(Tensor([tiltX, 0, tiltZ]))
      .matmul(Rotation.exponential(Tensor([0, Float(turn), 0])))
    let stretch = random.uniform([3], low: 0.88, high: 1.12)
    mesh.vertices = (mesh.vertices * stretch).matmul(pose.transposed())
    return Sample(label: label, mesh: mesh, light: lights.draw(&random))
  }

  private static func tilt(_ random: inout RandomGenerator) -> Float {
    Float.random(in: -0.45...0.45, using: &random)
  }

  static func set(_ count: Int, _ lights: LightRange, seed: UInt64) -> [Sample] {
    var generator = RandomGenerator(seed: seed)
    return (0..<count).map { _ in random(lights, &generator) }
  }
}

/// What is seen: 32 × 32 grey pixels from one camera.
struct Studio: Sendable {
  static let size = 32
  static let camera = Camera.perspective(
    from: [0, 1.6, 3.7], verticalFieldOfView: radians(degrees: 34), width: size, height: size)
  /// World units a pixel at the distance of the object's centre.
  static let unitsPerPixel =
    2 * (1.6 * 1.6 + 3.7 * 3.7).squareRoot() * tan(0.5 * 34 * .pi / 180) / Double(size)

  var renderer: any Renderer<Mesh> = AntialiasedRasterizer(channels: [.color])
  /// Pixels are cut into this many squared before they are averaged.
  var samples = 1

  func scene(_ sample: Sample) -> Scene<Mesh> {
    let coefficients = sample.light.expandingDims(at: 1).repeated(3, axis: 1)
    return Scene(
      sample.mesh, lights: [.sphericalHarmonics(coefficients: coefficients)],
      background: .full([3], 0.25))
  }

  /// [32, 32]: the sample's picture, differentiable in its vertices and its light.
  func picture(_ sample: Sample) throws -> Tensor {
    let camera = samples == 1 ? Self.camera : Self.camera.enlarged(by: samples)
    let grey = try renderer.render(scene(sample), from: camera)[.color]
      .slice(axis: 2, from: 0, to: 1)
    return grey.reshaped([Self.size, samples, Self.size, samples]).mean(axes: [1, 3])
  }
}
