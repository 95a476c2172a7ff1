import LumiRendering

/// Whether one method's claim for one group of parameters holds.
public struct ClaimVerdict: Sendable, Equatable {
  public let method: String
  public let group: ParameterGroup
  public let claim: GradientKind
  /// Nil where nothing of the run could tell.
  public let holds: Bool?
  /// Problems and parameters that say so.
  public let reasons: [String]
}

extension BenchmarkReport {
  /// A surrogate must bring at least this share of starts home on one problem of its group.
  static let usefulSuccessRate = 0.5

  /// Every claim of every method that is not "none", in the order of the methods.
  ///
  /// Exact and estimator claims hold if no derivative of the group fails. A surrogate claim holds
  /// if the method succeeds from half of the starts on at least one optimisation of the group whose
  /// bodies cast no shadows: what leads a shadow home is the shading's gradient and not the
  /// surrogate. Its derivatives only fail where they are not finite or cannot be computed.
  public var verdicts: [ClaimVerdict] {
    methods.flatMap { method in
      ParameterGroup.allCases.compactMap { group in verdict(method, group) }
    }
  }

  private func verdict(_ method: MethodRecord, _ group: ParameterGroup) -> ClaimVerdict? {
    guard let claim = method.claims[group.rawValue].flatMap(GradientKind.init), claim != .none
    else { return nil }
    let mine = derivatives.filter { $0.method == method.id && $0.group == group }
    let runs = optimisations.filter { $0.method == method.id && $0.group == group }
    var failures = mine.filter { $0.status == .fail }.flatMap { result in
      result.messages.map { "\(result.problem): \($0)" }
    }
    failures += runs.filter { $0.status == .fail }.flatMap { result in
      result.messages.map { "\(result.problem): \($0)" }
    }
    var holds: Bool?
    if !failures.isEmpty {
      holds = false
    } else if claim == .surrogate {
      let withShadows = problems.filter { $0.hasShadows == true }.map(\.name)
      let rates = runs.filter { !withShadows.contains($0.problem) }.compactMap(\.successRate)
      if let best = rates.max() {
        holds = best >= Self.usefulSuccessRate
        if best < Self.usefulSuccessRate {
          failures = ["success rate at most \(best) on the optimisations of \(group.rawValue)"]
        }
      }
    } else if mine.contains(where: { $0.status == .pass }) {
      holds = true
    }
    return ClaimVerdict(
      method: method.id, group: group, claim: claim, holds: holds, reasons: failures)
  }

  /// What makes a run fail: claims that do not hold, methods that cannot draw what they claim,
  /// controls that were not caught. Empty if all is well.
  public var failures: [String] {
    let claims = verdicts.filter { $0.holds == false }.flatMap { verdict in
      verdict.reasons.map {
        "\(verdict.method) claims \(verdict.claim.rawValue) gradients of \(verdict.group.rawValue): \($0)"
      }
    }
    let missed = controls.filter { !$0.isCaught }.map {
      "control \($0.fault.rawValue) on \($0.method), \($0.problem) was not caught by \($0.column)"
    }
    let sweepsAndCosts =
      sweeps.filter { $0.status == .fail }.flatMap { sweep in
        sweep.messages.map { "\(sweep.method) \(sweep.problem), \(sweep.parameter): \($0)" }
      }
      + costs.filter { $0.status == .fail }.flatMap { cost in
        cost.messages.map { "\(cost.method), cost: \($0)" }
      }
    return claims + missed + sweepsAndCosts
  }
}
