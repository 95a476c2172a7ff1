import Foundation
import LumiScene
import LumiTensor

extension GaussianCloud: BenchmarkShape {
  /// Bodies as flat Gaussians on their surfaces.
  ///
  /// The form's triangles are cut across their longest edges until none is longer than 1.4/2^detail
  /// of the form's own units. Each becomes one surfel where the body puts it: in its plane, along its
  /// longest edge and across it as wide as the triangle, and so opaque that the layer covers what is
  /// behind it. Scales follow the triangle as it grows and bends. Colours are the body's in the
  /// triangle's middle. Surfels of solids lie below the surface by 1.4 of their standard deviations: on
  /// it, a sphere of radius 0.9 looks 27% too large in area to the problems' cameras, below it 1%.
  public static func representing(
    _ bodies: [Body], material: Material, detail: Int
  ) throws -> GaussianCloud {
    let parts = bodies.map { $0.gaussians(detail: $0.detail ?? detail) }
    var whole = parts.dropFirst().reduce(parts[0]) { $0.appending($1) }
    whole.material = material
    return whole
  }

  public var primitiveCount: Int { count }
}

extension Body {
  /// How much wider surfels are than the triangles that they stand for, to close the gaps.
  private static let widening = 1.5
  /// How far below the surface of a solid they lie, in standard deviations.
  private static let inset = 1.4
  private static let opacity = 0.95

  fileprivate func gaussians(detail: Int) -> GaussianCloud {
    let corners = cutTriangles(longestEdge: 1.4 / Double(1 << min(detail, 20)), detail: detail)
    let count = corners.shape[0]
    let middles = color(at: corners.mean(axis: 1))
    let world = placed(corners.reshaped([count * 3, 3])).reshaped([count, 3, 3])
    func corner(_ k: Int) -> Tensor { world.slice(axis: 1, from: k, to: k + 1).squeezed(axis: 1) }
    // The longest edge goes from corner 0 to corner 1.
    let edge = corner(1) - corner(0)
    let along = edge.unitVectors()
    let normal = Tensor.cross(edge, corner(2) - corner(0)).unitVectors()
    let across = Tensor.cross(normal, along)
    let height = ((corner(2) - corner(0)) * across).sum(axis: 1)
    // The standard deviations of an even density on an isosceles triangle.
    let deviations = [
      edge.norm(axis: 1) * (Self.widening / 24.0.squareRoot()),
      height * (Self.widening / 18.0.squareRoot()),
    ]
    // Their harmonic mean, which stays small on long triangles such as a rod's.
    let mean = deviations[0] * deviations[1] / (deviations[0] + deviations[1]) * 2
    let depth = form == .square ? Tensor.zeros(like: mean) : mean * Self.inset
    return GaussianCloud(
      positions: world.mean(axis: 1) - normal * depth.expandingDims(at: 1),
      logScales: Tensor.stack(deviations, axis: 1).log(),
      rotations: Rotation.quaternion(matrix: .stack([along, across, normal], axis: 2)),
      opacityLogits: .full(
        [count], Foundation.log(Self.opacity / (1 - Self.opacity)), dtype: world.dtype),
      harmonics: GaussianCloud.harmonics(ofColors: middles))
  }

  /// The form's own surface as triangles [T, 3, 3], the longest edge between the first two corners.
  private func cutTriangles(longestEdge: Double, detail: Int) -> Tensor {
    let surface = surface(detail: detail)
    let values = surface.vertices.gather(surface.faces).scalars(as: Double.self)
    var open = (0..<surface.faceCount).map { face in
      (0..<3).map { k in
        SIMD3(values[9 * face + 3 * k], values[9 * face + 3 * k + 1], values[9 * face + 3 * k + 2])
      }
    }
    var done: [Double] = []
    var count = 0
    while let triangle = open.popLast() {
      let lengths = (0..<3).map { distance(triangle[$0], triangle[($0 + 1) % 3]) }
      let first = lengths.firstIndex(of: lengths.max()!)!
      let (a, b) = (triangle[first], triangle[(first + 1) % 3])
      let c = triangle[(first + 2) % 3]
      guard lengths[first] > longestEdge else {
        for point in [a, b, c] { done += [point.x, point.y, point.z] }
        count += 1
        continue
      }
      let middle = (a + b) / 2
      open.append([a, middle, c])
      open.append([middle, b, c])
    }
    return Tensor(done, shape: [count, 3, 3])
  }

  private func distance(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
    ((a - b) * (a - b)).sum().squareRoot()
  }
}
