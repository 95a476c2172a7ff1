import Foundation
import LumiRendering
import LumiScene
import LumiTensor

extension GaussianVisibilityRenderer {
  /// Answers the vectors "rhodin-visibility": blobs before a camera at the origin, looking along z.
  public static let reference = ReferenceAdapter(methods: ["rhodin-visibility"]) { vector in
    var result = try outputs(vector, .integral(places: 128), "exact_")
    result.merge(try outputs(vector, .published, "sampled_")) { first, _ in first }
    return result
  }

  private static func outputs(
    _ vector: ReferenceCase, _ sampling: BlobSampling, _ prefix: String
  ) throws -> [String: Tensor] {
    let size = try vector.integer("image_size")
    let rays = rays(size, halfWidth: try vector.number("half_width"))
    let names = ["centers", "sigmas", "densities", "albedo", "background"]
    let values = try names.map { try vector.tensor($0) }
    func blobs(_ inputs: [Tensor]) -> GaussianBlobs {
      GaussianBlobs(
        centers: inputs[0], sigmas: inputs[1], densities: inputs[2], colors: inputs[3])
    }
    let product = vectorJacobianProduct(at: values) { inputs in
      [blobs(inputs).trace(rays, background: inputs[4], sampling: sampling, cutoff: .infinity)]
    }
    let channels = values[4].count
    let image = product.values[0].slice(axis: 1, from: 0, to: channels)
    let passing = 1 - product.values[0].slice(axis: 1, from: channels, to: channels + 1)
    let weights = try vector.tensor("weights").reshaped([size * size, channels])
    let unused = Tensor.zeros([size * size, 1], dtype: .float64)
    let gradients = product.pullback([.concatenate([weights, unused], axis: 1)])
    let visibility = blobs(values).visibility(rays, sampling: sampling, cutoff: .infinity)
    var result = [
      "transmittance": passing.reshaped([size, size]),
      prefix + "image": image.reshaped([size, size, channels]),
      prefix + "visibility": visibility.reshaped([size, size, -1]),
      prefix + "loss": (image * weights).sum(),
    ]
    for (name, gradient) in zip(names, gradients) { result[prefix + "grad_" + name] = gradient }
    return result
  }

  private static func rays(_ size: Int, halfWidth: Double) -> CameraRays {
    var directions: [Double] = []
    for row in 0..<size {
      for column in 0..<size {
        let x = Double(2 * column + 1 - size) / Double(size) * halfWidth
        let y = Double(size - 1 - 2 * row) / Double(size) * halfWidth
        let length = (x * x + y * y + 1).squareRoot()
        directions += [x / length, y / length, 1 / length]
      }
    }
    return CameraRays(
      origins: .zeros([size * size, 3], dtype: .float64),
      directions: Tensor(directions, shape: [size * size, 3]))
  }
}
