import Foundation
import LumiRendering
import LumiScene
import LumiTensor

extension SynSin {
  /// Answers the vectors "synsin": the projection of a depth map, and splats with each accumulation.
  public static let reference = ReferenceAdapter(methods: ["synsin"]) { vector in
    vector.tensors["RT2"] == nil ? try splats(vector) : try projection(vector)
  }

  private static func projection(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let (intrinsics, inverse) = (try vector.tensor("K"), try vector.tensor("K_inv"))
    let source = try vector.tensor("RT1_inv")
    let product = vectorJacobianProduct(
      at: [try vector.tensor("depth"), try vector.tensor("RT2")]
    ) { inputs in
      [
        project(
          depth: inputs[0], intrinsics: intrinsics, inverseIntrinsics: inverse,
          inverseSource: source, target: inputs[1])
      ]
    }
    let gradients = product.pullback([try vector.tensor("weights")])
    return ["screen": product.values[0], "grad_depth": gradients[0], "grad_RT2": gradients[1]]
  }

  private static func splats(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let side = try vector.integer("S")
    let count = try vector.integer("points_per_pixel")
    let renderer = SynSin(
      radius: try vector.number("radius"), radiusPower: try vector.number("rad_pow"),
      tau: try vector.number("tau"), pointsPerPixel: count,
      accumulation: Accumulation(rawValue: try vector.string("accumulation")) ?? .wsum)
    let reach = 2 * renderer.radius / Double(side)
    let inputs = [try vector.tensor("points"), try vector.tensor("features")]
    var parts: [Tensor] = []
    let product = try vectorJacobianProduct(at: inputs) { inputs in
      let points = inputs[0]
      let screen = ScreenPoints(
        positions: .stack([points.column(0), -points.column(1)], axis: 1),
        depths: points.column(2),
        footprint: .discs(radii: Tensor(reach, dtype: .float64)),
        screen: ScreenSpace(width: side, height: side))
      let result = try renderer.splat(
        screen, features: inputs[1], depths: 0...Double.greatestFiniteMagnitude, reach: reach)
      let fragments = result.fragments
      parts = [
        fragments.padded(fragments.points.cast(to: .float64), to: count, fill: -1),
        fragments.padded(fragments.squaredDistances.stoppingGradient(), to: count, fill: -1),
        fragments.padded(result.weights.stoppingGradient(), to: count, fill: 0),
      ]
      return [result.image]
    }
    let gradients = product.pullback([try vector.tensor("weights")])
    return [
      "image": product.values[0], "idx": parts[0], "dist2": parts[1], "alpha": parts[2],
      "grad_points": gradients[0], "grad_features": gradients[1],
    ]
  }
}

extension DifferentiablePointClouds {
  /// Answers the vectors "differentiable": the released cube and camera. There the first and the last
  /// probability of a ray carry a factor exp(1e-5), and a plane's depth is i/V although planes are
  /// 1/(V - 1) apart.
  public static let reference = ReferenceAdapter(methods: ["differentiable"]) { vector in
    let count = try vector.integer("V")
    let distance = try vector.number("camera_distance")
    let focal = try vector.number("focal")
    let renderer = DifferentiablePointClouds(
      planes: count, sigma: try vector.number("sigma"),
      kernelSize: try vector.integer("kernel_size"))
    func transformed(_ points: Tensor, _ quaternion: Tensor) -> Tensor {
      let turned = points.matmul(Rotation.matrix(quaternion: quaternion), transposingRight: true)
      let z = turned.slice(axis: 1, from: 0, to: 1) + distance
      return .concatenate(
        [z - distance, turned.slice(axis: 1, from: 1, to: 3) * focal / z], axis: 1)
    }
    func volume(_ places: Tensor) -> PointVolume {
      PointVolume(
        values: .ones([places.shape[0], 1], dtype: .float64),
        at: (places + 0.5) * Double(count - 1), counts: [count, count, count])
    }
    func smooth(_ raw: Tensor, _ scale: Tensor) -> Tensor {
      (renderer.blurred(raw.clamped(min: 0, max: 1)) * scale).clamped(min: 0, max: 1)
    }
    func images(_ inputs: [Tensor]) -> [Tensor] {
      let raw = volume(transformed(inputs[0], inputs[1])).sums
      let weights = terminations(smooth(raw, inputs[2]).squeezed(axis: 3))
      let quirk = exp(1e-5)
      let first = Tensor.concatenate([
        .full([1], quirk, dtype: .float64), .ones([count - 1], dtype: .float64),
      ])
      let samples = weights.samples * first
      let depths =
        Tensor.arange(count, dtype: .float64) / Double(count) + (distance - 0.5)
      let depth = (samples * depths).sum(axis: 1) + weights.remainder * (10 * quirk)
      return [samples.sum(axis: 1), depth].map {
        $0.reshaped([count, count]).flipped(axis: 0)
      }
    }
    let inputs = [
      try vector.tensor("points"), try vector.tensor("q"), try vector.tensor("scale"),
    ]
    let product = vectorJacobianProduct(at: inputs) { images($0) }
    let gradients = product.pullback([
      try vector.tensor("weights_silhouette"), try vector.tensor("weights_depth"),
    ])
    let places = transformed(inputs[0], inputs[1])
    let points = volume(places)
    return [
      "transformed": places, "kept": points.isKept.cast(to: .float64),
      "voxels_raw": points.sums.squeezed(axis: 3),
      "voxels": smooth(points.sums, inputs[2]).squeezed(axis: 3), "silhouette": product.values[0],
      "depth": product.values[1], "grad_points": gradients[0], "grad_q": gradients[1],
      "grad_scale": gradients[2],
    ]
  }
}
