import LumiTensor

#if canImport(Glibc)
  import Glibc
#endif

/// The learning rate as a function of the number of updates made so far.
///
/// A floating-point literal is a constant schedule: `Adam(learningRate: 0.01)`.
public indirect enum LearningRateSchedule: Sendable, Hashable, Codable {
  case constant(Double)
  /// initial · factor^⌊step / interval⌋.
  case step(initial: Double, factor: Double, every: Int)
  /// initial · factor^(step / interval), without stairs.
  case exponential(initial: Double, factor: Double, every: Int)
  /// From initial to final along half a cosine, then final for good: one period of I. Loshchilov,
  /// F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, equation 5.
  case cosine(initial: Double, final: Double, steps: Int)
  /// initial · factor^k, where k is how many of `milestones` the step has reached: with factor 0.5
  /// the rate halves at each.
  case milestones(initial: Double, factor: Double, at: [Int])
  /// From initial to final along a line, then final for good.
  case linear(initial: Double, final: Double, steps: Int)
  /// A linear rise from 1/steps of the next schedule's first rate to that rate, then that schedule
  /// from its own step 0.
  case warmUp(steps: Int, then: LearningRateSchedule)
  /// The first schedule for some steps, then the second from its own step 0.
  case sequence(LearningRateSchedule, steps: Int, then: LearningRateSchedule)
  /// A schedule that begins anew after every so many steps: with ``cosine(initial:final:steps:)``
  /// of the same length, warm restarts.
  case repeated(LearningRateSchedule, every: Int)
  /// The product of two schedules, one of which is a factor without unit.
  case product(LearningRateSchedule, LearningRateSchedule)

  /// The rate of update number `step`, the first being 0. Intervals and lengths below 1 count as 1.
  public func callAsFunction(_ step: Int) -> Double {
    require(step >= 0, "LearningRateSchedule: step \(step), expected 0 or more")
    switch self {
    case .constant(let rate):
      return rate
    case .step(let initial, let factor, let interval):
      return initial * pow(factor, Double(step / max(interval, 1)))
    case .exponential(let initial, let factor, let interval):
      return initial * pow(factor, Double(step) / Double(max(interval, 1)))
    case .cosine(let initial, let final, let steps):
      let progress = min(Double(step) / Double(max(steps, 1)), 1)
      return final + (initial - final) * (1 + cos(.pi * progress)) / 2
    case .milestones(let initial, let factor, let milestones):
      return initial * pow(factor, Double(milestones.count { $0 <= step }))
    case .linear(let initial, let final, let steps):
      return initial + (final - initial) * min(Double(step) / Double(max(steps, 1)), 1)
    case .warmUp(let steps, let next):
      return step < steps ? next(0) * Double(step + 1) / Double(steps) : next(step - max(steps, 0))
    case .sequence(let first, let steps, let next):
      return step < steps ? first(step) : next(step - max(steps, 0))
    case .repeated(let schedule, let interval):
      return schedule(step % max(interval, 1))
    case .product(let first, let second):
      return first(step) * second(step)
    }
  }
}

extension LearningRateSchedule: ExpressibleByFloatLiteral {
  public init(floatLiteral value: Double) { self = .constant(value) }
}

extension [String: LearningRateSchedule] {
  /// The schedule under a parameter's path, or else under the longest part of it that ends before a
  /// dot.
  func schedule(of path: String) -> LearningRateSchedule? {
    var part = Substring(path)
    while true {
      if let found = self[String(part)] { return found }
      guard let dot = part.lastIndex(of: ".") else { return nil }
      part = part[..<dot]
    }
  }

  /// Throws `ParameterError` for a key that fits none of the paths.
  func checkPaths(_ paths: some Collection<String>) throws { try keys.checkPaths(paths) }
}

extension Collection where Element == String {
  /// Throws `ParameterError` for an element that is none of the paths and no part of one that ends
  /// before a dot.
  func checkPaths(_ paths: some Collection<String>) throws {
    for key in sorted() where !paths.contains(where: { $0 == key || $0.hasPrefix(key + ".") }) {
      throw ParameterError.unknown(key, known: paths.sorted())
    }
  }
}
