import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// The exact image and derivative of a problem's first view, with the truth's gradients of the
/// probes.
struct ProblemTruth: Sendable {
  /// Relative error below which gradient figures count as the method's and not as the truth's.
  static let tolerance = 1e-2

  var truth: Truth
  let weights: [Tensor]
  /// [K][H·W]: the derivative of each pixel's mean over the channels.
  let pixels: [[Double]]
  /// [probes][K].
  let probes: [[Double]]

  init(_ problem: GradientProblem, at point: [Double]) throws {
    truth = try exactTruth(
      of: { theta in
        let scene = problem.scene(theta)
        return (try scene.exactScene(detail: problem.detail), scene.cameras[0])
      }, at: point, channel: problem.channel, shader: GradientProblem.shader,
      tolerance: Self.tolerance / 10)
    let jacobian = truth.jacobian
    weights = SmoothWeights.images(truth.image.shape)
    pixels = jacobian.map { $0.mean(axis: 2).scalars(as: Double.self) }
    probes = weights.map { weight in jacobian.map { ($0 * weight).sum().value } }
  }

  /// The larger of the image's and the derivative's estimated relative errors.
  var error: Double { max(truth.imageError, truth.jacobianError) }

  /// Whether the truth is good enough to score a gradient.
  var isConverged: Bool { error <= Self.tolerance / 10 }
}

/// The truths of a run, each computed once.
final class TruthStore: Sendable {
  private let truths: [String: OnceValue<ProblemTruth>]

  init(_ problems: [GradientProblem]) {
    truths = Dictionary(uniqueKeysWithValues: problems.map { ($0.name, OnceValue()) })
  }

  func truth(of problem: GradientProblem, at point: [Double]) throws -> ProblemTruth {
    let compute = { try ProblemTruth(problem, at: point) }
    return try truths[problem.name]?.value(compute) ?? compute()
  }
}

/// A value that is computed once, on whatever thread needs it first; others wait.
final class OnceValue<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var result: Result<Value, any Error>?

  func value(_ compute: () throws -> Value) throws -> Value {
    try lock.withLock {
      let result = result ?? Result { try compute() }
      self.result = result
      return try result.get()
    }
  }
}
