import LumiRendering
import LumiTensor

extension PerspectiveTransformer {
  /// Answers the vectors "ptn": the published lattice, its samples and their largest.
  public static let reference = ReferenceAdapter(methods: ["ptn"]) { vector in
    let volume = try vector.tensor("volume")
    let focal = try vector.number("focal")
    let size =
      vector.tensors["planes_rows_cols"]?.scalars(as: Double.self).map { Int($0) } ?? volume.shape
    let lattice = PublishedLattice(
      planes: size[0], rows: size[1], columns: size[2], focalLength: focal)
    var result: [String: Tensor] = [:]
    var matrix: Tensor
    if let given = vector.tensors["matrix"] {
      matrix = given
    } else {
      let angles = [try vector.tensor("phi_deg"), try vector.tensor("theta_deg")]
      let product = vectorJacobianProduct(at: angles) {
        [
          PublishedLattice.matrix(
            elevationDegrees: $0[0], azimuthDegrees: $0[1], focalLength: focal)
        ]
      }
      matrix = product.values[0]
      result["matrix"] = matrix
      let sources = lattice.sources(matrix)
      // Some vectors hold the farthest plane only.
      let isWhole = vector.expected["source_grid"]?.rank == 4
      result["source_grid"] = isWhole ? sources : sources[0]
      let arriving = try project(volume, matrix, lattice, vector.tensor("weights")).gradients[1]
      let angular = product.pullback([arriving])
      (result["grad_phi_deg"], result["grad_theta_deg"]) = (angular[0], angular[1])
    }
    let weights = try vector.tensor("weights")
    let (samples, projection, gradients) = project(volume, matrix, lattice, weights)
    result["samples"] = samples
    result["projection"] = projection
    result["argmax_plane"] = samples.argmax(axis: 0).cast(to: .float64)
    result["loss"] = (projection * weights).sum()
    (result["grad_volume"], result["grad_matrix"]) = (gradients[0], gradients[1])
    if let target = vector.tensors["target"] {
      let error = projection - target
      result["mse"] = error.square().sum() * 0.5
      result["grad_volume_mse"] = project(volume, matrix, lattice, error).gradients[0]
    }
    return result
  }

  /// The samples, their largest a pixel, and the derivatives of the weighted sum of these.
  private static func project(
    _ volume: Tensor, _ matrix: Tensor, _ lattice: PublishedLattice, _ weights: Tensor
  ) -> (samples: Tensor, projection: Tensor, gradients: [Tensor]) {
    let product = vectorJacobianProduct(at: [volume, matrix]) { inputs in
      let samples = lattice.samples(inputs[0], at: lattice.sources(inputs[1]))
      let rays = samples.reshaped([samples.shape[0], -1]).transposed()
      let largest = MaximumAggregation().weights(of: rays, lengths: .ones(like: rays))
      return [samples, largest.samples.sum(axis: 1).reshaped(weights.shape)]
    }
    let gradients = product.pullback([.zeros(like: product.values[0]), weights])
    return (product.values[0], product.values[1], gradients)
  }
}
