import LumiRendering
import LumiTensor

/// A method's bias against the truth at several values of its softness.
///
/// Pictures are drawn with every pixel cut into 16×16 and averaged, so that what remains is the
/// softness and not the sampling at pixel centres.
struct SweepScoring {
  static let subdivisions = 16
  /// How many of the truth's probes are looked at: a backward pass of so fine a picture is dear, and
  /// six tell softnesses apart.
  static let probes = 6

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
        let score = try score(variant.renderer, Tensor(point), truth)
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

  private func score(
    _ renderer: AnyRenderer, _ point: Tensor, _ truth: ProblemTruth
  ) throws -> TruthScore {
    let drawing = ProblemDrawing(problem: problem, renderer: renderer)
    let product = try vectorJacobianProduct(at: [point]) { inputs in
      [try drawing.image(inputs[0], subdivisions: Self.subdivisions)]
    }
    let probes = truth.weights.prefix(Self.probes).map {
      product.pullback([$0])[0].scalars(as: Double.self)
    }
    return TruthComparison.score(image: product.values[0], probes: probes, truth)
  }
}
