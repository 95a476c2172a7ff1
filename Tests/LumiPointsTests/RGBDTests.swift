import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

@testable import LumiPoints

/// View synthesis by look-ups: shifts that are known, gradients, and what must not crash.
struct RGBDTests {
  private static func camera(shiftedBy x: Double = 0, width: Int = 9, height: Int = 6) -> Camera {
    Camera(
      rotation: .eye(3, dtype: .float64), translation: Tensor([-x, 0, 0]),
      focalLength: Tensor([8.0, 8]), width: width, height: height)
  }

  private static func image(_ seed: UInt64 = 7) -> Tensor {
    var random = RandomGenerator(seed: seed)
    return random.uniform([6, 9, 3], dtype: .float64)
  }

  private static func view(depth: Double = 2, source: Camera? = nil) -> SourceView {
    SourceView(
      image: image(), camera: source ?? camera(),
      targetDepth: .full([6, 9], depth, dtype: .float64))
  }

  /// Without motion the image comes back, but for the last row and column, which show the background.
  @Test func noMotionGivesTheImage() throws {
    let scene = Scene(Self.view(), background: Tensor([9.0, 9, 9]))
    let output = try EgoMotionWarp().render(scene, from: Self.camera())
    func inner(_ image: Tensor) -> Tensor {
      image.slice(axis: 0, from: 0, to: 5).slice(axis: 1, from: 0, to: 8)
    }
    #expect((inner(try output[.color]) - inner(Self.image())).abs().max().value < 1e-12)
    #expect(try output[.alpha].sum().value == 40)
    #expect(try output[.color][5].min().value == 9)
  }

  /// A camera two pixels' worth to the right: f·t/z = 8·0.5/2.
  @Test func aShiftOfWholePixels() throws {
    let source = Self.camera(shiftedBy: 0.5)
    let output = try EgoMotionWarp().render(Scene(Self.view(source: source)), from: Self.camera())
    let shifted = Self.image().slice(axis: 1, from: 0, to: 6).slice(axis: 0, from: 0, to: 5)
    let seen = try output[.color].slice(axis: 1, from: 2, to: 8).slice(axis: 0, from: 0, to: 5)
    #expect((seen - shifted).abs().max().value < 1e-12)
    let stereo = try StereoWarp().render(Scene(Self.view(source: source)), from: Self.camera())
    let rows = try stereo[.color].slice(axis: 1, from: 2, to: 9)
    #expect((rows - Self.image().slice(axis: 1, from: 0, to: 7)).abs().max().value < 1e-12)
    #expect(try stereo[.color][0, 0].abs().max().value == 0)
    let edge = try StereoWarp(border: .edge).render(
      Scene(Self.view(source: source)), from: Self.camera())
    #expect((try edge[.color][0, 0] - Self.image()[0, 0]).abs().max().value < 1e-12)
  }

  @Test func gradients() throws {
    var random = RandomGenerator(seed: 3)
    let depth = random.uniform([6, 9], low: 1.7, high: 2.6, dtype: .float64)
    var source = Self.camera(shiftedBy: 0.13)
    source.rotation = Rotation.exponential(Tensor([0.02, -0.05, 0.03]))
    let target = Self.camera()
    let inputs = [Self.image(), depth, source.rotation, source.translation, target.rotation]
    try checkGradients(at: inputs, steps: [1e-6, 1e-7]) { inputs in
      var (from, to) = (source, target)
      (from.rotation, from.translation, to.rotation) = (inputs[2], inputs[3], inputs[4])
      let view = SourceView(image: inputs[0], camera: from, targetDepth: inputs[1])
      return try EgoMotionWarp().render(Scene(view, background: Tensor([1.0, 2, 3])), from: to)
        .weightedSum()
    }
    for border in StereoWarp.Border.allCases {
      try checkGradients(at: [Self.image(), depth], steps: [1e-6, 1e-7]) { inputs in
        let view = SourceView(
          image: inputs[0], camera: Self.camera(shiftedBy: 0.31), targetDepth: inputs[1])
        return try StereoWarp(border: border).render(Scene(view), from: target).weightedSum()
      }
    }
  }

  /// Equal disparities of a shift agree, unequal ones do not.
  @Test func leftRight() {
    let shift = Tensor.full([4, 8], 0.125, dtype: .float64)
    let warp = StereoWarp(border: .edge)
    #expect(warp.leftRightInconsistency(left: shift, right: shift).value < 1e-12)
    #expect(warp.leftRightInconsistency(left: shift, right: shift * 2).value > 0.1)
  }

  /// Depths of 0, negative, infinite or no number, points behind the camera, images of one pixel.
  @Test func degenerateInput() throws {
    let depth = Tensor(
      [0, -1, .infinity, .nan, 1e-300, 1e300] + [Double](repeating: 2, count: 48), shape: [6, 9])
    var source = Self.camera(shiftedBy: 0.1)
    source.translation = Tensor([0.0, 0, -5])
    for view in [Self.view(), Self.view(source: source)] {
      var bad = view
      bad.targetDepth = depth
      let output = try EgoMotionWarp().render(Scene(bad), from: Self.camera())
      #expect(try output[.color].isFinite().all().item(as: Bool.self))
      let behind = try EgoMotionWarp().render(
        Scene(Self.view(source: source)), from: Self.camera())
      #expect(try behind[.alpha].sum().value == 0)
    }
    let tiny = SourceView(
      image: .ones([1, 1, 3], dtype: .float64), camera: Self.camera(width: 1, height: 1),
      targetDepth: .ones([6, 9], dtype: .float64))
    #expect(try EgoMotionWarp().render(Scene(tiny), from: Self.camera())[.color].max().value == 0)
  }

  @Test func whatDoesNotFitIsNamed() throws {
    func refusal(_ view: SourceView, _ renderer: some Renderer<SourceView>) throws -> String {
      do {
        _ = try renderer.render(Scene(view), from: Self.camera())
        return ""
      } catch { return "\(error)" }
    }
    var turned = Self.camera(shiftedBy: 0.1)
    turned.rotation = Rotation.exponential(Tensor([0.0, 0.1, 0]))
    #expect(
      try refusal(Self.view(source: turned), StereoWarp()).contains("a shift along x only"))
    var wrong = Self.view()
    wrong.targetDepth = .ones([5, 9], dtype: .float64)
    #expect(try refusal(wrong, EgoMotionWarp()).contains("view.targetDepth is [5, 9]"))
    wrong = Self.view()
    wrong.image = .ones([6, 8, 3], dtype: .float64)
    #expect(try refusal(wrong, EgoMotionWarp()).contains("view.image"))
    wrong = Self.view()
    wrong.camera = wrong.camera.mapParameters { $1.cast(to: .float32) }
    #expect(try refusal(wrong, EgoMotionWarp()).contains("view.camera"))
  }
}
