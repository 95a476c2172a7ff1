import CLumiKernels
import LumiTensor

/// Something to time: a differentiable function at a point.
public struct Workload: Sendable {
  public let name: String
  /// One line on what is computed.
  public let summary: String
  /// Floating-point operations of the forward pass where they are known, so that rates can be
  /// reported; nil elsewhere.
  public let forwardOperations: Double?
  /// The same for forward and backward together.
  public let totalOperations: Double?
  /// The parameters that are differentiated, and the function.
  public let prepare:
    @Sendable () throws -> (
      parameters: [Tensor], function: ([Tensor]) throws -> [Tensor]
    )

  public init(
    name: String, summary: String, forwardOperations: Double? = nil,
    totalOperations: Double? = nil,
    prepare:
      @escaping @Sendable () throws -> (
        parameters: [Tensor], function: ([Tensor]) throws -> [Tensor]
      )
  ) {
    self.name = name
    self.summary = summary
    self.forwardOperations = forwardOperations
    self.totalOperations = totalOperations
    self.prepare = prepare
  }
}

/// What a workload cost.
public struct WorkloadTiming: Sendable, Codable {
  public let name: String
  /// Medians over the runs.
  public let forwardMs: Double
  public let backwardMs: Double
  /// (forward + backward) / calibration.
  public let units: Double
  /// The same of the fastest run: less at the mercy of what else the machine does.
  public let fastestUnits: Double
  /// The allocator's peak above what was live before, over one forward and backward pass.
  public let peakBytes: Int
  public let runs: Int
  /// The rate of the forward pass over that of the calibration product with the same number of
  /// threads, where the operations are known.
  public let forwardRateRatio: Double?
  public let totalRateRatio: Double?

  enum CodingKeys: String, CodingKey {
    case name, units, runs
    case forwardMs = "forward_ms"
    case backwardMs = "backward_ms"
    case fastestUnits = "fastest_units"
    case peakBytes = "peak_bytes"
    case forwardRateRatio = "forward_rate_ratio"
    case totalRateRatio = "total_rate_ratio"
  }
}

/// Timings of one process, in multiples of a matrix product in the same process, so that they can
/// be compared between machines.
public struct PerformanceReport: Sendable, Codable {
  /// One 2048×2048×2048 float32 matrix product on one thread, in milliseconds.
  public let calibrationMs: Double
  /// The same product on all threads.
  public let parallelCalibrationMs: Double
  public let threads: Int
  public var workloads: [WorkloadTiming]

  enum CodingKeys: String, CodingKey {
    case threads, workloads
    case calibrationMs = "calibration_ms"
    case parallelCalibrationMs = "parallel_calibration_ms"
  }
}

/// Times workloads against the calibration product.
///
/// - Parameters:
///   - workloads: what to time.
///   - seconds: how long each workload runs at least, after one warm-up.
///   - progress: told the name of each workload before it runs.
public func measurePerformance(
  of workloads: [Workload], seconds: Double = 2, progress: (String) -> Void = { _ in }
) throws -> PerformanceReport {
  progress("calibration")
  let calibration = Calibration()
  var report = PerformanceReport(
    calibrationMs: calibration.singleMs, parallelCalibrationMs: calibration.parallelMs,
    threads: LumiRuntime.threads, workloads: [])
  for workload in workloads {
    progress(workload.name)
    report.workloads.append(try measure(workload, seconds: seconds, calibration))
  }
  return report
}

/// The time of a 2048×2048×2048 float32 matrix product in this process: what others are a multiple
/// of.
struct Calibration: Sendable {
  static let size = 2048

  /// Medians in milliseconds, on one thread and on all.
  let singleMs: Double
  let parallelMs: Double

  /// Known already.
  init(singleMs: Double, parallelMs: Double) {
    (self.singleMs, self.parallelMs) = (singleMs, parallelMs)
  }

  /// Measures.
  init() {
    singleMs = LumiRuntime.withThreads(1) { Self.milliseconds() }
    parallelMs = Self.milliseconds()
  }

  private static func milliseconds() -> Double {
    var random = RandomGenerator(seed: 1)
    let a = random.uniform([size, size], low: -1)
    let b = random.uniform([size, size], low: -1)
    _ = a.matmul(b)
    return median(
      (0..<7).map { _ in
        let start = lumi_now_ms()
        _ = a.matmul(b)
        return lumi_now_ms() - start
      })
  }
}

/// Times one workload for at least `seconds`, after one warm-up.
func measure(
  _ workload: Workload, seconds: Double, _ calibration: Calibration
) throws -> WorkloadTiming {
  let (parameters, function) = try workload.prepare()
  var forward: [Double] = []
  var backward: [Double] = []
  var peak = 0
  func pass() throws -> (Double, Double) {
    MemoryStatistics.resetPeak()
    let before = MemoryStatistics.now.current
    let start = lumi_now_ms()
    let product = try vectorJacobianProduct(at: parameters, of: function)
    let middle = lumi_now_ms()
    let cotangents = product.values.map { Tensor.ones(like: $0) }
    let resumed = lumi_now_ms()
    let gradients = product.pullback(cotangents)
    let end = lumi_now_ms()
    peak = max(peak, MemoryStatistics.now.peak - before)
    withExtendedLifetime(gradients) {}
    return (middle - start, end - resumed)
  }
  _ = try pass()
  let deadline = lumi_now_ms() + seconds * 1000
  repeat {
    let (first, second) = try pass()
    forward.append(first)
    backward.append(second)
  } while lumi_now_ms() < deadline || forward.count < 5
  let (f, b) = (median(forward), median(backward))
  let cube = Double(Calibration.size * Calibration.size * Calibration.size)
  let rate = 2 * cube / calibration.parallelMs
  return WorkloadTiming(
    name: workload.name, forwardMs: f, backwardMs: b, units: (f + b) / calibration.singleMs,
    fastestUnits: zip(forward, backward).map { $0 + $1 }.min()! / calibration.singleMs,
    peakBytes: peak, runs: forward.count,
    forwardRateRatio: workload.forwardOperations.map { $0 / f / rate },
    totalRateRatio: workload.totalOperations.map { $0 / (f + b) / rate })
}

private func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
