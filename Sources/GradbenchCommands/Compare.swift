import ArgumentParser
import Lumigrad

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares two runs.",
    discussion: "Exit status 1 if the second is worse than the first beyond noise.")

  @Argument(help: "The results.json of the run to compare with.")
  var baseline: String

  @Argument(help: "The results.json of the run to judge.")
  var candidate: String

  func run() throws {
    let comparison = try BenchmarkComparison(
      baseline: ResultsFile.read(baseline), candidate: ResultsFile.read(candidate))
    print(comparison.description)
    if !comparison.regressions.isEmpty { throw ExitCode.failure }
  }
}
