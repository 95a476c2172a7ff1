import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

@testable import LumiBenchmark

private let fixtures = #filePath.components(separatedBy: "/Tests/")[0] + "/Fixtures/reference/mesh"

/// Exact pictures and derivatives of flat scenes, from the reference vectors.
struct TruthVectorTests {
  /// Triangles at depths before an orthographic camera, with the colours of the vector's grey.
  static func scene(
    _ vertices: Tensor, faces: [[Int32]], colors: MeshAppearance, background: Double, size: Int,
    depths: [Double]
  ) -> (Scene<Mesh>, Camera) {
    let z = Tensor(depths.map { -$0 }, shape: [depths.count, 1])
    let mesh = Mesh(
      vertices: .concatenate([vertices, z], axis: 1), faces: Tensor(faces), appearance: colors)
    let camera = Camera.orthographic(
      from: [0, 0, 0], visibleHeight: 2, width: size, height: size, dtype: .float64)
    var facing = camera
    // Looks along -z of the world from the origin: camera z is the depth.
    facing.rotation = Tensor([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])
    facing.translation = .zeros([3], dtype: .float64)
    return (Scene(mesh, background: .full([3], background, dtype: .float64)), facing)
  }

  static func grey(_ values: [Double]) -> MeshAppearance {
    .vertexColors(Tensor(values.flatMap { [$0, $0, $0] }, shape: [values.count, 3]))
  }

  static func truth(
    _ point: Tensor, channel: RenderChannel = .color,
    _ build: (Tensor) -> (Scene<Mesh>, Camera)
  ) throws -> Truth {
    try exactTruth(
      of: build, at: point.scalars(as: Double.self), channel: channel,
      shader: GradientProblem.shader, tolerance: 1e-4)
  }

  /// |a - b| / |b| of the first channel.
  static func difference(_ a: Tensor, _ b: Tensor) -> Double {
    let plane = a.slice(axis: 2, from: 0, to: 1).squeezed(axis: 2)
    return (plane - b).norm().value / b.norm().value
  }

  @Test(arguments: ["triangle", "disc"])
  func flatPolygonInClosedFormAndByLines(_ name: String) throws {
    let vector = try ReferenceCase(contentsOf: "\(fixtures)/truth-coverage-\(name).json")
    let vertices = try vector.tensor("vertices")
    let count = vertices.shape[0]
    let faces: [[Int32]] =
      name == "triangle"
      ? [[0, 1, 2]]
      : try vector.tensor("faces").reshaped([-1, 3]).scalars(as: Double.self)
        .map { Int32($0) }.chunks(of: 3)
    let (value, background) = (try vector.number("value"), try vector.number("background"))
    let size = try vector.integer("image_size")
    let build = { (shift: Tensor) in
      Self.scene(
        vertices + shift, faces: faces,
        colors: Self.grey([Double](repeating: value, count: count)), background: background,
        size: size, depths: [Double](repeating: 2, count: count))
    }
    let start = Tensor([0.0, 0])
    let alpha = try Self.truth(start, channel: .alpha, build)
    let color = try Self.truth(start, build)
    #expect(alpha.method == "closed form")
    #expect(color.method.hasPrefix("line sampling"))
    let expected = vector.expected["image"]!
    let coverage = alpha.image * (value - background) + background
    #expect(Self.difference(coverage, expected) < 1e-10)
    #expect(Self.difference(color.image, expected) < 1e-4)
    let jacobian = vector.expected["jac_translation"]!
    for axis in 0..<2 {
      let exact = jacobian.slice(axis: 2, from: axis, to: axis + 1).squeezed(axis: 2)
      #expect(Self.difference(alpha.jacobian[axis] * (value - background), exact) < 1e-8)
      #expect(Self.difference(color.jacobian[axis], exact) < 1e-6)
      // A flipped boundary term must not pass.
      #expect(Self.difference(-color.jacobian[axis], exact) > 1)
    }
  }

  @Test func triangleBeforeAnotherOne() throws {
    let vector = try ReferenceCase(contentsOf: "\(fixtures)/truth-coverage-two.json")
    let vertices = Tensor.concatenate([
      try vector.tensor("front_vertices"), try vector.tensor("back_vertices"),
    ])
    let (front, back) = (try vector.number("front_value"), try vector.number("back_value"))
    let background = try vector.number("background")
    let size = try vector.integer("image_size")
    let truth = try Self.truth(vertices.flattened()) { theta in
      Self.scene(
        theta.reshaped([6, 2]), faces: [[0, 1, 2], [3, 4, 5]],
        colors: Self.grey([front, front, front, back, back, back]), background: background,
        size: size, depths: [2, 2, 2, 4, 4, 4])
    }
    #expect(Self.difference(truth.image, vector.expected["image"]!) < 2e-4)
    for (name, offset) in [("jac_front_vertices", 0), ("jac_back_vertices", 6)] {
      let jacobian = vector.expected[name]!.reshaped([size, size, 6])
      for k in 0..<6 {
        let exact = jacobian.slice(axis: 2, from: k, to: k + 1).squeezed(axis: 2)
        #expect(Self.difference(truth.jacobian[offset + k], exact) < 1e-5, "\(name) \(k)")
      }
    }
  }

  @Test func shadedTriangle() throws {
    let vector = try ReferenceCase(contentsOf: "\(fixtures)/truth-gouraud-triangle.json")
    let vertices = try vector.tensor("vertices")
    let values = try vector.tensor("vertex_values")
    let background = try vector.number("background")
    let size = try vector.integer("image_size")
    let truth = try Self.truth(.concatenate([vertices.flattened(), values])) { theta in
      let greys = theta.slice(axis: 0, from: 6, to: 9).reshaped([3, 1]).broadcast(to: [3, 3])
      return Self.scene(
        theta.slice(axis: 0, from: 0, to: 6).reshaped([3, 2]), faces: [[0, 1, 2]],
        colors: .vertexColors(greys), background: background, size: size, depths: [2, 2, 2])
    }
    #expect(Self.difference(truth.image, vector.expected["image"]!) < 2e-4)
    let expected = Tensor.concatenate(
      [
        vector.expected["jac_vertices"]!.reshaped([size, size, 6]),
        vector.expected["jac_vertex_values"]!,
      ], axis: 2)
    for k in 0..<9 {
      let exact = expected.slice(axis: 2, from: k, to: k + 1).squeezed(axis: 2)
      #expect(Self.difference(truth.jacobian[k], exact) < 1e-3, "\(k)")
    }
  }
}

extension Array {
  fileprivate func chunks(of size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
  }
}
