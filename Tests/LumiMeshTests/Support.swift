import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor

/// A scene and a camera whose parameters have names: "mesh.vertices", "camera.rotation".
struct View: Parameterized, Sendable {
  var scene: Scene<Mesh>
  var camera: Camera

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> View {
    View(
      scene: try scene.mapParameters(transform),
      camera: try camera.mapParameters { try transform("camera." + $0, $1) })
  }

  func cast(to dtype: DType) -> View {
    mapParameters { $1.dtype.isFloatingPoint ? $1.cast(to: dtype) : $1 }
  }
}

extension RenderOutput {
  /// The channels that have derivatives, by name.
  var smoothChannels: [(name: String, image: Tensor)] {
    channels.filter { $0 != .faceIndex }.map { ($0.name, try! self[$0]) }
  }

  /// Every channel weighted with fixed pseudo-random numbers, so that no error can cancel.
  func weightedSum() -> Tensor {
    var random = RandomGenerator(seed: 77)
    var total: Tensor?
    for (_, image) in smoothChannels {
      let weights = random.uniform(image.shape, low: -1, dtype: .float64).cast(to: image.dtype)
      let term = (image * weights).sum()
      total = total.map { $0 + term } ?? term
    }
    return total!
  }
}

extension Renderer where Shape == Mesh {
  func render(_ view: View) throws -> RenderOutput { try render(view.scene, from: view.camera) }

  /// The images and the derivatives of their weighted sum by name.
  func evaluate(_ view: View) throws -> (output: RenderOutput, gradients: [String: Tensor]) {
    let output = try render(view)
    let gradients = try valueAndGradient(of: view, unreachable: .zeros) {
      try render($0).weightedSum()
    }.gradients
    return (output, gradients)
  }

  /// Central differences of the whole pipeline for the named parameters.
  @discardableResult
  func check(
    _ view: View, _ names: [String], steps: [Double] = [1e-5, 1e-6], tolerance: Double = 1e-6
  ) throws -> GradientReport {
    let values = try names.map { try view.parameter($0) }
    return try checkGradients(
      at: values, names: names, steps: steps, tolerance: tolerance
    ) { changed in
      let pairs = zip(names, changed).map { ($0, $1) }
      return try render(view.replacing(Dictionary(uniqueKeysWithValues: pairs))).weightedSum()
    }
  }
}

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

  var isAllFinite: Bool { scalars(as: Double.self).allSatisfy(\.isFinite) }

  /// The largest magnitude; 0 for no elements.
  var largest: Double { scalars(as: Double.self).map(\.magnitude).max() ?? 0 }

  /// The elements' bits, so that -0 and NaN count as what they are.
  var bits: [UInt64] {
    dtype == .float32
      ? scalars(as: Float.self).map { UInt64($0.bitPattern) }
      : scalars(as: Double.self).map(\.bitPattern)
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
