import ArgumentParser
import Lumigrad

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the rendering methods with their survey type, claims and citation.")

  @Flag(help: "Print a JSON array instead of a table.")
  var json = false

  /// The stable form of a method in JSON.
  private struct Entry: Encodable {
    let id, representation, type, citation, name, strengths, limits: String
    /// Parameter group to kind of gradient.
    let claims: [String: String]

    init(_ method: MethodDescription) {
      id = method.id
      representation = method.representation.rawValue
      type = method.type
      citation = method.citation
      name = method.name
      strengths = method.strengths
      limits = method.limits
      claims = Dictionary(
        uniqueKeysWithValues: ParameterGroup.allCases.map {
          ($0.rawValue, method.claim($0).rawValue)
        })
    }
  }

  func run() throws {
    let methods = RendererRegistry.standard.methods
    if json {
      print(String(decoding: try Report.json(methods.map(Entry.init)), as: UTF8.self))
      return
    }
    let rows = methods.map { method in
      [method.id, method.type]
        + ParameterGroup.allCases.map { method.claim($0).rawValue } + [method.citation]
    }
    print(
      Report.table(
        ["METHOD", "TYPE"] + ParameterGroup.allCases.map { $0.rawValue.uppercased() }
          + ["CITATION"], rows))
  }
}
