import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct HardTwinTests {
  static func renderer(_ shader: Shader, _ path: HardRasterizer.Path) -> HardRasterizer {
    HardRasterizer(shader: shader, channels: HardRasterizer.allChannels, path: path)
  }

  @Test(arguments: [Shader.flat, .gouraud], [Scenes.Look.uniform, .vertexColors, .faceColors])
  func kernelsAgreeWithTensorOperations(_ shader: Shader, _ look: Scenes.Look) throws {
    for (name, camera) in Scenes.cameras {
      for near in [0.01, 2.6] {
        var view = Scenes.view(look, camera: camera)
        view.camera.near = near
        let fused = try Self.renderer(shader, .automatic).evaluate(view)
        let readable = try Self.renderer(shader, .tensorOperations).evaluate(view)
        let worst = worstDistance(fused, readable)
        #expect(worst.distance < 1e-11, "\(name), near \(near): \(worst.name)")
        #expect(
          try fused.output[.faceIndex].scalars(as: Int32.self)
            == readable.output[.faceIndex].scalars(as: Int32.self))
      }
    }
  }

  @Test(arguments: HardRasterizer.Path.allCases, Scenes.Look.allCases)
  func singlePrecisionFollowsDouble(_ path: HardRasterizer.Path, _ look: Scenes.Look) throws {
    let single = Scenes.view(look).cast(to: .float32)
    let exact = try Self.renderer(.gouraud, path).evaluate(single.cast(to: .float64))
    let worst = worstDistance(try Self.renderer(.gouraud, path).evaluate(single), exact)
    #expect(worst.distance < 1e-4, "\(worst.name)")
  }

  /// Alpha, depth and normals are those of the face that colour shows.
  @Test func channelsAgreeWithEachOther() throws {
    let output = try Self.renderer(.gouraud, .automatic).render(Scenes.view())
    let faces = try output[.faceIndex].scalars(as: Int32.self)
    let alpha = try output[.alpha].scalars(as: Double.self)
    let depth = try output[.depth].scalars(as: Double.self)
    let normals = try output[.normal].norm(axis: 2).scalars(as: Double.self)
    let colors = try output[.color].scalars(as: Double.self)
    let background = Scenes.background.scalars(as: Double.self)
    #expect(Set(alpha) == [0, 1])
    for pixel in faces.indices {
      let isSeen = faces[pixel] >= 0
      #expect(alpha[pixel] == (isSeen ? 1 : 0))
      #expect((depth[pixel] > 0) == isSeen)
      #expect(abs(normals[pixel] - (isSeen ? 1 : 0)) < 1e-12)
      if !isSeen { #expect(Array(colors[pixel * 3..<pixel * 3 + 3]) == background) }
    }
  }
}
