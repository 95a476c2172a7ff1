import Foundation
import LumiBenchmark
import LumiRendering
import LumiTensor
import Testing

/// Fields and JSON keys that other programs rely on.
struct ReportTests {
  static let workload = Workload(
    name: "square", summary: "x² of 100,000 numbers", forwardOperations: 1e5,
    totalOperations: 3e5
  ) {
    (parameters: [Tensor.ones([100_000])], function: { [$0[0] * $0[0]] })
  }

  static func object(_ value: some Encodable) throws -> [String: Any] {
    let data = try JSONEncoder().encode(value)
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func performanceOfATrivialWorkload() throws {
    var told: [String] = []
    let report = try LumiRuntime.withThreads(1) {
      try measurePerformance(of: [Self.workload], seconds: 0.01) { told.append($0) }
    }
    #expect(told == ["calibration", "square"])
    #expect(report.threads == 1)
    #expect(report.calibrationMs > 0 && report.parallelCalibrationMs > 0)
    let timing = try #require(report.workloads.first)
    #expect(timing.forwardMs > 0 && timing.backwardMs > 0)
    #expect(timing.runs >= 5)
    let units = (timing.forwardMs + timing.backwardMs) / report.calibrationMs
    #expect(abs(timing.units - units) < 1e-12)
    // The output, its cotangent and the derivative: at least three arrays of float32.
    #expect(timing.peakBytes >= 3 * 400_000 && timing.peakBytes < 20 * 400_000)
    #expect(try #require(timing.forwardRateRatio) > 0)

    let json = try Self.object(report)
    #expect(
      Set(json.keys) == ["calibration_ms", "parallel_calibration_ms", "threads", "workloads"])
    let entries = try #require(json["workloads"] as? [[String: Any]])
    #expect(
      Set(entries[0].keys) == [
        "name", "forward_ms", "backward_ms", "units", "fastest_units", "peak_bytes", "runs",
        "forward_rate_ratio",
        "total_rate_ratio",
      ])
    #expect(entries[0]["name"] as? String == "square")
  }

  @Test func failingWorkloadThrows() {
    let workload = Workload(name: "bad", summary: "fails") {
      throw RenderError.duplicateMethod("x")
    }
    #expect(throws: RenderError.self) { try measurePerformance(of: [workload], seconds: 0.01) }
  }

  static func vector(
    _ expected: [String: Tensor], tolerances: [String: Double] = ["abs": 1e-9]
  ) -> ReferenceCase {
    ReferenceCase(
      method: "m", name: "case", tensors: [:], strings: [:], expected: expected,
      tolerances: tolerances)
  }

  static func adapter(_ outputs: [String: Tensor]) -> ReferenceAdapter {
    ReferenceAdapter(methods: ["m"]) { _ in outputs }
  }

  @Test func verificationKeys() throws {
    let result = verify(
      Self.vector(["image": Tensor([1.0, 2]), "extra": Tensor([0.0])]), method: "a/m",
      with: Self.adapter(["image": Tensor([1.0, 2])]))
    #expect(result.status == .pass)
    let json = try Self.object(result)
    let required: Set = [
      "case", "method", "status", "compared", "not_compared", "worst_field", "worst_error",
    ]
    #expect(required.isSubset(of: json.keys))
    #expect(json["case"] as? String == "case" && json["method"] as? String == "a/m")
    #expect(json["status"] as? String == "pass")
    #expect(json["compared"] as? [String] == ["image"])
    #expect(json["not_compared"] as? [String] == ["extra"])
    #expect(json["worst_field"] as? String == "image" && json["worst_error"] as? Double == 0)
  }

  /// JSON has no infinity: a failed result must still be written.
  @Test func failedResultsCanBeWritten() throws {
    let nan = verify(
      Self.vector(["image": Tensor([1.0])]), method: "m",
      with: Self.adapter(["image": Tensor([Double.nan])]))
    #expect(nan.status == .fail)
    #expect(try Self.object(nan)["status"] as? String == "fail")
    let skipped = RendererRegistry().verify(Self.vector(["image": Tensor([1.0])]))
    #expect(try Self.object(skipped)["status"] as? String == "skipped")
  }

  @Test func toleranceIsAbsolutePlusRelative() {
    func status(_ actual: Double, _ tolerances: [String: Double]) -> VerificationResult.Status {
      verify(
        Self.vector(["x": Tensor([100.0, 0])], tolerances: tolerances), method: "m",
        with: Self.adapter(["x": Tensor([100, actual])])
      ).status
    }
    #expect(status(1.05, ["abs": 0.1, "rel": 0.01]) == .pass)
    #expect(status(1.15, ["abs": 0.1, "rel": 0.01]) == .fail)
    #expect(status(0.05, ["abs": 0.1]) == .pass)
    #expect(status(0.15, ["abs": 0.1]) == .fail)
    #expect(status(0, [:]) == .pass)
    #expect(status(1e-300, [:]) == .fail)
  }

  @Test func nothingComparedFails() {
    let result = verify(
      Self.vector(["x": Tensor([1.0])]), method: "m", with: Self.adapter(["y": Tensor([1.0])]))
    #expect(result.status == .fail && result.worstError == nil)
    #expect(result.notCompared == ["x"])
  }

  @Test func adapterErrorsFail() {
    let broken = ReferenceAdapter(methods: ["m"]) { vector in
      ["x": try vector.tensor("missing")]
    }
    let result = verify(Self.vector(["x": Tensor([1.0])]), method: "m", with: broken)
    #expect(result.status == .fail)
    #expect(result.message?.contains("missing") == true)
  }
}
