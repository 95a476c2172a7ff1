import LumiRendering
import LumiTensor

/// A method's bias against the truth at several values of its softness.
struct SweepScoring {
  /// Where the bias is looked at: a silhouette that moves.
  static let problem = "geometry/translation"

  let method: String
  let softness: SoftnessSweep
  let problem: GradientProblem
  let truths: TruthStore

  func result() -> SweepResult {
    var result = SweepResult(
      method: method, parameter: softness.parameter, problem: problem.name, status: .reported)
    do {
      guard let point = problem.point else { return result }
      let truth = try truths.truth(of: problem, at: point)
      guard truth.isConverged else {
        result.status = .skipped
        result.messages = ["the truth did not converge (error \(short(truth.error)))"]
        return result
      }
      result.points = try softness.variants.map { variant in
        let drawing = ProblemDrawing(problem: problem, renderer: variant.renderer)
        let jacobian = try MethodJacobian(drawing, at: Tensor(point), weights: truth.weights)
        let score = TruthComparison.score(jacobian, truth)
        return SweepPoint(
          value: variant.value, imageError: score.imageError ?? .nan,
          cosine: score.cosine ?? .nan, relativeL2: score.relativeL2 ?? .nan)
      }
    } catch let unsupported as UnsupportedScene {
      result.status = .skipped
      result.messages = [unsupported.reason]
    } catch {
      result.status = .fail
      result.messages = ["\(error)"]
    }
    return result
  }
}
