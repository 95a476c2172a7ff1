import Foundation
import LumiBenchmark
import LumiRendering
import LumiTensor
import Lumigrad
import Testing

/// The vectors of all point and RGB-D methods.
struct SplattingVectorTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/reference/points").path
  static let files = try! FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  /// What the vectors' names begin with, and how many there are.
  static let counts = [
    "differentiable-point-clouds-": 3, "dss-": 4, "pointpronets-": 3, "pseudo-renderer-": 3,
    "rgbd-": 4, "soft-k-nearest-": 4, "synsin-": 4, "truth-": 2,
  ]

  static func vector(_ file: String) throws -> ReferenceCase {
    try ReferenceCase(contentsOf: "\(folder)/\(file)")
  }

  @Test func thereAreVectors() {
    for (prefix, count) in Self.counts {
      #expect(Self.files.count { $0.hasPrefix(prefix) } == count, "\(prefix)")
    }
    #expect(Self.files.count == Self.counts.values.reduce(0, +))
  }

  @Test(arguments: files)
  func vectorPasses(_ file: String) throws {
    let result = RendererRegistry.standard.verify(try Self.vector(file))
    #expect(result.status == .pass, "\(result.message ?? "")")
    #expect(result.notCompared == [])
  }

  /// The true adapter with its answers spoiled.
  static func verify(
    _ file: String, spoiling change: @escaping @Sendable (String, Tensor) -> Tensor
  ) throws -> VerificationResult {
    let vector = try vector(file)
    let adapter = try #require(
      RendererRegistry.standard.entries.compactMap(\.reference).first {
        $0.methods.contains(vector.method)
      })
    let spoiled = ReferenceAdapter(methods: adapter.methods) { vector in
      let outputs = try adapter.outputs(vector)
      return Dictionary(uniqueKeysWithValues: outputs.map { ($0, change($0, $1)) })
    }
    return LumiBenchmark.verify(vector, method: "spoiled", with: spoiled)
  }

  static let withGradients = files.filter { file in
    try! vector(file).expected.keys.contains { $0.contains("grad") }
  }

  @Test(arguments: withGradients, [0.0, -1, 2, 1 + 1e-5])
  func scaledGradientFails(_ file: String, _ factor: Double) throws {
    let result = try Self.verify(file) { $0.contains("grad") ? $1 * factor : $1 }
    #expect(result.status == .fail)
    #expect(result.worstField?.contains("grad") == true)
  }

  @Test(arguments: [
    ("differentiable-point-clouds-0.json", "silhouette"), ("pointpronets-heightmap.json", "height"),
    ("pseudo-renderer-0.json", "depth"), ("rgbd-view-synthesis-sfmlearner.json", "warped"),
    ("rgbd-view-synthesis-monodepth.json", "ssim"), ("soft-k-nearest-survey.json", "image"),
    ("soft-k-nearest-hard-forward.json", "weight_sum"), ("synsin-project.json", "screen"),
    ("synsin-splat-alphacomposite.json", "alpha"), ("truth-ewa-covariance.json", ""),
  ])
  func changedValueFails(_ file: String, _ field: String) throws {
    let result = try Self.verify(file) { $0.hasPrefix(field) ? $1 * 1.0001 + 1e-6 : $1 }
    #expect(result.status == .fail)
    #expect(field.isEmpty || result.worstField == field)
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
