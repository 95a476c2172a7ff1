import LumiRendering

extension BenchmarkReport {
  /// The methods side by side as Markdown, for Docs/Methods.md: what each is, a line of figures for
  /// the benchmark's four questions, and success and truth by problem.
  public var methodsPage: String {
    """
    # Methods

    Written by `gradbench methods` from the results of one run; do not edit. What the columns mean is \
    in [Benchmark.md](Benchmark.md).

    Run: \(mode.rawValue), problems version \(problemsVersion); \(environment.processor), \
    \(environment.threads) threads, \(environment.kernels) kernels, \(environment.matrixLibrary); \
    \(environment.date).

    ## Side by side

    - *Consistent*: the worst relative error against central differences of the method's own \
    picture, over the parameters whose gradient it claims to be exact.
    - *True*: median cosine and relative L2 of the gradient against the exact picture's, over the \
    problems of geometry and camera.
    - *Useful*: optimisations in which at least half of the starts reach the target, and the mean \
    success rate over all starts.
    - *Cheap*: forward and backward at \(middlePixels) pixels in multiples of a 2048³ matrix product, \
    and peak memory.
    - *Claims*: whether what the method claims of its gradients was confirmed.

    \(sideBySide)

    ## Success rates

    Share of \(starts) starts that reach the target, by problem.

    \(successTable)

    ## Truth

    Cosine between the method's gradient and that of the exact picture, by problem.

    \(cosineTable)

    ## What each method is

    \(methods.map(section).joined(separator: "\n\n"))

    """
  }

  // MARK: Tables

  private var middlePixels: String {
    costs.compactMap { cost in
      cost.resolutions.isEmpty ? nil : cost.resolutions[cost.resolutions.count / 2].pixels
    }.first.map { "\($0)" } ?? "no"
  }

  private var starts: String {
    optimisations.map(\.finalErrors.count).max().map { "\($0)" } ?? "no"
  }

  private var sideBySide: String {
    Self.markdown(
      ["method", "survey type", "consistent", "true", "useful", "cheap", "claims"],
      methods.map { method in
        [
          "[\(method.id)](#\(Self.anchor(method)))", method.type, consistent(method.id),
          truth(method.id), useful(method.id), cheap(method.id), claims(method.id),
        ]
      })
  }

  private func consistent(_ id: String) -> String {
    let errors = derivatives.filter { $0.method == id }.compactMap { $0.consistency?.relativeError }
    guard let worst = errors.max() else { return "not claimed" }
    return short(worst)
  }

  private func truth(_ id: String) -> String {
    let scores = derivatives.filter {
      $0.method == id && ($0.group == .shape || $0.group == .camera)
    }.compactMap(\.truth)
    guard let cosine = scores.compactMap(\.cosine).quantile(0.5) else { return "-" }
    return
      "\(Figure.fixed(cosine)), \(Figure.number(scores.compactMap(\.relativeL2).quantile(0.5)))"
  }

  private func useful(_ id: String) -> String {
    let rates = optimisations.filter { $0.method == id }.compactMap(\.successRate)
    guard !rates.isEmpty else { return "-" }
    let mean = rates.reduce(0, +) / Double(rates.count)
    return "\(rates.count { $0 >= 0.5 }) of \(rates.count), \(Figure.percent(mean))"
  }

  private func cheap(_ id: String) -> String {
    guard let cost = costs.first(where: { $0.method == id }), !cost.resolutions.isEmpty else {
      return "-"
    }
    let middle = cost.resolutions[cost.resolutions.count / 2]
    return "\(Figure.number(middle.units)) units, "
      + "\(Figure.number(Double(middle.peakBytes) / 1_048_576)) MiB"
  }

  private func claims(_ id: String) -> String {
    let mine = verdicts.filter { $0.method == id }
    let failed = mine.filter { $0.holds == false }.map(\.group.rawValue)
    if !failed.isEmpty { return "not: " + failed.joined(separator: ", ") }
    let open = mine.filter { $0.holds == nil }.map(\.group.rawValue)
    return open.isEmpty ? "hold" : "not tested: " + open.joined(separator: ", ")
  }

  private var successTable: String {
    table(of: problems.filter(\.hasOptimisation)) { problem, id in
      optimisations.first { $0.method == id && $0.problem == problem }?.successRate
        .map { Figure.percent($0) }
    }
  }

  private var cosineTable: String {
    table(of: problems.filter(\.hasDerivative)) { problem, id in
      derivatives.first { $0.method == id && $0.problem == problem }?.truth?.cosine
        .map { Figure.fixed($0) }
    }
  }

  private func table(
    of problems: [ProblemRecord], _ cell: (_ problem: String, _ method: String) -> String?
  ) -> String {
    Self.markdown(
      ["problem"] + methods.map { Self.stem($0.id) },
      problems.map { problem in [problem.name] + methods.map { cell(problem.name, $0.id) ?? "-" } })
  }

  // MARK: Text

  private func section(_ method: MethodRecord) -> String {
    let claims = ParameterGroup.allCases.map {
      "\($0.rawValue) \(method.claims[$0.rawValue] ?? "none")"
    }.joined(separator: ", ")
    return """
      ### \(method.id)

      \(method.name). \(method.representation), \(method.type).

      - Strengths: \(method.strengths).
      - Limits: \(method.limits).
      - Gradients: \(claims).
      - Published: \(method.citation).
      """
  }

  private static func stem(_ id: String) -> String {
    id.split(separator: "/").last.map(String.init) ?? id
  }

  /// The heading's link, as Markdown renderers make it: lower case, without the slash.
  private static func anchor(_ method: MethodRecord) -> String {
    method.id.lowercased().filter { $0 != "/" }
  }

  private static func markdown(_ header: [String], _ rows: [[String]]) -> String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    let rule = "|" + String(repeating: "---|", count: header.count)
    return ([line(header), rule] + rows.map(line)).joined(separator: "\n")
  }
}
