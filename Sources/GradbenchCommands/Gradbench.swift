import ArgumentParser
@_exported import Lumigrad
import Synchronization

/// The benchmark's command line over the methods of a registry.
///
/// A package with a renderer of its own has its own `gradbench` in a few lines: an executable whose
/// `main.swift` registers the renderer and calls ``main(_:problems:)``.
public struct Gradbench: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "gradbench",
    abstract: "Measures the gradients of differentiable renderers.",
    subcommands: [
      Info.self, List.self, Run.self, Compare.self, Methods.self, Picture.self, Verify.self,
      Perf.self,
    ])

  public init() {}

  /// What the commands work on. Argument parsers make their commands themselves, so it cannot be
  /// handed to them.
  private static let subject = Mutex<(registry: RendererRegistry, problems: [GradientProblem])>(
    (.standard, GradientProblem.standard))

  static var registry: RendererRegistry { subject.withLock { $0.registry } }
  static var problems: [GradientProblem] { subject.withLock { $0.problems } }

  /// Runs the command that the arguments of the process name, and exits where it fails.
  ///
  /// - Parameters:
  ///   - registry: the methods, for instance those of this package and some more.
  ///   - problems: the problems.
  public static func main(
    _ registry: RendererRegistry, problems: [GradientProblem] = GradientProblem.standard
  ) {
    subject.withLock { $0 = (registry, problems) }
    main()
  }
}
