import Lumigrad

/// A sphere whose vertices move within the cube from -1 to 1.
///
/// Each coordinate x of the start is written as ±sigmoid(b), and b is what moves: d is added to it.
/// The result then shifts with the centre c, itself in -1...1, so that the cube is still filled:
///
///     x' = ±sigmoid(b + d)        v = c + x' (1 - c) above the centre, c + x' (1 + c) below
///
/// The slope x'(1 - x') of the sigmoid makes steps small near the centre's planes, where a thin
/// body needs precision, and lets no vertex cross them: the surface cannot turn inside out there.
/// The parametrisation is that of S. Liu et al., "Soft Rasterizer", ICCV 2019.
struct DeformableSphere: Parameterized, Sendable {
  /// d, [V, 3].
  private(set) var displacement: Tensor
  /// atanh c, [1, 3].
  private(set) var centre: Tensor
  private let start: Mesh
  /// False: v = start + d, to compare.
  private let isBounded: Bool

  init(_ start: Mesh, isBounded: Bool = true) {
    self.start = start
    self.isBounded = isBounded
    displacement = .zeros(like: start.vertices)
    centre = .zeros([1, 3])
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> DeformableSphere {
    var result = self
    result.displacement = try transform("displacement", displacement)
    if isBounded { result.centre = try transform("centre", centre) }
    return result
  }

  var mesh: Mesh {
    var mesh = start
    mesh.vertices = isBounded ? boundedVertices() : start.vertices + displacement
    return mesh
  }

  private func boundedVertices() -> Tensor {
    // A coordinate of exactly 0 would need b = -∞.
    let size = start.vertices.abs().clamped(min: 1e-6, max: 1 - 1e-6)
    let logit = (size / (1 - size)).log()
    let inCube = (logit + displacement).sigmoid() * start.vertices.sign()
    let c = centre.tanh()
    return c + inCube.relu() * (1 - c) - (-inCube).relu() * (1 + c)
  }
}
