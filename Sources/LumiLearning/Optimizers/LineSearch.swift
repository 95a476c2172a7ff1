import LumiTensor

/// A search along one direction for a step length with the strong Wolfe conditions: with
/// φ(α) = f(x + αd),
///
///     φ(α) ≤ φ(0) + c₁ α φ'(0)        |φ'(α)| ≤ c₂ |φ'(0)|
///
/// First longer and longer steps until an interval must hold such a length, then cubic interpolation
/// inside of it. Where φ changes by no more than rounding, the first condition is replaced by its
/// equivalent in slopes, φ'(α) ≤ (2c₁ - 1) φ'(0). A value that is not finite counts as too long.
///
/// - J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition, 2006, algorithms 3.5 and 3.6.
/// - W. Hager, H. Zhang, "A New Conjugate Gradient Method with Guaranteed Descent and an Efficient
///   Line Search", SIAM J. Optimization 16(1), 2005, section 4 (the condition in slopes).
public struct LineSearch: Sendable, Equatable {
  /// c₁, in 0..<c₂: how much of the promised decrease must be there.
  public var sufficientDecrease: Double
  /// c₂, below 1: how flat the end must be. Small values search almost exactly.
  public var curvature: Double
  /// Evaluations of the function before the search gives up.
  public var evaluationLimit: Int

  public init(
    sufficientDecrease: Double = 1e-4, curvature: Double = 0.9, evaluationLimit: Int = 25
  ) {
    require(
      sufficientDecrease > 0 && sufficientDecrease < curvature && curvature < 1
        && evaluationLimit > 0,
      """
      LineSearch: sufficientDecrease \(sufficientDecrease), curvature \(curvature), evaluationLimit \
      \(evaluationLimit); expected 0 < sufficientDecrease < curvature < 1 and a limit above 0
      """)
    self.sufficientDecrease = sufficientDecrease
    self.curvature = curvature
    self.evaluationLimit = evaluationLimit
  }
}

/// Why no step along a direction was found.
public enum LineSearchFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The direction does not lead down: its slope is 0 or more, or not finite.
  case notADescentDirection(slope: Double)
  case evaluationLimit(Int)
  /// The interval shrank to rounding: the gradient is not that of the function, or the minimum is
  /// reached as far as the numbers can tell.
  case intervalTooSmall(length: Double)

  public var description: String {
    switch self {
    case .notADescentDirection(let slope): "line search: the slope \(slope) does not lead down"
    case .evaluationLimit(let limit): "line search: no step found in \(limit) evaluations"
    case .intervalTooSmall(let length):
      "line search: no step found, the interval has shrunk to \(length)"
    }
  }
}

/// φ at a step length, with whatever else the evaluation gave.
struct LinePoint<Payload> {
  let length: Double
  let value: Double
  let slope: Double
  let payload: Payload

  var isFinite: Bool { value.isFinite && slope.isFinite }
}

extension LineSearch {
  /// Finds a step.
  ///
  /// - Parameters:
  ///   - start: φ at 0.
  ///   - first: the length to try first.
  ///   - rounding: relative error of the function's values.
  ///   - evaluate: gives φ and φ' at a length.
  /// - Returns: a point with the conditions, and how many evaluations it took.
  func run<Payload>(
    from start: LinePoint<Payload>, first: Double, rounding: Double,
    _ evaluate: (Double) throws -> LinePoint<Payload>
  ) throws -> (point: LinePoint<Payload>, evaluations: Int) {
    guard start.slope < 0, start.isFinite else {
      throw LineSearchFailure.notADescentDirection(slope: start.slope)
    }
    return try withoutActuallyEscaping(evaluate) { evaluate in
      var search = Search(rules: self, start: start, rounding: rounding, evaluate: evaluate)
      return (try search.bracket(first: first), search.evaluations)
    }
  }

  private struct Search<Payload> {
    let rules: LineSearch
    let start: LinePoint<Payload>
    let rounding: Double
    let evaluate: (Double) throws -> LinePoint<Payload>
    var evaluations = 0

    private mutating func point(at length: Double) throws -> LinePoint<Payload> {
      guard evaluations < rules.evaluationLimit else {
        throw LineSearchFailure.evaluationLimit(rules.evaluationLimit)
      }
      evaluations += 1
      return try evaluate(length)
    }

    private func isLowEnough(_ point: LinePoint<Payload>) -> Bool {
      guard point.isFinite else { return false }
      let promised = rules.sufficientDecrease * point.length * start.slope
      if point.value <= start.value + promised { return true }
      return (point.value - start.value).magnitude <= rounding * start.value.magnitude
        && point.slope <= (2 * rules.sufficientDecrease - 1) * start.slope
    }

    private func isFlatEnough(_ point: LinePoint<Payload>) -> Bool {
      point.slope.magnitude <= -rules.curvature * start.slope
    }

    /// Algorithm 3.5.
    mutating func bracket(first: Double) throws -> LinePoint<Payload> {
      var previous = start
      var length = first
      while true {
        let current = try point(at: length)
        let isWorse = evaluations > 1 && current.value >= previous.value
        if !isLowEnough(current) || (isWorse && !isFlatEnough(current)) {
          return try zoom(low: previous, high: current)
        }
        if isFlatEnough(current) { return current }
        if current.slope >= 0 { return try zoom(low: current, high: previous) }
        // Where the slope would end, but 2 to 10 times as far.
        let guess = Self.minimum(previous, current) ?? .infinity
        length = min(max(guess, 2 * length), 10 * length)
        previous = current
      }
    }

    /// Algorithm 3.6: `low` is the lowest point so far that satisfies the first condition, and the
    /// interval to `high` holds a point with both.
    private mutating func zoom(
      low: LinePoint<Payload>, high: LinePoint<Payload>
    ) throws -> LinePoint<Payload> {
      var (low, high) = (low, high)
      var before = Double.infinity
      while true {
        let width = (high.length - low.length).magnitude
        guard width > 1e-15 * max(low.length, high.length) else {
          throw LineSearchFailure.intervalTooSmall(length: width)
        }
        // An interval that hardly shrinks is halved.
        let middle = (low.length + high.length) / 2
        let guess = width < 0.66 * before ? Self.minimum(low, high) : nil
        let current = try point(at: guess.map { isInside($0, low, high) ? $0 : middle } ?? middle)
        before = width
        if isLowEnough(current) && isFlatEnough(current) {
          return current
        }
        if !isLowEnough(current) || current.value > low.value {
          high = current
        } else {
          if current.slope * (high.length - low.length) >= 0 { high = low }
          low = current
        }
      }
    }

    private func isInside(
      _ length: Double, _ low: LinePoint<Payload>, _ high: LinePoint<Payload>
    ) -> Bool {
      let (a, b) = (min(low.length, high.length), max(low.length, high.length))
      return length > a && length < b
    }

    /// Where the cubic through two points with their slopes has its minimum; nil without one.
    private static func minimum(_ a: LinePoint<Payload>, _ b: LinePoint<Payload>) -> Double? {
      guard a.isFinite && b.isFinite else { return nil }
      let width = b.length - a.length
      let d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.length - b.length)
      let inner = d1 * d1 - a.slope * b.slope
      guard inner >= 0 else { return nil }
      let d2 = (width < 0 ? -1.0 : 1) * inner.squareRoot()
      let result = b.length - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
      return result.isFinite ? result : nil
    }
  }
}
