import ArgumentParser
import Foundation
import Lumigrad

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares methods with numeric reference vectors.",
    discussion: """
      Reads every *.json file of a folder. Exit status 1 if a case fails or a file cannot be read. \
      Cases of methods that are not registered are skipped. Losses and cameras are judged by the \
      library itself.
      """)

  @Option(help: "The folder of the vectors.")
  var reference: String

  @Option(help: "Only cases whose name matches this pattern, such as 'softras-*'.")
  var filter: String?

  @Option(help: "Also write the results to this file as JSON.")
  var json: String?

  @Flag(help: "Let skipped cases fail.")
  var strict = false

  func run() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: reference)
      .filter { $0.hasSuffix(".json") }.sorted()
    let results = files.compactMap { result(of: $0) }
    guard !results.isEmpty else {
      throw ValidationError(
        "\(reference): no case\(filter.map { " whose name matches '\($0)'" } ?? " in *.json files")"
      )
    }
    for result in results { print(line(result)) }
    let counts = Dictionary(grouping: results, by: \.status).mapValues(\.count)
    print(
      "\(counts[.pass] ?? 0) passed, \(counts[.fail] ?? 0) failed, \(counts[.skipped] ?? 0) skipped"
    )
    if let json { try Report.write(results, to: json) }
    if results.contains(where: { $0.status == .fail || (strict && $0.status == .skipped) }) {
      throw ExitCode.failure
    }
  }

  private func isChosen(_ name: String) -> Bool {
    filter.map { Glob.matches($0, name) } ?? true
  }

  /// Nil if the case is not chosen. A file that cannot be read goes by its own name.
  private func result(of file: String) -> VerificationResult? {
    let path = URL(fileURLWithPath: reference).appendingPathComponent(file).path
    do {
      let vector = try ReferenceCase(contentsOf: path)
      guard isChosen(vector.name) else { return nil }
      let isLibrary = !Gradbench.registry.entries.contains {
        $0.reference?.methods.contains(vector.method) ?? false
      }
      if isLibrary, let adapter = LibraryVectors.adapter(for: vector) {
        return verify(vector, method: "library/\(vector.method)", with: adapter)
      }
      return Gradbench.registry.verify(vector)
    } catch {
      let name = String(file.dropLast(".json".count))
      return isChosen(name) ? VerificationResult(unreadable: name, reason: "\(error)") : nil
    }
  }

  private func line(_ result: VerificationResult) -> String {
    var text = "\(result.status.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0)) "
    text += result.case
    if let field = result.worstField, let error = result.worstError {
      text += ": worst \(field), \(Report.number(error)) of the tolerance"
      text += "; compared \(result.compared.joined(separator: ", "))"
      if !result.notCompared.isEmpty {
        text += "; not compared: \(result.notCompared.joined(separator: ", "))"
      }
    }
    if let message = result.message { text += " (\(message))" }
    return text
  }
}
