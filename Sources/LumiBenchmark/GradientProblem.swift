import LumiRendering
import LumiScene
import LumiTensor

/// A small scene with one parameter vector to differentiate: a first, small set of toy problems on
/// meshes.
public struct GradientProblem: Sendable {
  /// For instance "shape/translation".
  public let name: String
  public let group: ParameterGroup
  /// What the vector means.
  public let parameter: String
  /// Where the derivative is taken, float64.
  public let point: [Double]
  /// The scene and the camera for a value of the vector.
  let build: @Sendable (Tensor) -> (scene: Scene<Mesh>, camera: Camera)
}

/// Whether a gradient agrees with central differences of the method's own forward pass.
public struct ConsistencyResult: Sendable, Codable {
  public enum Status: String, Sendable, Codable { case pass, fail, skipped }

  public let method: String
  public let problem: String
  public let parameter: String
  public let claim: GradientKind
  public let status: Status
  /// The worst over the vector's entries.
  public let relativeError: Double?
  /// The largest derivative's magnitude: a check of zeros against zeros shows here.
  public let largestDerivative: Double?
  public let message: String?
}

extension GradientProblem {
  /// The largest relative error that passes.
  public static let tolerance = 1e-5

  /// Runs the check in float64 if the method draws meshes and claims exact gradients for the group.
  public func checkConsistency(of renderer: AnyRenderer) -> ConsistencyResult {
    let claim = renderer.method.claim(group)
    func result(
      _ status: ConsistencyResult.Status, _ error: Double? = nil, _ largest: Double? = nil,
      _ message: String? = nil
    ) -> ConsistencyResult {
      ConsistencyResult(
        method: renderer.method.id, problem: name, parameter: parameter, claim: claim,
        status: status, relativeError: error.map(Self.finite),
        largestDerivative: largest.map(Self.finite), message: message)
    }
    guard renderer.shapeType == Mesh.self else { return result(.skipped, nil, nil, "not a mesh") }
    guard claim == .exact else { return result(.skipped, nil, nil, "claims no exact gradient") }
    do {
      let theta = Tensor(point)
      let largest = try gradient(at: theta, unreachable: .zeros) { try loss($0, renderer) }
        .abs().max().value
      let report = try checkGradients(
        at: [theta], names: [parameter], tolerance: Self.tolerance
      ) { try loss($0[0], renderer) }
      return result(.pass, report.worst?.relativeError, largest)
    } catch let mismatch as GradientMismatch {
      let worst = mismatch.report.worst
      return result(
        .fail, worst?.relativeError, (worst?.analytic).map(\.magnitude), "\(mismatch)")
    } catch {
      return result(.fail, nil, nil, "\(error)")
    }
  }

  /// JSON has no infinity and no NaN.
  private static func finite(_ value: Double) -> Double {
    value.isFinite ? value : .greatestFiniteMagnitude
  }

  /// The images weighted with fixed pseudo-random numbers, so that no error can cancel.
  private func loss(_ theta: Tensor, _ renderer: AnyRenderer) throws -> Tensor {
    let (scene, camera) = build(theta)
    let output = try renderer.render(scene, from: camera)
    var random = RandomGenerator(seed: 20)
    var total = Tensor(0, dtype: .float64)
    for channel in [RenderChannel.color, .alpha, .depth] where output.channels.contains(channel) {
      let image = try output[channel]
      total = total + (image * random.uniform(image.shape, low: -1, dtype: .float64)).sum()
    }
    return total
  }
}
