import LumiBenchmark
import LumiPoints
import LumiRendering

extension RendererRegistry {
  /// The methods that draw Gaussians, with the settings that the benchmark judges.
  mutating func registerGaussianMethods() throws {
    try register(GaussianSplatting.benchmarked(), reference: GaussianSplatting.reference)
    try register(GaussianSurfels.benchmarked())
  }
}

extension SplatLimits {
  /// Limits that leave nothing out that differences could meet.
  fileprivate static var benchmarked: SplatLimits {
    var limits = SplatLimits()
    limits.leastAlpha = 1e-12
    limits.leastTransmittance = 0
    return limits
  }
}

extension GaussianSplatting {
  /// The settings that the benchmark judges. Depth, a quotient of what is seen, is judged by tests:
  /// at the borders of splats it has steps however faint they are.
  fileprivate static func benchmarked() -> GaussianSplatting {
    var renderer = GaussianSplatting(
      channels: [.color, .alpha], reflection: GradientProblem.shader.reflection)
    renderer.limits = .benchmarked
    return renderer
  }
}

extension GaussianSurfels {
  /// The settings that the benchmark judges.
  fileprivate static func benchmarked() -> GaussianSurfels {
    var renderer = GaussianSurfels(
      channels: [.color, .alpha], reflection: GradientProblem.shader.reflection)
    renderer.limits = .benchmarked
    return renderer
  }
}
