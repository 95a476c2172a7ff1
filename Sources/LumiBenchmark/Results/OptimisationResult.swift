import LumiRendering

/// One method's optimisation of one problem from many starts.
public struct OptimisationResult: Sendable, Codable, Equatable {
  public var method: String
  public var problem: String
  public var group: ParameterGroup
  public var claim: GradientKind
  /// Reported, skipped, or fail where the method could not draw or its gradient was not finite.
  public var status: CaseStatus
  public var messages: [String]
  /// The unit of all errors.
  public var unit: String
  public var threshold: Double
  public var iterations: Int
  /// One entry a start, in the order of the seeds.
  public var initialErrors: [Double]
  public var finalErrors: [Double]
  /// The first iteration after which the error was at most the threshold for good; nil for none.
  public var iterationsToThreshold: [Int?]
  /// The error along the iterations: a tenth, half and nine tenths of the starts are below.
  public var curve: OptimisationCurve

  public init(
    method: String, problem: String, group: ParameterGroup, claim: GradientKind,
    status: CaseStatus, messages: [String] = [], unit: String, threshold: Double, iterations: Int
  ) {
    self.method = method
    self.problem = problem
    self.group = group
    self.claim = claim
    self.status = status
    self.messages = messages
    self.unit = unit
    self.threshold = threshold
    self.iterations = iterations
    initialErrors = []
    finalErrors = []
    iterationsToThreshold = []
    curve = OptimisationCurve(iterations: [], lower: [], median: [], upper: [])
  }

  /// Share of starts whose final error is at most the threshold; nil without starts.
  public var successRate: Double? {
    guard !finalErrors.isEmpty else { return nil }
    return Double(finalErrors.count { $0 <= threshold }) / Double(finalErrors.count)
  }
  public var medianError: Double? { finalErrors.quantile(0.5) }
  public var ninetiethPercentileError: Double? { finalErrors.quantile(0.9) }
  /// Over the starts that succeeded.
  public var medianIterations: Double? {
    iterationsToThreshold.compactMap { $0.map(Double.init) }.quantile(0.5)
  }
  /// Mean over the iterations of the median error over the median initial error: 1 for no progress,
  /// small for fast and full progress.
  public var areaUnderCurve: Double? {
    guard let first = curve.median.first, first > 0 else { return nil }
    return curve.median.reduce(0, +) / Double(curve.median.count) / first
  }
}

/// Quantiles of the error over the starts along the iterations.
public struct OptimisationCurve: Sendable, Codable, Equatable {
  public var iterations: [Int]
  public var lower: [Double]
  public var median: [Double]
  public var upper: [Double]

  public init(iterations: [Int], lower: [Double], median: [Double], upper: [Double]) {
    self.iterations = iterations
    self.lower = lower
    self.median = median
    self.upper = upper
  }
}

extension [Double] {
  /// The value below which a share of the sorted values lies, linear between them; nil if empty.
  func quantile(_ share: Double) -> Double? {
    guard !isEmpty else { return nil }
    let sorted = sorted()
    let position = share * Double(count - 1)
    let lower = Int(position)
    let upper = Swift.min(lower + 1, count - 1)
    // Equal values first: infinity minus infinity would not be one.
    guard sorted[lower] != sorted[upper] else { return sorted[lower] }
    return sorted[lower] + (sorted[upper] - sorted[lower]) * (position - Double(lower))
  }
}
