import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
@_exported import RenderingTestSupport

typealias View = SceneView<Mesh>

extension Tensor {
  /// The largest absolute difference, divided by the largest magnitude of `reference` or `floor`.
  func distance(to reference: Tensor, floor: Double = 1e-3) -> Double {
    precondition(shape == reference.shape)
    let exact = reference.scalars(as: Double.self)
    let scale = exact.map(\.magnitude).max() ?? 0
    var worst = 0.0
    for (a, b) in zip(scalars(as: Double.self), exact) where a != b {
      let difference = (a - b).magnitude
      worst = Swift.max(worst, difference.isFinite ? difference : .infinity)
    }
    return worst / Swift.max(scale, floor)
  }
}

/// The worst disagreement of two evaluations, with the field's name.
func worstDistance(
  _ a: (output: RenderOutput, gradients: [String: Tensor]),
  _ b: (output: RenderOutput, gradients: [String: Tensor])
) -> (name: String, distance: Double) {
  var worst = (name: "nothing", distance: -1.0)
  func note(_ name: String, _ distance: Double) {
    if !(distance <= worst.distance) { worst = (name, distance) }
  }
  for (x, y) in zip(a.output.smoothChannels, b.output.smoothChannels) {
    note(x.name, x.image.cast(to: .float64).distance(to: y.image.cast(to: .float64)))
  }
  for (name, gradient) in a.gradients {
    note("gradient of " + name, gradient.distance(to: b.gradients[name]!))
  }
  return worst
}
