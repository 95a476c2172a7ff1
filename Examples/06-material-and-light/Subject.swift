import Foundation
import Lumigrad

/// What is photographed: a shape that is known, and the look that is to be found.
struct Subject: Sendable {
  let shape: Mesh
  /// The look that the photographs are made with.
  let truth: Look
  /// The resolution of the albedo to be found: [V, 3], or a texture smaller than the true one.
  let albedoShape: [Int]

  /// A lumpy ball with spots, coloured at its 2562 vertices.
  static func pebble() -> Subject {
    var mesh = Mesh.icosphere(subdivisions: 4)
    let directions = mesh.vertices.scalars(as: Float.self).map(Double.init)
    var positions: [Double] = []
    var colors: [Float] = []
    for i in stride(from: 0, to: directions.count, by: 3) {
      let v = SIMD3(directions[i], directions[i + 1], directions[i + 2])
      let lump = sin(2.1 * v.x + 0.4) * cos(2.6 * v.y - 0.9) + 0.6 * sin(3.4 * v.z + 2 * v.x)
      let p = v * (1 + 0.13 * lump)
      positions += [p.x, p.y, p.z]
      colors += paint(v)
    }
    mesh.vertices = Tensor(positions, shape: [positions.count / 3, 3]).cast(to: .float32)
    let albedo = Tensor(colors, shape: [colors.count / 3, 3])
    mesh.appearance = .vertexColors(albedo)
    return Subject(shape: mesh, truth: look(albedo), albedoShape: albedo.shape)
  }

  /// Ochre with blue spots and a red sash.
  private static func paint(_ v: SIMD3<Double>) -> [Float] {
    if abs(v.y + 0.45 * v.x - 0.15) < 0.13 { return [0.5, 0.08, 0.06] }
    let isSpot = (0..<26).contains { index in
      let y = 1 - 2 * (Double(index) + 0.5) / 26
      let turn = Double(index) * .pi * (3 - 5.0.squareRoot())
      let radius = (1 - y * y).squareRoot()
      let spot = SIMD3(radius * cos(turn), y, radius * sin(turn))
      return (spot * v).sum() > 0.972
    }
    return isSpot ? [0.1, 0.2, 0.45] : [0.55, 0.42, 0.2]
  }

  /// A mesh file with a texture, moved to the origin and scaled to a radius of 1.2.
  init(contentsOf path: String, textureSize: Int) throws {
    var mesh = try Mesh(contentsOf: path)
    guard case .texture(let image, _, _) = mesh.appearance else {
      throw ExampleError("\(path): expected a mesh with texture coordinates and a texture")
    }
    let low = mesh.vertices.min(axis: 0)
    let high = mesh.vertices.max(axis: 0)
    let centred = mesh.vertices - (low + high) * 0.5
    mesh.vertices = centred * (1.2 / centred.norm(axis: 1).max().value)
    // Black texels have no logarithm, and no pigment is that black.
    let truth = Subject.look(image.clamped(min: 0.02))
    self.init(shape: mesh, truth: truth, albedoShape: [textureSize, textureSize, 3])
  }

  private init(shape: Mesh, truth: Look, albedoShape: [Int]) {
    (self.shape, self.truth, self.albedoShape) = (shape, truth, albedoShape)
  }

  private static func look(_ albedo: Tensor) -> Look {
    Look(
      albedo: albedo, ambient: Tensor([Float(0.16), 0.18, 0.22]),
      specular: Tensor([Float(0.3), 0.3, 0.3]), shininess: Tensor(24, dtype: .float32),
      sunDirection: Tensor([Float(-0.7), 0.75, 0.6]),
      sunIntensity: Tensor([Float(0.85), 0.8, 0.7]),
      bulbPosition: Tensor([Float(1.7), -0.1, 1.5]),
      bulbIntensity: Tensor([Float(0.8), 1.0, 1.3]))
  }

  /// The same object without highlights.
  func matt() -> Subject {
    var look = truth
    look.specular = .full([3], 1e-6)
    return Subject(shape: shape, truth: look, albedoShape: albedoShape)
  }

  /// Where the search starts: grey, a little shiny, one lamp left and one right in front.
  func start() -> Look {
    Look(
      albedo: .full(albedoShape, 0.4), ambient: .full([3], 0.3), specular: .full([3], 0.1),
      shininess: Tensor(8, dtype: .float32), sunDirection: Tensor([Float(-0.4), 0.2, 1]),
      sunIntensity: .full([3], 0.6), bulbPosition: Tensor([Float(1), 0.5, 2.5]),
      bulbIntensity: .full([3], 2))
  }

  /// Lamps that no photograph was taken with: a red one behind, a green one above.
  func relit(_ look: Look) -> Look {
    var result = look
    result.sunDirection = Tensor([Float(0.9), 0.3, 0.25])
    result.sunIntensity = Tensor([Float(1), 0.6, 0.4])
    result.bulbPosition = Tensor([Float(-0.6), 1.9, 1.2])
    result.bulbIntensity = Tensor([Float(0.5), 1.1, 0.7])
    return result
  }
}

struct ExampleError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
