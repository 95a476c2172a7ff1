import LumiRendering
import LumiTensor

extension GenovaRenderer {
  /// Answers the vectors "genova-barycentric": clip coordinates to an image of attributes.
  public static let reference = ReferenceAdapter(methods: ["genova-barycentric"]) { vector in
    let screen = ScreenSpace(
      width: try vector.integer("width"), height: try vector.integer("height"))
    let faces = try vector.tensor("faces").cast(to: .int32)
    let background = try vector.tensor("background")
    // Their sides both span [-1, 1].
    let scale = Tensor([screen.halfWidth, screen.halfHeight, 1, 1])
    func corners(_ clip: Tensor) -> Tensor { (clip * scale).gather(faces) }
    let clip = try vector.tensor("vertices_clip")
    let visibility = HomogeneousRaster.visibility(corners(clip), screen, range: -1...1)
    let fragments = HardRaster.fragments(
      visibility, corners: corners(clip).slice(axis: 2, from: 0, to: 3), screen)
    func weights(_ clip: Tensor) -> Tensor {
      HomogeneousRaster.weights(corners(clip), fragments, smallestTwiceArea: smallestTwiceArea)
    }
    // Their rows count from the bottom.
    func image(_ values: Tensor) -> Tensor {
      fragments.sumPerPixel(values)
        .reshaped([screen.height, screen.width] + values.shape.dropFirst()).flipped(axis: 0)
    }
    let product = vectorJacobianProduct(
      at: [clip, try vector.tensor("vertex_attributes")]
    ) { inputs in
      let values = fragments.interpolate(inputs[1].gather(faces), weights: weights(inputs[0]))
      return [Blending.hard(values, fragments, background: background).flipped(axis: 0)]
    }
    let lossWeights = try vector.tensor("weights")
    let gradients = product.pullback([lossWeights])
    let own = weights(clip)
    let depth = fragments.interpolate(corners(clip), weights: own)
    let z = depth.slice(axis: 1, from: 2, to: 3) / depth.slice(axis: 1, from: 3, to: 4)
    let covered = image(Tensor.ones([fragments.count], dtype: .float64))
    return [
      "face_index": visibility.cast(to: .float64).flipped(axis: 0), "barycentrics": image(own),
      "z_buffer": image(z.squeezed(axis: 1)) + (1 - covered), "image": product.values[0],
      "loss": (product.values[0] * lossWeights).sum(), "grad_vertices_clip": gradients[0],
      "grad_vertex_attributes": gradients[1],
    ]
  }
}
