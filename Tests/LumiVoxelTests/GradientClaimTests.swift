import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Testing

/// Central differences of the whole pipeline, from named parameters to images, in float64.
struct GradientClaimTests {
  @Test(arguments: Method.allCases.filter { $0 != .sdfDiff })
  func shapeAndColour(_ method: Method) throws {
    var names = ["voxels.values", "voxels.colors", "background"]
    if method == .warped { names.append("voxels.warp") }
    let report = try method.renderer.check(method.view, names)
    #expect(report.compared > 200)
  }

  /// What all methods claim for the camera; coverage and colour of flat cells do not move.
  @Test(arguments: Method.allCases.filter { $0 != .sdfDiff && $0 != .rayConsistency })
  func camera(_ method: Method) throws {
    try method.renderer.check(
      method.view,
      ["camera.rotation", "camera.translation", "camera.focalLength", "camera.principalPoint"],
      steps: [1e-6, 1e-7], tolerance: 1e-5)
    let slope = try method.renderer.evaluate(method.view).gradients["camera.translation"]!
    #expect(slope.largest > 1e-3)
  }

  @Test func depthOfFlatCellsMovesWithTheCamera() throws {
    try RayConsistency(channels: [.depth]).check(
      Method.rayConsistency.view, ["camera.rotation", "camera.translation"], steps: [1e-6, 1e-7],
      tolerance: 1e-5)
  }

  @Test func colourOfSurfacesInTheirHeadlight() throws {
    for headlight in SDFDiff.Headlight.allCases {
      try SDFDiff(headlight: headlight).check(
        Method.sdfDiff.view, ["voxels.colors", "background"])
    }
  }

  @Test func lights() throws {
    var view = Method.sdfDiff.view
    view.scene.lights = [
      .ambient(intensity: Tensor([0.2, 0.1, 0.3])),
      .directional(direction: Tensor([0.4, 1, 0.9]), intensity: Tensor([0.7, 0.5, 0.6])),
      .point(
        position: Tensor([3.0, 2, 4]), intensity: Tensor([4.0, 5, 6]), falloff: .inverseSquare),
    ]
    let names = view.parameters.map(\.path).filter { $0.hasPrefix("light.") }
    #expect(names.count == 5)
    try SDFDiff().check(view, names + ["voxels.colors", "background"])
  }

  @Test(arguments: [Method.rayConsistency, .visualHull, .neuralVolumes, .radianceGrid])
  func coloursByDirection(_ method: Method) throws {
    var view = method.view
    view.scene.shape.appearance = .sphericalHarmonics(
      Scenes.random(view.scene.shape.values.shape + [3, 9], 6, low: -0.5, high: 0.5))
    try method.renderer.check(view, ["voxels.sphericalHarmonics"])
    let other = try view.replacing([
      "voxels.sphericalHarmonics": view.parameter("voxels.sphericalHarmonics") * 2
    ])
    let a = try method.renderer.render(view)[.color]
    #expect((a - (try method.renderer.render(other)[.color])).largest > 1e-3)
  }

  /// No gradient of the camera is claimed, and none leaks.
  @Test func surfacesHoldTheCamera() throws {
    let gradients = try SDFDiff().evaluate(Method.sdfDiff.view).gradients
    for (name, gradient) in gradients where name.hasPrefix("camera.") {
      #expect(gradient.largest == 0)
    }
    #expect(gradients["voxels.values"]!.largest > 0.1)
  }
}
