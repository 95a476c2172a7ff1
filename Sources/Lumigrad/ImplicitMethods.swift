import LumiImplicit
import LumiRendering

extension RendererRegistry {
  /// The methods that draw implicit fields, with the settings that the benchmark judges.
  mutating func registerImplicitMethods() throws {
    // Pixels are about a tenth of a unit wide: outlines as soft as half of one.
    try register(
      OccupancyFieldProbing(softness: 0.05), reference: OccupancyFieldProbing.reference)
    try register(SceneRepresentationRenderer(), reference: SceneRepresentationRenderer.reference)
    // Discs of the published radius leave no holes on a grid this fine.
    try register(
      AutolabelingRenderer(projection: SurfaceProjection(density: 48)),
      reference: AutolabelingRenderer.reference)
    // Without softness no picture of DIST has a derivative of its outline.
    try register(DISTRenderer(softness: 0.05), reference: DISTRenderer.reference)
    try register(IDRRenderer(leastValues: LeastValueSearch(samples: 40)))
    // Samples by importance move with the field, which the derivative leaves out as published and
    // central differences see; so the exact claims are about a single pass. The density is low for
    // the reason that it is for voxels.
    try register(
      DensityConversion(NeRF(samples: 64, importanceSamples: 0), filled: 10, softness: 0.03),
      reference: NeRF.reference)
    // Eight steps of the secant leave roots that differences see jump.
    try register(
      DifferentiableVolumetricRendering(samples: 64, refinement: .secant(iterations: 20)),
      reference: DifferentiableVolumetricRendering.reference)
    // Widths of half a pixel, and samples as far apart: narrower outlines fall between pixels.
    try register(VolSDF(beta: 0.05, sampling: .even(40)))
    try register(NeuS(width: 0.05, sampling: .even(40)))
  }
}
