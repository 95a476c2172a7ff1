import LumiScene
import LumiTensor
import Testing

/// What clouds hold, and what their check finds.
struct PointCloudTests {
  private static func cloud() -> PointCloud {
    PointCloud(
      points: Tensor([0.0, 0, 0, 1, 2, 3], shape: [2, 3]),
      appearance: .colors(Tensor([1.0, 0, 0, 0, 1, 0], shape: [2, 3])),
      normals: Tensor([0.0, 0, 1, 1, 0, 0], shape: [2, 3]), radii: Tensor([0.1, 0.2]),
      opacities: Tensor([1.0, 0.5]))
  }

  @Test func aScenePrefixesItsPaths() throws {
    let paths = Scene(Self.cloud()).parameters.map(\.path)
    #expect(
      paths.prefix(2) == ["cloud.points", "cloud.colors"]
        && paths.contains("cloud.material.diffuse")
        && paths.suffix(4) == ["cloud.normals", "cloud.radii", "cloud.opacities", "background"])
    #expect(try Self.cloud().validated().count == 2)
    let white = PointCloud(points: .zeros([0, 3]))
    #expect(try white.validated().appearance.colors(count: 4).shape == [4, 3])
  }

  @Test func theCheckNamesFieldAndRow() throws {
    func broken(_ change: (inout PointCloud) -> Void) throws -> SceneError {
      var cloud = Self.cloud()
      change(&cloud)
      return try #require(throws: SceneError.self) { _ = try cloud.validated() }
    }
    #expect(try broken { $0.radii = Tensor([0.1, 0]) }.description.contains("cloud.radii[1]"))
    #expect(try broken { $0.opacities = Tensor([1.5, 0]) }.index == 0)
    #expect(try broken { $0.normals = .zeros([3, 3], dtype: .float64) }.field == "cloud.normals")
    #expect(try broken { $0.points = Tensor([0, .nan, 0, 1, 1, 1], shape: [2, 3]) }.index == 0)
    #expect(try broken { $0.appearance = .uniform(.zeros([0])) }.field == "cloud.color")
    #expect(try broken { $0.points = .zeros([2, 2], dtype: .float64) }.field == "cloud.points")
  }
}
