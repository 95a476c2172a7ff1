import LumiScene
import LumiTensor
import Testing

struct LightValidationTests {
  static let three = Tensor([1.0, 2, 3])

  static func number(_ value: Double) -> Tensor { Tensor(value, dtype: .float64) }

  static func spot(_ cone: Light.Cone, axis: Tensor = three) -> Light {
    .spot(position: three, axis: axis, intensity: three, cone: cone, falloff: .none)
  }

  @Test func goodLightsPass() throws {
    for light: Light in [
      .ambient(intensity: Self.three), .directional(direction: Self.three, intensity: Self.three),
      .point(position: Self.three, intensity: Self.three, falloff: .none),
      Self.spot(.angles(inner: Self.number(0), outer: Self.number(1))),
      Self.spot(.exponent(Self.number(0))),
      .sphericalHarmonics(coefficients: .ones([1, 3], dtype: .float64)),
      .sphericalHarmonics(coefficients: .ones([25, 3], dtype: .float64)),
      .environment(map: .ones([1, 2, 3], dtype: .float64)),
    ] { _ = try light.validated() }
  }

  static let bad: [(light: Light, field: String)] = [
    (.ambient(intensity: Tensor([1.0])), "light.intensity"),
    (.directional(direction: Tensor([1.0, Double.nan, 0]), intensity: three), "light.direction"),
    (
      .point(position: three.cast(to: .float32), intensity: three, falloff: .none),
      "light.position"
    ),
    (.sphericalHarmonics(coefficients: .ones([10, 3], dtype: .float64)), "light.coefficients"),
    (.sphericalHarmonics(coefficients: .ones([0, 3], dtype: .float64)), "light.coefficients"),
    (.sphericalHarmonics(coefficients: .ones([9], dtype: .float64)), "light.coefficients"),
    (.environment(map: .ones([0, 2, 3], dtype: .float64)), "light.map"),
    (.environment(map: .ones([2, 2, 1], dtype: .float64)), "light.map"),
    (.environment(map: .full([2, 2, 3], .infinity, dtype: .float64)), "light.map"),
    (spot(.exponent(number(-1))), "light.exponent"),
    (spot(.exponent(three)), "light.exponent"),
    (spot(.angles(inner: number(0.5), outer: number(0.5))), "light.outerAngle"),
    (spot(.angles(inner: number(0.5), outer: number(4))), "light.outerAngle"),
    (spot(.exponent(number(1)), axis: .ones([2], dtype: .float64)), "light.axis"),
  ]

  @Test(arguments: bad.indices)
  func badLightsThrow(_ index: Int) {
    let (light, field) = Self.bad[index]
    #expect { _ = try light.validated() } throws: { ($0 as? SceneError)?.field == field }
  }

  @Test func scenesNameTheLight() throws {
    let mesh = Mesh.icosphere(subdivisions: 0, dtype: .float64)
    let good = Scene(mesh, lights: [.ambient(intensity: Self.three)])
    _ = try good.validated()
    var bad = good
    bad.lights.append(.ambient(intensity: Tensor([1.0, Double.nan, 0])))
    #expect { _ = try bad.validated() } throws: {
      ($0 as? SceneError)?.field == "light.1.intensity"
    }
    bad = good
    bad.background = Tensor([1.0, Double.infinity, 0])
    #expect { _ = try bad.validated() } throws: { ($0 as? SceneError)?.field == "background" }
  }

  @Test func pathsOfSpots() {
    let angles = Self.spot(.angles(inner: Self.number(0), outer: Self.number(1)))
    #expect(
      angles.parameters.map(\.path) == [
        "position", "axis", "intensity", "innerAngle", "outerAngle",
      ])
    let exponent = Self.spot(.exponent(Self.number(3)))
    #expect(exponent.parameters.map(\.path).last == "exponent")
  }

  /// How textures are read survives packing.
  @Test func batchesKeepSamplers() {
    var mesh = Mesh.icosphere(subdivisions: 0)
    mesh.textureSampler = TextureSampler(filter: .trilinear, wrap: .repeat)
    #expect(MeshBatch([mesh]).mesh(0).textureSampler == mesh.textureSampler)
  }
}
