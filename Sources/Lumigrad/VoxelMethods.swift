import LumiRendering
import LumiVoxel

extension RendererRegistry {
  /// The methods that draw voxel grids, with the settings that the benchmark judges. Its problems
  /// are grids of signed distances.
  ///
  /// Those that add up along a ray get surfaces half as soft, because what is added up outside of a
  /// surface makes bodies too large: with ¼ of an interval for ⅛ the pictures' error is up to half
  /// as large again. For the same reason the density is low: enough that a body of a third of a
  /// world unit is opaque.
  mutating func registerVoxelMethods() throws {
    try register(
      DistanceConversion(PerspectiveTransformer(), as: .occupancy),
      reference: PerspectiveTransformer.reference)
    try register(
      DistanceConversion(RayConsistency(), as: .emptyCells, softness: 0.125),
      reference: RayConsistency.reference)
    try register(
      DistanceConversion(PlatonicRenderer(), as: .occupancy, softness: 0.125),
      reference: PlatonicRenderer.reference)
    try register(
      DistanceConversion(
        NeuralVolumes(step: 0.15), as: .density(filled: 3), softness: 0.125),
      reference: NeuralVolumes.reference)
    // With other numbers of samples some pass a cell's face, where a trilinear grid has a kink, within
    // the step of the differences.
    try register(
      DistanceConversion(RadianceGrid(samples: 66), as: .density(filled: 3), softness: 0.125))
    try register(SDFDiff(headlight: .unlit), reference: SDFDiff.reference)
  }
}
