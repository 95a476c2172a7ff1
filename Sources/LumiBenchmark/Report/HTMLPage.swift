import LumiRendering

/// Text that is safe inside of a page: names come from plug-ins.
func escaped(_ text: String) -> String {
  var result = ""
  for character in text {
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    default: result.append(character)
    }
  }
  return result
}

extension BenchmarkReport {
  /// The run as one page that needs nothing from outside: tables that sort, derivative pictures,
  /// plots. Readable without scripts but for the pictures.
  public var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8"/>
    <meta name="viewport" content="width=device-width, initial-scale=1"/>
    <title>Lumigrad gradient benchmark</title>
    <style>\(HTMLAssets.style)</style>
    </head>
    <body>
    <header>
    <h1>Gradient benchmark</h1>
    <p class="subtitle">\(methods.count) methods, \(problems.count) problems, \(mode.rawValue) run, \
    \(escaped(environment.date))</p>
    \(verdictBanner)
    </header>
    <main>
    \(summarySection)
    \(guideSection)
    \(derivativeSection)
    \(optimisationSection)
    \(biasSection)
    \(costSection)
    \(controlSection)
    <section><h2>Problems</h2>
    \(problems.map(problemSection).joined(separator: "\n"))
    </section>
    \(environmentSection)
    </main>
    <script>\(HTMLAssets.script)</script>
    </body>
    </html>

    """
  }

  private var verdictBanner: String {
    if failures.isEmpty {
      let held = verdicts.count { $0.holds == true }
      return
        "<p class=\"banner good\">\(held) of \(verdicts.count) claims were tested and hold. "
        + "\(controls.count { $0.isCaught }) of \(controls.count) negative controls caught.</p>"
    }
    let items = failures.map { "<li>\(escaped($0))</li>" }.joined()
    return "<div class=\"banner bad\"><b>Failed</b><ul>\(items)</ul></div>"
  }

  private var guideSection: String {
    """
    <section><h2>Four questions</h2>
    <dl class="guide">
    <dt>Consistent?</dt><dd>The gradient against central differences of the method's own picture, in
    float64. Asked of methods that claim exact gradients; passes at a relative error of 10⁻⁵.</dd>
    <dt>True?</dt><dd>Picture and gradient against the exact picture, every pixel the mean over its
    area. Cosine 1 is the right direction; relative L2 is 0 for the right gradient and 1 for none;
    zero share is how many pixels have no gradient at all where there should be one. Shows the bias
    of every approximation and is never a failure.</dd>
    <dt>Useful?</dt><dd>Gradient descent from 16 seeded starts towards exact pictures, the same
    optimiser and budget for all. Success means an error within the problem's threshold.</dd>
    <dt>Cheap?</dt><dd>Forward and backward time in multiples of a matrix product of the same
    process, memory, and how both grow.</dd>
    </dl></section>
    """
  }

  private var environmentSection: String {
    let rows = [
      ("processor", environment.processor), ("threads", "\(environment.threads)"),
      ("kernels", environment.kernels), ("matrix library", environment.matrixLibrary),
      ("system", environment.system), ("date", environment.date),
      ("schema", "\(schema)"), ("problems", "version \(problemsVersion)"),
    ].map { HTMLTable.Row([.text($0.0), .text($0.1)]) }
    return "<section><h2>Environment</h2>"
      + HTMLTable(columns: ["What", "Value"], rows: rows).html + "</section>"
  }

  /// One problem: pictures of the derivative, the plot of the optimisation.
  private func problemSection(_ problem: ProblemRecord) -> String {
    let mine = derivatives.filter { $0.problem == problem.name && !$0.pictures.isEmpty }
    let runs = optimisations.filter { $0.problem == problem.name && !$0.finalErrors.isEmpty }
    let plot = runs.isEmpty ? "" : ConvergencePlot(runs, colors: methodColors).html
    return """
      <article id="\(escaped(problem.name))">
      <h3>\(escaped(problem.name))</h3>
      <p>\(escaped(problem.summary)); \(problem.parameters.count) parameter\(problem.parameters.count == 1 ? "" : "s"), compared in \
      \(escaped(problem.channel)).</p>
      <div class="columns">\(HTMLPictures.html(mine))\(plot)</div>
      </article>
      """
  }

  /// A colour a method, the same in all plots.
  var methodColors: [String: String] {
    let palette = [
      "#2166ac", "#b2182b", "#1b7837", "#e08214", "#762a83", "#018571", "#c51b7d", "#8c510a",
      "#4393c3", "#666666",
    ]
    return Dictionary(
      methods.enumerated().map { ($1.id, palette[$0 % palette.count]) },
      uniquingKeysWith: { first, _ in first })
  }
}

/// Derivative pictures: drawn by the page's script from signed bytes.
enum HTMLPictures {
  /// The truth beside every method, a row a parameter.
  static func html(_ results: [DerivativeResult]) -> String {
    guard let first = results.first else { return "" }
    let head =
      "<tr><th></th><th>truth</th>"
      + results.map { "<th>\(escaped($0.method))</th>" }.joined() + "</tr>"
    let rows = first.pictures.indices.map { index in
      let picture = first.pictures[index]
      let own = results.map { result in
        result.pictures.indices.contains(index)
          ? "<td>\(canvas(result.pictures[index], result.pictures[index].method))</td>"
          : "<td></td>"
      }
      return
        "<tr><th>\(escaped(picture.parameter))<br/><span class=\"scale\">±\(short(picture.scale))"
        + "</span></th><td>\(canvas(picture, picture.truth))</td>\(own.joined())</tr>"
    }
    return """
      <figure><table class="pictures">\(head)\(rows.joined())</table>
      <figcaption>Derivative of every pixel.
      <span class="bar"></span> negative, zero, positive</figcaption></figure>
      """
  }

  private static func canvas(_ picture: GradientPicture, _ bytes: String) -> String {
    """
    <canvas width="\(picture.width)" height="\(picture.height)" data-pixels="\(bytes)"></canvas>
    """
  }
}
