/// Everything in one import: tensors with gradients, scenes, files, learning, renderers and the
/// gradient benchmark.
@_exported import LumiBenchmark
@_exported import LumiIO
@_exported import LumiLearning
@_exported import LumiMesh
@_exported import LumiRendering
@_exported import LumiScene
@_exported import LumiTensor

extension RendererRegistry {
  /// Every method of this package.
  public static let standard: RendererRegistry = {
    var registry = RendererRegistry()
    do {
      try registry.register(HardRasterizer(), reference: HardRasterizer.reference)
      try registry.register(SoftRasterizer(), reference: SoftRasterizer.reference)
    } catch {
      preconditionFailure("RendererRegistry.standard: \(error)")
    }
    return registry
  }()
}
