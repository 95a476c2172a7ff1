import Foundation
import LumiBenchmark
import LumiImplicit
import LumiRendering
import LumiTensor
import Lumigrad
import Testing

/// Autolabeling's vectors.
struct AutolabelingVectorTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/reference/implicit").path
  static let names = ["surface", "surfel-0", "surfel-1"]

  static func vector(_ name: String) throws -> ReferenceCase {
    try ReferenceCase(contentsOf: "\(folder)/autolabeling-sdf-\(name).json")
  }

  @Test(arguments: names)
  func vectorPasses(_ name: String) throws {
    let vector = try Self.vector(name)
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .pass, "\(result.message ?? "")")
    #expect(result.notCompared == [])
    #expect(Set(result.compared) == Set(vector.expected.keys))
  }

  @Test(arguments: names, [0.0, -1, 2, 1 + 1e-5])
  func scaledGradientFails(_ name: String, _ factor: Double) throws {
    let spoiled = ReferenceAdapter(methods: ["autolabeling"]) { vector in
      let outputs = try AutolabelingRenderer.reference.outputs(vector)
      return Dictionary(
        uniqueKeysWithValues: outputs.map { ($0, $0.hasPrefix("grad_") ? $1 * factor : $1) })
    }
    let result = LumiBenchmark.verify(try Self.vector(name), method: "spoiled", with: spoiled)
    #expect(result.status == .fail)
    #expect(result.worstField?.hasPrefix("grad_") == true)
  }
}
