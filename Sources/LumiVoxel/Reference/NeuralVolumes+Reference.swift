import Foundation
import LumiRendering
import LumiScene
import LumiTensor

extension NeuralVolumes {
  /// Answers the vectors "neural" with their random draws.
  public static let reference = ReferenceAdapter(methods: ["neural"]) { vector in
    let template = try vector.tensor("template")
    let warp = vector.tensors["warp"]
    let rays = try rays(vector)
    let interval = Self.interval(grid(template, warp), rays)
    let dt = try vector.number("dt")
    let steps = (try vector.tensor("step_noise").transposed() * 0.01).exp() * dt
    let starts = try vector.tensor("start_jitter") * dt
    let samples = Self.samples(
      grid(template, warp), rays, interval, starts: starts, steps: steps)
    let background = try vector.tensor("background")
    let product = vectorJacobianProduct(at: [template] + [warp].compactMap { $0 }) { inputs in
      let (weights, colors) = NeuralVolumes().march(
        grid(inputs[0], inputs.count > 1 ? inputs[1] : nil), samples, along: rays)
      let color = weights.composite(colors, background: .zeros([3], dtype: .float64))
      return [
        color, 1 - weights.remainder,
        color + weights.remainder.expandingDims(at: 1) * background,
      ]
    }
    let cotangents = [
      Tensor.zeros(like: product.values[0]), try vector.tensor("weights_alpha"),
      try vector.tensor("weights_image"),
    ]
    let gradients = product.pullback(cotangents)
    var result = [
      "entry": interval.near, "exit": interval.far,
      "steps": iterations(interval, starts, steps), "color": product.values[0],
      "alpha": product.values[1], "image": product.values[2], "grad_template": gradients[0],
      "loss": zip(product.values, cotangents).reduce(Tensor(0, dtype: .float64)) {
        $0 + ($1.0 * $1.1).sum()
      },
    ]
    if warp != nil { result["grad_warp"] = gradients[1] }
    return result
  }

  /// Channels first, axes z, y, x.
  private static func grid(_ template: Tensor, _ warp: Tensor?) -> VoxelGrid {
    let plain = template.transposed(3, 2, 1, 0)
    return VoxelGrid(
      values: plain.slice(axis: 3, from: 3, to: 4).squeezed(axis: 3), quantity: .density,
      appearance: .colors(plain.slice(axis: 3, from: 0, to: 3)),
      warp: warp?.transposed(3, 2, 1, 0))
  }

  /// Pixel centres of the vectors are at whole numbers.
  private static func rays(_ vector: ReferenceCase) throws -> CameraRays {
    let rotation = try vector.tensor("R")
    let position = try vector.tensor("position")
    let camera = Camera(
      rotation: rotation,
      translation: -position.expandingDims(at: 0).matmul(rotation, transposingRight: true)
        .squeezed(axis: 0),
      focalLength: try vector.tensor("focal"),
      principalPoint: try vector.tensor("principal") + 0.5, width: try vector.integer("W"),
      height: try vector.integer("H"))
    return PixelRays(of: camera).rays
  }

  /// After how many steps the last ray has left the box.
  private static func iterations(
    _ interval: RayInterval, _ starts: Tensor, _ steps: Tensor
  ) -> Tensor {
    let isHit = interval.isHit
    let near = Tensor.where(isHit, interval.near, 0).clamped(min: 0)
    let far = Tensor.where(isHit, interval.far, 0)
    let after = (near - starts).expandingDims(at: 1) + steps.cumsum(axis: 1)
    let isUnderway = (after .< far.expandingDims(at: 1)).cast(to: .float64)
    return isUnderway.sum(axis: 1).max() + 1
  }
}
