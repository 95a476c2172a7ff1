import LumiRendering
import LumiScene
import LumiTensor

/// A scene and a camera whose parameters have names: "mesh.vertices", "camera.rotation".
package struct SceneView<Shape: SceneShape>: Parameterized, Sendable {
  package var scene: Scene<Shape>
  package var camera: Camera

  package init(scene: Scene<Shape>, camera: Camera) {
    self.scene = scene
    self.camera = camera
  }

  package func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SceneView {
    SceneView(
      scene: try scene.mapParameters(transform),
      camera: try camera.mapParameters { try transform("camera." + $0, $1) })
  }

  package func cast(to dtype: DType) -> SceneView {
    mapParameters { $1.dtype.isFloatingPoint ? $1.cast(to: dtype) : $1 }
  }
}

extension RenderOutput {
  /// The channels that have derivatives, by name.
  package var smoothChannels: [(name: String, image: Tensor)] {
    channels.map { ($0.name, try! self[$0]) }.filter { $0.image.dtype.isFloatingPoint }
  }

  /// Every channel weighted with fixed pseudo-random numbers, so that no error can cancel.
  package func weightedSum() -> Tensor {
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

extension Renderer {
  package func render(_ view: SceneView<Shape>) throws -> RenderOutput {
    try render(view.scene, from: view.camera)
  }

  /// The images and the derivatives of their weighted sum by name.
  package func evaluate(
    _ view: SceneView<Shape>
  ) throws -> (output: RenderOutput, gradients: [String: Tensor]) {
    let output = try render(view)
    let gradients = try valueAndGradient(of: view, unreachable: .zeros) {
      try render($0).weightedSum()
    }.gradients
    return (output, gradients)
  }

  /// Central differences of the whole pipeline for the named parameters.
  @discardableResult
  package func check(
    _ view: SceneView<Shape>, _ names: [String], steps: [Double] = [1e-5, 1e-6],
    tolerance: Double = 1e-6
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
  package var isAllFinite: Bool { scalars(as: Double.self).allSatisfy(\.isFinite) }

  /// The largest magnitude; 0 for no elements.
  package var largest: Double { scalars(as: Double.self).map(\.magnitude).max() ?? 0 }

  /// The elements' bits, so that -0 and NaN count as what they are.
  package var bits: [UInt64] {
    dtype == .float32
      ? scalars(as: Float.self).map { UInt64($0.bitPattern) }
      : scalars(as: Double.self).map(\.bitPattern)
  }
}
