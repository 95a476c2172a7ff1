import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Lumigrad
import Testing

/// Many lamps with shadow maps against a rectangular lamp with a triangle before it, whose light has
/// a closed form (truth-shadow-triangle).
struct ShadowTruthTests {
  static let truth = try! ReferenceCase(contentsOf: "\(fixtures)/truth-shadow-triangle.json")
  static let map = try! ShadowMapping(resolution: 96, filterRadius: 3)
  /// Lamps along each side.
  static let lamps = 12

  /// The blocker above a piece of the receiver.
  static func mesh(_ blocker: Tensor) -> Mesh {
    let receiver = Tensor([
      [-1.51, -1.53, 0], [1.55, -1.5, 0], [1.52, 1.54, 0], [-1.5, 1.57, 0.0],
    ])
    return Mesh(
      vertices: .concatenate([receiver, blocker]),
      faces: Tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6]] as [[Int32]]),
      appearance: .uniform(.ones([3], dtype: .float64)), material: Material(dtype: .float64))
  }

  /// [points]: L Σ cos cos'/r² over the lamps, each for its part of the area.
  static func irradiance(blocker: Tensor, shift: Tensor) throws -> Tensor {
    let points = try truth.tensor("points")
    let corners = try truth.tensor("light_corners_xy").scalars(as: Double.self)
    let height = try truth.tensor("light_height").value
    let (width, depth) = (corners[2] - corners[0], corners[5] - corners[1])
    let part = try truth.tensor("radiance").value * width * depth / Double(lamps * lamps)
    let mesh = mesh(blocker)
    var total = Tensor.zeros([points.shape[0], 1], dtype: .float64)
    for number in 0..<lamps * lamps {
      let (row, column) = number.quotientAndRemainder(dividingBy: lamps)
      let x = corners[0] + (Double(column) + 0.5) / Double(lamps) * width
      let y = corners[1] + (Double(row) + 0.5) / Double(lamps) * depth
      let position = Tensor([x, y, height]) + shift
      let toLamp = position - points
      let squared = (toLamp * toLamp).sum(axis: 1, keepDims: true)
      let z = toLamp.slice(axis: 1, from: 2, to: 3)
      let lamp = Light.point(
        position: position, intensity: .ones([3], dtype: .float64), falloff: .none)
      let visibility = try #require(map.visibility(of: lamp, past: mesh, at: points))
      total = total + visibility * (z * z) / (squared * squared) * part
    }
    return total.squeezed(axis: 1)
  }

  @Test func lampsAddUpToAnAreaLight() throws {
    let blocker = try Self.truth.tensor("blocker_vertices")
    let shift = Tensor.zeros([3], dtype: .float64)
    let product = try vectorJacobianProduct(at: [blocker, shift]) {
      [try Self.irradiance(blocker: $0[0], shift: $0[1])]
    }
    let exact = Self.truth.expected["irradiance"]!
    let error = ((product.values[0] - exact).norm() / exact.norm()).value
    let lit = try Self.irradiance(blocker: blocker - Tensor([0, 0, 5.0]), shift: shift)
    let without = ((lit - exact).norm() / exact.norm()).value
    #expect(error < 0.02 && without > 5 * error)
    let points = try Self.truth.tensor("points")
    let x = points.slice(axis: 1, from: 0, to: 1).squeezed(axis: 1)
    let y = points.slice(axis: 1, from: 1, to: 2).squeezed(axis: 1)
    let byVertices = Self.truth.expected["jac_blocker_vertices"]!.reshaped([-1, 9])
    let byShift = Self.truth.expected["jac_light_translation"]!
    for weight in [x, y, x * x - y, x * y, y * y + x] {
      let found = product.pullback([weight])
      for (a, jacobian) in [(found[0].flattened(), byVertices), (found[1], byShift)] {
        let b = (jacobian * weight.expandingDims(at: 1)).sum(axis: 0)
        let cosine = ((a * b).sum() / (a.norm() * b.norm())).value
        #expect(cosine > 0.98)
      }
    }
  }
}
