import LumiRendering

/// Two runs that cannot be compared.
public struct IncomparableReports: Error, Sendable, Equatable, CustomStringConvertible {
  public let what: String
  public let baseline: String
  public let candidate: String

  public var description: String {
    "the runs cannot be compared: \(what) is \(baseline) in the first and \(candidate) in the second"
  }
}

/// What became worse or better from one run to another, beyond noise.
///
/// Scores are deterministic on one machine; their allowances leave room for another processor's
/// rounding. Times are compared in calibration units and may grow by half before they count.
public struct BenchmarkComparison: Sendable {
  public private(set) var regressions: [String] = []
  public private(set) var improvements: [String] = []
  /// Differences that are neither: new cases, another machine.
  public private(set) var notes: [String] = []
  /// Whether all results but times and memory are equal to the last bit.
  public let hasEqualResults: Bool

  /// Throws ``IncomparableReports`` for different schemas, problem versions or modes.
  public init(baseline: BenchmarkReport, candidate: BenchmarkReport) throws {
    func same(_ what: String, _ a: String, _ b: String) throws {
      guard a == b else { throw IncomparableReports(what: what, baseline: a, candidate: b) }
    }
    try same("schema", "\(baseline.schema)", "\(candidate.schema)")
    try same(
      "the problems' version", "\(baseline.problemsVersion)", "\(candidate.problemsVersion)")
    try same("mode", baseline.mode.rawValue, candidate.mode.rawValue)
    hasEqualResults = baseline.isEqual(to: candidate)
    compareEnvironments(baseline.environment, candidate.environment)
    pair(
      baseline.derivatives, candidate.derivatives, { "\($0.method), \($0.problem), derivative" }
    ) { $2.derivative($0, $1, $3) }
    pair(
      baseline.optimisations, candidate.optimisations,
      { "\($0.method), \($0.problem), optimisation" }
    ) { $2.optimisation($0, $1, $3) }
    pair(baseline.sweeps, candidate.sweeps, { "\($0.method), bias over \($0.parameter)" }) {
      $2.sweep($0, $1, $3)
    }
    pair(baseline.costs, candidate.costs, { "\($0.method), cost" }) { $2.cost($0, $1, $3) }
    pair(
      baseline.controls, candidate.controls, { "control \($0.fault.rawValue), \($0.column)" }
    ) { before, after, comparison, name in
      if before.isCaught && !after.isCaught { comparison.regressions.append("\(name): missed") }
      if !before.isCaught && after.isCaught { comparison.improvements.append("\(name): caught") }
    }
    let claim = { (verdict: ClaimVerdict) in
      "\(verdict.method), claim \(verdict.claim.rawValue) of \(verdict.group.rawValue)"
    }
    pair(baseline.verdicts, candidate.verdicts, claim) { before, after, comparison, name in
      if before.holds == true && after.holds != true {
        comparison.regressions.append("\(name): holds no longer")
      }
      if before.holds == false && after.holds == true {
        comparison.improvements.append("\(name): holds now")
      }
    }
  }

  public var description: String {
    func section(_ title: String, _ lines: [String]) -> [String] {
      lines.isEmpty ? [] : ["\(lines.count) \(title)"] + lines.map { "- \($0)" }
    }
    let lines =
      section("regressions", regressions) + section("improvements", improvements)
      + section("notes", notes)
    let verdict = regressions.isEmpty ? "no regression" : "worse"
    let bits = hasEqualResults ? "results equal to the last bit" : "results differ"
    return (lines + ["\(verdict); \(bits) (times and memory aside)"]).joined(separator: "\n")
  }

  // MARK: Pairs

  private mutating func compareEnvironments(
    _ a: BenchmarkEnvironment, _ b: BenchmarkEnvironment
  ) {
    for (what, before, after) in [
      ("processor", a.processor, b.processor), ("threads", "\(a.threads)", "\(b.threads)"),
      ("kernels", a.kernels, b.kernels), ("matrix library", a.matrixLibrary, b.matrixLibrary),
    ] where before != after {
      notes.append("\(what): \(before), then \(after)")
    }
  }

  /// Compares what has one name in both; what vanished is a regression.
  private mutating func pair<Item>(
    _ baseline: [Item], _ candidate: [Item], _ name: (Item) -> String,
    _ compare: (Item, Item, inout BenchmarkComparison, String) -> Void
  ) {
    let known = Set(baseline.map(name))
    for before in baseline {
      guard let after = candidate.first(where: { name($0) == name(before) }) else {
        regressions.append("\(name(before)): not in the second run")
        continue
      }
      compare(before, after, &self, name(before))
    }
    for after in candidate where !known.contains(name(after)) {
      notes.append("\(name(after)): new")
    }
  }

  /// A figure that is better when small. It may grow by `share` of itself plus `slack`; NaN is the
  /// worst of all.
  private mutating func smaller(
    _ name: String, _ before: Double?, _ after: Double?, share: Double, slack: Double
  ) {
    switch (before, after) {
    case (nil, nil): return
    case (let before?, nil): regressions.append("\(name): was \(short(before)), now missing")
    case (nil, _?): notes.append("\(name): new")
    case (let before?, let after?):
      if before.isNaN && after.isNaN { return }
      let grew = !(after <= before * (1 + share) + slack)
      let fell = !(before <= after * (1 + share) + slack)
      if !before.isNaN && grew {
        regressions.append("\(name): \(short(before)) → \(short(after))")
      } else if before.isNaN || fell {
        improvements.append("\(name): \(short(before)) → \(short(after))")
      }
    }
  }

  private mutating func status(_ name: String, _ before: CaseStatus, _ after: CaseStatus) {
    guard before != after else { return }
    let line = "\(name): \(before.rawValue) → \(after.rawValue)"
    switch (before, after) {
    case (_, .fail), (.pass, _), (.reported, .skipped): regressions.append(line)
    default: improvements.append(line)
    }
  }

  private mutating func derivative(
    _ before: DerivativeResult, _ after: DerivativeResult, _ name: String
  ) {
    status(name, before.status, after.status)
    // Errors near rounding wander by orders of magnitude.
    smaller(
      "\(name), consistency", before.consistency?.relativeError,
      after.consistency?.relativeError, share: 9, slack: 1e-7)
    let (a, b) = (before.truth, after.truth)
    smaller("\(name), image error", a?.imageError, b?.imageError, share: 0.02, slack: 1e-3)
    smaller("\(name), relative L2", a?.relativeL2, b?.relativeL2, share: 0.02, slack: 1e-3)
    smaller("\(name), zero share", a?.zeroShare, b?.zeroShare, share: 0.02, slack: 1e-3)
    smaller(
      "\(name), 1 - cosine", a?.cosine.map { 1 - $0 }, b?.cosine.map { 1 - $0 }, share: 0.02,
      slack: 0.01)
    smaller(
      "\(name), numbers that are not finite", Double(before.nonFinite), Double(after.nonFinite),
      share: 0, slack: 0)
    if before.bitEqual == true && after.bitEqual == false {
      regressions.append("\(name): two runs no longer give the same bits")
    }
  }

  private mutating func optimisation(
    _ before: OptimisationResult, _ after: OptimisationResult, _ name: String
  ) {
    status(name, before.status, after.status)
    // One start may cross the threshold by rounding.
    let one = 1.001 / Double(max(before.finalErrors.count, 1))
    smaller(
      "\(name), share of failures", before.successRate.map { 1 - $0 },
      after.successRate.map { 1 - $0 }, share: 0, slack: one)
    smaller(
      "\(name), median error in \(before.unit)", before.medianError, after.medianError, share: 0.1,
      slack: before.threshold / 100)
  }

  private mutating func sweep(_ before: SweepResult, _ after: SweepResult, _ name: String) {
    status(name, before.status, after.status)
    for (a, b) in zip(before.points, after.points) where a.value == b.value {
      smaller(
        "\(name), \(short(a.value))", a.relativeL2, b.relativeL2, share: 0.02, slack: 1e-3)
    }
  }

  private mutating func cost(_ before: CostResult, _ after: CostResult, _ name: String) {
    status(name, before.status, after.status)
    let points =
      zip(before.resolutions, after.resolutions).map { ($0, $1) }
      + zip(before.primitives, after.primitives).map { ($0, $1) }
    for (a, b) in points where a.pixels == b.pixels && a.primitives == b.primitives {
      let size = "\(name), \(a.pixels) pixels, \(a.primitives) primitives"
      smaller(
        "\(size), units of the fastest run", a.fastestUnits, b.fastestUnits, share: 0.5,
        slack: 5e-4)
      smaller(
        "\(size), peak bytes", Double(a.peakBytes), Double(b.peakBytes), share: 0.2, slack: 65536)
    }
  }
}

extension BenchmarkReport {
  /// Whether all deterministic results are the same.
  fileprivate func isEqual(to other: BenchmarkReport) -> Bool {
    func plain(_ report: BenchmarkReport) -> BenchmarkReport {
      var copy = report
      copy.environment = BenchmarkEnvironment(
        processor: "", threads: 0, kernels: "", matrixLibrary: "", system: "", date: "")
      copy.costs = []
      // Noise without a seed is what that control is about.
      for index in copy.controls.indices where copy.controls[index].fault == .noisy {
        copy.controls[index].spoiled = 0
      }
      return copy
    }
    // Through JSON, because NaN does not equal itself.
    guard let a = try? BenchmarkCoding.data(plain(self)),
      let b = try? BenchmarkCoding.data(plain(other))
    else { return false }
    return a == b
  }
}
