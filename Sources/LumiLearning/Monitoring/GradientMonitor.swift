import LumiTensor

/// A health check for trainings: tells which parameters get no gradient, which operation made the
/// first value that is not finite, and whose gradient explodes.
///
/// It takes the place of the free function in a training loop:
///
/// ```swift
/// var monitor = GradientMonitor()
/// for _ in 0..<steps {
///   let (loss, gradients) = try monitor.valueAndGradient(of: model) { try loss(of: $0) }
///   try optimizer.update(&model, gradients: gradients)
/// }
/// print(monitor.report)
/// ```
///
/// It never throws for what it finds. Memory is bounded: some numbers a parameter.
public struct GradientMonitor: Sendable {
  /// When every operation is watched for values that are not finite.
  public enum Watching: Sendable {
    /// Only where a step's value or gradients turned out not finite: the function is then called a
    /// second time under the watch. The default.
    case onDemand
    /// In every step: every value is looked at once more.
    case always
  }

  /// The norms of one parameter's gradients.
  private struct History: Sendable {
    /// The last ``GradientMonitor/window`` finite norms, oldest first.
    var norms: [Double] = []
    var latest = 0.0
    var largest = 0.0
    var zerosOnEnd = 0
    var zeroShare = 0.0
  }

  /// Steps with nothing but zeros before they are reported; default 20.
  public var zeroSteps = 20
  /// How far above the running median a norm is reported; default 100.
  public var explosionFactor = 100.0
  /// How many norms the running median is of; default 50. At least 10 must be there.
  public var window = 50
  public var watching = Watching.onDemand
  /// The steps seen so far.
  public private(set) var step = 0
  /// What was found, in order; one a kind and parameter.
  public private(set) var findings: [GradientFinding] = []
  private var histories: [String: History] = [:]
  /// Places in ``findings``.
  private var places: [String: Int] = [:]

  public init() {}

  /// The value of a scalar function of a model and its derivatives by parameter path, as the free
  /// function gives them; zeros where the value does not depend on a parameter.
  ///
  /// - Parameters:
  ///   - model: where to differentiate.
  ///   - names: which parameters; all floating-point ones if nil.
  ///   - function: gives a scalar. Called twice in a step that is not finite, unless watching is
  ///     `.always`.
  /// - Throws: what `function` throws, and for names that do not exist.
  public mutating func valueAndGradient<Model: Parameterized>(
    of model: Model, withRespectTo names: [String]? = nil, _ function: (Model) throws -> Tensor
  ) throws -> (value: Tensor, gradients: [String: Tensor]) {
    typealias Result = (
      value: Tensor, gradients: [(path: String, parameter: Tensor, gradient: Tensor?)]
    )
    func run() throws -> Result {
      try valueAndReachableGradients(of: model, withRespectTo: names, function)
    }
    var source: NonFiniteError?
    var watched: Result?
    func runWatched() throws {
      do {
        try requiringFiniteValues { watched = try run() }
      } catch let error as NonFiniteError {
        source = error
      }
    }
    if watching == .always { try runWatched() }
    let result = try watched ?? run()
    let isFinite =
      result.value.isFinite && result.gradients.allSatisfy { $0.gradient?.isFinite ?? true }
    if watching == .onDemand && !isFinite { try runWatched() }
    var gradients: [String: Tensor] = [:]
    for (path, parameter, gradient) in result.gradients {
      if gradient == nil { find(.unreached, path) }
      if !parameter.isFinite { find(.nonFiniteParameter, path) }
      gradients[path] = gradient ?? Tensor.zeros(like: parameter.stoppingGradient())
    }
    let reached = Set(result.gradients.filter { $0.gradient != nil }.map(\.path))
    note(result.value, gradients.filter { reached.contains($0.key) }, source)
    return (result.value, gradients)
  }

  /// Takes note of a step whose gradients were computed elsewhere.
  ///
  /// - Parameters:
  ///   - value: the loss.
  ///   - gradients: by parameter path.
  public mutating func record(value: Tensor, gradients: [String: Tensor]) {
    note(value, gradients, nil)
  }

  /// Takes note of a finished step.
  private mutating func note(
    _ value: Tensor, _ gradients: [String: Tensor], _ source: NonFiniteError?
  ) {
    if !value.isFinite { find(.nonFinite(source: source), "value") }
    for (path, gradient) in gradients.sorted(by: { $0.key < $1.key }) {
      guard gradient.isFinite else {
        find(.nonFinite(source: source), path)
        continue
      }
      note(norm: gradient.safeNorm, path)
    }
    step += 1
  }

  private mutating func note(norm: Double, _ path: String) {
    var history = histories[path] ?? History()
    if history.norms.count >= 10 {
      let median = Self.median(history.norms)
      if median > 0 && norm > explosionFactor * median {
        find(.exploding(norm: norm, median: median), path)
      }
    }
    history.zerosOnEnd = norm == 0 ? history.zerosOnEnd + 1 : 0
    if history.zerosOnEnd >= zeroSteps { find(.zeroGradient(steps: history.zerosOnEnd), path) }
    history.norms.append(norm)
    history.norms.removeFirst(max(history.norms.count - max(window, 10), 0))
    history.zeroShare =
      Double(history.norms.count { $0 == 0 }) / Double(history.norms.count)
    history.latest = norm
    history.largest = max(history.largest, norm)
    histories[path] = history
  }

  private mutating func find(_ kind: GradientFinding.Kind, _ parameter: String) {
    let finding = GradientFinding(kind: kind, parameter: parameter, step: step, count: 1)
    if let place = places[finding.identity] {
      findings[place].count += 1
    } else {
      places[finding.identity] = findings.count
      findings.append(finding)
    }
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted[sorted.count / 2]
  }

  /// A line a parameter (norm of the last gradient, median, largest, share of zero gradients), then
  /// the findings.
  public var report: String {
    let rows = histories.sorted { $0.key < $1.key }.map { path, history in
      """
      \(path): norm \(history.latest), median \(Self.median(history.norms)), largest \
      \(history.largest), zero in \(Int((history.zeroShare * 100).rounded()))% of the last \
      \(history.norms.count) steps
      """
    }
    let found = findings.isEmpty ? ["nothing found"] : findings.map(\.description)
    return (["\(step) steps"] + rows + found).joined(separator: "\n")
  }
}

extension Tensor {
  /// Whether every element is finite; integers are.
  fileprivate var isFinite: Bool {
    switch dtype {
    case .float32: withUnsafeScalars(as: Float.self) { $0.allSatisfy(\.isFinite) }
    case .float64: withUnsafeScalars(as: Double.self) { $0.allSatisfy(\.isFinite) }
    default: true
    }
  }

  /// The Euclidean norm in float64, without overflow of its squares.
  fileprivate var safeNorm: Double {
    let values = cast(to: .float64).scalars(as: Double.self)
    let largest = values.reduce(0) { Swift.max($0, $1.magnitude) }
    guard largest > 0 else { return 0 }
    let sum = values.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }
    return Swift.min(largest * sum.squareRoot(), .greatestFiniteMagnitude)
  }
}
