import LumiPoints
import LumiRendering

extension RendererRegistry {
  /// The methods that draw point clouds, with the settings that the benchmark judges.
  mutating func registerPointMethods() throws {
  }
}
