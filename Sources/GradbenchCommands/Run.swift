import ArgumentParser
import Foundation
import Lumigrad

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judges methods: consistent, true, useful, cheap.",
    discussion: """
      Writes results.json and report.html into the folder that --out names. Exit status 1 if a claim \
      does not hold or a negative control is not caught. An interrupted run goes on with --resume.
      """)

  @Option(
    help: ArgumentHelp(
      "Only methods whose id matches this pattern.",
      discussion: "Without it, every method whose kind of shape the problems can be stated as."))
  var methods: String?

  @Option(
    help: ArgumentHelp(
      "Only problems whose name matches this pattern.",
      discussion: """
        Without it, a quick run judges the core of the standard problems, a full one all of them; \
        '*' means all.
        """))
  var problems: String?

  @Flag(help: "How thoroughly.")
  var mode = ModeFlag.quick

  @Option(help: "The folder for the results.")
  var out = "out/bench"

  @Flag(help: "Go on where an interrupted run with the same settings stopped.")
  var resume = false

  @Option(
    help: ArgumentHelp(
      "Spoil gradients on purpose, to see that the suite notices: METHOD=FAULT or METHOD=FAULT:PATH.",
      discussion: """
        FAULT is zero, flipped, doubled, noisy or off-by-one-pixel; PATH is a pattern for parameter \
        paths such as 'camera.*'. Without it all gradients are spoiled.
        """, valueName: "METHOD=FAULT[:PATH]"))
  var spoil: [String] = []

  enum ModeFlag: String, EnumerableFlag {
    case quick, full
  }

  func validate() throws {
    for text in spoil { _ = try Spoiling(text) }
  }

  func run() throws {
    let registry = try chosenRegistry()
    let chosen = Gradbench.problems.filter(isChosen)
    guard !registry.entries.isEmpty && !chosen.isEmpty else {
      throw ValidationError(
        "no method matches '\(methods ?? "*")' or no problem '\(problems ?? "*")'")
    }
    let benchmarkMode: BenchmarkMode = mode == .quick ? .quick : .full
    let store = try CaseStore(
      path: out + "/cases",
      manifest: CaseStore.Manifest(
        mode: benchmarkMode, program: Machine.programHash + spoil.joined(separator: " ")),
      resuming: resume)
    let progress = Progress()
    let report = try BenchmarkRun(
      registry: registry, problems: chosen, mode: benchmarkMode, environment: Machine.environment
    ).report(keepingCasesIn: store) { progress.show($0) }
    progress.end()
    try write(report)
    print(report.table)
    printUnjudged()
    print("\nResults: \(out)/results.json\nReport:  \(out)/report.html")
    if !report.failures.isEmpty { throw ExitCode.failure }
  }

  private func write(_ report: BenchmarkReport) throws {
    let folder = URL(fileURLWithPath: out, isDirectory: true)
    try BenchmarkCoding.data(report)
      .write(to: folder.appendingPathComponent("results.json"), options: .atomic)
    try Data(report.html.utf8)
      .write(to: folder.appendingPathComponent("report.html"), options: .atomic)
  }

  private func chosenRegistry() throws -> RendererRegistry {
    let faults = try spoil.map(Spoiling.init)
    for fault in faults { _ = try Gradbench.registry.renderer(fault.method) }
    var registry = RendererRegistry()
    for entry in Gradbench.registry.entries where isChosen(entry.renderer) {
      let renderer = faults.filter { $0.method == entry.renderer.method.id }
        .reduce(entry.renderer) { $1.applied(to: $0) }
      try registry.register(renderer, reference: entry.reference, softness: entry.softness)
    }
    return registry
  }

  /// What nobody asked to leave out.
  private func printUnjudged() {
    guard methods == nil else { return }
    let rest = Gradbench.registry.entries.map(\.renderer).filter { !$0.drawsProblems }
    guard !rest.isEmpty else { return }
    let names = rest.map(\.method.id).joined(separator: ", ")
    print("\nNot judged, no problem is stated as their kind of shape: \(names)")
  }

  /// A plug-in's own problems are always among the quick ones.
  private func isChosen(_ problem: GradientProblem) -> Bool {
    if let problems { return Glob.matches(problems, problem.name) }
    let isStandard = GradientProblem.standard.contains { $0.name == problem.name }
    return mode == .full || !isStandard
      || GradientProblem.core.contains { $0.name == problem.name }
  }

  private func isChosen(_ renderer: AnyRenderer) -> Bool {
    methods.map { Glob.matches($0, renderer.method.id) } ?? renderer.drawsProblems
  }
}

/// What `--spoil` asks for.
private struct Spoiling {
  let method: String
  let fault: GradientFault
  let path: String?

  init(_ text: String) throws {
    let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
    let parts = sides.last!.split(separator: ":", maxSplits: 1).map(String.init)
    guard sides.count == 2, let name = parts.first, let fault = GradientFault(rawValue: name) else {
      let known = GradientFault.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError(
        "--spoil is '\(text)', expected METHOD=FAULT or METHOD=FAULT:PATH with a fault of \(known)")
    }
    (method, self.fault, path) = (sides[0], fault, parts.count > 1 ? parts[1] : nil)
  }

  func applied(to renderer: AnyRenderer) -> AnyRenderer {
    guard let path else { return renderer.spoiled(fault) }
    return renderer.spoiled(fault) { Glob.matches(path, $0) }
  }
}
