import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Lights and meshes that break careless shadow maps.
struct ShadowDegenerateTests {
  static func point(_ position: [Double]) -> Light {
    .point(position: Tensor(position), intensity: .ones([3], dtype: .float64), falloff: .none)
  }

  static func direction(_ direction: [Double]) -> Light {
    .directional(direction: Tensor(direction), intensity: .ones([3], dtype: .float64))
  }

  static let lights: [(String, Light)] = [
    ("in the caster's plane", point([0, 1.0875, 0.025])),
    ("at a vertex", point(ShadowScenes.square[0])),
    ("at a ground vertex", point(ShadowScenes.ground[0])),
    ("at the middle of the bounds", point([0.05, 0.6, -0.05])),
    ("below the ground", point([0.3, -2, 0.1])),
    ("in the ground", point([0.3, 0, 0.1])),
    ("beside everything", point([30, 0.01, 0])),
    ("very far", point([3e7, 1e8, -2e7])),
    ("beyond all numbers", point([1e200, 1e250, 0])),
    ("no direction", direction([0, 0, 0])),
    ("along the ground", direction([1, 0, 0])),
    ("tiny direction", direction([1e-200, 1e-200, 0])),
    ("from below", direction([0.1, -1, 0.2])),
  ]

  @Test(arguments: lights, [DType.float32, .float64])
  func lightsInOddPlaces(_ light: (name: String, light: Light), _ dtype: DType) throws {
    let renderer = HardRasterizer(
      shader: ShadowScenes.shader(ShadowMappingTests.map), channels: [.color])
    let odd = light.name == "beyond all numbers" && dtype == .float32
    let (output, gradients) = try renderer.evaluate(
      ShadowScenes.view(ShadowScenes.overGround, [ShadowScenes.ambient, light.light]).cast(
        to: dtype))
    // That position is infinite in float32, with shadows or without.
    guard !odd else { return }
    #expect(try output[.color].isAllFinite)
    for (path, gradient) in gradients { #expect(gradient.isAllFinite, "\(path)") }
  }

  static let meshes: [(String, Mesh)] = [
    ("no area", ShadowScenes.mesh([[0, 0, 0], [1, 1, 1], [2, 2, 2]], [[0, 1, 2]])),
    ("one point", ShadowScenes.mesh([[0.1, 0.2, 0.3]], [[0, 0, 0]])),
    ("one triangle", ShadowScenes.mesh([[-1, 0, 0], [1, 0, 0.1], [0, 0, -1]], [[0, 1, 2]])),
    (
      "not a number",
      ShadowScenes.mesh(
        ShadowScenes.ground + [[.nan, 1, 0], [0.3, 1, 0], [0.3, 1, .infinity]],
        [[0, 1, 2], [0, 2, 3], [4, 5, 6]])
    ),
    (
      "huge",
      ShadowScenes.mesh(
        [[-1e7, 0, 1e7], [1e7, 0, 1e7], [0, 0, -1e7], [0, 1, 0]], [[0, 1, 2], [0, 1, 3]])
    ),
  ]

  @Test(arguments: meshes, [ShadowScenes.lamp, ShadowScenes.sun])
  func oddMeshes(_ mesh: (name: String, mesh: Mesh), _ light: Light) throws {
    for dtype in [DType.float32, .float64] {
      let view = ShadowScenes.view(mesh.mesh, [ShadowScenes.ambient, light]).cast(to: dtype)
      let (output, gradients) = try AntialiasedRasterizer(
        shader: ShadowScenes.shader(ShadowMappingTests.map)
      ).evaluate(view)
      #expect(try output[.color].isAllFinite)
      for (path, gradient) in gradients { #expect(gradient.isAllFinite, "\(path)") }
    }
  }

  @Test func emptyMeshAndNoPoints() {
    let empty = Mesh(
      vertices: .zeros([0, 3], dtype: .float64), faces: .zeros([0, 3], dtype: .int32),
      appearance: .uniform(.ones([3], dtype: .float64)), material: Material(dtype: .float64))
    let map = ShadowMappingTests.map
    let points = Tensor([[0.0, 0, 0]])
    #expect(map.visibility(of: ShadowScenes.lamp, past: empty, at: points) == nil)
    let none = Tensor.zeros([0, 3], dtype: .float64)
    #expect(
      map.visibility(of: ShadowScenes.lamp, past: ShadowScenes.overGround, at: none) == nil)
  }

  /// Nothing to aim at: no map, no crash.
  @Test(arguments: [Double.nan, .infinity])
  func lightsThatAreNoNumbers(_ value: Double) {
    let points = Tensor([[0.0, 0, 0], [value, 1, 1]])
    let map = ShadowMappingTests.map
    for light in [Self.point([value, 1, 0]), Self.direction([value, 1, 0])] {
      #expect(map.visibility(of: light, past: ShadowScenes.overGround, at: points) == nil)
    }
    let found = map.visibility(
      of: ShadowScenes.lamp, past: ShadowScenes.overGround, at: points)
    #expect(found?.isAllFinite == true)
  }

  /// The lamp hangs between square and ground and looks down: beside and behind it there is no map, hence no shadow.
  @Test func behindTheLampThereIsLight() throws {
    let shares = try #require(
      ShadowMappingTests.visibility(
        Self.point([0, 0.8, 0.05]), [[0, 3, 0], [0, 8, 0], [50, 0.6, 0]]))
    #expect(shares == [1, 1, 1])
  }

  @Test func parametersOutOfRangeAreNamed() throws {
    func expect(_ name: String, _ make: () throws -> ShadowMapping) {
      do {
        _ = try make()
        Issue.record("\(name) was accepted")
      } catch {
        #expect("\(error)".contains(name), "\(error)")
      }
    }
    expect("resolution") { try ShadowMapping(resolution: 0) }
    expect("resolution") { try ShadowMapping(resolution: 12, filterRadius: 2) }
    expect("resolution") { try ShadowMapping(resolution: 5000) }
    expect("filterRadius") { try ShadowMapping(filterRadius: -1) }
    expect("minimumVariance") { try ShadowMapping(minimumVariance: 0) }
    expect("minimumVariance") { try ShadowMapping(minimumVariance: .nan) }
    expect("bleedingReduction") { try ShadowMapping(bleedingReduction: 1) }
    expect("near") { try ShadowMapping(near: 0) }
    expect("largestSlope") { try ShadowMapping(largestSlope: .infinity) }
    expect("bias") { try ShadowMapping(comparison: .depth(bias: .nan)) }
  }
}
