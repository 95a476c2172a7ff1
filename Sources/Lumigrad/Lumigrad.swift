/// Everything in one import: tensors with gradients, scenes, files, learning, renderers and the
/// gradient benchmark.
@_exported import LumiBenchmark
@_exported import LumiIO
@_exported import LumiImplicit
@_exported import LumiLearning
@_exported import LumiMesh
@_exported import LumiPoints
@_exported import LumiRendering
@_exported import LumiScene
@_exported import LumiTensor
@_exported import LumiVoxel

extension RendererRegistry {
  /// Every method of this package, with the settings that the benchmark judges.
  public static let standard: RendererRegistry = {
    var registry = RendererRegistry()
    do {
      try registry.registerMeshMethods()
      try registry.registerVoxelMethods()
      try registry.registerPointMethods()
      try registry.registerImplicitMethods()
    } catch {
      fatalError("RendererRegistry.standard: \(error)")
    }
    return registry
  }()
}
