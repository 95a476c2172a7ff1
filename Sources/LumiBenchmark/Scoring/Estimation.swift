import LumiRendering
import LumiTensor

/// The mean of a random gradient over seeds against the exact one.
enum Estimation {
  static let samples = 64
  /// Standard errors that the mean may be away from the truth: wide enough that honest estimators
  /// with some hundred entries pass.
  static let allowed = 4.5

  /// - Parameters:
  ///   - drawing: the method, a `StochasticRenderer`, and the problem.
  ///   - point: where.
  ///   - weights: the weight images of the truth's probes.
  ///   - truth: the truth's gradients, [probes][K].
  ///   - truthError: their relative error.
  static func score(
    _ drawing: ProblemDrawing, at point: Tensor, weights: [Tensor], truth: [[Double]],
    truthError: Double
  ) throws -> EstimatorScore {
    var sums = [Double](repeating: 0, count: truth.count * point.count)
    var squares = sums
    for seed in 0..<samples {
      guard let renderer = drawing.renderer.seeded(UInt64(seed)) else {
        throw RenderError.invalid(
          method: drawing.renderer.method.id, parameter: "claims",
          expected: "a StochasticRenderer behind the claim \"estimator\"", actual: "none")
      }
      let seeded = ProblemDrawing(problem: drawing.problem, renderer: renderer)
      let product = try vectorJacobianProduct(at: [point]) { [try seeded.image($0[0])] }
      for (row, weight) in weights.enumerated() {
        let values = product.pullback([weight])[0].scalars(as: Double.self)
        for (k, value) in values.enumerated() {
          sums[row * point.count + k] += value
          squares[row * point.count + k] += value * value
        }
      }
    }
    return worst(drawing.problem, sums, squares, truth.flatMap { $0 }, truthError)
  }

  private static func worst(
    _ problem: GradientProblem, _ sums: [Double], _ squares: [Double], _ truth: [Double],
    _ truthError: Double
  ) -> EstimatorScore {
    let n = Double(samples)
    let scale = truth.reduce(0) { max($0, $1.magnitude) }
    let scores = truth.indices.map { index in
      let mean = sums[index] / n
      let variance = max(squares[index] / n - mean * mean, 0) * n / (n - 1)
      // The truth's own error, and rounding, widen the interval.
      let error = (variance / n).squareRoot() + (truthError + 1e-12) * scale
      let distance = (mean - truth[index]).magnitude
      return EstimatorScore(
        samples: samples, worstParameter: problem.parameters[index % problem.parameters.count],
        mean: mean, expected: truth[index], standardError: error,
        deviations: distance == 0 ? 0 : distance / error)
    }
    // NaN must not hide behind a comparison.
    return scores.first { $0.deviations.isNaN }
      ?? scores.max { $0.deviations < $1.deviations }!
  }
}
