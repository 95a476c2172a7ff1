import Foundation
import LumiBenchmark
import LumiRendering
import LumiTensor
import Lumigrad
import Testing

/// Two runs held against each other, and the forms that a report takes.
struct ComparisonTests {
  static let environment = BenchmarkEnvironment(
    processor: "test", threads: 2, kernels: "base", matrixLibrary: "none", system: "none",
    date: "2026-01-01T00:00:00Z")

  /// A small report by hand.
  static func report() -> BenchmarkReport {
    var report = BenchmarkReport(
      mode: .quick, environment: environment,
      methods: [MethodRecord(SoftRasterizer.method), MethodRecord(NotANumberRenderer.method)],
      problems: [ProblemRecord(GradientProblem.standard[0])])
    var derivative = DerivativeResult(
      method: "mesh/softras", problem: "geometry/sphere-scale", group: .shape, claim: .exact,
      status: .pass)
    derivative.consistency = ConsistencyScore(
      relativeError: 1e-9, worstParameter: "scale", analytic: 1, numeric: 1, largestDerivative: 1)
    derivative.truth = TruthScore(source: "closed form", truthError: 0)
    derivative.truth?.imageError = 0.1
    derivative.truth?.cosine = 0.9
    derivative.truth?.relativeL2 = 0.3
    derivative.truth?.zeroShare = 0.1
    derivative.bitEqual = true
    derivative.pictures = [
      GradientPicture(
        parameter: "<i>scale</i>", width: 1, height: 1, scale: 1, truth: "AA==", method: "fw==")
    ]
    report.derivatives = [derivative]
    var run = OptimisationResult(
      method: "mesh/softras", problem: "geometry/sphere-scale", group: .shape, claim: .exact,
      status: .reported, unit: "pixels", threshold: 0.5, iterations: 2)
    run.initialErrors = [Double](repeating: 2, count: 16)
    run.finalErrors = [Double](repeating: 0.2, count: 16)
    run.iterationsToThreshold = [Int?](repeating: 2, count: 16)
    run.curve = OptimisationCurve(
      iterations: [0, 1, 2], lower: [2, 1, 0], median: [2, 1, 0.2], upper: [2, .infinity, .nan])
    report.optimisations = [run]
    var cost = CostResult(
      method: "mesh/softras", status: .reported, calibrationMs: 100, threads: 2)
    cost.resolutions = [
      CostPoint(
        pixels: 100, primitives: 10, forwardMs: 1, backwardMs: 1, units: 0.02, fastestUnits: 0.02,
        peakBytes: 1_000_000)
    ]
    report.costs = [cost]
    report.sweeps = [
      SweepResult(
        method: "mesh/softras", parameter: "sigma", problem: "geometry/translation",
        status: .reported,
        points: [SweepPoint(value: 1e-3, imageError: 0.1, cosine: 1, relativeL2: 0.2)])
    ]
    report.controls = [
      ControlResult(
        fault: .zero, method: "mesh/softras", problem: "geometry/translation", column: "c",
        clean: 0, spoiled: 1, isCaught: true)
    ]
    return report
  }

  static func compare(_ change: (inout BenchmarkReport) -> Void) throws -> BenchmarkComparison {
    var other = report()
    change(&other)
    return try BenchmarkComparison(baseline: report(), candidate: other)
  }

  @Test func aRunEqualsItself() throws {
    let same = try Self.compare { _ in }
    #expect(same.regressions.isEmpty && same.improvements.isEmpty && same.notes.isEmpty)
    #expect(same.hasEqualResults)
    // Times are no results.
    let slower = try Self.compare { $0.costs[0].resolutions[0].units *= 1.2 }
    #expect(slower.hasEqualResults && slower.regressions.isEmpty)
  }

  /// Each change is a regression one way and an improvement the other.
  static let changes: [(String, @Sendable (inout BenchmarkReport) -> Void)] = [
    ("status", { $0.derivatives[0].status = .fail }),
    ("consistency", { $0.derivatives[0].consistency!.relativeError = 1e-5 }),
    ("consistency, not a number", { $0.derivatives[0].consistency!.relativeError = .nan }),
    ("cosine", { $0.derivatives[0].truth!.cosine = 0.8 }),
    ("relative L2", { $0.derivatives[0].truth!.relativeL2 = 0.4 }),
    ("zero share", { $0.derivatives[0].truth!.zeroShare = 0.5 }),
    ("image error", { $0.derivatives[0].truth!.imageError = 0.2 }),
    ("not finite", { $0.derivatives[0].nonFinite = 1 }),
    ("failures", { report in for i in 0..<3 { report.optimisations[0].finalErrors[i] = 0.9 } }),
    ("median", { $0.optimisations[0].finalErrors = .init(repeating: 0.3, count: 16) }),
    ("units", { $0.costs[0].resolutions[0].fastestUnits = 0.04 }),
    ("bytes", { $0.costs[0].resolutions[0].peakBytes = 2_000_000 }),
    ("bias", { $0.sweeps[0].points[0].relativeL2 = 0.3 }),
    ("control", { $0.controls[0].isCaught = false }),
  ]

  @Test(arguments: changes.indices)
  func changesBeyondNoiseCount(_ index: Int) throws {
    let (name, change) = Self.changes[index]
    var worse = Self.report()
    change(&worse)
    let regression = try BenchmarkComparison(baseline: Self.report(), candidate: worse)
    #expect(!regression.regressions.isEmpty, "\(name)")
    let improvement = try BenchmarkComparison(baseline: worse, candidate: Self.report())
    #expect(improvement.regressions.isEmpty && !improvement.improvements.isEmpty, "\(name)")
  }

  /// What noise or another processor's rounding may do.
  static let harmless: [@Sendable (inout BenchmarkReport) -> Void] = [
    { $0.derivatives[0].consistency!.relativeError = 9e-8 },
    { $0.derivatives[0].truth!.cosine = 0.895 },
    { $0.derivatives[0].truth!.relativeL2 = 0.301 },
    { $0.optimisations[0].finalErrors[0] = 0.9 },
    { $0.costs[0].resolutions[0].fastestUnits = 0.028 },
    { $0.environment.processor = "other" },
  ]

  @Test(arguments: harmless.indices)
  func noiseDoesNotCount(_ index: Int) throws {
    #expect(try Self.compare(Self.harmless[index]).regressions.isEmpty)
  }

  @Test func missingAndNewCases() throws {
    let missing = try Self.compare { $0.derivatives = [] }
    #expect(missing.regressions.contains { $0.contains("not in the second run") })
    var more = Self.report()
    more.derivatives.append(more.derivatives[0])
    more.derivatives[1].method = "mesh/other"
    let new = try BenchmarkComparison(baseline: Self.report(), candidate: more)
    #expect(new.regressions.isEmpty && new.notes.contains { $0.contains("new") })
  }

  @Test func differentKindsOfRunsDoNotCompare() {
    #expect(throws: IncomparableReports.self) { try Self.compare { $0.mode = .full } }
    #expect(throws: IncomparableReports.self) { try Self.compare { $0.schema = 2 } }
    #expect(throws: IncomparableReports.self) { try Self.compare { $0.problemsVersion = 9 } }
  }

  @Test func jsonComesBack() throws {
    let data = try BenchmarkCoding.data(Self.report())
    let text = String(decoding: data, as: UTF8.self)
    for key in [
      "\"relative_l2\"", "\"zero_share\"", "\"final_errors\"", "\"peak_bytes\"", "\"nan\"",
    ] { #expect(text.contains(key), "\(key)") }
    let back = try BenchmarkCoding.value(BenchmarkReport.self, from: data)
    #expect(try BenchmarkCoding.data(back) == data)
    #expect(back.derivatives == Self.report().derivatives)
  }

  @Test func verdictsAndFailures() {
    var report = Self.report()
    #expect(report.failures.isEmpty)
    report.derivatives[0].status = .fail
    report.derivatives[0].messages = ["gradient of scale is 2, differences give 1"]
    #expect(report.failures.count == 1)
    for word in ["mesh/softras", "geometry/sphere-scale", "scale"] {
      #expect(report.failures[0].contains(word))
    }
    report = Self.report()
    report.controls[0].isCaught = false
    #expect(report.failures.count == 1 && report.failures[0].contains("zero"))
    // A surrogate that succeeds nowhere.
    report = Self.report()
    report.methods[0].claims["shape"] = "surrogate"
    #expect(report.failures.isEmpty)
    report.optimisations[0].finalErrors = .init(repeating: 9, count: 16)
    #expect(report.failures.first?.contains("success rate") == true)
  }

  @Test func pageEscapesNamesAndNeedsNoNetwork() {
    let page = Self.report().html
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(!page.contains("<script>alert") && !page.contains("<i>scale"))
    #expect(page.contains("&lt;i&gt;scale&lt;/i&gt;"))
    for word in ["http", "src=", "@import", "url("] { #expect(!page.contains(word), "\(word)") }
    #expect(!page.contains("nan,") && !page.contains("inf,") && !page.contains(",nan"))
    for tag in ["table", "section", "article", "svg", "figure", "tr", "ul"] {
      #expect(
        page.components(separatedBy: "<\(tag)").count
          == page.components(separatedBy: "</\(tag)>").count, "\(tag)")
    }
  }

  @Test func emptyReportsArePossible() throws {
    let empty = BenchmarkReport(
      mode: .full, environment: Self.environment, methods: [], problems: [])
    #expect(empty.html.contains("</html>"))
    #expect(empty.table.contains("PROBLEM"))
    #expect(try BenchmarkComparison(baseline: empty, candidate: empty).regressions.isEmpty)
  }

  @Test func tableIsAligned() {
    let table = TextTable(["A", "LONG"], [["aaaa", "b"], ["c", "d"]]).text
    #expect(table == "A     LONG\naaaa  b\nc     d")
  }
}
