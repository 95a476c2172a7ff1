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

    - *Consistent*: the worst relative error of the gradient against central differences of the \
    method's own picture, over the groups of parameters that it claims to be exact for, which are \
    named if they are not all.
    - *True*: medians of the cosine and of the relative L2 error between the gradient and that of \
    the exact picture, over the problems of geometry and camera.
    - *Useful*: optimisations that at least half of the starts bring to the target, and the mean \
    success rate.
    - *Cheap*: forward and backward together at \(middlePixels) pixels, in thousandths of a 2048³ \
    matrix product on one thread.
    - *Claims*: whether the run confirms what the method says of its gradients: exact ones by \
    differences, surrogates by a problem of each group that half of the starts solve.

    \(sideBySide)

    ## Success rates

    Share of \(starts) starts that reach the target, by problem.

    \(successTable)

    ## Truth

    Cosine between the method's gradient and that of the exact picture, by problem.

    \(cosineTable)

    ## Cost

    Milliseconds at \(middlePixels) pixels, peak memory in MiB, and the exponents with which forward \
    and backward time grow with pixels and with primitives: 1 is linear. On another machine, compare \
    the units above.

    \(costs.isEmpty ? "Not measured." : costMarkdown)

    ## What each method is

    \(methods.map(section).joined(separator: "\n\n"))

    """
  }

  // MARK: Tables

  private var middlePixels: String {
    costs.compactMap(\.middle?.pixels).first.map { "\($0)" } ?? "no"
  }

  private var starts: String {
    optimisations.map(\.finalErrors.count).max().map { "\($0)" } ?? "no"
  }

  private var sideBySide: String {
    Self.markdown(
      [
        "method", "survey type", "consistent", "true (cosine, L2)", "useful (problems, starts)",
        "cheap", "claims",
      ],
      methods.map { method in
        [
          "[\(method.id)](#\(Self.anchor(method)))", method.type, consistent(method.id),
          truth(method.id), useful(method.id), cheap(method.id), claims(method.id),
        ]
      })
  }

  private func consistent(_ id: String) -> String {
    let scored = derivatives.filter { $0.method == id && $0.consistency != nil }
    guard let worst = scored.compactMap({ $0.consistency?.relativeError }).max() else {
      return "not claimed"
    }
    let groups = ParameterGroup.allCases.filter { group in
      derivatives.contains { $0.method == id && $0.group == group }
    }
    let exact = groups.filter { group in scored.contains { $0.group == group } }
    let names = exact.map(\.rawValue).joined(separator: ", ")
    return short(worst) + (exact.count < groups.count ? " (\(names))" : "")
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
    Figure.number(costs.first { $0.method == id }?.middle.map { $0.units * 1000 })
  }

  private var costMarkdown: String {
    func growth(_ exponents: GrowthExponents?) -> String {
      exponents.map { "\(Figure.fixed($0.forward)), \(Figure.fixed($0.backward))" } ?? "-"
    }
    return Self.markdown(
      ["method", "forward", "backward", "peak MiB", "growth with pixels", "with primitives"],
      costs.map { cost in
        [
          cost.method, Figure.number(cost.middle?.forwardMs),
          Figure.number(cost.middle?.backwardMs),
          Figure.number(cost.middle.map { Double($0.peakBytes) / 1_048_576 }),
          growth(cost.withPixels), growth(cost.withPrimitives),
        ]
      })
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
      ### \(Self.plain(method.id))

      \(Self.plain(method.name)): \(method.representation), \(Self.plain(method.type)).

      - Strengths: \(Self.plain(method.strengths)).
      - Limits: \(Self.plain(method.limits)).
      - Gradients: \(claims).
      - Published: \(Self.plain(method.citation)).
      """
  }

  /// Text that is no markup.
  private static func plain(_ text: String) -> String { text.replacing("<", with: "&lt;") }

  private static func stem(_ id: String) -> String {
    id.split(separator: "/").last.map(String.init) ?? id
  }

  /// The heading's link, as Markdown renderers make it: lower case, without punctuation.
  private static func anchor(_ method: MethodRecord) -> String {
    method.id.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
  }

  private static func markdown(_ header: [String], _ rows: [[String]]) -> String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { plain($0).replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    let rule = "|" + String(repeating: "---|", count: header.count)
    return ([line(header), rule] + rows.map(line)).joined(separator: "\n")
  }
}

extension CostResult {
  /// The image size that tables show.
  fileprivate var middle: CostPoint? {
    resolutions.isEmpty ? nil : resolutions[resolutions.count / 2]
  }
}
