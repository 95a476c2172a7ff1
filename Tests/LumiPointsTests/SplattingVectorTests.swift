import Foundation
import LumiBenchmark
import LumiRendering
import LumiTensor
import Lumigrad
import Testing

/// The vectors of surface splatting, of its covariances, and of discs.
struct SplattingVectorTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/reference/points").path
  static let files = try! FileManager.default.contentsOfDirectory(atPath: folder)
    .filter { $0.hasPrefix("dss-") || $0.hasPrefix("truth-disc") || $0.hasPrefix("truth-ewa") }
    .sorted()

  static func vector(_ file: String) throws -> ReferenceCase {
    try ReferenceCase(contentsOf: "\(folder)/\(file)")
  }

  @Test func thereAreVectors() {
    #expect(
      Self.files == [
        "dss-clip.json", "dss-knn-size.json", "dss-splat-0.json", "dss-splat-1.json",
        "truth-disc-coverage.json", "truth-ewa-covariance.json",
      ])
  }

  @Test(arguments: files)
  func vectorPasses(_ file: String) throws {
    let result = RendererRegistry.standard.verify(try Self.vector(file))
    #expect(result.status == .pass, "\(result.message ?? "")")
    #expect(result.notCompared == [])
  }

  @Test(arguments: ["dss-splat-0.json", "dss-splat-1.json"], [0.0, -1, 2, 1 + 1e-5])
  func scaledGradientFails(_ file: String, _ factor: Double) throws {
    let vector = try Self.vector(file)
    let adapter = SurfaceSplatting.reference
    let spoiled = ReferenceAdapter(methods: adapter.methods) { vector in
      try adapter.outputs(vector).mapValues { $0 * 1 }.merging(
        adapter.outputs(vector).filter { $0.key.hasPrefix("grad") }.mapValues { $0 * factor }
      ) { $1 }
    }
    let result = LumiBenchmark.verify(vector, method: "spoiled", with: spoiled)
    #expect(result.status == .fail)
    #expect(result.worstField?.hasPrefix("grad") == true)
  }

  @Test(arguments: ["points", "M", "cutoff", "grad_zbuf", "radii_scale"])
  func missingInputFailsWithItsName(_ field: String) throws {
    let whole = try Self.vector("dss-splat-1.json")
    let vector = ReferenceCase(
      method: whole.method, name: whole.name, tensors: whole.tensors.filter { $0.key != field },
      strings: whole.strings, expected: whole.expected, tolerances: whole.tolerances)
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .fail)
    #expect(result.message?.contains("\"\(field)\" is missing") == true)
  }
}
