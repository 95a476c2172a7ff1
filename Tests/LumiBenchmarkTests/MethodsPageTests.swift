import Foundation
import LumiBenchmark
import LumiRendering
import Testing

/// The page that `gradbench methods` writes.
struct MethodsPageTests {
  static func lines(_ page: String, after heading: String) -> [[String]] {
    let part = page.components(separatedBy: "\n## \(heading)\n")[1]
      .components(separatedBy: "\n## ")[0]
    return part.split(separator: "\n").filter { $0.hasPrefix("|") && !$0.hasPrefix("|--") }
      .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
  }

  @Test func figuresAreThoseOfTheRun() {
    let page = ComparisonTests.report().methodsPage
    let sideBySide = Self.lines(page, after: "Side by side")
    #expect(sideBySide.count == 3)
    #expect(
      sideBySide[1] == [
        "[mesh/softras](#meshsoftras)", "approximated rendering", "1e-09", "0.900, 0.3",
        "1 of 1, 100%", "20", "not tested: material, camera, light",
      ])
    // Nothing is known of the second method, and nothing is made up.
    #expect(sideBySide[2].dropFirst(2).prefix(4) == ["not claimed", "-", "-", "-"])
    #expect(Self.lines(page, after: "Success rates")[1] == ["geometry/sphere-scale", "100%", "-"])
    #expect(Self.lines(page, after: "Truth")[1] == ["geometry/sphere-scale", "0.900", "-"])
    #expect(Self.lines(page, after: "Cost")[1] == ["mesh/softras", "1", "1", "0.954", "-", "-"])
  }

  /// A figure that stands for some of a method's gradients says for which.
  @Test func partsOfAClaimAreNamed() {
    var report = ComparisonTests.report()
    var other = report.derivatives[0]
    other.group = .material
    other.consistency?.relativeError = 3e-8
    report.derivatives[0].consistency = nil
    report.derivatives.append(other)
    #expect(Self.lines(report.methodsPage, after: "Side by side")[1][2] == "3e-08 (material)")
  }

  @Test func failedClaimsAreTold() {
    var report = ComparisonTests.report()
    report.derivatives[0].status = .fail
    report.derivatives[0].messages = ["wrong"]
    #expect(Self.lines(report.methodsPage, after: "Side by side")[1][6] == "not: shape")
  }

  /// Names are text: no markup, no broken tables, and every link has its heading.
  @Test func namesAreText() {
    var report = ComparisonTests.report()
    report.methods[0].id = "a/b|c"
    let page = report.methodsPage
    #expect(!page.contains("<script"))
    #expect(page.contains("a/b\\|c"))
    #expect(page.contains("](#abc)") && page.contains("### a/b|c"))
  }

  @Test func emptyRunsHaveAPage() {
    let page = BenchmarkReport(
      mode: .full, environment: ComparisonTests.environment, methods: [], problems: []
    ).methodsPage
    #expect(page.contains("# Methods") && page.contains("Not measured."))
  }
}
