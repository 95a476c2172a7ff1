import Foundation
import LumiBenchmark
import LumiRendering
import LumiTensor
import Lumigrad
import Testing

/// Reference vectors of field probing and Scene Representation Networks.
struct ProbingVectorTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/reference/implicit").path
  private static let files = try! FileManager.default.contentsOfDirectory(atPath: folder)
    .filter { $0.hasPrefix("occupancy-field-probing-") || $0.hasPrefix("srn-") }.sorted()

  private static func vector(_ file: String) throws -> ReferenceCase {
    try ReferenceCase(contentsOf: "\(folder)/\(file)")
  }

  @Test func vectorsPassInEveryField() throws {
    #expect(Self.files.count == 6)
    for file in Self.files {
      let result = RendererRegistry.standard.verify(try Self.vector(file))
      #expect(result.status == .pass, "\(file): \(result.message ?? "")")
      #expect(result.notCompared == [])
    }
  }

  @Test func wrongAnswersFail() throws {
    for file in Self.files {
      let vector = try Self.vector(file)
      let adapter = try #require(
        RendererRegistry.standard.entries.compactMap(\.reference).first {
          $0.methods.contains(vector.method)
        })
      let outputs = try adapter.outputs(vector)
      for (field, value) in outputs where vector.expected[field]!.abs().max().value > 0 {
        let spoiled = ReferenceAdapter(methods: adapter.methods) { _ in
          outputs.merging([field: value * (1 + 1e-5)]) { $1 }
        }
        let result = LumiBenchmark.verify(vector, method: "spoiled", with: spoiled)
        #expect(result.status == .fail && result.worstField == field, "\(file) \(field)")
      }
    }
  }

  @Test(arguments: [
    ("occupancy-field-probing-maxpool.json", "tau"),
    ("occupancy-field-probing-normals.json", "sigma_offset"), ("srn-raymarch.json", "K"),
    ("srn-raymarch.json", "lstm.2"),
  ])
  func missingInputIsNamed(_ file: String, _ field: String) throws {
    let whole = try Self.vector(file)
    let vector = ReferenceCase(
      method: whole.method, name: whole.name,
      tensors: whole.tensors.filter { $0.key != field }, strings: whole.strings,
      expected: whole.expected, tolerances: whole.tolerances)
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .fail)
    #expect(result.message?.contains("\"\(field)\" is missing") == true)
  }
}
