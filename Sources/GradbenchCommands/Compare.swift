import ArgumentParser
import Foundation
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
      baseline: read(baseline), candidate: read(candidate))
    print(comparison.description)
    if !comparison.regressions.isEmpty { throw ExitCode.failure }
  }

  private func read(_ path: String) throws -> BenchmarkReport {
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      let schema = try BenchmarkCoding.value(SchemaOnly.self, from: data).schema
      guard schema == BenchmarkReport.currentSchema else {
        throw ValidationError(
          "\(path): schema \(schema), expected \(BenchmarkReport.currentSchema)")
      }
      return try BenchmarkCoding.value(from: data)
    } catch let error as ValidationError {
      throw error
    } catch {
      throw ValidationError("\(path): not the results of a run (\(error))")
    }
  }

  private struct SchemaOnly: Decodable {
    let schema: Int
  }
}
