import LumiPoints
import LumiRendering

extension RendererRegistry {
  /// The methods that draw points without a surface, with the settings that the benchmark judges:
  /// cut-offs beyond which nothing counts that differences could meet, and depths that hold the
  /// problems' scenes. Depths of PointProNets, a quotient, have steps however faint weights are.
  mutating func registerSplattingMethods() throws {
    let depths = 1.0...10
    try register(
      PointProNets(sigma: 0.7, truncation: 7.5, channels: [.color, .alpha]),
      reference: PointProNets.reference)
    try register(PseudoRenderer(), reference: PseudoRenderer.reference)
    try register(
      SoftNearestPoints(radius: 0.032, distanceRatio: 3.4, nearest: 1 << 20, depthRange: depths),
      reference: SoftNearestPoints.reference)
    try register(HardForwardPoints(radius: 0.03, distanceRatio: 2.5, depthRange: depths))
    try register(SynSin(radius: 1.6, pointsPerPixel: nil), reference: SynSin.reference)
    try register(
      DifferentiablePointClouds(planes: 24, depthRange: 1...7, kernelSize: 7),
      reference: DifferentiablePointClouds.reference)
  }
}
