import ArgumentParser
import Lumigrad

struct Perf: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Times standard workloads in multiples of a matrix product in the same process.")

  @Option(help: "Only this workload; may be given several times.")
  var workload: [String] = []

  @Option(help: "Also write the figures to this file as JSON.")
  var json: String?

  @Option(help: "The folder of the data sets that workloads read.")
  var data = Workloads.defaultDataFolder

  @Option(help: "Seconds that each workload runs at least.")
  var seconds = 2.0

  @Flag(
    help: "Time instead how every mesh method grows with faces and pixels, and a million faces.")
  var scaling = false

  @Option(help: "With --scaling: only methods that match this pattern, such as 'mesh/soft*'.")
  var methods = "*"

  @Option(help: "With --scaling: only series that match this pattern: faces, pixels, million*.")
  var series = "*"

  @Option(help: "With --scaling: leave out larger sizes once a pass takes so many seconds.")
  var limit = 15.0

  func validate() throws {
    let known = Workloads.all(data: data).map(\.name)
    for name in workload where !known.contains(name) {
      throw ValidationError(
        "there is no workload \"\(name)\"; there are \(known.joined(separator: ", "))")
    }
    guard seconds >= 0 && seconds.isFinite else {
      throw ValidationError("--seconds is \(seconds), expected 0 or more")
    }
  }

  func run() throws {
    if scaling { try runScaling() } else { try runWorkloads() }
  }

  private func runWorkloads() throws {
    let chosen = Workloads.all(data: data).filter { workload.isEmpty || workload.contains($0.name) }
    let progress = Progress()
    var done = 0
    let report = try measurePerformance(of: chosen, seconds: seconds) { name in
      progress.show(done: done, of: chosen.count + 1, name)
      done += 1
    }
    progress.end()
    print(
      """
      calibration: 2048³ float32 product, \(Report.number(report.calibrationMs)) ms on 1 thread, \
      \(Report.number(report.parallelCalibrationMs)) ms on \(report.threads)
      """)
    print(
      TextTable(
        ["WORKLOAD", "FORWARD MS", "BACKWARD MS", "UNITS", "PEAK MIB", "RATE FWD", "RATE FWD+BWD"],
        report.workloads.map { timing in
          [
            timing.name, Report.number(timing.forwardMs), Report.number(timing.backwardMs),
            Report.number(timing.units), Report.number(Double(timing.peakBytes) / 1_048_576),
            Report.number(timing.forwardRateRatio), Report.number(timing.totalRateRatio),
          ]
        }
      ).text)
    if let json { try Report.write(report, to: json) }
  }
  private func runScaling() throws {
    let progress = Progress()
    var measured: [ScalingSeries] = []
    for entry in Gradbench.registry.entries where Glob.matches(methods, entry.renderer.method.id) {
      guard let renderer = try? entry.renderer.typed(as: Mesh.self) else { continue }
      let measurement = ScalingMeasurement(
        method: entry.renderer.method.id, renderer: renderer, seconds: seconds, limit: limit)
      let kinds = [
        ("faces", measurement.overFaces), ("pixels", measurement.overPixels),
        ("million faces", measurement.millionFaces),
      ]
      for (kind, measure) in kinds where Glob.matches(series, kind) {
        let result = try measure { progress.show(done: measured.count, of: 0, $0) }
        progress.end()
        measured.append(result)
        print(Self.table(result))
      }
    }
    if let json { try Report.write(ScalingReport(series: measured), to: json) }
  }

  private static func table(_ series: ScalingSeries) -> String {
    let rows = series.points.map { point in
      [
        "\(point.size)", Report.number(point.forwardMs), Report.number(point.backwardMs),
        Report.number(point.units), Report.number(Double(point.peakBytes) / 1_048_576),
        Report.number(point.residentBytes.map { Double($0) / 1_048_576 }),
      ]
    }
    var text = "\(series.method) over \(series.over)\n"
    text +=
      TextTable(
        ["SIZE", "FORWARD MS", "BACKWARD MS", "UNITS", "PEAK MIB", "RESIDENT MIB"], rows
      ).text
    if let exponent = series.exponent, let last = series.lastExponent {
      text += "\ngrows as size^\(Report.number(exponent, "%.2f")), the three largest as "
      text += "size^\(Report.number(last, "%.2f"))"
    }
    return series.message.map { text + "\n" + $0 } ?? text + "\n"
  }
}

/// What `gradbench perf --scaling --json` writes.
struct ScalingReport: Encodable {
  /// Of this layout.
  let schema = 1
  let series: [ScalingSeries]
}
