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
}
