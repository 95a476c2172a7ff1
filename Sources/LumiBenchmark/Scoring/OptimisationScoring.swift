import Foundation
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

/// Makes a method's pictures look like the exact ones, from many seeded starts.
///
/// The same for all methods: Adam on the mean squared difference to the exact pictures of the
/// target, the rate falling to a tenth along half a cosine; the same starts; the same number of
/// iterations.
struct OptimisationScoring {
  static let starts = 16

  let problem: GradientProblem
  let renderer: AnyRenderer
  let iterations: Int
  let targets: TargetStore

  func result() -> OptimisationResult {
    let claim = renderer.method.claim(problem.group)
    let task = problem.task
    var result = OptimisationResult(
      method: renderer.method.id, problem: problem.name, group: problem.group, claim: claim,
      status: .reported, unit: task?.measure.unit ?? "", threshold: task?.threshold ?? 0,
      iterations: iterations)
    guard let task, claim != .none else {
      result.status = .skipped
      result.messages = [
        claim == .none
          ? "claims no gradient of \(problem.group.rawValue)" : "the problem is no optimisation"
      ]
      return result
    }
    do {
      let target = try targets.images(of: problem)
      var curves: [[Double]] = []
      for start in 0..<Self.starts { curves.append(try run(task, start, target)) }
      fill(&result, curves, task)
    } catch let unsupported as UnsupportedScene {
      result.status = .skipped
      result.messages = [unsupported.reason]
    } catch {
      result.status = .fail
      result.messages = ["\(error)"]
    }
    return result
  }

  /// How often the error is looked at: exact silhouettes cost more than a difference of numbers.
  private func stride(_ task: OptimisationTask) -> Int {
    if case .silhouettes = task.measure { return max(iterations / 10, 1) }
    return 1
  }

  /// The error before the first step and after every `stride` steps.
  private func run(_ task: OptimisationTask, _ start: Int, _ target: [Tensor]) throws -> [Double] {
    var random = RandomGenerator(seed: 0x73746172, stream: UInt64(start))
    var theta = Tensor(task.start(&random))
    let drawing = ProblemDrawing(problem: problem, renderer: renderer)
    var optimizer = Adam(
      learningRate: .cosine(
        initial: task.learningRate, final: task.learningRate / 10, steps: iterations))
    var errors = [try error(theta, task, target)]
    for step in 1...iterations {
      let slope = try gradient(at: theta, unreachable: .zeros) { theta in
        let images = try drawing.images(theta)
        let losses = zip(images, target).map { (($0 - $1) * ($0 - $1)).mean() }
        return losses.dropFirst().reduce(losses[0], +) / Double(losses.count)
      }
      theta = try optimizer.updated(["theta": theta], gradients: ["theta": slope])["theta"]!
      if step % stride(task) == 0 { errors.append(try error(theta, task, target)) }
    }
    return errors
  }

  private func error(
    _ theta: Tensor, _ task: OptimisationTask, _ target: [Tensor]
  ) throws -> Double {
    switch task.measure {
    case .parameters(_, let error): return error(theta.scalars(as: Double.self))
    case .silhouettes:
      let images = try TargetStore.images(problem, theta.scalars(as: Double.self), tolerance: 0.05)
      return zip(images, target).reduce(0.0) { sum, pair in
        let union = Tensor.maximum(pair.0, pair.1).sum().value
        let common = Tensor.minimum(pair.0, pair.1).sum().value
        return sum + (union > 0 ? 1 - common / union : 0)
      } / Double(images.count)
    }
  }

  private func fill(
    _ result: inout OptimisationResult, _ curves: [[Double]], _ task: OptimisationTask
  ) {
    let step = stride(task)
    result.initialErrors = curves.map { $0.first! }
    result.finalErrors = curves.map { $0.last! }
    result.iterationsToThreshold = curves.map { curve in
      guard let last = curve.lastIndex(where: { !($0 <= task.threshold) }) else { return 0 }
      return last + 1 < curve.count ? (last + 1) * step : nil
    }
    func quantiles(_ share: Double) -> [Double] {
      curves[0].indices.map { index in curves.map { $0[index] }.quantile(share)! }
    }
    result.curve = OptimisationCurve(
      iterations: curves[0].indices.map { $0 * step }, lower: quantiles(0.1),
      median: quantiles(0.5), upper: quantiles(0.9))
  }
}

/// The exact pictures of the targets of a run, each computed once.
final class TargetStore: Sendable {
  private let images: [String: OnceValue<[Tensor]>]

  init(_ problems: [GradientProblem]) {
    images = Dictionary(uniqueKeysWithValues: problems.map { ($0.name, OnceValue()) })
  }

  /// All views of the target, [H, W, C] each, to a thousandth.
  func images(of problem: GradientProblem) throws -> [Tensor] {
    guard let task = problem.task else { return [] }
    let compute = { try Self.images(problem, task.target, tolerance: 1e-3) }
    return try images[problem.name]?.value(compute) ?? compute()
  }

  /// All views of a problem at a parameter vector.
  static func images(
    _ problem: GradientProblem, _ point: [Double], tolerance: Double
  ) throws -> [Tensor] {
    let views = problem.scene(Tensor(point)).cameras.count
    return try (0..<views).map { view in
      try exactTruth(
        of: { theta in
          let scene = problem.scene(theta)
          return (try scene.exactScene(detail: problem.detail), scene.cameras[view])
        }, at: point, channel: problem.channel, shader: GradientProblem.shader,
        tolerance: tolerance, withJacobian: false
      ).image
    }
  }
}
