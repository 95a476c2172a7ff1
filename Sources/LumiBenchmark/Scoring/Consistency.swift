import LumiRendering
import LumiTensor

/// Gradient against central differences of the method's own forward pass.
enum Consistency {
  /// The largest relative error that passes.
  static let tolerance = 1e-5

  /// Every image that the method gives counts, with fixed pseudo-random weights.
  static func score(_ drawing: ProblemDrawing, at point: Tensor) throws -> ConsistencyScore {
    let loss = { (theta: Tensor) in try weightedSum(drawing.output(theta)) }
    let largest = try gradient(at: point, unreachable: .zeros, of: loss).abs().max().value
    let report: GradientReport
    do {
      report = try checkGradients(at: [point], tolerance: tolerance) { try loss($0[0]) }
    } catch let mismatch as GradientMismatch {
      report = mismatch.report
    }
    let worst = report.worst
    return ConsistencyScore(
      relativeError: worst?.relativeError ?? 0,
      worstParameter: drawing.problem.parameters[worst?.position ?? 0],
      analytic: worst?.analytic ?? 0, numeric: worst?.numeric ?? 0, largestDerivative: largest)
  }

  private static func weightedSum(_ output: RenderOutput) throws -> Tensor {
    var random = RandomGenerator(seed: 20)
    var total = Tensor(0, dtype: .float64)
    for channel in [RenderChannel.color, .alpha, .depth] where output.channels.contains(channel) {
      let image = try output[channel]
      total = total + (image * random.uniform(image.shape, low: -1, dtype: .float64)).sum()
    }
    return total
  }
}
