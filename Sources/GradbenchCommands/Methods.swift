import ArgumentParser
import Foundation
import Lumigrad

struct Methods: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the methods side by side as Markdown.",
    discussion: "Docs/Methods.md is made this way from a run of all methods.")

  @Argument(help: "The results.json of a run.")
  var results: String

  @Option(help: "The file to write; standard output if not given.")
  var out: String?

  func run() throws {
    let page = try ResultsFile.read(results).methodsPage
    guard let out else {
      print(page, terminator: "")
      return
    }
    try Data(page.utf8).write(to: URL(fileURLWithPath: out), options: .atomic)
  }
}

/// Results on disk.
enum ResultsFile {
  /// Throws an error that names the file, for one that does not hold the results of a run.
  static func read(_ path: String) throws -> BenchmarkReport {
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
