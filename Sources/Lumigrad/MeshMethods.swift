import LumiBenchmark
import LumiMesh
import LumiRendering

extension RendererRegistry {
  /// The methods that draw meshes, with the settings that the benchmark judges.
  mutating func registerMeshMethods() throws {
    let plain = GradientProblem.shader
    let shadowed = try Shader.shadowed()
    try register(
      HardRasterizer(shader: plain), shadowed: HardRasterizer(shader: shadowed),
      reference: HardRasterizer.reference)
    try register(
      SoftRasterizer.benchmarked(sigma: 1e-4),
      shadowed: SoftRasterizer.benchmarked(sigma: 1e-4, shadowed),
      reference: SoftRasterizer.reference,
      softness: SoftnessSweep(
        parameter: "sigma", values: [1e-2, 3e-3, 1e-3, 3e-4, 1e-4],
        renderer: { SoftRasterizer.benchmarked(sigma: $0) }))
    try register(
      OpenDRRenderer.benchmarked(plain), shadowed: OpenDRRenderer.benchmarked(shadowed),
      reference: OpenDRRenderer.reference)
    try register(
      NeuralMeshRenderer(shader: plain), shadowed: NeuralMeshRenderer(shader: shadowed),
      reference: NeuralMeshRenderer.reference)
    try register(
      LocalGradientRenderer(shader: plain), shadowed: LocalGradientRenderer(shader: shadowed),
      reference: LocalGradientRenderer.reference)
    try register(
      GenovaRenderer(shader: plain), shadowed: GenovaRenderer(shader: shadowed),
      reference: GenovaRenderer.reference)
    try register(
      DIBRenderer.benchmarked(sigma: 1.0 / 7000),
      shadowed: DIBRenderer.benchmarked(sigma: 1.0 / 7000, shadowed),
      reference: DIBRenderer.reference,
      softness: SoftnessSweep(
        parameter: "sigma", values: [1e-2, 3e-3, 1e-3, 3e-4, 1e-4],
        renderer: { DIBRenderer.benchmarked(sigma: $0) }))
    try register(
      GaussianVisibilityRenderer.benchmarked(sigmaScale: 0.4),
      reference: GaussianVisibilityRenderer.reference,
      softness: SoftnessSweep(
        parameter: "sigmaScale", values: [0.8, 0.6, 0.4, 0.3, 0.2],
        renderer: GaussianVisibilityRenderer.benchmarked))
    try register(
      AntialiasedRasterizer(shader: plain), shadowed: AntialiasedRasterizer(shader: shadowed),
      reference: AntialiasedRasterizer.reference)
  }
}

extension Shader {
  /// How methods light problems whose bodies cast shadows: at fragments, because shadows are finer
  /// than the problems' meshes. The map's blur is about as wide as the problems' pixels, so that
  /// few shadow borders pass between pixel centres unseen.
  fileprivate static func shadowed() throws -> Shader {
    Shader(
      evaluation: .fragment, reflection: GradientProblem.shader.reflection,
      shadows: try ShadowMapping(resolution: 128, filterRadius: 4))
  }
}

extension SoftRasterizer {
  /// The settings that the benchmark judges.
  ///
  /// The softness is the one that the authors train with.
  ///
  /// Depths count from 1 to 10 and the background like a surface at a depth of 4.6, behind the
  /// problems' bodies: with the published 1 to 100 and γ = 1e-4 it weighs nothing beside the
  /// faintest face, and colours end where faces are left out. Those are left out below a
  /// probability of 1e-12: at the published 1e-4 the picture has steps that differences would meet.
  fileprivate static func benchmarked(
    sigma: Double, _ shader: Shader = GradientProblem.shader
  ) -> SoftRasterizer {
    var renderer = SoftRasterizer()
    renderer.sigma = sigma
    renderer.gamma = 1e-2
    renderer.depthRange = 1...10
    renderer.backgroundEpsilon = 0.3
    renderer.distanceEpsilon = 1e-12
    renderer.shader = shader
    return renderer
  }
}

extension OpenDRRenderer {
  /// The settings that the benchmark judges: without overdrawn outlines. Lines of one pixel make
  /// bodies half a pixel too large all around, which at the problems' 32×24 pixels outweighs what
  /// the filter gains: no optimisation of a camera succeeds with them (Docs/Architecture.md).
  fileprivate static func benchmarked(_ shader: Shader) -> OpenDRRenderer {
    var renderer = OpenDRRenderer(shader: shader)
    renderer.overdraws = false
    return renderer
  }
}

extension DIBRenderer {
  /// The settings that the benchmark judges: every face counts where its probability is above
  /// 1e-12, because the published reach and number of faces make steps that differences would meet.
  fileprivate static func benchmarked(
    sigma: Double, _ shader: Shader = GradientProblem.shader
  ) -> DIBRenderer {
    var renderer = DIBRenderer(shader: shader)
    renderer.inverseSigma = 1 / sigma
    renderer.reach = (27.7 * sigma).squareRoot()
    renderer.facesPerPixel = .max
    return renderer
  }
}

extension GaussianVisibilityRenderer {
  /// The settings that the benchmark judges: the defaults in the problems' light.
  fileprivate static func benchmarked(sigmaScale: Double) -> GaussianVisibilityRenderer {
    var renderer = GaussianVisibilityRenderer(reflection: GradientProblem.shader.reflection)
    renderer.sigmaScale = sigmaScale
    return renderer
  }
}
