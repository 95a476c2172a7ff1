import ArgumentParser
import Lumigrad

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the rendering methods with their survey type, claims and citation.")

  @Flag(help: "Print a JSON array instead of a table.")
  var json = false

  func run() throws {
    let methods = Gradbench.registry.methods
    if json {
      print(String(decoding: try Report.json(methods.map(MethodRecord.init)), as: UTF8.self))
      return
    }
    let rows = methods.map { method in
      [method.id, method.type]
        + ParameterGroup.allCases.map { method.claim($0).rawValue } + [method.citation]
    }
    print(
      TextTable(
        ["METHOD", "TYPE"] + ParameterGroup.allCases.map { $0.rawValue.uppercased() }
          + ["CITATION"], rows
      ).text)
  }
}
