import LumiRendering
import LumiTensor

/// The derivative of every pixel with respect to one parameter, as a method gives it and as it truly
/// is.
public struct DerivativePicture: Sendable {
  public let width: Int
  public let height: Int
  /// Row-major, the mean over the channels; nil if not asked for.
  public let truth: [Double]?
  public let method: [Double]
  /// The magnitude that gets the full colour: the truth's largest, or the method's without one.
  public let scale: Double

  /// - Parameters:
  ///   - problem: one with a derivative.
  ///   - parameter: position in the problem's vector.
  ///   - renderer: the method.
  ///   - withTruth: whether to compute the truth as well.
  /// - Throws: ``UnsupportedScene`` where there is no such picture, and what rendering throws.
  public init(
    of problem: GradientProblem, parameter: Int, by renderer: AnyRenderer, withTruth: Bool
  ) throws {
    guard let point = problem.point, problem.parameters.indices.contains(parameter) else {
      throw UnsupportedScene("\(problem.name) has no derivative \(parameter)")
    }
    let drawing = ProblemDrawing(problem: problem, renderer: renderer)
    let jacobian = try MethodJacobian(drawing, at: Tensor(point), weights: [])
    (height, width) = (jacobian.image.shape[0], jacobian.image.shape[1])
    method = jacobian.pixels[parameter]
    truth = withTruth ? try ProblemTruth(problem, at: point).pixels[parameter] : nil
    let largest = (truth ?? []).map(\.magnitude).max() ?? 0
    let own = method.filter(\.isFinite).map(\.magnitude).max() ?? 0
    scale = largest > 0 ? largest : own > 0 ? own : 1
  }

  /// [height · zoom, width · zoom, 3] in display values 0 to 1: blue below zero, white at zero, red
  /// above; grey where a number is not finite. The truth, if there is one, is on the left, with a
  /// grey gap of one pixel.
  public func pixels(zoom: Int) -> Tensor {
    let parts = [truth, method].compactMap { $0.map(colors) }
    let gap = Tensor.full([height, 1, 3], 0.5, dtype: .float64)
    let row = parts.count == 2 ? [parts[0], gap, parts[1]] : parts
    return Tensor.concatenate(row, axis: 1).repeated(zoom, axis: 0).repeated(zoom, axis: 1)
  }

  private func colors(_ values: [Double]) -> Tensor {
    Tensor(
      values.flatMap { value -> [Double] in
        guard value.isFinite else { return [0.5, 0.5, 0.5] }
        let t = max(-1, min(1, value / scale))
        let strong = t >= 0 ? [0.70, 0.09, 0.17] : [0.13, 0.40, 0.67]
        return strong.map { 1 + ($0 - 1) * t.magnitude }
      }, shape: [height, width, 3])
  }
}
