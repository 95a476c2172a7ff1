import ArgumentParser
import Lumigrad

@main
struct Gradbench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradbench",
    abstract: "Measures the gradients of differentiable renderers.",
    subcommands: [Info.self, List.self, Verify.self, Perf.self, Run.self])
}
