import LumiRendering

extension BenchmarkReport {
  /// The run as text for a terminal: four questions, four columns, then costs, bias, controls and
  /// claims.
  public var table: String {
    var parts = [mainTable]
    if !costs.isEmpty { parts.append("CHEAP?\n" + costTable) }
    if !sweeps.isEmpty { parts.append("BIAS OVER SOFTNESS\n" + sweepTable) }
    parts.append("NEGATIVE CONTROLS\n" + controlTable)
    parts.append("CLAIMS\n" + claimTable)
    if !failures.isEmpty {
      parts.append("FAILED\n" + failures.map { "- \($0)" }.joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n")
  }

  /// One line a problem and method.
  private var mainTable: String {
    let rows = problems.flatMap { problem in
      methods.map { method -> [String] in
        let derivative = derivatives.first {
          $0.method == method.id && $0.problem == problem.name
        }
        let run = optimisations.first { $0.method == method.id && $0.problem == problem.name }
        return [
          problem.name, method.id, derivative?.claim.rawValue ?? run?.claim.rawValue ?? "-",
          consistent(derivative), isTrue(derivative), useful(run), sound(derivative),
        ]
      }
    }
    return TextTable(
      [
        "PROBLEM", "METHOD", "CLAIM", "CONSISTENT?", "TRUE? image/cosine/L2/zero", "USEFUL?",
        "FINITE, BITS",
      ], rows
    ).text
  }

  private func consistent(_ result: DerivativeResult?) -> String {
    guard let result else { return "-" }
    if let score = result.consistency {
      let verdict = score.relativeError <= Consistency.tolerance ? "ok" : "FAIL"
      return "\(verdict) \(short(score.relativeError))"
    }
    if let score = result.estimate {
      return (score.deviations <= Estimation.allowed ? "ok " : "FAIL ")
        + "\(short(score.deviations)) s.e."
    }
    return result.status == .fail ? "FAIL" : result.status == .skipped ? "skipped" : "-"
  }

  private func isTrue(_ result: DerivativeResult?) -> String {
    guard let score = result?.truth else { return "-" }
    guard score.cosine != nil else { return "refused, truth ±\(short(score.truthError))" }
    return """
      \(Figure.percent(score.imageError)) \(Figure.fixed(score.cosine)) \
      \(Figure.number(score.relativeL2)) \(Figure.percent(score.zeroShare))
      """
  }

  private func useful(_ result: OptimisationResult?) -> String {
    guard let result else { return "-" }
    guard let rate = result.successRate else { return result.status.rawValue }
    return "\(Figure.percent(rate)), \(Figure.number(result.medianError)) \(result.unit)"
  }

  private func sound(_ result: DerivativeResult?) -> String {
    guard let result, let equal = result.bitEqual else { return "-" }
    return (result.nonFinite == 0 ? "ok" : "\(result.nonFinite) bad")
      + (equal ? ", equal" : ", DIFFER")
  }

  private var costTable: String {
    TextTable(
      [
        "METHOD", "PIXELS", "PRIMITIVES", "FORWARD MS", "BACKWARD MS", "UNITS", "PEAK MIB",
        "GROWTH, PIXELS", "PRIMITIVES",
      ],
      costs.map { cost in
        let middle = cost.resolutions.isEmpty ? nil : cost.resolutions[cost.resolutions.count / 2]
        return [
          cost.method, middle.map { "\($0.pixels)" } ?? cost.status.rawValue,
          middle.map { "\($0.primitives)" } ?? "-", Figure.number(middle?.forwardMs),
          Figure.number(middle?.backwardMs), Figure.number(middle?.units),
          Figure.number(middle.map { Double($0.peakBytes) / 1_048_576 }),
          growth(cost.withPixels), growth(cost.withPrimitives),
        ]
      }
    ).text
  }

  private func growth(_ exponents: GrowthExponents?) -> String {
    exponents.map { "^\(short($0.forward)) ^\(short($0.backward))" } ?? "-"
  }

  private var sweepTable: String {
    TextTable(
      ["METHOD", "PARAMETER", "VALUE", "IMAGE ERROR", "COSINE", "RELATIVE L2"],
      sweeps.flatMap { sweep in
        sweep.points.map { point in
          [
            sweep.method, sweep.parameter, short(point.value), Figure.percent(point.imageError),
            Figure.fixed(point.cosine), Figure.number(point.relativeL2),
          ]
        }
      }
    ).text
  }

  private var controlTable: String {
    guard !controls.isEmpty else {
      return
        "not run: they need \(NegativeControls.problem) and a method that passes it with a gradient"
    }
    return TextTable(
      ["FAULT", "METHOD", "COLUMN", "CLEAN", "SPOILED", "RESULT"],
      controls.map { control in
        [
          control.fault.rawValue, control.method, control.column, short(control.clean),
          short(control.spoiled), control.isCaught ? "caught" : "MISSED",
        ]
      }
    ).text
  }

  private var claimTable: String {
    TextTable(
      ["METHOD", "GROUP", "CLAIM", "VERDICT"],
      verdicts.map { verdict in
        [
          verdict.method, verdict.group.rawValue, verdict.claim.rawValue,
          verdict.holds.map { $0 ? "holds" : "DOES NOT HOLD" } ?? "not tested",
        ]
      }
    ).text
  }
}
