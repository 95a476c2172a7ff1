import ArgumentParser
import Foundation
import Glibc
import Lumigrad

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks gradients against central differences where a method claims exact ones.",
    discussion: "Exit status 1 if a claim does not hold.")

  @Option(help: "Only methods whose id matches this pattern.")
  var methods = "*"

  @Option(help: "Only problems whose name matches this pattern.")
  var problems = "*"

  @Option(help: "Also write the results to this file as JSON.")
  var json: String?

  func run() throws {
    let entries = RendererRegistry.standard.entries.map(\.renderer)
      .filter { fnmatch(methods, $0.method.id, 0) == 0 }
    let chosen = GradientProblem.standard.filter { fnmatch(problems, $0.name, 0) == 0 }
    guard !entries.isEmpty && !chosen.isEmpty else {
      throw ValidationError("no method matches '\(methods)' or no problem '\(problems)'")
    }
    var progress = Progress(total: entries.count * chosen.count)
    var results: [ConsistencyResult] = []
    for renderer in entries {
      for problem in chosen {
        progress.begin("\(renderer.method.id) \(problem.name)")
        results.append(problem.checkConsistency(of: renderer))
      }
    }
    progress.end()
    print(
      Report.table(
        [
          "METHOD", "PROBLEM", "PARAMETER", "CLAIM", "RELATIVE ERROR", "LARGEST DERIVATIVE",
          "RESULT",
        ],
        results.map { result in
          [
            result.method, result.problem, result.parameter, result.claim.rawValue,
            Report.number(result.relativeError), Report.number(result.largestDerivative),
            result.status.rawValue + (result.message.map { " (\($0))" } ?? ""),
          ]
        }))
    if let json { try Report.write(results, to: json) }
    if results.contains(where: { $0.status == .fail }) { throw ExitCode.failure }
  }
}
