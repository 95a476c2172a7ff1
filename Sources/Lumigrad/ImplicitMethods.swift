import LumiImplicit
import LumiRendering

extension RendererRegistry {
  /// The methods that draw implicit fields, with the settings that the benchmark judges.
  mutating func registerImplicitMethods() throws {
    try register(AutolabelingRenderer(), reference: AutolabelingRenderer.reference)
    try register(OccupancyFieldProbing(), reference: OccupancyFieldProbing.reference)
    try register(SceneRepresentationRenderer(), reference: SceneRepresentationRenderer.reference)
  }
}
