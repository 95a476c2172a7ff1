import LumiRendering
import LumiVoxel

extension RendererRegistry {
  /// The methods that draw voxel grids, with the settings that the benchmark judges.
  mutating func registerVoxelMethods() throws {
    try register(PerspectiveTransformer(), reference: PerspectiveTransformer.reference)
    try register(RayConsistency(), reference: RayConsistency.reference)
    try register(PlatonicRenderer(), reference: PlatonicRenderer.reference)
    try register(NeuralVolumes(), reference: NeuralVolumes.reference)
    try register(SDFDiff(), reference: SDFDiff.reference)
  }
}
