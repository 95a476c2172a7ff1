/// What ``checkGradients(at:names:steps:tolerance:of:)`` found.
public struct GradientReport: Sendable, CustomStringConvertible {
  /// One compared derivative.
  public struct Entry: Sendable {
    /// The parameter's name.
    public let parameter: String
    /// Row-major position in the parameter.
    public let position: Int
    public let analytic: Double
    public let numeric: Double
    /// |analytic - numeric| divided by the larger of both magnitudes and of the parameter's mean
    /// derivative magnitude, so that tiny entries beside large ones do not count as wrong.
    public let relativeError: Double
  }

  /// The entry with the largest relative error; nil if there was nothing to compare.
  public let worst: Entry?
  /// How many entries were compared.
  public let compared: Int
  public let tolerance: Double

  /// Whether every entry is within the tolerance.
  public var passes: Bool { compared > 0 && (worst.map { $0.relativeError <= tolerance } ?? true) }

  public var description: String {
    guard let worst else { return "no derivatives compared" }
    return """
      \(compared) derivatives compared, tolerance \(tolerance); worst: \(worst.parameter)\
      [\(worst.position)] analytic \(worst.analytic), numeric \(worst.numeric), relative error \
      \(worst.relativeError)
      """
  }
}

/// The gradient does not agree with central differences.
public struct GradientMismatch: Error, Sendable, CustomStringConvertible {
  public let report: GradientReport
  public var description: String { "gradient mismatch: \(report)" }
}

/// Compares the gradient of a function with central differences in float64.
///
/// Parameters of another floating-point dtype are converted to float64 first, so the function must
/// follow its argument's dtype. A result that is not a scalar is summed with fixed pseudo-random
/// weights, so that errors in single elements cannot cancel. Per entry the best of several step
/// sizes counts: large ones suffer from curvature, small ones from rounding. What rounding alone can
/// explain (4 units in the last place of the summed magnitudes over the largest step) is not an error.
///
/// - Parameters:
///   - parameters: where to differentiate.
///   - names: for the report; "parameter 0", … if missing.
///   - steps: step sizes relative to max(1, |x|).
///   - tolerance: the largest relative error that passes.
///   - function: the function to check; it must follow its arguments' dtype.
/// - Returns: the report of a passing check.
/// - Throws: ``GradientMismatch`` with the worst entry, or what `function` throws.
@discardableResult
public func checkGradients(
  at parameters: [Tensor], names: [String] = [], steps: [Double] = [1e-4, 1e-5, 1e-6],
  tolerance: Double = 1e-6, of function: ([Tensor]) throws -> Tensor
) throws -> GradientReport {
  let points = parameters.map { $0.detached.cast(to: .float64) }
  func terms(_ x: [Tensor]) throws -> Tensor {
    let value = try function(x).cast(to: .float64)
    guard value.count != 1 else { return value }
    var random = RandomGenerator(seed: 0x6C75_6D69)
    return value * random.uniform(value.shape, low: 0.5, high: 1.5, dtype: .float64)
  }
  let analytic = try gradient(at: points, unreachable: .zeros) { try terms($0).sum() }
  var worst: GradientReport.Entry?
  var compared = 0
  for (index, point) in points.enumerated() {
    let name = index < names.count ? names[index] : "parameter \(index)"
    let exact = analytic[index].scalars(as: Double.self)
    let scale = exact.reduce(0) { $0 + $1.magnitude } / Double(max(exact.count, 1))
    for position in 0..<point.count {
      let candidates = try steps.map { step in
        let (numeric, size) = try centralDifference(points, index, position, step, terms)
        let noise = 4 * size * Double.ulpOfOne / (steps.max() ?? 1)
        return GradientReport.Entry(
          parameter: name, position: position, analytic: exact[position], numeric: numeric,
          relativeError: relativeError(exact[position], numeric, noise, scale))
      }
      let best = candidates.min { $0.relativeError < $1.relativeError }!
      if best.relativeError > worst?.relativeError ?? -1 { worst = best }
      compared += 1
    }
  }
  let report = GradientReport(worst: worst, compared: compared, tolerance: tolerance)
  guard report.passes else { throw GradientMismatch(report: report) }
  return report
}

/// (f(x + h) - f(x - h)) / 2h for one entry of one parameter, and the summed magnitudes of f's terms.
private func centralDifference(
  _ points: [Tensor], _ index: Int, _ position: Int, _ step: Double,
  _ terms: ([Tensor]) throws -> Tensor
) rethrows -> (slope: Double, size: Double) {
  let x = points[index].scalars(as: Double.self)
  let h = step * max(1, x[position].magnitude)
  func shifted(_ by: Double) -> [Tensor] {
    var moved = x
    moved[position] += by
    var all = points
    all[index] = Tensor(moved, shape: points[index].shape)
    return all
  }
  let above = try terms(shifted(h))
  let below = try terms(shifted(-h))
  let size = max(above.abs().sum().value, below.abs().sum().value)
  return ((above - below).sum().value / (2 * h), size)
}

private func relativeError(_ a: Double, _ b: Double, _ noise: Double, _ scale: Double) -> Double {
  let error = (a - b).magnitude
  guard error.isFinite else { return .infinity }
  return error <= noise ? 0 : (error - noise) / max(a.magnitude, b.magnitude, scale)
}
