import Foundation
import LumiRendering
import LumiTensor

/// Scores one method's derivative of one problem: every check that its claim asks for.
struct DerivativeScoring {
  let problem: GradientProblem
  let renderer: AnyRenderer
  let truths: TruthStore

  func result() -> DerivativeResult {
    let claim = renderer.method.claim(problem.group)
    var result = DerivativeResult(
      method: renderer.method.id, problem: problem.name, group: problem.group, claim: claim,
      status: claim == .exact || claim == .estimator ? .pass : .reported)
    guard let point = problem.point, claim != .none else {
      result.status = .skipped
      result.messages = [
        claim == .none
          ? "claims no gradient of \(problem.group.rawValue)" : "the problem has no derivative"
      ]
      return result
    }
    do {
      try fill(&result, point)
    } catch let unsupported as UnsupportedScene {
      result.status = .skipped
      result.messages = [unsupported.reason]
    } catch {
      result.status = .fail
      result.messages.append("\(error)")
    }
    return result
  }

  private func fill(_ result: inout DerivativeResult, _ point: [Double]) throws {
    let drawing = ProblemDrawing(problem: problem, renderer: renderer)
    let theta = Tensor(point)
    // Before the truth, which is the longer of the two.
    let shape = try drawing.image(theta).shape
    if result.claim == .exact {
      let score = try Consistency.score(drawing, at: theta)
      result.consistency = score
      if !(score.relativeError <= Consistency.tolerance) {
        result.messages.append(
          """
          gradient of \(score.worstParameter) is \(short(score.analytic)), differences give \
          \(short(score.numeric)) (relative error \(short(score.relativeError)))
          """)
      }
    }
    let truth = try truths.truth(of: problem, at: point)
    guard truth.truth.image.shape == shape else {
      throw RenderError.invalid(
        method: renderer.method.id, parameter: problem.channel.name,
        expected: "\(truth.truth.image.shape)", actual: "\(shape)")
    }
    let jacobian = try MethodJacobian(drawing, at: theta, weights: truth.weights)
    result.nonFinite = jacobian.nonFinite
    if jacobian.nonFinite > 0 {
      result.messages.append("\(jacobian.nonFinite) numbers are not finite")
    }
    result.truth = TruthComparison.score(jacobian, truth)
    result.pictures = GradientPicture.pictures(problem, jacobian, truth)
    result.bitEqual = try repeats(drawing, theta, jacobian, truth.weights)
    if result.claim == .estimator {
      let score = try Estimation.score(
        drawing, at: theta, weights: truth.weights, truth: truth.probes, truthError: truth.error)
      result.estimate = score
      if !(score.deviations <= Estimation.allowed) {
        result.messages.append(
          """
          mean gradient of \(score.worstParameter) is \(short(score.mean)), the truth \
          \(short(score.expected)): \(short(score.deviations)) standard errors apart
          """)
      }
    }
    if !result.messages.isEmpty { result.status = .fail }
  }

  /// Whether a second run gives the same bits on another number of threads.
  private func repeats(
    _ drawing: ProblemDrawing, _ theta: Tensor, _ first: MethodJacobian, _ weights: [Tensor]
  ) throws -> Bool {
    try LumiRuntime.withThreads(LumiRuntime.threads + 1) {
      let product = try vectorJacobianProduct(at: [theta]) { [try drawing.image($0[0])] }
      let probes = weights.map { product.pullback([$0])[0].scalars(as: Double.self) }
      func bits(_ values: [Double]) -> [UInt64] { values.map(\.bitPattern) }
      return bits(product.values[0].scalars(as: Double.self))
        == bits(first.image.scalars(as: Double.self))
        && probes.map(bits) == first.probes.map(bits)
    }
  }
}

/// Three significant digits.
func short(_ value: Double) -> String { String(format: "%.3g", value) }
