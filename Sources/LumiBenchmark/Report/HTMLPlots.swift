import Foundation

/// A plot with two logarithmic axes.
struct LogPlot {
  struct Series {
    let name: String
    let color: String
    let points: [(x: Double, y: Double)]
  }

  let title: String
  let xTitle: String
  let yTitle: String
  let series: [Series]

  var html: String {
    let shown = series.map { series in
      Series(
        name: series.name, color: series.color,
        points: series.points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite })
    }
    let all = shown.flatMap(\.points)
    guard let x = PlotAxis(logarithmic: all.map(\.x), from: 62, to: 440),
      let y = PlotAxis(logarithmic: all.map(\.y), from: 232, to: 14)
    else { return "" }
    let lines = shown.map { series -> String in
      let path = series.points.map { "\(Plot.point(x($0.x), y($0.y)))" }.joined(separator: " ")
      let dots = series.points.map {
        "<circle cx=\"\(Plot.short(x($0.x)))\" cy=\"\(Plot.short(y($0.y)))\" r=\"3\" fill=\"\(series.color)\"/>"
      }.joined()
      return "<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(series.color)\" "
        + "stroke-width=\"2\"/>" + dots
    }
    return Plot.figure(
      title: title, x, y, xTitle: xTitle, yTitle: yTitle, body: lines.joined(),
      legend: shown.map { ($0.name, $0.color) })
  }
}

/// The error over the iterations: the median of the starts and the band from the tenth to the ninetieth
/// percentile.
struct ConvergencePlot {
  let runs: [OptimisationResult]
  let colors: [String: String]

  init(_ runs: [OptimisationResult], colors: [String: String]) {
    self.runs = runs
    self.colors = colors
  }

  var html: String {
    let values =
      runs.flatMap { $0.curve.lower + $0.curve.median + $0.curve.upper }
      .filter { $0.isFinite && $0 > 0 } + runs.map(\.threshold)
    // Errors far below the threshold are all alike.
    let floor = (runs.map(\.threshold).min() ?? 1) / 300
    guard let y = PlotAxis(logarithmic: values.map { max($0, floor) }, from: 232, to: 14),
      let last = runs.compactMap({ $0.curve.iterations.last }).max(), last > 0
    else { return "" }
    let x = PlotAxis(linear: Double(last), from: 62, to: 440)
    func height(_ value: Double) -> Double { y(value.isFinite ? max(value, floor) : .infinity) }
    let curves = runs.map { run -> String in
      let color = colors[run.method] ?? "#666"
      func path(_ values: [Double]) -> [String] {
        zip(run.curve.iterations, values).map { Plot.point(x(Double($0)), height($1)) }
      }
      let band = (path(run.curve.upper) + path(run.curve.lower).reversed()).joined(separator: " ")
      return "<polygon points=\"\(band)\" fill=\"\(color)\" opacity=\"0.14\"/>"
        + "<polyline points=\"\(path(run.curve.median).joined(separator: " "))\" fill=\"none\" "
        + "stroke=\"\(color)\" stroke-width=\"2\"/>"
    }
    let threshold = Plot.short(y(runs[0].threshold))
    let line =
      "<line x1=\"62\" x2=\"440\" y1=\"\(threshold)\" y2=\"\(threshold)\" class=\"threshold\"/>"
    let legend = runs.map { run in
      ("\(run.method), \(Figure.percent(run.successRate)) succeed", colors[run.method] ?? "#666")
    }
    return Plot.figure(
      title: "error over iterations (median, 10–90%; dashed: threshold)", x, y,
      xTitle: "iterations", yTitle: runs[0].unit, body: curves.joined() + line, legend: legend)
  }
}

/// Maps values to places and knows where ticks go.
struct PlotAxis {
  let ticks: [Double]
  private let low: Double
  private let high: Double
  private let from: Double
  private let to: Double
  private let isLogarithmic: Bool

  /// Whole powers of ten around the values, or 1-2-5 steps within few of them; nil without values.
  init?(logarithmic values: [Double], from: Double, to: Double) {
    let usable = values.filter { $0 > 0 && $0.isFinite }
    guard let least = usable.min(), let most = usable.max() else { return nil }
    low = log10(least) - 0.08
    high = max(log10(most) + 0.08, low + 0.3)
    let decades = Int(low.rounded(.down))...Int(high.rounded(.up))
    let steps: [Double] = high - low > 2.2 ? [1] : [1, 2, 5]
    let spacing = max(1, Int((high - low) / 6))
    let range = (low, high)
    ticks = decades.filter { $0 % spacing == 0 }.flatMap { decade in
      steps.map { $0 * pow(10, Double(decade)) }
    }.filter { log10($0) >= range.0 && log10($0) <= range.1 }
    (self.from, self.to) = (from, to)
    isLogarithmic = true
  }

  /// From 0.
  init(linear most: Double, from: Double, to: Double) {
    (low, high) = (0, most)
    ticks = (0...4).map { most * Double($0) / 4 }
    (self.from, self.to) = (from, to)
    isLogarithmic = false
  }

  func callAsFunction(_ value: Double) -> Double {
    let position = isLogarithmic ? log10(max(value, 1e-300)) : value
    let share = min(max((position - low) / (high - low), 0), 1)
    return from + (to - from) * share
  }
}

enum Plot {
  static func short(_ value: Double) -> String { String(format: "%.1f", value) }
  static func point(_ x: Double, _ y: Double) -> String { "\(short(x)),\(short(y))" }

  /// Axes, body and legend.
  static func figure(
    title: String, _ x: PlotAxis, _ y: PlotAxis, xTitle: String, yTitle: String, body: String,
    legend: [(name: String, color: String)]
  ) -> String {
    let across = x.ticks.map { tick in
      "<line x1=\"\(short(x(tick)))\" x2=\"\(short(x(tick)))\" y1=\"14\" y2=\"232\" class=\"grid\"/>"
        + "<text x=\"\(short(x(tick)))\" y=\"247\" text-anchor=\"middle\">\(label(tick))</text>"
    }
    let up = y.ticks.map { tick in
      "<line x1=\"62\" x2=\"440\" y1=\"\(short(y(tick)))\" y2=\"\(short(y(tick)))\" class=\"grid\"/>"
        + "<text x=\"57\" y=\"\(short(y(tick) + 4))\" text-anchor=\"end\">\(label(tick))</text>"
    }
    let names = legend.map {
      "<li><span style=\"background:\($0.color)\"></span>\(escaped($0.name))</li>"
    }
    return """
      <figure><svg viewBox="0 0 460 270" role="img" aria-label="\(escaped(title))">
      \(across.joined())\(up.joined())\(body)
      <text x="251" y="264" text-anchor="middle" class="axis">\(escaped(xTitle))</text>
      <text transform="translate(13,123) rotate(-90)" text-anchor="middle" class="axis">\
      \(escaped(yTitle))</text></svg>
      <figcaption>\(escaped(title))</figcaption><ul class="legend">\(names.joined())</ul></figure>
      """
  }

  private static func label(_ value: Double) -> String {
    value != 0 && (abs(value) < 1e-3 || abs(value) >= 1e5)
      ? String(format: "%.0e", value) : String(format: "%g", value)
  }
}
