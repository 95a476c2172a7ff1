import LumiRendering
import LumiScene
import LumiTensor
import Testing

@testable import LumiPoints

/// Scenes that no point renderer can draw are refused by name.
struct SceneCheckTests {
  private let camera = Camera.perspective(
    from: [0, 0, 3], verticalFieldOfView: 1, width: 4, height: 4)

  private func refusal(
    _ change: (inout Scene<PointCloud>) -> Void, camera: Camera? = nil, needsNormals: Bool = false
  ) throws -> RenderError {
    var scene = Scene(PointCloud(points: .zeros([2, 3])))
    change(&scene)
    return try #require(throws: RenderError.self) {
      try scene.checkPoints(
        for: camera ?? self.camera, method: "points/test", needsNormals: needsNormals)
    }
  }

  @Test func theReasonNamesTheParameter() throws {
    #expect(try refusal({ $0.background = .zeros([4]) }).description.contains("background"))
    #expect(try refusal({ _ in }, needsNormals: true).description.contains("cloud.normals"))
    #expect(
      try refusal({ _ in }, camera: camera.mapParameters { $1.cast(to: .float64) })
        .description.contains("camera is float64"))
    let scene = Scene(PointCloud(points: .zeros([0, 3])))
    try scene.checkPoints(for: camera, method: "points/test")
  }
}
