import CLumiKernels
import Foundation
import LumiRendering
import LumiTensor

/// How far a run is.
public struct BenchmarkProgress: Sendable {
  /// Cases that are done, kept ones of an interrupted run included.
  public let done: Int
  public let total: Int
  /// What was finished last or, at the start, what begins.
  public let name: String
  /// By the time that the cases so far took; nil at the start.
  public let remainingSeconds: Double?
}

/// Runs the suite over the methods of a registry.
///
/// Derivatives and optimisations run side by side on all threads, one thread a case, with the same
/// bits whatever their order. Costs are measured alone afterwards.
public struct BenchmarkRun: Sendable {
  public let registry: RendererRegistry
  public let problems: [GradientProblem]
  public let mode: BenchmarkMode
  public let environment: BenchmarkEnvironment
  private let truths: TruthStore
  private let targets: TargetStore

  /// - Parameters:
  ///   - registry: the methods to judge.
  ///   - problems: the problems to judge them on; names are unique.
  ///   - mode: how thoroughly.
  ///   - environment: told in the report.
  public init(
    registry: RendererRegistry, problems: [GradientProblem] = GradientProblem.standard,
    mode: BenchmarkMode, environment: BenchmarkEnvironment
  ) {
    require(
      Set(problems.map(\.name)).count == problems.count, "BenchmarkRun: two problems of one name")
    self.registry = registry
    self.problems = problems
    self.mode = mode
    self.environment = environment
    truths = TruthStore(problems)
    targets = TargetStore(problems)
  }

  /// Iterations of every optimisation.
  var iterations: Int { mode == .quick ? 60 : 200 }

  /// Runs every case that the store does not hold, and puts the report together.
  ///
  /// - Parameters:
  ///   - store: where finished cases are kept; nil keeps none.
  ///   - progress: called from any thread, one call at a time.
  /// - Throws: what the file system says when a case cannot be kept.
  public func report(
    keepingCasesIn store: CaseStore? = nil,
    progress: @escaping @Sendable (BenchmarkProgress) -> Void = { _ in }
  ) throws -> BenchmarkReport {
    let renderers = registry.entries.map(\.renderer)
    var report = BenchmarkReport(
      mode: mode, environment: environment, methods: registry.methods.map(MethodRecord.init),
      problems: problems.map(ProblemRecord.init))
    let pairs = problems.flatMap { problem in renderers.map { (problem, $0) } }
    let slow = pairs.filter { $0.0.task != nil }
    let quick = pairs.filter { $0.0.point != nil }
    let sweepProblem = problems.first { $0.name == SweepScoring.problem }
    let sweeps = sweepProblem == nil ? [] : registry.entries.filter { $0.softness != nil }
    let tracker = ProgressTracker(
      total: slow.count + quick.count + sweeps.count + renderers.count + 1, progress)
    let box = CaseBox(store, tracker)

    // Short cases last, so that no thread is left with a long one at the end.
    let jobs =
      slow.map(Job.optimisation) + sweeps.map(Job.sweep) + quick.map(Job.derivative)
    let outcomes = try concurrently(jobs) { try run($0, sweepProblem, box) }
    for outcome in outcomes {
      switch outcome {
      case .sweep(let result): report.sweeps.append(result)
      case .optimisation(let result): report.optimisations.append(result)
      case .derivative(let result): report.derivatives.append(result)
      }
    }
    report.controls = try controls(report.derivatives, box)
    let calibration = OnceValue<Calibration>()
    report.costs = try renderers.map { renderer in
      try box.value("cost \(renderer.method.id)") {
        CostScoring(
          renderer: renderer, plan: CostScoring.Plan(mode),
          calibration: try calibration.value { Calibration() }
        ).result()
      }
    }
    return report
  }

  /// What a thread works on at a time.
  private enum Job: Sendable {
    case sweep(RendererRegistry.Entry)
    case optimisation(GradientProblem, AnyRenderer)
    case derivative(GradientProblem, AnyRenderer)
  }

  private enum Outcome: Sendable {
    case sweep(SweepResult)
    case optimisation(OptimisationResult)
    case derivative(DerivativeResult)
  }

  private func run(
    _ job: Job, _ sweepProblem: GradientProblem?, _ box: CaseBox
  ) throws -> Outcome {
    switch job {
    case .sweep(let entry):
      let id = entry.renderer.method.id
      return .sweep(
        try box.value("bias \(id)") {
          SweepScoring(
            method: id, softness: entry.softness!, problem: sweepProblem!, truths: truths
          ).result()
        })
    case .optimisation(let problem, let renderer):
      return .optimisation(
        try box.value("optimisation \(renderer.method.id) \(problem.name)") {
          OptimisationScoring(
            problem: problem, renderer: renderer, iterations: iterations, targets: targets
          ).result()
        })
    case .derivative(let problem, let renderer):
      return .derivative(
        try box.value("derivative \(renderer.method.id) \(problem.name)") {
          DerivativeScoring(problem: problem, renderer: renderer, truths: truths).result()
        })
    }
  }

  /// Spoils the first method that can serve.
  private func controls(
    _ derivatives: [DerivativeResult], _ box: CaseBox
  ) throws -> [ControlResult] {
    guard let clean = derivatives.first(where: NegativeControls.canServe),
      let problem = problems.first(where: { $0.name == clean.problem })
    else {
      box.tracker.finish("controls", wasKept: true)
      return []
    }
    let renderer = try registry.renderer(clean.method)
    return try box.value("controls \(clean.method)") {
      NegativeControls(renderer: renderer, problem: problem, truths: truths).results(clean: clean)
    }
  }

  /// Maps items on all threads, each on one; results are in the order of the items.
  private func concurrently<Item: Sendable, Value: Sendable>(
    _ items: [Item], _ body: @Sendable (Item) throws -> Value
  ) throws -> [Value] {
    let results = ResultBox<Value>(count: items.count)
    let workers = min(LumiRuntime.threads, items.count)
    guard workers > 0 else { return [] }
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      LumiRuntime.withThreads(1) {
        while let index = results.next() {
          results.set(index, Result { try body(items[index]) })
        }
      }
    }
    return try results.values()
  }
}

/// Hands out positions and collects results.
private final class ResultBox<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var position = 0
  private var failed = false
  private var results: [Result<Value, any Error>?]

  init(count: Int) { results = Array(repeating: nil, count: count) }

  /// The next position; nil if none is left, or after a failure.
  func next() -> Int? {
    lock.withLock {
      guard position < results.count, !failed else { return nil }
      defer { position += 1 }
      return position
    }
  }

  func set(_ index: Int, _ result: Result<Value, any Error>) {
    lock.withLock {
      results[index] = result
      if case .failure = result { failed = true }
    }
  }

  func values() throws -> [Value] {
    for case .failure(let error)? in results { throw error }
    return try results.map { try $0!.get() }
  }
}

/// Keeps finished cases and tells of them.
private struct CaseBox: Sendable {
  let store: CaseStore?
  let tracker: ProgressTracker

  init(_ store: CaseStore?, _ tracker: ProgressTracker) {
    self.store = store
    self.tracker = tracker
  }

  /// A kept case, or a new one, which is kept.
  func value<Value: Codable>(
    _ key: String, _ compute: () throws -> Value
  ) throws -> Value {
    if let kept: Value = store?.value(key) {
      tracker.finish(key, wasKept: true)
      return kept
    }
    let value = try compute()
    try store?.save(value, as: key)
    tracker.finish(key, wasKept: false)
    return value
  }
}

/// Counts cases and guesses how long the others take.
private final class ProgressTracker: @unchecked Sendable {
  private let lock = NSLock()
  private let total: Int
  private let report: @Sendable (BenchmarkProgress) -> Void
  private let start = lumi_now_ms()
  private var done = 0
  private var computed = 0

  init(total: Int, _ report: @escaping @Sendable (BenchmarkProgress) -> Void) {
    self.total = total
    self.report = report
    report(BenchmarkProgress(done: 0, total: total, name: "start", remainingSeconds: nil))
  }

  func finish(_ name: String, wasKept: Bool) {
    lock.withLock {
      done += 1
      if !wasKept { computed += 1 }
      let elapsed = (lumi_now_ms() - start) / 1000
      let remaining = computed > 0 ? elapsed / Double(computed) * Double(total - done) : nil
      report(
        BenchmarkProgress(done: done, total: total, name: name, remainingSeconds: remaining))
    }
  }
}
