import ArgumentParser
import Foundation
import Lumigrad

struct Picture: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the derivative image of one parameter as PNG.",
    discussion: """
      Red is positive, blue negative, white zero. With the truth, its picture is on the left and the \
      method's on the right, on the same scale.
      """)

  @Option(help: "The method's id, such as mesh/softras.")
  var method: String

  @Option(help: "The problem's name, such as geometry/translation.")
  var problem: String

  @Option(help: "The parameter's name or position; the first if not given.")
  var parameter = "0"

  @Option(help: "The file to write.")
  var out: String

  @Option(help: "Pixels of the file a pixel of the image, 1 to 64.")
  var zoom = 12

  @Flag(help: "Only the method's picture, which is faster.")
  var withoutTruth = false

  func validate() throws {
    guard (1...64).contains(zoom) else {
      throw ValidationError("--zoom is \(zoom), expected 1 to 64")
    }
  }

  func run() throws {
    let renderer = try Gradbench.registry.renderer(method)
    guard let problem = Gradbench.problems.first(where: { $0.name == problem }) else {
      let known = Gradbench.problems.map(\.name).joined(separator: ", ")
      throw ValidationError("there is no problem \"\(problem)\"; there are \(known)")
    }
    let index = try position(problem)
    let picture = try DerivativePicture(
      of: problem, parameter: index, by: renderer, withTruth: !withoutTruth)
    try ImageFile.write(picture.pixels(zoom: zoom), to: out, encoding: .linear)
    print(
      """
      \(out): d \(problem.channel) / d \(problem.parameters[index]), full colour at \
      ±\(Report.number(picture.scale))
      """)
  }

  private func position(_ problem: GradientProblem) throws -> Int {
    if let index = problem.parameters.firstIndex(of: parameter) { return index }
    if let index = Int(parameter), problem.parameters.indices.contains(index) { return index }
    throw ValidationError(
      """
      \(problem.name) has no parameter "\(parameter)"; it has \
      \(problem.parameters.joined(separator: ", "))
      """)
  }
}
