import Foundation
import LumiBenchmark
import LumiRendering
import LumiTensor
import Lumigrad
import Testing

/// Fixtures/reference/mesh from this file's place in the package.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures/reference/mesh").path

struct ReferenceVectorTests {
  /// What the vectors' names begin with, and how many there are.
  static let counts = [
    "softras-": 16, "analytical-": 7, "nvdiffrast-aa-": 5, "opendr-": 6,
    "nmr-": 8, "vpl-": 5, "genova-": 5, "dibr-": 6, "rhodin-": 3,
  ]
  static let methods = Array(counts.keys)
  static let files = try! FileManager.default.contentsOfDirectory(atPath: fixtures)
    .filter { name in methods.contains { name.hasPrefix($0) } }.sorted()

  static func vector(_ file: String) throws -> ReferenceCase {
    try ReferenceCase(contentsOf: "\(fixtures)/\(file)")
  }

  @Test func thereAreVectors() {
    for (prefix, count) in Self.counts {
      #expect(Self.files.count { $0.hasPrefix(prefix) } == count, "\(prefix)")
    }
  }

  @Test(arguments: files)
  func vectorPasses(_ file: String) throws {
    let vector = try Self.vector(file)
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .pass, "\(result.message ?? "")")
    #expect(result.notCompared == [])
    #expect(Set(result.compared) == Set(vector.expected.keys))
    #expect(result.compared.contains(where: Self.isImage))
    #expect(result.compared.contains { $0.contains("grad_") })
    #expect(try #require(result.worstError) <= 1)
  }

  /// Fields of rendered pictures.
  static func isImage(_ field: String) -> Bool {
    ["image", "output", "features", "mask", "alpha_pixel_count"].contains(field)
      || field.hasSuffix("_image")
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

  @Test(arguments: files, [0.0, -1, 2, 1 + 1e-5])
  func scaledGradientFails(_ file: String, _ factor: Double) throws {
    let result = try Self.verify(file) { $0.contains("grad_") ? $1 * factor : $1 }
    #expect(result.status == .fail)
    #expect(result.worstField?.contains("grad_") == true)
    #expect(result.message?.contains("grad_") == true)
  }

  @Test(arguments: files.filter { !$0.contains("official-test") })
  func shiftedImageFails(_ file: String) throws {
    let result = try Self.verify(file) { field, value in
      guard Self.isImage(field) else { return value }
      let width = value.shape[1]
      return .concatenate(
        [value.slice(axis: 1, from: 1, to: width), value.slice(axis: 1, from: 0, to: 1)], axis: 1)
    }
    #expect(result.status == .fail)
    #expect(Self.isImage(try #require(result.worstField)))
  }

  @Test func untouchedAnswersPass() throws {
    #expect(try Self.verify("softras-plain.json") { $1 }.status == .pass)
  }

  @Test func notANumberFails() throws {
    let result = try Self.verify("softras-plain.json") { field, value in
      field == "grad_official_vertices" ? value * Double.nan : value
    }
    #expect(result.status == .fail)
    #expect(result.worstField == "grad_official_vertices")
  }

  @Test func wrongShapeFailsWithItsName() throws {
    let result = try Self.verify("softras-plain.json") { field, value in
      field == "image" ? value.expandingDims(at: 0) : value
    }
    #expect(result.status == .fail)
    #expect(result.message?.contains("image has shape") == true)
  }

  static func without(_ field: String, _ vector: ReferenceCase) -> ReferenceCase {
    ReferenceCase(
      method: vector.method, name: vector.name,
      tensors: vector.tensors.filter { $0.key != field },
      strings: vector.strings.filter { $0.key != field }, expected: vector.expected,
      tolerances: vector.tolerances)
  }

  @Test(arguments: [
    ("softras-plain.json", "vertices"), ("softras-plain.json", "parameters.sigma"),
    ("softras-plain.json", "parameters.dist"), ("softras-p3d-plain.json", "vertex_colors"),
    ("analytical-phong.json", "weights"), ("analytical-texture.json", "projection"),
    ("analytical-phong.json", "shininess"),
  ])
  func missingInputFailsWithItsName(_ file: String, _ field: String) throws {
    let vector = Self.without(field, try Self.vector(file))
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .fail)
    #expect(result.message?.contains("\"\(field)\" is missing") == true)
    #expect(result.compared == [])
    #expect(result.notCompared == vector.expected.keys.sorted())
  }

  @Test func unknownOptionFailsWithItsName() throws {
    let plain = try Self.vector("softras-plain.json")
    var strings = plain.strings
    strings["parameters.dist"] = "manhattan"
    let vector = ReferenceCase(
      method: plain.method, name: plain.name, tensors: plain.tensors, strings: strings,
      expected: plain.expected, tolerances: plain.tolerances)
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .fail)
    #expect(result.message?.contains("manhattan") == true)
    #expect(result.message?.contains("euclidean") == true)
  }

  @Test func unknownMethodIsSkipped() throws {
    let plain = try Self.vector("softras-plain.json")
    let vector = ReferenceCase(
      method: "neural-dream", name: "dream", tensors: plain.tensors, strings: plain.strings,
      expected: plain.expected, tolerances: plain.tolerances)
    let result = RendererRegistry.standard.verify(vector)
    #expect(result.status == .skipped)
    #expect(result.method == "neural-dream")
    #expect(result.compared == [])
    #expect(result.message?.contains("neural-dream") == true)
  }
}
