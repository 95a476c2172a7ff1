import LumiBenchmark
import LumiPoints
import LumiRendering
import LumiScene
import LumiTensor

extension RendererRegistry {
  /// The methods that draw point clouds, with the settings that the benchmark judges.
  mutating func registerPointMethods() throws {
    try register(AlphaSplatting(reflection: .phong), reference: AlphaSplatting.discTruth)
    // Bodies are about 1 in size and some 10 pixels wide: points of a pixel lie within a tenth. The
    // published filter of one pixel would make bodies a pixel wider all around; with a third of it
    // splats are about a third of a pixel in size, and pulls still shall reach ten pixels.
    try register(
      SurfaceSplatting(
        cutoff: 0.5, nearest: nil, thickness: 0.1, lowPass: 0.1, reachFactor: 30,
        reflection: .phong),
      reference: SurfaceSplatting.reference)
    try registerGaussianMethods()
    try registerSplattingMethods()
    try register(EgoMotionWarp(), reference: EgoMotionWarp.reference)
    try register(StereoWarp())
  }
}

extension AlphaSplatting {
  /// Answers "truth-disc-coverage": the exact area by `ExactDisc`, the test of centres by the point
  /// rasteriser.
  static let discTruth = ReferenceAdapter(methods: ["truth-disc-coverage"]) { vector in
    var result: [String: Tensor] = [:]
    var index = 0
    while vector.tensors["rows.\(index).cx"] != nil {
      let row = "rows.\(index)."
      func input(_ name: String) throws -> Double { try vector.number(row + name) }
      let (x, y, radius) = (try input("cx"), try input("cy"), try input("radius"))
      let side = vector.expected[row + "coverage"]?.shape.first ?? 6
      let disc = ExactDisc(centre: SIMD2(x, y), radius: radius, width: side, height: side)
      let coverage = disc.coverage
      result[row + "coverage"] = Tensor(coverage, shape: [side, side])
      result[row + "total"] = Tensor(scalar: coverage.reduce(0, +))
      result[row + "dcoverage_dcx"] = Tensor(
        disc.derivative(centre: SIMD2(1, 0), radius: 0), shape: [side, side])
      let half = Double(side) / 2
      let points = ScreenPoints(
        positions: Tensor([[x / half - 1, 1 - y / half]]), depths: Tensor([1.0]),
        footprint: .discs(radii: Tensor([radius / half])),
        screen: ScreenSpace(width: side, height: side))
      let fragments = try PointRasterizer(includesRim: true).fragments(
        of: points, method: method.id)
      result[row + "hard_mask"] = fragments.pixelSums(
        .ones([fragments.count], dtype: .float64))
      index += 1
    }
    return result
  }
}
