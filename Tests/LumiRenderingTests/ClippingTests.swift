import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Triangles cut at z = near, against closed forms.
struct ClippingTests {
  static let one = Tensor([[0, 1, 2]] as [[Int32]])

  static func area(_ corners: Tensor) -> Double {
    let a = corners[.all, .index(0)]
    let cross = Tensor.cross(corners[.all, .index(1)] - a, corners[.all, .index(2)] - a)
    return (cross.norm(axis: 1) * 0.5).sum().value
  }

  static func clip(_ points: Tensor, near: Double) throws -> (Tensor, NearPlaneClipping) {
    let clipping = try #require(NearPlaneClipping(points: points, faces: one, near: near))
    return (clipping.corners(of: points.gather(one)), clipping)
  }

  @Test func untouchedIsNil() {
    let points = Tensor([[0.0, 0, 1], [1, 0, 2], [0, 1, 3]])
    #expect(NearPlaneClipping(points: points, faces: Self.one, near: 1) == nil)
    #expect(NearPlaneClipping(points: points, faces: Self.one, near: 0.5) == nil)
  }

  @Test func whollyBehindVanishes() throws {
    let points = Tensor([[0.0, 0, 1], [1, 0, -2], [0, 1, 0]])
    let (corners, clipping) = try Self.clip(points, near: 1.5)
    #expect(corners.shape == [0, 3, 3])
    #expect(clipping.sourceFaces.shape == [0])
    #expect(clipping.corners(of: .zeros([1, 3, 2], dtype: .float64)).shape == [0, 3, 2])
  }

  /// One corner in front at depth 3, two behind at depth -1, near 1: half the height remains, a
  /// quarter of the area. Turned: a quarter goes.
  @Test(arguments: [0, 1, 2])
  func areasAreThoseOfSimilarTriangles(_ turn: Int) throws {
    let points: [[Double]] = [[0, 0, 3], [2, 0, -1], [0, 1, -1]]
    func turned(_ flip: Bool) -> Tensor {
      Tensor(
        (0..<3).map { k in
          var p = points[(k + turn) % 3]
          if flip { p[2] = 2 - p[2] }
          return p
        })
    }
    let whole = Self.area(turned(false).gather(Self.one))
    let (tip, tipClipping) = try Self.clip(turned(false), near: 1)
    #expect(tip.shape[0] == 1)
    #expect(abs(Self.area(tip) - whole / 4) < 1e-12)
    #expect(tipClipping.sourceFaces.scalars(as: Int32.self) == [0])
    let (base, baseClipping) = try Self.clip(turned(true), near: 1)
    #expect(base.shape[0] == 2)
    #expect(abs(Self.area(base) - whole * 3 / 4) < 1e-12)
    #expect(baseClipping.sourceFaces.scalars(as: Int32.self) == [0, 0])
  }

  /// Every part keeps the orientation, every corner is at or before the plane.
  @Test func randomTrianglesKeepPlaneAndOrientation() throws {
    var random = RandomGenerator(seed: 8)
    for _ in 0..<200 {
      let points = random.uniform([3, 3], low: -1, dtype: .float64)
      guard let clipping = NearPlaneClipping(points: points, faces: Self.one, near: 0.1) else {
        continue
      }
      let parts = clipping.corners(of: points.gather(Self.one))
      let z = parts.slice(axis: 2, from: 2, to: 3).scalars(as: Double.self)
      #expect(z.allSatisfy { $0 >= 0.1 - 1e-12 })
      func normals(_ corners: Tensor) -> Tensor {
        let a = corners[.all, .index(0)]
        return Tensor.cross(corners[.all, .index(1)] - a, corners[.all, .index(2)] - a)
      }
      let whole = normals(points.gather(Self.one))
      let along = (normals(parts) * whole).sum(axis: 1).scalars(as: Double.self)
      #expect(along.allSatisfy { $0 >= 0 })
    }
  }

  /// An attribute that is linear in space is the same function at the new corners.
  @Test func attributesAreInterpolated() throws {
    let points = Tensor([[0.3, 0.2, 3], [2, -1, -1], [0.5, 1, 0.2]])
    let (corners, clipping) = try Self.clip(points, near: 1)
    func linear(_ x: Tensor) -> Tensor { x.matmul(Tensor([[2.0], [-1], [0.5]])) + 0.25 }
    let found = clipping.corners(of: linear(points).gather(Self.one))
    #expect(
      (found - linear(corners.reshaped([-1, 3])).reshaped(found.shape)).abs().max().value < 1e-12)
  }

  /// Faces before, through and behind the plane; shared corners; rows tell where they came from.
  @Test func provenance() throws {
    let points = Tensor([[0.0, 0, 2], [1, 0, 2], [0, 1, 2], [0, 1, 0], [1, 1, 0], [2, 1, 0]])
    let faces = Tensor([[3, 4, 5], [0, 1, 2], [0, 3, 4], [0, 1, 3]] as [[Int32]])
    let clipping = try #require(NearPlaneClipping(points: points, faces: faces, near: 1))
    #expect(clipping.sourceFaces.scalars(as: Int32.self) == [1, 2, 3, 3])
    let identity = Tensor.arange(4, dtype: .float64).reshaped([4, 1, 1]).broadcast(to: [4, 3, 1])
    #expect(
      clipping.corners(of: identity).scalars(as: Double.self)
        == [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3])
  }

  @Test func derivativesThroughTheCutAreExact() throws {
    let points = Tensor([[0.3, 0.2, 3], [2, -1, -1], [0.5, 1, 0.2]])
    try checkGradients(at: [points, points * 2], steps: [1e-5]) { inputs in
      let clipping = NearPlaneClipping(points: inputs[0], faces: Self.one, near: 1)!
      return Tensor.concatenate([
        clipping.corners(of: inputs[0].gather(Self.one)),
        clipping.corners(of: inputs[1].gather(Self.one)),
      ])
    }
  }

  @Test func projectedMeshFollowsItsClipping() {
    var camera = Camera.orthographic(
      from: [0, 0, 3], visibleHeight: 2, width: 4, height: 4, dtype: .float64)
    camera.near = 3
    let mesh = Mesh(
      vertices: Tensor([[0.0, 0, 1], [1, 0, -1], [0, 1, -1]]), faces: Self.one)
    let projected = ProjectedMesh(mesh, from: camera)
    #expect(projected.faceCount == 2)
    #expect(projected.sourceFaces.scalars(as: Int32.self) == [0, 0])
    let colors = Tensor([[0.5, 1]])
    #expect(projected.faces(of: colors).shape == [2, 2])
    camera.near = 1
    let whole = ProjectedMesh(mesh, from: camera)
    #expect(whole.clipping == nil && whole.faceCount == 1)
    // Orthographic, 2 units high, 4 pixels: world x and y are the screen's.
    #expect(
      whole.corners.scalars(as: Double.self) == [0, 0, 2, 1, 0, 4, 0, 1, 4])
  }
}
