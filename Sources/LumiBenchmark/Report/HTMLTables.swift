import LumiRendering

/// A table whose columns sort when their titles are clicked.
struct HTMLTable {
  /// A cell: what is shown, and the number to sort by if it is one.
  struct Cell {
    let html: String
    var value: Double?
    var style = ""

    static func text(_ text: String, style: String = "") -> Cell {
      Cell(html: escaped(text), style: style)
    }

    static func number(
      _ value: Double?, _ format: (Double?) -> String = Figure.number, style: String = ""
    ) -> Cell {
      Cell(html: escaped(format(value)), value: value ?? .infinity, style: "number " + style)
    }
  }

  struct Row {
    let cells: [Cell]
    init(_ cells: [Cell]) { self.cells = cells }
  }

  let columns: [String]
  let rows: [Row]

  var html: String {
    let head = columns.enumerated().map { index, title in
      let isNumber = rows.first.map { $0.cells[index].value != nil } ?? false
      return "<th\(isNumber ? " class=\"number\"" : "")>\(escaped(title))</th>"
    }.joined()
    let body = rows.map { row in
      "<tr>"
        + row.cells.map { cell in
          let value = cell.value.map { " data-value=\"\(sortable($0))\"" } ?? ""
          return "<td class=\"\(cell.style)\"\(value)>\(cell.html)</td>"
        }.joined() + "</tr>"
    }
    return """
      <div class="scroll"><table class="sortable"><thead><tr>\(head)</tr></thead>
      <tbody>\(body.joined(separator: "\n"))</tbody></table></div>
      """
  }

  private func sortable(_ value: Double) -> String { value.isFinite ? "\(value)" : "1e308" }
}

extension BenchmarkReport {
  /// A line a method.
  var summarySection: String {
    let rows = methods.map { method -> HTMLTable.Row in
      let mine = derivatives.filter { $0.method == method.id }
      let worst = mine.compactMap(\.consistency?.relativeError).max()
      let cosines = mine.compactMap(\.truth?.cosine)
      let rates = optimisations.filter { $0.method == method.id }.compactMap(\.successRate)
      let cost = costs.first { $0.method == method.id }?.resolutions
      let claims = verdicts.filter { $0.method == method.id }
      let held = claims.count { $0.holds == true }
      let broken = claims.contains { $0.holds == false }
      return HTMLTable.Row([
        HTMLTable.Cell(
          html: "<b>\(escaped(method.id))</b><br/><span class=\"scale\">\(escaped(method.type))"
            + "</span>"),
        .text(
          broken ? "does not hold" : "\(held) of \(claims.count) hold",
          style: broken ? "bad" : "good"),
        .number(worst), .number(mean(cosines), Figure.fixed),
        .number(mean(rates), Figure.percent),
        .number(cost.flatMap { $0.isEmpty ? nil : $0[$0.count / 2].units }),
        .text(method.strengths), .text(method.limits),
      ])
    }
    return "<section><h2>Methods</h2>"
      + HTMLTable(
        columns: [
          "Method", "Claims", "Consistent: worst error", "True: mean cosine",
          "Useful: mean success", "Cheap: units", "Strengths", "Limits",
        ], rows: rows
      ).html + "</section>"
  }

  private func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  var derivativeSection: String {
    let rows = derivatives.map { result -> HTMLTable.Row in
      let truth = result.truth
      return HTMLTable.Row([
        problemLink(result.problem), .text(result.method), .text(result.claim.rawValue),
        .text(result.status.rawValue, style: style(result.status)),
        .number(result.consistency?.relativeError ?? result.estimate?.deviations),
        .number(truth?.imageError, Figure.percent), .number(truth?.cosine, Figure.fixed),
        .number(truth?.relativeL2), .number(truth?.signAgreement, Figure.percent),
        .number(truth?.zeroShare, Figure.percent), .number(truth?.pixelCosine, Figure.fixed),
        .number(Double(result.nonFinite), Figure.whole),
        .text(result.bitEqual.map { $0 ? "equal" : "differ" } ?? "-"),
        .text(
          (result.messages + [truth.map { "truth by \($0.source), ±\(short($0.truthError))" } ?? ""])
            .filter { !$0.isEmpty }.joined(separator: "; ")),
      ])
    }
    return "<section><h2>Consistent? True?</h2>"
      + HTMLTable(
        columns: [
          "Problem", "Method", "Claim", "Status", "Consistency", "Image error", "Cosine",
          "Relative L2", "Sign", "Zero share", "Pixel cosine", "Not finite", "Two runs", "Notes",
        ], rows: rows
      ).html + "</section>"
  }

  var optimisationSection: String {
    let rows = optimisations.map { result in
      HTMLTable.Row([
        problemLink(result.problem), .text(result.method),
        .text(result.status.rawValue, style: style(result.status)),
        .number(result.successRate, Figure.percent), .number(result.medianError),
        .number(result.ninetiethPercentileError), .text(result.unit), .number(result.threshold),
        .number(result.medianIterations), .number(result.areaUnderCurve),
        .text(result.messages.joined(separator: "; ")),
      ])
    }
    return "<section><h2>Useful?</h2>"
      + HTMLTable(
        columns: [
          "Problem", "Method", "Status", "Success", "Median error", "90th percentile", "Unit",
          "Threshold", "Iterations to it", "Area under curve", "Notes",
        ], rows: rows
      ).html + "</section>"
  }

  var biasSection: String {
    let shown = sweeps.filter { !$0.points.isEmpty }
    guard !shown.isEmpty else { return "" }
    let plots = shown.map { sweep in
      LogPlot(
        title: "\(sweep.method): bias over \(sweep.parameter)", xTitle: sweep.parameter,
        yTitle: "relative error",
        series: [
          LogPlot.Series(
            name: "image", color: "#2166ac", points: sweep.points.map { ($0.value, $0.imageError) }),
          LogPlot.Series(
            name: "gradient (relative L2)", color: "#b2182b",
            points: sweep.points.map { ($0.value, $0.relativeL2) }),
        ]
      ).html
    }
    return
      "<section><h2>Bias over softness</h2><div class=\"columns\">\(plots.joined())</div></section>"
  }

  var costSection: String {
    let rows = costs.flatMap { cost in
      (cost.resolutions + cost.primitives).map { costRow(cost.method, $0) }
    }
    let table = HTMLTable(
      columns: [
        "Method", "Pixels", "Primitives", "Forward ms", "Backward ms", "Units", "Peak MiB",
      ], rows: rows)
    let overPixels = costPlot("pixels", points: \.resolutions, size: \.pixels, \.withPixels)
    let overPrimitives = costPlot(
      "primitives", points: \.primitives, size: \.primitives, \.withPrimitives)
    return """
      <section><h2>Cheap?</h2><div class="columns">\(overPixels)\(overPrimitives)</div>
      \(table.html)</section>
      """
  }

  private func costRow(_ method: String, _ point: CostPoint) -> HTMLTable.Row {
    HTMLTable.Row([
      .text(method), .number(Double(point.pixels), Figure.whole),
      .number(Double(point.primitives), Figure.whole),
      .number(point.forwardMs), .number(point.backwardMs), .number(point.units),
      .number(Double(point.peakBytes) / 1_048_576),
    ])
  }

  private func costPlot(
    _ title: String, points: KeyPath<CostResult, [CostPoint]>, size: KeyPath<CostPoint, Int>,
    _ growth: KeyPath<CostResult, GrowthExponents?>
  ) -> String {
    let series = costs.filter { !$0[keyPath: points].isEmpty }.map { cost -> LogPlot.Series in
      let exponent = cost[keyPath: growth].map { ", backward ^\(short($0.backward))" } ?? ""
      let places = cost[keyPath: points].map { point in
        (x: Double(point[keyPath: size]), y: point.units)
      }
      return LogPlot.Series(
        name: cost.method + exponent, color: methodColors[cost.method] ?? "#666", points: places)
    }
    return LogPlot(
      title: "time over \(title)", xTitle: title, yTitle: "units, forward + backward",
      series: series
    ).html
  }

  var controlSection: String {
    let rows = controls.map { control in
      HTMLTable.Row([
        .text(control.fault.rawValue), .text(control.method), .text(control.column),
        .number(control.clean), .number(control.spoiled),
        .text(control.isCaught ? "caught" : "missed", style: control.isCaught ? "good" : "bad"),
      ])
    }
    return
      "<section><h2>Negative controls</h2><p>A real method with its gradient spoiled on purpose: "
      + "the suite must notice.</p>"
      + HTMLTable(
        columns: ["Fault", "Method", "Column", "Clean", "Spoiled", "Result"], rows: rows
      ).html + "</section>"
  }

  private func problemLink(_ name: String) -> HTMLTable.Cell {
    HTMLTable.Cell(html: "<a href=\"#\(escaped(name))\">\(escaped(name))</a>")
  }

  private func style(_ status: CaseStatus) -> String {
    switch status {
    case .pass: "good"
    case .fail: "bad"
    case .reported, .skipped: "muted"
    }
  }
}
