import Foundation
import LumiBenchmark
import LumiRendering
import LumiTensor
import Lumigrad
import Testing

/// Fixtures/reference/voxel from this file's place in the package.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures/reference/voxel").path

struct ReferenceVectorTests {
  /// What the vectors' names begin with, and how many there are.
  static let counts = [
    "ptn-": 4, "drc-": 6, "platonic-gan-": 3, "neural-volumes-": 3, "sdfdiff-": 4, "truth-": 3,
  ]
  static let files = try! FileManager.default.contentsOfDirectory(atPath: fixtures).sorted()
  /// Integrals that samples approach only; see TransmittanceTests.
  static let integrals = ["expected_depth_integral", "dD_dsigma"]

  static func vector(_ file: String) throws -> ReferenceCase {
    try ReferenceCase(contentsOf: "\(fixtures)/\(file)")
  }

  @Test func thereAreVectors() {
    for (prefix, count) in Self.counts {
      #expect(Self.files.count { $0.hasPrefix(prefix) } == count, "\(prefix)")
    }
    #expect(Self.files.count == Self.counts.values.reduce(0, +))
  }

  @Test(arguments: files)
  func vectorPasses(_ file: String) throws {
    let vector = try Self.vector(file)
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .pass, "\(result.message ?? "")")
    let missing = result.notCompared.filter { field in
      !Self.integrals.contains { field.hasSuffix($0) }
    }
    #expect(missing == [])
    #expect(try #require(result.worstError) <= 1)
  }

  // MARK: What must fail

  /// The true adapter with its answers spoiled.
  static func verify(
    _ file: String, spoiling change: @escaping @Sendable (String, Tensor) -> Tensor
  ) throws -> VerificationResult {
    let vector = try vector(file)
    let entry = try #require(
      RendererRegistry.standard.entries.first {
        $0.reference?.methods.contains(vector.method) ?? false
      })
    let adapter = try #require(entry.reference)
    let spoiled = ReferenceAdapter(methods: adapter.methods) { vector in
      let outputs = try adapter.outputs(vector)
      return Dictionary(uniqueKeysWithValues: outputs.map { ($0, change($0, $1)) })
    }
    return LumiBenchmark.verify(vector, method: "spoiled", with: spoiled)
  }

  @Test(arguments: files.filter { !$0.hasPrefix("truth-") }, [0.0, -1, 2, 1 + 1e-5])
  func scaledGradientFails(_ file: String, _ factor: Double) throws {
    let result = try Self.verify(file) { $0.contains("grad") ? $1 * factor : $1 }
    #expect(result.status == .fail)
    #expect(result.worstField?.contains("grad") == true)
  }

  /// Pictures, losses of rays and samples.
  static func isValue(_ field: String) -> Bool {
    [
      "projection", "image", "rotated", "absorption_only", "visual_hull", "normals", "depth",
      "loss_per_ray",
    ].contains(field)
  }

  @Test(arguments: files.filter { !$0.hasPrefix("truth-") })
  func shiftedValuesFail(_ file: String) throws {
    let result = try Self.verify(file) { field, value in
      guard Self.isValue(field) else { return value }
      let count = value.shape[0]
      return .concatenate([value[1..<count], value[0..<1]])
    }
    #expect(result.status == .fail)
    #expect(Self.isValue(try #require(result.worstField)))
  }

  @Test(arguments: [
    ("ptn-project-0.json", "volume"), ("ptn-project-0.json", "weights"),
    ("drc-mask.json", "origins"), ("drc-depth.json", "max_depth"),
    ("platonic-gan-ea.json", "weights"), ("neural-volumes-warp.json", "step_noise"),
    ("sdfdiff-single-sphere.json", "mode"), ("sdfdiff-multi-ell.json", "target"),
  ])
  func missingInputFailsWithItsName(_ file: String, _ field: String) throws {
    let whole = try Self.vector(file)
    let vector = ReferenceCase(
      method: whole.method, name: whole.name,
      tensors: whole.tensors.filter { $0.key != field },
      strings: whole.strings.filter { $0.key != field }, expected: whole.expected,
      tolerances: whole.tolerances)
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .fail)
    #expect(result.message?.contains("\"\(field)\" is missing") == true)
  }
}
